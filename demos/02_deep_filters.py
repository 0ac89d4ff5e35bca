"""What do the filters of a later layer look for? Their weights read channels, and say little (lecture 9)."""

import sys

import numpy as np
from loading import load, save

FILTERS, READ = 14, 28                                          # rows, and squares in a row


def main(argv=None):
    net, _, out = load(__doc__, argv, "02_deep_filters.png")

    convolutions = [name for name, layer in net.layers.items() if getattr(layer.params.get("w"), "ndim", 0) == 4]
    name = convolutions[1]
    w = net.layers[name].params["w"]                            # (KH, KW, C, F): F filters that read C channels
    KH, KW, C, F = w.shape
    rows, columns = min(F, FILTERS), min(C, READ)

    sheet = np.full((rows * (KH + 1) - 1, columns * (KW + 1) - 1), np.nan, w.dtype)     # NaN: a gap
    for f in range(rows):
        for c in range(columns):
            top, left = f * (KH + 1), c * (KW + 1)
            sheet[top:top + KH, left:left + KW] = w[..., c, f] / abs(w[..., f]).max()
    save(out, {f"{name}: a filter in each row, a channel of the layer below in each column\n{rows} of {F} filters, "
               f"{columns} of {C} squares of {KW} x {KH}, each row scaled to its strongest weight": sheet}, height=336)


if __name__ == "__main__":
    sys.exit(main())
