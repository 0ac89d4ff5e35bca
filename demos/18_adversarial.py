"""Train a net with more pictures or against an attack: it withstands more, and still new pictures fool it (lecture 9).

Three nets learn digits: as they are; moved by a pixel and with noise; and each moved against the net by FGSM.
"""

import sys

import numpy as np
from loading import chart, digits, digits_net, percent, save

RATE, MOMENTUM, EPS = 0.02, 0.9, 48                             # of SGD; levels of 255, of the attack in training
LEVELS = (0, 8, 16, 24, 32, 48, 64, 96)


def main(argv=None):
    pictures, labels, options = digits(__doc__, argv, "18_adversarial.png")
    pictures, targets = pictures.astype("float32"), np.eye(10, dtype="float32")[labels]
    new, rng, curves, shown = pictures[1500:], np.random.default_rng(0), {}, {}     # new: never trained on

    def ascend(net, x, targets):                                # the sign of d -log p(label) / d pixels
        acts = net.forward(net.preprocess(x))
        return np.sign(net.preprocess_adjoint(net.backward(acts, {"fc3": acts["prob"] - targets})[0]["input"]))

    for how in ("as usual", "with shifts and noise", "against FGSM"):
        net, speed = digits_net(), {}
        for _ in range(options.steps):
            some = rng.integers(0, 1500, 64)
            x = pictures[some]
            if how == "with shifts and noise":
                x = np.roll(x, rng.integers(-1, 2, 2), axis=(1, 2)) + 32 * rng.standard_normal(x.shape)
                x = np.clip(x, 0, 255).astype("float32")
            elif how == "against FGSM":                         # from a random point of the ball, one step of the sign
                start = x + rng.uniform(-EPS, EPS, x.shape).astype("float32")
                moved = start + 1.25 * EPS * ascend(net, start, targets[some])
                x = np.clip(np.clip(moved, x - EPS, x + EPS), 0, 255)
            acts = net.forward(net.preprocess(x), grad="params")
            dscores = (acts["prob"] - targets[some]) / len(x)
            for name, grads in net.backward(acts, {"fc3": dscores}, param_grads=True)[1].items():
                for key, grad in grads.items():
                    speed[name, key] = MOMENTUM * speed.get((name, key), 0) - RATE * grad
                    net.layers[name].set_params(**{key: net.layers[name].params[key] + speed[name, key]})

        right = []
        for eps in LEVELS:                                      # PGD: ten steps of the sign, each back into the ball
            x = new
            for _ in range(10):
                x = np.clip(np.clip(x + eps / 4 * ascend(net, x, targets[1500:]), new - eps, new + eps), 0, 255)
            p = net.forward(net.preprocess(x))["prob"]
            right.append((p.argmax(axis=1) == labels[1500:]).mean())
            if f"trained {how}" not in shown and p[0].argmax() != labels[1500]:
                shown[f"trained {how}"] = f"says {p[0].argmax()} when moved by {eps}/255", np.uint8(x[0])
        curves[f"{how}: {percent(right[0])} clean"] = np.array(right)
    figure = {"new digits classified correctly\nnew adversarial digits for each net":
              chart(curves, x_label="levels of 255 by which each pixel may move", x=LEVELS),
              "a new digit\n8 x 8 pixels": np.uint8(new[0])}
    save(options.out, figure | {f"{how}\n{said}": x for how, (said, x) in shown.items()}, height=210)


if __name__ == "__main__":
    sys.exit(main())
