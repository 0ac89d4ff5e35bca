"""Which pictures are similar for the net? A map of them: t-SNE of their codes, moved onto a grid (lecture 9).

van der Maaten & Hinton 2008, as in Karpathy's map of ImageNet. A code is the output of the layer before the classes.
"""

import sys

import numpy as np
from loading import load_many, save
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits


def main(argv=None):
    net, pictures, out = load_many(__doc__, argv, "04_tsne.jpg")        # uint8 (N, H, W, 3), as the net sees them
    code = net.role("code")
    codes = net.forward(net.preprocess(pictures), until=code, keep=[code], grad=None)[code]     # (N, D)

    N = len(codes)
    reduced = PCA(min(50, *codes.shape), random_state=0).fit_transform(codes.astype(np.float64))
    with threadpool_limits(1):                                  # with more threads no two runs give the same map
        places = TSNE(perplexity=min(30, (N - 1) / 3), init="pca", random_state=0).fit_transform(reduced)   # (N, 2)
    places = (places - places.min(axis=0)) / np.ptp(places, axis=0)     # 0 to 1

    side = int(np.ceil(np.sqrt(N)))                             # of the grid, in cells
    cells = np.stack(np.divmod(np.arange(side * side), side), axis=1)   # row, column
    _, cell = linear_sum_assignment(cdist(places, (cells[:, ::-1] + 0.5) / side, "sqeuclidean"))

    step = pictures.shape[1] // 2                               # thumbnails: every second pixel
    sheets = {name: np.full((side * step, side * step, 3), 255, np.uint8) for name in ("plane", "grid")}
    for picture, place, (row, column) in zip(pictures[:, ::2, ::2], places, cells[cell]):
        h, w = picture.shape[0], picture.shape[1]
        sheets["grid"][row * step:row * step + h, column * step:column * step + w] = picture[:step, :step]
        left, top = (place * (np.array([side * step, side * step]) - (w, h))).astype(int)
        sheets["plane"][top:top + h, left:left + w] = picture
    save(out, {f"t-SNE of {code}\n{N} pictures, each at its place": sheets["plane"],
               "snapped to a grid\nso that all move least in sum": sheets["grid"]}, height=400)


if __name__ == "__main__":
    sys.exit(main())
