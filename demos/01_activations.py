"""What does each channel respond to? One forward pass, and the feature maps of two layers (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "01_activations.png")

    acts = net.forward(net.preprocess(image), grad=None)        # image -> named activations; no backward will follow

    figure = {f"the input\n{image.shape[1]} x {image.shape[0]} pixels": image}
    for layer in net.role("style")[:2]:                         # an early layer, and one further up
        maps = acts[layer][0]                                   # (H, W, C)
        strongest = np.argsort(-maps.max(axis=(0, 1)))[:8]      # the channels that respond most, in two rows
        H, W = maps.shape[:2]
        sheet = np.full((2 * H + 1, 4 * W + 3), np.nan, maps.dtype)     # NaN: a gap
        for k, channel in enumerate(strongest):
            top, left = k // 4 * (H + 1), k % 4 * (W + 1)
            sheet[top:top + H, left:left + W] = maps[:, :, channel]
        figure[f"{layer}\nthe {len(strongest)} strongest of {maps.shape[2]} maps of {W} x {H}"] = sheet
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
