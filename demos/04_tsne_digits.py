"""What does a code know that pixels do not? Two maps of handwritten digits: t-SNE of both (lecture 9).

van der Maaten & Hinton 2008 map digits by their pixels. Nearness on the map is checked: of the five nearest neighbours
of each digit, how many are the same digit? The net, digits-net, has learned from the first 1,500 of the 1,797.
"""

import sys

import numpy as np
from loading import digits, load_net, percent, save
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

SIDE, TILE = 640, 12                                            # pixels of a map, and of a digit on it
COLOURS = np.array([(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233),
                    (150, 110, 60), (0, 0, 0), (220, 20, 60), (128, 128, 128)])


def main(argv=None):
    pictures, labels, options = digits(__doc__, argv, "04_tsne_digits.jpg", count=True)     # uint8 (N, 8, 8, 1)
    net = load_net("digits-net")
    code = net.role("code")
    N = len(pictures)
    codes = net.forward(net.preprocess(pictures), until=code, keep=[code], grad=None)[code]         # (N, 64)

    figure = {}
    for what, values in {"pixels": pictures.reshape(N, -1), code: codes}.items():
        values = values.astype(np.float64) / values.std()
        reduced = PCA(min(50, *values.shape), svd_solver="full").fit_transform(values)
        with threadpool_limits(1):                              # with more threads no two runs give the same map
            start = 1e-4 * reduced[:, :2] / reduced[:, 0].std()
            places = TSNE(perplexity=min(50, (N - 1) // 3), init=start, random_state=0).fit_transform(reduced)
        _, near = cKDTree(places).query(places, 6)              # of each digit, itself first
        same = (labels[near[:, 1:]] == labels[:, None]).mean()

        places = (places - places.min(axis=0)) / np.ptp(places, axis=0).max()       # 0 to 1
        sheet = np.full((SIDE, SIDE, 3), 255.0)
        for picture, label, (left, top) in zip(pictures, labels, (places * (SIDE - TILE)).astype(int)):
            ink = picture[:, :, 0].repeat(3, axis=0).repeat(3, axis=1)[::2, ::2, None] / 255        # 12 x 12
            at = sheet[top:top + TILE, left:left + TILE]
            at += ink * (COLOURS[label] - at)
        figure[f"t-SNE of {what}\n{percent(same)} of the five nearest are the same digit"] = np.uint8(np.rint(sheet))
    save(options.out, figure, height=SIDE)


if __name__ == "__main__":
    sys.exit(main())
