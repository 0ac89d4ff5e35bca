"""Five pictures into one class, and one picture into five: always by a change that is hard to see (lecture 9).

Szegedy et al. 2014 made a school bus, a dog and others into an ostrich. Distortion is theirs: the root of the mean
square of the change, for pixels from 0 to 1.
"""

import sys

import numpy as np
from loading import chance, load_some, save

GOAL, GOALS = "flamingo", ("owl", "castle", "rocket", "pizza", "crown")
SURE, STEPS = 0.9, 60


def main(argv=None):
    net, pictures, out = load_some(__doc__, argv, "14_fool_five.jpg", (87, 128, 68, 101, 106))
    prob, logits = net.role("prob"), net.role("logits")
    names = list(net.class_names or [f"class {k}" for k in range(net.shapes()[logits][-1])])
    said = net.forward(net.preprocess(np.stack(pictures)), grad=None)[prob].argmax(axis=1)
    number = {name: k for k, name in enumerate(names)}
    one, *five = (number.get(name, k % len(names)) for k, name in enumerate((GOAL, *GOALS)))
    jobs = [(pictures[i], k, one) for i, k in enumerate(said)] + [(pictures[0], said[0], goal) for goal in five]

    blocks = []
    for picture, k, goal in jobs:
        made = start = picture[None].astype(np.float32)
        for _ in range(STEPS):
            acts = net.forward(net.preprocess(made))
            if acts[prob][0, goal] > SURE:
                break
            seed = -acts[prob]                                  # d log p(goal) / d scores = [k = goal] - p
            seed[0, goal] += 1
            dacts, _ = net.backward(acts, {logits: seed})
            g = net.preprocess_adjoint(dacts["input"], channels=made.shape[3])
            step = np.sign(g) * (abs(g) > np.median(abs(g)))    # by a whole level, as a file has them
            made = np.clip(made + step, 0, 255)
        change, p = made[0] - start[0], net.forward(net.preprocess(made), grad=None)[prob][0]
        most, rms = abs(change).max(), np.sqrt((change**2).mean()) / 255
        factor = 100 / max(1, most)
        blocks.append([
            (names[k], picture),
            (f"+ this, x {factor:.0f}\nat most {most:.0f} levels, distortion {rms:.4f}",
             np.uint8(np.clip(128 + factor * change, 0, 255))),
            (f"= {names[p.argmax()]}\n{chance(p.max())}", made[0].astype(np.uint8)),
        ])
    pairs = zip(blocks, blocks[len(pictures):])                 # as the lecture shows them: two blocks, side by side
    save(out, [panel for left, right in pairs for panel in left + right], height=96, columns=6)


if __name__ == "__main__":
    sys.exit(main())
