"""Which pixels does the score depend on? The size of the gradient at each pixel (Simonyan et al. 2014; lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "07_saliency.png")

    acts = net.forward(net.preprocess(image))                   # image -> named activations
    logits = net.role("logits")
    best = acts[logits][0].argmax()
    seed = np.zeros_like(acts[logits])
    seed[0, best] = 1                                           # d(top score) / d(scores)

    dacts, _ = net.backward(acts, {logits: seed})               # the chain rule, down to the image
    gradient = net.preprocess_adjoint(dacts["input"])[0]        # at the pixels, (H, W, 3)
    saliency = abs(gradient).max(axis=-1)                       # the strongest colour of each pixel, without sign

    name = net.class_names[best] if net.class_names else f"class {best}"
    save(out, {name: image, f"max |d {name} / d pixel|": saliency})


if __name__ == "__main__":
    sys.exit(main())
