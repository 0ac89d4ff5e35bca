"""What other methods learn from patches of photographs, and how near it comes to Gabor filters.

    PCA                 directions of the largest variance: waves over the whole patch
    ICA                 directions that are as independent as possible (Bell & Sejnowski 1997)
    k-means             centres of clusters (Coates & Ng 2012)
    sparse coding       a dictionary from which few words form a patch (Olshausen & Field 1996)

The lecture's point: nearly every method finds edges at one place and in one direction, like Gabor filters, but PCA does
not. All of them see the same grey patches, whitened: in their leading principal components, each of which has variance
1. What they find is drawn as a pattern of whitened pixels. gabor.py measures how local it is in space and in frequency,
and fits a bank of Gabor filters.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.data.folder import crops, photos
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels, signed
from minivis.figures.text import percent
from minivis.methods.looking.filters import FilterGrid, filter_grid
from minivis.methods.looking.gabor import Fit, fitted
from minivis.methods.shared.result import Result
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes, whole
from minivis.types import Picture

SHEET = 280                                     # pixels: the side of each sheet
SIDE = 640                                      # pixels: photographs are shrunk to this
PATCH, COUNT = 12, 49                           # pixels of a patch, filters of each method
PATCHES = 5000                                  # to learn from
LEARNING: dict[str, dict[str, Any]] = {         # how long each learns, and from how much at a time
    "ICA": {"max_iter": 200, "tol": 1e-4}, "k-means": {"n_init": 1, "batch_size": 2048, "max_iter": 30},
    "sparse coding": {"alpha": 1.5, "batch_size": 256, "max_iter": 4},
}  # fmt: skip
EVEN = 0.1                                      # added to the variance by which white patches are divided
FLAT = 2                                        # of this many patches, only the one with the most contrast is used


@dataclass(frozen=True, eq=False)
class FilterComparison(Result):
    """``learnt``: {method: filters (F, h, w, 1)} of whitened pixels; ``fits``: {layer or method: `gabor.Fit`}."""

    net: FilterGrid
    learnt: dict[str, np.ndarray]
    fits: dict[str, Fit]
    unreadable: list

    def picture(self) -> Picture:
        sheets, titles = [], []
        for name, filters in {self.net.layer: self.net.filters, **self.learnt}.items():
            fit = self.fits[name]
            columns = math.ceil(len(filters) ** 0.5)
            for drawn, what in ((filters, ""), (fit.gabors[..., None], ", nearest Gabors")):
                tiles = list(signed(drawn, percentile=100, colormap="grey"))
                scale = max(2, SHEET // (columns * (filters.shape[2] + 1)))
                sheets.append(contact_sheet(tiles, columns, gap=1, scale=scale))
                size = f"{len(filters)} of {filters.shape[2]} x {filters.shape[1]}"
                titles.append(f"{name}{what}\n" + (fit.told() if what else
                                                   f"{size}; {percent(fit.local.mean())} local edges"))
        note = (f"{self.settings['patches']} patches of {self.settings['photos']} photographs. Fit: the part of a "
                "filter that the nearest Gabor explains; space, frequency: the part of its square and of its spectrum "
                f"that it uses; medians. A local edge is a filter with a fit above {Fit.LIKE} that uses less than "
                f"{Fit.SMALL} of its square.")
        return panels(sheets, titles, height=SHEET, columns=4, footer=note)

    @property
    def numbers(self) -> dict[str, Any]:
        return {**self.net.numbers, **self.fits[self.net.layer].describe(), "learnt": {
            name: {"filters": len(filters), **self.fits[name].describe()} for name, filters in self.learnt.items()},
            "unreadable": [path for path, _ in self.unreadable]}

    def __str__(self) -> str:
        lines = [f"{name:<14} {percent(fit.local.mean()):>7} local edges; Gabor {fit.told()}"
                 for name, fit in self.fits.items()]
        return "\n".join(lines + [f"left out: {why}" for _, why in self.unreadable])


@takes(patches=whole(), seed=SEED)
def compare_filters(
    net: Network, layer: str | None = None, *, data: str | None = None, patches: int = PATCHES, seed: int = 0,
    progress: bool = False,
) -> FilterComparison:  # fmt: skip
    """The filters of a first convolution, beside what four other methods learn from patches of photographs.

    Beside each stands the Gabor filter that is nearest to it.

    Parameters
    ----------
    layer : str, optional
        The convolution; by default the first.
    data : str, optional
        A folder of photographs; by default the two that come with scikit-learn.
    patches : int
        Number of patches to learn from, those with the most contrast of twice as many.

    Returns
    -------
    FilterComparison
        ``learnt``, {method: filters (F, h, w, 1)}, for PCA, ICA, k-means and sparse coding, and their ``fits``.

    References
    ----------
    Olshausen & Field 1996; Bell & Sejnowski 1997; Coates & Ng 2012.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> found = mv.compare_filters(net, patches=500)
    >>> len(found.learnt)
    4
    """
    own = filter_grid(net, layer)
    if net.nodes[own.layer].inputs == ("input",) and net.input_channels not in (1, 3):
        raise BadValue(f"{own.layer} reads {net.input_channels} channels; only filters of colours compare with patches "
                       "of photographs")
    if not own.reads_picture:
        raise BadValue(f"{own.layer} reads feature maps; only filters that read the picture can be compared with "
                       "patches")
    if patches < 10 * COUNT:
        raise BadValue(f"{patches} patches are too few for {COUNT} filters: use {10 * COUNT} or more")
    pictures, unreadable = photos(data, SIDE)
    cut = grey(crops(pictures, (PATCH, PATCH), FLAT * patches, np.random.default_rng(seed)))
    contrast = cut.reshape(len(cut), -1).var(axis=1)
    learnt = learn(cut[np.sort(np.argsort(-contrast, kind="stable")[:patches])], COUNT, seed=seed, progress=progress)
    fits = {name: fitted(filters) for name, filters in {own.layer: own.filters, **learnt}.items()}
    return FilterComparison(own, learnt, fits, unreadable, settings={
        **own.settings, "data": data, "patches": patches, "photos": len(pictures)})


def learn(patches: Any, count: int, *, seed: Any = 0, progress: bool = False) -> dict[Any, Any]:
    """{method: filters (at most ``count``, h, w, 1)}, patterns of whitened pixels, from grey patches (N, h, w, 1) of
    0..255.

    The mean of every patch is subtracted. ICA looks at whitened patches as they are, because it finds directions in
    which few are strong; for the other two every patch has the same contrast.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

    flat = patches.reshape(len(patches), -1) / 255.0
    flat = flat - flat.mean(axis=1, keepdims=True)
    count = min(count, flat.shape[1] - 1)
    pca = PCA(count, whiten=True, svd_solver="covariance_eigh" if _knows_covariance() else "full").fit(flat)
    white, pixels = pca.transform(flat), pca.components_
    even = white / np.sqrt((white**2).mean(axis=1, keepdims=True) + EVEN)
    start, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((count, count)))
    found = {"PCA": pixels}
    learners = {
        "ICA": lambda **how: FastICA(whiten=False, **how).fit(white).components_,
        "k-means": lambda **how: MiniBatchKMeans(count, **how).fit(even).cluster_centers_,
        "sparse coding": lambda **how: MiniBatchDictionaryLearning(
            count, fit_algorithm="cd", dict_init=start, **how).fit(even).components_,
    }
    for name, learn in track(learners.items(), progress, "learning from patches"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # the method has not converged in its time
            found[name] = learn(random_state=seed, **LEARNING[name]) @ pixels
    return {name: filters.reshape(-1, *patches.shape[1:]) for name, filters in found.items()}


def grey(patches: Any) -> Any:
    """Luma (Rec. 601), (N, KH, KW, 1)."""
    return (patches @ np.array([0.299, 0.587, 0.114]))[..., None]


def _knows_covariance() -> Any:
    import sklearn

    return tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 5)
