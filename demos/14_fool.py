"""How much must a picture change before the net sees something else? (Goodfellow et al. 2015; lecture 9)

Ascend the probability of the least likely class by the sign of the gradient: every pixel moves by one level per step,
and by a few levels in total.
"""

import sys

import numpy as np
from loading import chance, load, save

EPS, STEPS = 6, 30


def main(argv=None):
    net, image, out = load(__doc__, argv, "14_fool.png")
    prob, logits = net.role("prob"), net.role("logits")

    before = net.forward(net.preprocess(image), grad=None)[prob][0]
    goal = before.argmin()

    start = image[None].astype(np.float32)
    x = start
    for _ in range(STEPS):
        acts = net.forward(net.preprocess(x))
        seed = -acts[prob]                                      # d log p(goal) / d scores = [k = goal] - p
        seed[0, goal] += 1
        dacts, _ = net.backward(acts, {logits: seed})
        gradient = net.preprocess_adjoint(dacts["input"], channels=x.shape[3])
        x = x + np.sign(gradient)                               # a linear loss rises most, for its largest change
        x = np.clip(np.clip(x, start - EPS, start + EPS), 0, 255)

    fooled = np.rint(x[0]).astype(np.uint8)                     # whole levels, as a file has them
    after = net.forward(net.preprocess(fooled), grad=None)[prob][0]

    names = net.class_names or [f"class {k}" for k in range(len(before))]
    said = [f"{names[p.argmax()]} {chance(p.max())}" for p in (before, after)]
    change = fooled - image.astype(float)
    distortion = np.sqrt((change**2).mean()) / 255              # as Szegedy et al. 2014 measure it
    strong = f"{127 / max(1, abs(change).max()):.3g} times as strong, distortion {distortion:.4f}"
    save(out, {f"the input\n{said[0]}": image, f"the difference\n{strong}": change,
               f"the two together\n{said[1]}": fooled})


if __name__ == "__main__":
    sys.exit(main())
