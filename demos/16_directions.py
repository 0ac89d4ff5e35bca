"""Why is so little enough? Along the gradient all numbers of a picture work together, by chance hardly any (lecture 9).

    s(x + eps sign g) = s + eps sum |g_i|           d numbers of one size: d times as far as one number
    s(x + eps r)      = s +- eps sqrt(sum g_i^2)    r: +1 or -1 by chance: only sqrt(d) times as far
"""

import sys

import numpy as np
from loading import chart, load, save

COUNT, EPS = 100, np.arange(0, 17, 2)                           # random directions; levels of 255


def main(argv=None):
    net, image, out = load(__doc__, argv, "16_directions.png")
    prob, logits, rng = net.role("prob"), net.role("logits"), np.random.default_rng(0)
    start = image[None].astype(np.float32)

    acts = net.forward(net.preprocess(start))
    best = acts[logits][0].argmax()
    seed = np.zeros_like(acts[logits])
    seed[0, best] = 1                                           # d(score) / d(scores)
    dacts, _ = net.backward(acts, {logits: seed})
    g = net.preprocess_adjoint(dacts["input"], channels=start.shape[3])

    steps = np.concatenate([-np.sign(g), rng.choice((-1, 1), (COUNT, *g.shape[1:]))])
    scores, probs, says = [], [], []
    for eps in EPS:
        acts = net.forward(net.preprocess((start + eps * steps).clip(0, 255).astype(np.float32)), grad=None)
        scores, probs = [*scores, acts[logits][:, best]], [*probs, acts[prob][:, best]]
        says = [*says, acts[logits].argmax(axis=1)]
    name = net.class_names[best] if net.class_names else f"class {best}"
    random = [f"random {k + 1}" for k in range(COUNT)]
    fooled = (np.array(says) != best).any(axis=0)
    figure = {f"the input\n{name}, {g.size:,} numbers": image}
    for what, values in (("the score", scores), ("the probability", probs)):
        title = f"{what} of {name}\n{fooled[1:].sum()} of {COUNT} random directions change the answer"
        figure[title] = chart(dict(zip(["along the gradient", *random], np.array(values).T)), faint=random, x=EPS,
                              x_label="eps: levels of 255 by which each number moves")

    amounts = np.unique(np.geomspace(10, g.size, 12).round().astype(int))      # from ten numbers to the picture's
    gains = []
    for amount in amounts:
        some = rng.choice(g.ravel(), (50, amount))
        gains.append(np.mean(abs(some).sum(axis=1) / (np.linalg.norm(some, axis=1) + 1e-30)))
    figure[f"gradient over chance\n10 numbers: {gains[0]:.1f} times, {g.size:,}: {gains[-1]:.0f} times"] = chart(
        {"this gradient": np.array(gains), "root of d": np.sqrt(amounts)}, x=amounts, x_label="d: numbers that move")
    save(out, figure, height=230)


if __name__ == "__main__":
    sys.exit(main())
