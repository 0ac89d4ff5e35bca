"""What does the net see in the picture? DeepDream amplifies it (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "12_dream.png", whole=True)
    rng = np.random.default_rng(0)
    low, high = net.role("style")[0], net.role("dream")

    figure = {"the picture": image}
    for layer in (low, high):
        octaves = [image[None].astype(net.dtype)]
        for _ in range(2):
            octaves.append(octaves[-1][:, ::2, ::2])                # smaller and smaller
        detail = np.zeros_like(octaves[-1])
        for base in reversed(octaves):
            H, W = base.shape[1:3]
            detail = detail[:, np.arange(H) * len(detail[0]) // H][:, :, np.arange(W) * detail.shape[2] // W]
            pixels = base + detail                                  # the detail of the smaller one is carried over
            for _ in range(10):
                shift = rng.integers(-16, 17, 2)
                pixels = np.roll(pixels, shift, axis=(1, 2))        # jitter
                acts = net.forward(net.preprocess(pixels), until=layer)
                dacts, _ = net.backward(acts, {layer: acts[layer]})             # dx = x: more of what it sees
                g = net.preprocessing.preprocess_adjoint(dacts["input"], image.shape[2])
                pixels = (pixels + 1.5 / abs(g).mean() * g).clip(0, 255)
                pixels = np.roll(pixels, -shift, axis=(1, 2))
            detail = pixels - base
        figure[f"more of what {layer} sees"] = pixels[0].round().astype(np.uint8)
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
