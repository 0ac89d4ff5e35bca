"""What do units of each layer look for? Nine patches that excite each most, and their deconvnet pictures (lecture 9).

Zeiler & Fergus 2014, figure 2. The units are evenly spaced among those that are active; nobody has chosen them.
"""

import sys

import numpy as np
from loading import load_families, save

UNITS, NINE, SIDE = 3, 9, 36                                    # of each layer; patches; pixels of one on the sheet


def main(argv=None):
    net, pictures, labels, out = load_families(__doc__, argv, "03_layers.jpg")      # uint8 (N, H, W, 3)
    pictures = pictures[:, :, :, :net.input_channels]
    _, kinds = np.unique(labels, return_inverse=True)
    figure = {}
    for layer in [*net.role("style"), net.role("code")]:
        field = net.receptive_field(layer, (*pictures.shape[:3], net.input_channels))
        maps = net.forward(net.preprocess(pictures), until=layer, keep=[layer], grad=None)[layer]
        maps = maps.reshape(len(pictures), *(maps.shape[1:3] if maps.ndim == 4 else (1, 1)), -1)    # (N, h, w, C)
        values = maps.max(axis=(1, 2))                          # each picture gives one patch: its strongest
        order = np.argsort(-values, axis=0, kind="stable")[:NINE]                               # (9, C)
        active = np.flatnonzero(np.take_along_axis(values, order, axis=0)[-1] > 0)      # in nine pictures
        alike = np.mean([np.bincount(kinds[order[:, c]]).max() for c in active])
        units = active[np.linspace(0, len(active) - 1, UNITS).astype(int)]

        sheet = np.full((3 * SIDE + 16, UNITS * (6 * SIDE + 40), 3), 255, np.uint8)
        for number, unit in enumerate(units):
            best = order[:, unit]
            i, j = np.divmod(maps[best, :, :, unit].reshape(len(best), -1).argmax(axis=1), maps.shape[2])
            acts = net.forward(net.preprocess(pictures[best]), until=layer, keep=[layer])
            seed = np.zeros_like(acts[layer])
            seed.reshape(len(best), *maps.shape[1:])[np.arange(len(best)), i, j, unit] = 1      # this unit, just there
            dacts, _ = net.backward(acts, {layer: seed}, relu_rule="deconv")
            seen = net.preprocess_adjoint(dacts["input"])
            for k, picture in enumerate(best):
                top, left, bottom, right = field.box(i[k], j[k], pictures.shape[1:3])           # what this place sees
                drawn = seen[k, top:bottom, left:right]
                drawn = np.uint8(127.5 + 127.5 * (drawn / (np.percentile(abs(drawn), 99.5) or 1)).clip(-1, 1))
                y = k // 3 * (SIDE + 2)
                for at, patch in enumerate((pictures[picture, top:bottom, left:right], drawn)):
                    x = number * (6 * SIDE + 40) + at * (3 * SIDE + 8) + k % 3 * (SIDE + 2)
                    rows, columns = (np.arange(SIDE) * n // SIDE for n in patch.shape[:2])
                    sheet[y:y + SIDE, x:x + SIDE] = patch[rows][:, columns]
        sees = " x ".join(str(min(f, s)) for f, s in zip(field.size[::-1], pictures.shape[2:0:-1]))
        counted = f"of nine patches {alike:.1f} are of one class, in the mean of its units"
        figure[f"{layer} sees {sees} pixels: patches | deconvnet\n{counted}"] = sheet
    save(out, figure, height=3 * SIDE + 16, columns=1)


if __name__ == "__main__":
    sys.exit(main())
