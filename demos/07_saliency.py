"""Which pixels does the score depend on? The size of the gradient at each pixel (Simonyan et al. 2014; lecture 9).

Two nets of the same layers, one of them trained against attacks: its gradient lies on the object.
"""

import sys

import numpy as np
from loading import load_nets, save


def main(argv=None):
    nets, image, out = load_nets(__doc__, argv, "07_saliency.png")
    figure = {}
    for title, net in nets.items():
        acts = net.forward(net.preprocess(image))               # image -> named activations
        logits = net.role("logits")
        best = acts[logits][0].argmax()
        seed = np.zeros_like(acts[logits])
        seed[0, best] = 1                                       # d(top score) / d(scores)

        dacts, _ = net.backward(acts, {logits: seed})           # the chain rule, down to the image
        gradient = net.preprocess_adjoint(dacts["input"])[0]    # at the pixels, (H, W, 3)
        saliency = abs(gradient).max(axis=-1)                   # the strongest colour of each pixel, without sign

        name = net.class_names[best] if net.class_names else f"class {best}"
        figure.setdefault(f"the input\n{name}", image)
        figure[f"gradient of {title}\nmax |d {name} / d pixel|"] = saliency
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
