"""Which image has the highest score for a class? Gradient ascent on the pixels, from grey (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "10_maximize.png")
    logits = net.role("logits")
    best = net.forward(net.preprocess(image), until=logits)[logits][0].argmax()
    name = net.class_names[best] if net.class_names else f"class {best}"
    rng = np.random.default_rng(0)

    figure = {f"the net says: {name}": image}
    for title, moves in (("score and L2 alone", 0), ("each step elsewhere, and blurred", 6)):
        x = np.zeros_like(net.preprocess(image))                    # the mean colour
        for step in range(150):
            shift = rng.integers(-moves, moves + 1, 2)
            acts = net.forward(np.roll(x, shift, axis=(1, 2)), until=logits)
            seed = np.zeros_like(acts[logits])
            seed[0, best] = 1                                       # the score before the softmax
            dacts, _ = net.backward(acts, {logits: seed})
            g = np.roll(dacts["input"], -shift, axis=(1, 2))
            x = 0.99 * x + 0.05 * g / (abs(g).mean() + 1e-12)       # up the score; 0.99: L2
            if moves and step % 2:
                for axis in (1, 2):                                 # a blur of 1 2 1
                    x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
        figure[f"{name}, {title}"] = net.deprocess(x)[0].clip(0, 255).round().astype(np.uint8)
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
