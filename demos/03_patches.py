"""What does a unit look for? The patches of many pictures that excite it most, and the pixels that matter (lecture 9).

Zeiler & Fergus 2014, figure 2. One forward pass over all pictures, then backward passes from the places found.
"""

import sys

import numpy as np
from loading import load_many, save


def main(argv=None):
    net, pictures, out = load_many(__doc__, argv, "03_patches.png")     # uint8 (N, H, W, 3), as the net sees them
    layer = net.role("style")[-2]                               # somewhere in the middle
    field = net.receptive_field(layer, (*pictures.shape[:3], net.input_channels))
    maps = net.forward(net.preprocess(pictures), until=layer, keep=[layer], grad=None)[layer]   # (N, h, w, C)

    height, width = (min(f, side) for f, side in zip(field.size, pictures.shape[1:3]))
    units = np.argsort(-maps.max(axis=(0, 1, 2)))[:4]           # the four channels with the largest maximum
    rows, columns = 4 * (height + 1) - 1, 5 * (width + 1) - 1
    sheets = {"patch": np.full((rows, columns, 3), 235, np.uint8)}
    sheets |= {rule: np.zeros((rows, columns, 3), np.float32) for rule in ("deconv", "guided")}

    for row, unit in enumerate(units):
        best = maps[..., unit].reshape(len(pictures), -1)       # every place of every picture
        order = np.argsort(-best.max(axis=1), kind="stable")[:5]
        i, j = np.divmod(best[order].argmax(axis=1), maps.shape[2])     # the strongest place in each of the five

        acts = net.forward(net.preprocess(pictures[order]), until=layer, keep=[layer])
        seed = np.zeros_like(acts[layer])
        seed[np.arange(len(order)), i, j, unit] = 1             # d(this unit, just there)
        found = {"patch": pictures[order]}
        for rule in ("deconv", "guided"):
            dacts, _ = net.backward(acts, {layer: seed}, relu_rule=rule)
            found[rule] = net.preprocess_adjoint(dacts["input"])
        for kind, images in found.items():
            for k, image in enumerate(images):
                top, left, bottom, right = field.box(i[k], j[k], image.shape[:2])       # what this place sees
                patch = image[top:bottom, left:right]
                patch = patch if kind == "patch" else patch / (abs(patch).max() or 1)
                y, x = row * (height + 1), k * (width + 1)
                sheets[kind][y:y + bottom - top, x:x + right - left] = patch
    names = {"patch": f"{layer}, units {', '.join(map(str, units))}\nthe strongest patches of {len(pictures)} pictures",
             "deconv": "deconvnet\neach to its own largest", "guided": "guided backprop\neach to its own largest"}
    save(out, {names[kind]: sheet for kind, sheet in sheets.items()})


if __name__ == "__main__":
    sys.exit(main())
