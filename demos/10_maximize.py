"""Which image has the highest score for a class? Gradient ascent on the pixels, from grey (lecture 9).

Two nets of the same layers: emoji-vgg-robust was trained against attacks, and draws a whole goose from each of four
starts; what emoji-vgg likes best is mud to us, as its gradient is.
"""

import sys

import numpy as np
from loading import load_nets, save, sheet_of

STEPS = 150


def main(argv=None):
    nets, image, out = load_nets(__doc__, argv, "10_maximize.jpg", ("emoji-vgg-robust", "emoji-vgg"))
    figure, rng = {}, np.random.default_rng(0)
    for which, net in nets.items():
        logits = net.role("logits")
        scores = net.forward(net.preprocess(image), until=logits)[logits][0]
        best = scores.argmax()
        name = net.class_names[best] if net.class_names else f"class {best}"
        figure.setdefault(f"the net says: {name}", image)
        for title, moves, starts in (("from zero, with L2", 0, 1), ("moved and blurred", 6, 4)):
            x = np.zeros_like(net.preprocess(image)).repeat(starts, axis=0)     # zero is the mean colour
            x = x + (moves > 0) * 0.3 * rng.standard_normal(x.shape).astype(x.dtype)
            for step in range(STEPS):
                shift = rng.integers(-moves, moves + 1, 2)
                acts = net.forward(np.roll(x, shift, axis=(1, 2)), until=logits)
                seed = np.zeros_like(acts[logits])
                seed[:, best] = 1                                   # the score before the softmax
                dacts, _ = net.backward(acts, {logits: seed})
                g = np.roll(dacts["input"], -shift, axis=(1, 2))
                x = 0.99 * x + 0.05 * g / (abs(g).mean(axis=(1, 2, 3), keepdims=True) + 1e-12)      # 0.99: L2
                if moves and step % 2:
                    for axis in (1, 2):                             # a blur of 1 2 1
                        x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
            made = net.deprocess(x).clip(0, 255).round().astype(np.uint8)
            high = net.forward(net.preprocess(made), until=logits)[logits][:, best]
            said = f"{high.min():.0f} to {high.max():.0f}" if starts > 1 else f"{high[0]:.0f}"
            shown = sheet_of(made, 2) if starts > 1 else made[0]
            figure[f"{title}: {name}\n{which}, score {said}; the picture's: {scores[best]:.0f}"] = shown
    save(out, figure, height=192)


if __name__ == "__main__":
    sys.exit(main())
