"""Which part of the picture does the net need? A grey square slides over it, and the class's probability falls.

Zeiler & Fergus 2014, section 4.2 (lecture 9). This takes forward passes only, so it works on any classifier.
"""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "05_occlusion.png")
    prob, (H, W) = net.role("prob"), image.shape[:2]
    size, step = max(1, H * 3 // 10), max(1, H // 16)           # of the square, and from one place to the next

    probs = net.forward(net.preprocess(image), grad=None)[prob][0]
    best = probs.argmax()

    drop, times = np.zeros((H, W)), np.zeros((H, W))
    for top in range(0, H - size + step, step):
        covered, places = [], []
        for left in range(0, W - size + step, step):            # a whole row of places in one batch
            copy = image.copy()
            copy[top:top + size, left:left + size] = 128
            covered.append(copy)
            places.append(np.s_[top:top + size, left:left + size])
        p = net.forward(net.preprocess(np.stack(covered)), grad=None)[prob][:, best]
        for place, value in zip(places, p):
            drop[place] += probs[best] - value                  # how far it fell, for every pixel that was covered
            times[place] += 1

    name = net.class_names[best] if net.class_names else f"class {best}"
    save(out, {f"p({name}) = {probs[best]:.4f}": image, f"drop of p({name})\nwhere a square covers": drop / times})


if __name__ == "__main__":
    sys.exit(main())
