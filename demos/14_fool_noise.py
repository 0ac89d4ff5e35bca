"""Noise in which the net is certain to see six classes, though we see none (Nguyen et al. 2015; lecture 9)."""

import sys

import numpy as np
from loading import chance, load, save

GOALS = ("goose", "owl", "castle", "rocket", "pizza", "crown")
SURE, STEPS = 0.99, 60


def main(argv=None):
    net, image, out = load(__doc__, argv, "14_fool_noise.jpg")      # of the picture, only the size matters
    prob, logits = net.role("prob"), net.role("logits")
    noise = np.random.default_rng(0).integers(0, 256, image.shape).astype(np.float32)
    noise = noise[:, :, :net.input_channels]
    before = net.forward(net.preprocess(noise[None]), grad=None)[prob][0]
    names = list(net.class_names or [f"class {k}" for k in range(len(before))])

    figure = {f"noise\n{names[before.argmax()]} {chance(before.max())}": noise.astype(np.uint8)}
    for number, name in enumerate(GOALS):
        goal = names.index(name) if name in names else number % len(names)
        made = noise[None]
        for _ in range(STEPS):
            acts = net.forward(net.preprocess(made))
            if acts[prob][0, goal] > SURE:
                break
            seed = -acts[prob]                                  # d log p(goal) / d scores = [k = goal] - p
            seed[0, goal] += 1
            dacts, _ = net.backward(acts, {logits: seed})
            gradient = net.preprocess_adjoint(dacts["input"], channels=made.shape[3])
            made = np.clip(made + np.sign(gradient), 0, 255)    # by a whole level, as a file has them
        p = net.forward(net.preprocess(made), grad=None)[prob][0]
        change = abs(made[0] - noise)
        figure[f"{names[p.argmax()]} {chance(p.max())}\n{change.max():.0f} of 255 at most"] = made[0].astype(np.uint8)
    save(out, figure, height=128)


if __name__ == "__main__":
    sys.exit(main())
