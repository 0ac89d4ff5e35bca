"""What do the first filters look for? Their weights as small colour pictures (lecture 9)."""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, _, out = load(__doc__, argv, "02_filters.png", net="emoji-alexnet")      # VGG's filters are too small

    name = next(name for name, layer in net.layers.items() if "w" in layer.params)
    w = net.layers[name].params["w"]                            # (KH, KW, C, F): F filters that read C colours
    w = w[:, :, ::-1] if net.preprocessing.channel_order == "BGR" else w
    KH, KW, _, F = w.shape

    columns = int(np.ceil(np.sqrt(2 * F)))
    rows = int(np.ceil(F / columns))
    sheet = np.full((rows * (KH + 1) - 1, columns * (KW + 1) - 1, 3), 255, np.uint8)
    for f in range(F):
        top, left = f // columns * (KH + 1), f % columns * (KW + 1)
        strongest = abs(w[..., f]).max()
        sheet[top:top + KH, left:left + KW] = 127.5 + 127.5 * w[..., f] / strongest     # 0 is mid grey
    save(out, {f"{name}\n{F} filters of {KW} x {KH}, each scaled to its own strongest weight": sheet})


if __name__ == "__main__":
    sys.exit(main())
