"""Which part of the picture does the net need? A grey square slides over it, and the class's probability changes.

Zeiler & Fergus 2014, section 4.2 (lecture 9). Forward passes only, so it works on any classifier. Beside each
map stands what the net sees instead, wherever the square lies.
"""

import sys

import numpy as np
from loading import chance, load_some, percent, save

COLOURS = {"grey": (190, 190, 190), "blue": (0, 114, 178), "red": (204, 51, 17), "green": (0, 158, 115),
           "yellow": (230, 159, 0), "pink": (204, 121, 167)}


def main(argv=None):
    net, pictures, out = load_some(__doc__, argv, "05_occlusion.png", (128, 90))       # a cat and a bicycle
    prob, figure = net.role("prob"), {}
    names = net.class_names or [f"class {k}" for k in range(net.shapes()[prob][-1])]
    for image in pictures:
        H, W = image.shape[:2]
        size, step = max(1, H * 3 // 10), max(1, H // 16)       # of the square, and from one place to the next
        p = net.forward(net.preprocess(image), grad=None)[prob][0]
        best = p.argmax()

        tops, lefts = (range(-(size // 2), side - size // 2, step) for side in (H, W))   # centres: over all the picture
        rows = []
        for top in tops:
            covered = np.repeat(image[None], len(lefts), axis=0)        # a whole row of places in one batch
            for copy, left in zip(covered, lefts):
                copy[max(0, top):top + size, max(0, left):left + size] = 128
            rows.append(net.forward(net.preprocess(covered), grad=None)[prob])
        probs = np.stack(rows)                                  # (places down, places across, classes)

        winners = probs.argmax(axis=2)
        order = sorted(set(winners.ravel()), key=lambda k: (k != best, -(winners == k).sum()))
        rank = np.minimum(np.array([[order.index(k) for k in row] for row in winners]), len(COLOURS) - 1)
        shares = [f"{names[k]} {percent((winners == k).mean())}" for k in order[:2]]
        named = ", ".join(f"{colour}: {share}" for colour, share in zip(COLOURS, shares))
        change = probs[:, :, best]
        figure[f"the input\n{names[best]} {chance(p[best])}"] = image
        reach = f"from {chance(change.min())} to {chance(change.max())}"
        figure[f"p({names[best]}) where the square lies\n{reach}"] = change
        figure[f"the most likely class there\n{named}"] = np.uint8(list(COLOURS.values()))[rank]
    save(out, figure, height=288, columns=3)


if __name__ == "__main__":
    sys.exit(main())
