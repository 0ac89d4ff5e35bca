"""Cut out the object: GrabCut, with saliency as its only hint (Simonyan et al. 2014, section 3.2; lecture 9).

The net was trained on names of classes only, never on outlines. This needs OpenCV: pip install 'minivis[segment]'.
"""

import sys

import cv2
import numpy as np
from loading import load, percent, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "08_segment.png")

    acts = net.forward(net.preprocess(image))                   # image -> named activations
    logits = net.role("logits")
    best = acts[logits][0].argmax()
    seed = np.zeros_like(acts[logits])
    seed[0, best] = 1                                           # d(top score) / d(scores)
    dacts, _ = net.backward(acts, {logits: seed}, relu_rule="guided")
    saliency = abs(net.preprocess_adjoint(dacts["input"])[0]).max(axis=-1)
    saliency = cv2.GaussianBlur(saliency, (0, 0), 0.05 * len(saliency))

    high, start, low = np.quantile(saliency, [0.95, 0.4, 0.3])   # surely object; perhaps; background
    mask = np.select([saliency > high, saliency > start, saliency > low],
                     [cv2.GC_FGD, cv2.GC_PR_FGD, cv2.GC_PR_BGD], cv2.GC_BGD).astype(np.uint8)
    hints = np.array([0, 255, 85, 170], np.uint8)[mask]         # as greys, in the order of OpenCV's numbers

    cv2.setRNGSeed(0)                                           # of the k-means in GrabCut
    behind, thing = np.zeros((1, 65)), np.zeros((1, 65))        # two mixtures of colours, which it learns
    rgb = np.broadcast_to(image, (*image.shape[:2], 3))
    cv2.grabCut(np.ascontiguousarray(rgb[..., ::-1]), mask, None, behind, thing, 5, cv2.GC_INIT_WITH_MASK)
    found = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)

    name = net.class_names[best] if net.class_names else f"class {best}"
    save(out, {
        f"the input\n{name}": image,
        "hints\nwhite: object, black: background": np.repeat(hints[..., None], 3, axis=2),
        f"cut out\n{percent(found.mean())} of the picture": np.where(found[..., None], rgb, 255).astype(np.uint8),
    })


if __name__ == "__main__":
    sys.exit(main())
