"""What does each layer still know? An image with the same code, reconstructed from noise (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "11_invert.png")
    x0 = net.preprocess(image)
    layers = [*net.role("style")[:1], net.role("content"), net.roles["code"] or list(net.nodes)[-1]]

    figure = {"the picture": image}
    for layer in layers:
        phi0 = net.forward(x0, until=layer)[layer]                  # the code is all that we keep of the picture
        x = 0.1 * np.random.default_rng(0).standard_normal(x0.shape).astype(x0.dtype)
        m, v = np.zeros_like(x), np.zeros_like(x)
        for step in range(1, 201):
            acts = net.forward(x, until=layer)
            difference = acts[layer] - phi0
            dacts, _ = net.backward(acts, {layer: 2 * difference / (phi0**2).sum()})    # of |phi - phi0|^2 / |phi0|^2
            g = dacts["input"]
            for axis in (1, 2):                                     # and of a little total variation
                steps = np.diff(x, axis=axis)
                ends = [(0, 0)] * 4
                ends[axis] = (1, 1)
                g = g - 2e-6 * np.diff(np.pad(steps, ends), axis=axis)
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g     # Adam
            x = x - 0.05 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-10)
        off = np.linalg.norm(net.forward(x, until=layer)[layer] - phi0) / np.linalg.norm(phi0)
        figure[f"from {layer}: {100 * off:.1f} % off"] = net.deprocess(x)[0].clip(0, 255).round().astype(np.uint8)
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
