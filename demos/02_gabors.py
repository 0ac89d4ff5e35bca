"""Do other methods find such filters, too? Nearly all find edges like Gabor filters; PCA finds waves (lecture 9).

Olshausen & Field 1996, Bell & Sejnowski 1997, Coates & Ng 2012. All learn from the same whitened patches of pictures.
Each pattern is then compared with a bank of Gabor filters: how much of it does the nearest one explain?
"""

import sys
from itertools import product

import numpy as np
from loading import load_patches, percent, save, sheet_of
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

SIDE, COUNT = 12, 49                                            # pixels of a patch; patterns of each method


def main(argv=None):
    net, patches, out = load_patches(__doc__, argv, "02_gabors.jpg", SIDE, 5000)    # (N, 12, 12), of 0..1
    flat = patches.reshape(len(patches), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    pca = PCA(COUNT, whiten=True, svd_solver="full").fit(flat)
    white = pca.transform(flat)                                 # every direction has variance 1
    even = white / np.sqrt((white**2).mean(axis=1, keepdims=True) + 0.1)            # every patch has the same contrast
    means = MiniBatchKMeans(COUNT, random_state=0, n_init=1, batch_size=2048, max_iter=30)
    words = MiniBatchDictionaryLearning(COUNT, alpha=1.5, fit_algorithm="cd", max_iter=4, random_state=0)
    independent = FastICA(whiten=False, random_state=0, max_iter=200, tol=1e-4)
    learned = {"PCA": np.eye(COUNT), "ICA": independent.fit(white).components_,
               "k-means": means.fit(even).cluster_centers_, "sparse coding": words.fit(even).components_}
    name, w = next((name, layer.params["w"]) for name, layer in net.layers.items() if "w" in layer.params)
    every = {f"{name}, in grey": w.mean(axis=2).transpose(2, 0, 1)}
    every |= {name: (rows @ pca.components_).reshape(-1, SIDE, SIDE) for name, rows in learned.items()}

    def normal(rows):
        rows = rows - rows.mean(axis=1, keepdims=True)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    figure = {}
    for name, filters in every.items():
        side, rows, k = filters.shape[1], normal(filters.reshape(len(filters), -1)), np.arange(len(filters))
        bank = product((0.1, 0.15, 0.25, 0.45), (1, 1.8), (0.5, 0.8, 1.1, 1.6, 2.2), range(8), *[range(0, side, 2)] * 2)
        s, shape, waves, turn, row, column = np.array(list(bank), float).T[:, :, None]     # of each Gabor
        (y, x), s, turn = np.mgrid[:side, :side].reshape(2, 1, -1), s * side, turn * np.pi / 8
        u = (x - column) * np.cos(turn) + (y - row) * np.sin(turn)
        v = (y - row) * np.cos(turn) - (x - column) * np.sin(turn)
        gabor = np.exp(-(u**2) / (2 * s**2) - v**2 / (2 * (shape * s) ** 2) + 2j * np.pi * waves * u / (4 * s))
        cosine, sine = normal(gabor.real), normal(gabor.imag)
        sine = normal(sine - (cosine * sine).sum(axis=1, keepdims=True) * cosine)   # at a right angle
        a, b = rows @ cosine.T, rows @ sine.T                   # the best phase follows from these two
        best = (a**2 + b**2).argmax(axis=1)
        nearest = a[k, best, None] * cosine[best] + b[k, best, None] * sine[best]
        explained = f"{name}: nearest Gabors\nthey explain {percent(np.median((a**2 + b**2).max(axis=1)))} of a pattern"
        for drawn, title in ((rows, f"{name}\n{len(rows)} of {side} x {side}"), (nearest, explained)):
            tiles = 127.5 + 127.5 * drawn / np.maximum(abs(drawn).max(axis=1, keepdims=True), 1e-9)
            figure[title] = sheet_of(np.uint8(tiles).reshape(*filters.shape, 1), 7)
    save(out, figure, columns=4)


if __name__ == "__main__":
    sys.exit(main())
