"""Which pixels led to this answer? One forward pass and three backward passes (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "06_backprop.png")

    acts = net.forward(net.preprocess(image))                   # image -> named activations
    logits = net.role("logits")
    scores = acts[logits]                                       # before softmax, so other classes do not leak in
    best = scores[0].argmax()
    seed = np.zeros_like(scores)
    seed[0, best] = 1                                           # d(top score) / d(scores)

    figure = {f"the input\n{net.class_names[best] if net.class_names else f'class {best}'}": image}
    for rule, title in {"normal": "gradient", "deconv": "deconvnet", "guided": "guided backprop"}.items():
        dacts, _ = net.backward(acts, {logits: seed}, relu_rule=rule)
        at_pixels = net.preprocess_adjoint(dacts["input"])[0]           # (H, W, 3)
        figure[f'{title}\nrule "{rule}"'] = at_pixels
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
