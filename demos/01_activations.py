"""What does each channel respond to? One forward pass, and the feature maps of two layers (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "01_activations.png")

    acts = net.forward(net.preprocess(image), grad=None)        # image -> named activations; no backward will follow

    figure = {"input": image}
    for layer in net.role("style")[:2]:                         # an early layer, and one further up
        maps = acts[layer][0]                                   # (H, W, C)
        strongest = np.argsort(-maps.max(axis=(0, 1)))[:8]      # the channels that respond most, in two rows
        H, W = maps.shape[:2]
        sheet = np.zeros((2 * H, 4 * W), maps.dtype)
        for k, channel in enumerate(strongest):
            top, left = k // 4 * H, k % 4 * W
            sheet[top:top + H, left:left + W] = maps[:, :, channel]
        figure[f"{layer}\nthe strongest {len(strongest)} of {maps.shape[2]} channels"] = sheet
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
