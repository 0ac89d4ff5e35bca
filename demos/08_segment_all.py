"""Was the goose chosen by hand? The same cut for all 200 sample pictures, whose outlines are known (lecture 9).

The hints are guided backpropagation, which finds details, and Grad-CAM, which covers the object; the cut is GrabCut
(08_segment.py). IoU is the area that both the cut and the object have, over the area that either has.
"""

import sys

import numpy as np
from loading import chart, grabcut, load_net, outlined, own_options, percent, save
from scipy.ndimage import gaussian_filter, zoom

OBJECT, MAYBE, MAYBE_NOT, BACKGROUND = 255, 170, 85, 0


def main(argv=None):
    out = own_options(__doc__, argv, "08_segment_all.png")
    net = load_net("emoji-vgg")
    pictures, outlines = outlined()                             # uint8 (200, 64, 64, 3); bool (200, 64, 64)
    logits, maps = net.role("logits"), "relu4_2"

    overlaps, found = [], []
    for picture, outline in zip(pictures, outlines):
        acts = net.forward(net.preprocess(picture))
        seed = np.zeros_like(acts[logits])
        seed[0, acts[logits].argmax()] = 1                      # d(top score) / d(scores)
        guided, _ = net.backward(acts, {logits: seed}, relu_rule="guided")
        details = abs(net.preprocess_adjoint(guided["input"])[0]).max(axis=2)
        dacts, _ = net.backward(acts, {logits: seed}, keep=(maps,))
        cam = (dacts[maps].mean(axis=(1, 2), keepdims=True) * acts[maps]).sum(axis=3)[0].clip(0)       # Grad-CAM
        heat = gaussian_filter(details, 0.05 * len(details))
        cam = zoom(cam / (cam.max() or 1), len(heat) // len(cam), order=1, mode="nearest", grid_mode=True)
        heat = heat / heat.max() + 0.5 * cam

        high, start, low = np.quantile(heat, [0.9, 0.4, 0.2])
        hints = np.select([heat > high, heat > start, heat > low], [OBJECT, MAYBE, MAYBE_NOT], BACKGROUND)
        found.append(grabcut(picture, hints.astype(np.uint8)))
        overlaps.append((found[-1] & outline).sum() / (found[-1] | outline).sum())

    overlaps, order = np.array(overlaps), np.argsort(overlaps)
    title = f"IoU of all {len(order)}\nmedian {np.median(overlaps):.2f}; {percent((overlaps > 0.8).mean())} above 0.8"
    figure = []
    for which, place in (("best", -1), ("20th", -20), ("median", len(order) // 2), ("180th", 20), ("worst", 0)):
        k = order[place % len(order)]
        cut = np.where(found[k][..., None], pictures[k], 255).astype(np.uint8)
        gap = np.full_like(cut[:, :4], 255)
        figure.append((f"{which}\nIoU {overlaps[k]:.2f}", np.concatenate([pictures[k], gap, cut], axis=1)))
    figure.append((title, chart({"IoU": overlaps[order[::-1]]}, x_label="pictures, best first")))
    save(out, figure, height=240, columns=3)


if __name__ == "__main__":
    sys.exit(main())
