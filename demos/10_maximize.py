"""Which image has the highest score for a class? Gradient ascent on the pixels, from grey (lecture 9).

Two nets of the same layers: what emoji-vgg likes best is mud to us, as its gradient is; emoji-vgg-robust was trained
against attacks, and draws a goose.
"""

import sys

import numpy as np
from loading import load_nets, save


def main(argv=None):
    nets, image, out = load_nets(__doc__, argv, "10_maximize.png", ("emoji-vgg-robust", "emoji-vgg"))
    figure, rng = {}, np.random.default_rng(0)
    for which, net in nets.items():
        logits = net.role("logits")
        best = net.forward(net.preprocess(image), until=logits)[logits][0].argmax()
        name = net.class_names[best] if net.class_names else f"class {best}"
        figure.setdefault(f"the net says: {name}", image)
        for title, moves in (("score and L2 alone", 0), ("each step elsewhere, and blurred", 6)):
            x = np.zeros_like(net.preprocess(image))                # the mean colour
            for step in range(150):
                shift = rng.integers(-moves, moves + 1, 2)
                acts = net.forward(np.roll(x, shift, axis=(1, 2)), until=logits)
                seed = np.zeros_like(acts[logits])
                seed[0, best] = 1                                   # the score before the softmax
                dacts, _ = net.backward(acts, {logits: seed})
                g = np.roll(dacts["input"], -shift, axis=(1, 2))
                x = 0.99 * x + 0.05 * g / (abs(g).mean() + 1e-12)   # up the score; 0.99: L2
                if moves and step % 2:
                    for axis in (1, 2):                             # a blur of 1 2 1
                        x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
            figure[f"{title}\n{which}: {name}"] = net.deprocess(x)[0].clip(0, 255).round().astype(np.uint8)
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
