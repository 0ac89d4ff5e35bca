"""Do pictures with similar codes show the same thing? The nearest by code, and the nearest by pixels (lecture 9).

Krizhevsky et al. 2012, figure 4. A code is the output of the layer before the classes. Both are counted over all
pictures: how many of the six nearest are of the picture's own class?
"""

import sys

import numpy as np
from loading import load_families, percent, save

NEAREST, ROWS, FRAME = 6, 6, 4                                  # neighbours, rows of the figure, pixels around a tile


def main(argv=None):
    net, pictures, labels, out = load_families(__doc__, argv, "04_neighbours.jpg")      # uint8 (N, H, W, 3)
    code = net.role("code")
    codes = net.forward(net.preprocess(pictures), until=code, keep=[code], grad=None)[code]         # (N, D)
    N = len(pictures)
    framed = np.pad(pictures, ((0, 0), (FRAME,) * 2, (FRAME,) * 2, (0, 0)), constant_values=255)

    _, first = np.unique(labels, return_index=True)             # a picture of each class
    rows = np.sort(first)[::max(1, len(first) // ROWS)][:ROWS]
    figure = {"picture\n": np.concatenate(framed[rows])}
    for what, values in {f"nearest codes, {code}": codes, "nearest pixels": pictures}.items():
        values = values.reshape(N, -1).astype(np.float64)
        if what != "nearest pixels":
            values /= np.linalg.norm(values, axis=1, keepdims=True)     # so that only the angle between codes counts
        squares = (values**2).sum(axis=1)
        distances = squares[:, None] + squares - 2 * values @ values.T  # |a - b|^2
        np.fill_diagonal(distances, np.inf)                     # a picture is not its own neighbour
        near = np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]
        same = labels[near] == labels[:, None]

        tiles = framed[near[rows]].copy()                       # (ROWS, NEAREST, h, w, 3)
        inside = tiles[:, :, FRAME:-FRAME, FRAME:-FRAME].copy()
        tiles[same[rows]] = (44, 160, 44)                       # a green frame: of the same class
        tiles[:, :, FRAME:-FRAME, FRAME:-FRAME] = inside
        sheet = tiles.swapaxes(1, 2).reshape(len(rows) * tiles.shape[2], -1, 3)
        figure[f"{what}\nover all {N} pictures {percent(same.mean())} are of its class"] = sheet
    save(out, figure, height=len(rows) * framed.shape[1])


if __name__ == "__main__":
    sys.exit(main())
