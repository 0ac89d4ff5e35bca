"""Is depth the reason? A linear classifier is fooled as well, and shows why (Goodfellow et al. 2015; lecture 9).

    s = w . x         move every x_i by eps along the sign of w_i, and s rises by eps * sum |w_i|

First come the lecture's ten numbers, then a softmax classifier of handwritten digits without hidden layers: its weights
as pictures, the smallest change that alters an answer, and a bit of one digit's weights mixed into another digit.
"""

import sys

import numpy as np
from loading import bars, chance, digits, percent, save

GOAL, DECAY, RATE = 3, 1e-3, 0.5


def main(argv=None):
    pictures, labels, options = digits(__doc__, argv, "16_linear.png", steps=1200)

    w = np.array([-1.0, -1, 1, -1, 1, -1, 1, 1, -1, 1])
    x = np.array([2.0, -1, 3, -2, 2, 2, 1, -4, 5, 1])
    nudged = x + 0.5 * np.sign(w)
    figure = {}
    for what, z in (("w x", x), ("w (x + 0.5 sign w)", nudged)):
        p = 1 / (1 + np.exp(-w @ z))
        figure[f"{what}\nsum {w @ z:g}, p(class 1) = {p:.4f}"] = bars(z, w)

    x = pictures.reshape(len(pictures), -1) / 255               # (N, 64)
    train, new, targets = x[:1500], x[1500:], np.eye(10)[labels[:1500]]
    w, b = np.zeros((64, 10)), np.zeros(10)
    for _ in range(options.steps):
        p = np.exp(train @ w + b)
        dscores = (p / p.sum(axis=1, keepdims=True) - targets) / len(train)         # d -log p(label) / d scores
        w, b = w - RATE * (train.T @ dscores + DECAY * w), b - RATE * dscores.sum(axis=0)
    figure |= {f"the weights of {k}": w[:, k].reshape(8, 8) for k in (0, GOAL)}

    right = (new @ w + b).argmax(axis=1) == labels[1500:]
    start, label = new[right][0], labels[1500:][right][0]
    slopes, gaps = w - w[:, [label]], start @ w + b - (start @ w + b)[label]        # of all scores, less the label's
    slopes[:, label], gaps[label] = 1, -np.inf
    nearest = (-gaps / abs(slopes).sum(axis=0)).argmin()        # the eps that each class needs, if nothing is clipped
    template = w[:, GOAL] - w.mean(axis=1)                      # what speaks for this digit and not for all
    ways = {"nudged": (np.sign(slopes[:, nearest]), lambda p: p.argmax() != label),
            f"mixed with {GOAL}": (template / abs(template).max(), lambda p: p[GOAL] > 0.99)}

    titles, made = [f"a new digit\n{percent(right.mean())} of them are right"], [start]
    for how, (way, done) in ways.items():
        for level in range(1, 256):                             # of 255: the largest change of any pixel
            at = np.rint(255 * np.clip(start + level / 255 * way, 0, 1)) / 255
            p = np.exp(at @ w + b) / np.exp(at @ w + b).sum()
            if done(p):
                break
        titles, made = [*titles, f"{how}, by {level} of 255\nit says {p.argmax()}, {chance(p.max())}"], [*made, at]
    figure |= {title: np.uint8(np.rint(255 * at)).reshape(8, 8, 1) for title, at in zip(titles, made)}
    save(options.out, figure, height=300)


if __name__ == "__main__":
    sys.exit(main())
