"""Train against the attack, with FGSM inside the loop (Goodfellow et al. 2015, section 6; beyond lecture 9)."""

import sys

import numpy as np
from loading import digits, digits_net, save

RATE, MOMENTUM = 0.02, 0.9                                      # of SGD


def main(argv=None):
    pictures, labels, options = digits(__doc__, argv, "18_adversarial.png")
    pictures, targets = pictures.astype("float32"), np.eye(10, dtype="float32")[labels]
    new, rng, figure = pictures[1500:], np.random.default_rng(0), {}        # new: never trained on
    figure["a new digit\n8 x 8 pixels"] = np.uint8(new[0])

    for how, eps in (("as usual", 0), ("against FGSM", 48)):    # eps: levels of 255
        net, speed = digits_net(), {}
        for _ in range(options.steps):
            some = rng.integers(0, 1500, 64)
            x = pictures[some]

            if eps:                                             # from a random point of the ball, one step of the sign
                start = x + rng.uniform(-eps, eps, x.shape).astype("float32")
                acts = net.forward(net.preprocess(start))
                dacts, _ = net.backward(acts, {"fc3": acts["prob"] - targets[some]})        # d -log p / d scores
                step = 1.25 * eps * np.sign(net.preprocess_adjoint(dacts["input"]))
                x = np.clip(x + np.clip(start + step - x, -eps, eps), 0, 255)

            acts = net.forward(net.preprocess(x), grad="params")
            _, dparams = net.backward(acts, {"fc3": (acts["prob"] - targets[some]) / len(x)}, param_grads=True)
            for name, grads in dparams.items():
                for key, grad in grads.items():
                    speed[name, key] = MOMENTUM * speed.get((name, key), 0) - RATE * grad
                    net.layers[name].set_params(**{key: net.layers[name].params[key] + speed[name, key]})

        for attack in (0, 48, 96):                              # PGD: ten steps of the sign, each back into the ball
            x = new
            for _ in range(10):
                acts = net.forward(net.preprocess(x))
                dacts, _ = net.backward(acts, {"fc3": acts["prob"] - targets[1500:]})
                gradient = net.preprocess_adjoint(dacts["input"])
                x = np.clip(new + np.clip(x + attack / 4 * np.sign(gradient) - new, -attack, attack), 0, 255)
            p = net.forward(net.preprocess(x))["prob"]
            right = (p.argmax(axis=1) == labels[1500:]).mean()
            if attack == 0:
                figure[f"trained {how}: gradient\n{right:.1%} right of new digits"] = gradient[0, ..., 0]
            elif attack == 48 or eps:
                said = f"it says {p[0].argmax()}, {p[0].max():.0%}; {right:.1%} right"
                figure[f"{how}: moved by {attack}/255\n{said}"] = np.uint8(x[0])
    save(options.out, figure)


if __name__ == "__main__":
    sys.exit(main())
