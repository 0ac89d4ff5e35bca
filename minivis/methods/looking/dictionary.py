"""What other methods learn from patches of photographs, compared with the filters of a net.

    PCA                 directions of the largest variance: sinusoids over the whole patch
    ICA                 directions that are as independent as possible (Bell & Sejnowski 1997): edges
    k-means             centres of clusters of whitened patches (Coates & Ng 2012): edges
    sparse coding       a dictionary from which few words form a patch (Olshausen & Field 1996): edges

The lecture's point: nearly every method finds edges at one place and in one direction, like Gabor filters, but PCA does
not. ``spread`` measures this: the part of the patch that a filter uses, (sum of e)^2 / (n sum of e^2), where e is its
energy at each of n pixels; it is 1 if all pixels count equally and 1/n if only one does.
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
from minivis.methods.looking.filters import FilterGrid, filter_grid
from minivis.methods.shared.result import Result
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes, whole
from minivis.types import Picture

SHEET = 330                                     # pixels: the side of each sheet
SIDE = 320                                      # pixels: photographs are shrunk to this, so that patches have edges


@dataclass(frozen=True, eq=False)
class FilterComparison(Result):
    """``learnt``: {method: filters (F, KH, KW, 3 or 1)}, from ``patches`` patches of ``photos`` pictures."""

    net: FilterGrid
    learnt: dict[str, np.ndarray]
    unreadable: list

    def picture(self) -> Picture:
        own = self.net.filters
        F, KH, KW, _ = own.shape
        columns = math.ceil(F ** 0.5)
        scale = max(2, SHEET // (columns * (KW + 1)))
        sheets, titles = [], []
        for name, filters in {self.net.layer: own, **self.learnt}.items():
            sheets.append(contact_sheet(list(signed(filters, percentile=100)), columns, gap=2, scale=scale))
            what = f"the net's {F} of {KW} x {KH}" if filters is own else f"{len(filters)} from the patches"
            titles.append(f"{name}\n{what}; spread {spread(filters).mean():.2f}")
        return panels(sheets, titles, height=max(sheet.shape[0] for sheet in sheets), columns=3,
                      footer=f"{self.settings['patches']} patches of {self.settings['photos']} photographs. Spread: "
                             "the mean part of its square that a filter uses.")

    @property
    def numbers(self) -> dict[str, Any]:
        return {**self.net.numbers, "spread": float(spread(self.net.filters).mean()), "learnt": {
            name: {"filters": len(filters), "spread": float(spread(filters).mean())}
            for name, filters in self.learnt.items()}, "unreadable": [path for path, _ in self.unreadable]}

    def __str__(self) -> str:
        every = {self.net.layer: self.net.filters, **self.learnt}
        lines = [f"{name:<14} {len(filters):>4} filters, spread over {spread(filters).mean():.0%} of their square"
                 for name, filters in every.items()]
        return "\n".join(lines + [f"left out: {why}" for _, why in self.unreadable])


@takes(patches=whole(), seed=SEED)
def compare_filters(
    net: Network, layer: str | None = None, *, data: str | None = None, patches: int = 8000, seed: int = 0,
    progress: bool = False,
) -> FilterComparison:  # fmt: skip
    """The filters of a first convolution, beside what four other methods learn from patches of that size.

    Parameters
    ----------
    layer : str, optional
        The convolution; by default the first.
    data : str, optional
        A folder of photographs; by default the two that come with scikit-learn.
    patches : int
        Number of patches to learn from.

    Returns
    -------
    FilterComparison
        ``learnt``, {method: filters (F, KH, KW, C)}, for PCA, ICA, k-means and sparse coding.

    References
    ----------
    Olshausen & Field 1996.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> found = mv.compare_filters(net, patches=240)
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
    F, KH, KW, C = own.filters.shape
    if patches < 10 * F:
        raise BadValue(f"{patches} patches are too few for {F} filters: use {10 * F} or more")
    pictures, unreadable = photos(data, SIDE)
    cut = crops(pictures, (KH, KW), patches, np.random.default_rng(seed))
    learnt = learn(cut if C == 3 else grey(cut), F, seed=seed, progress=progress)
    return FilterComparison(own, learnt, unreadable, settings={
        **own.settings, "data": data, "patches": patches, "photos": len(pictures)})


def learn(patches: Any, count: int, *, seed: Any = 0, progress: bool = False) -> dict[Any, Any]:
    """{method: filters (at most ``count``, KH, KW, C)}, learned from uint8 patches (N, KH, KW, C).

    The mean colour of every patch is subtracted and its contrast is normalised, so that only structure is left. The
    last three methods work on the whitened leading components, and their results are transformed back to pixels.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

    flat = patches / 255.0
    flat = (flat - flat.mean(axis=(1, 2), keepdims=True)).reshape(len(patches), -1)
    flat = flat / np.sqrt(flat.var(axis=1, keepdims=True) + 0.03 ** 2)          # a flat patch stays near zero
    count = min(count, flat.shape[1] - patches.shape[3])
    pca = PCA(count, whiten=True, svd_solver="covariance_eigh" if _knows_covariance() else "full").fit(flat)
    white, pixels = pca.transform(flat), pca.components_ * np.sqrt(pca.explained_variance_)[:, None]
    found = {"PCA": pca.components_}
    ways = {
        "ICA": lambda: FastICA(whiten=False, random_state=seed, max_iter=100, tol=0.01).fit(white).mixing_.T,
        "k-means": lambda: MiniBatchKMeans(count, random_state=seed, n_init=1, batch_size=2048, max_iter=60).fit(
            white).cluster_centers_,
        "sparse coding": lambda: MiniBatchDictionaryLearning(
            count, alpha=1.0, fit_algorithm="cd", batch_size=256, max_iter=3, random_state=seed).fit(white).components_,
    }
    for name, way in track(ways.items(), progress, "learning from patches"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # the method has not converged in its time
            found[name] = way() @ pixels
    return {name: filters.reshape(-1, *patches.shape[1:]) for name, filters in found.items()}


def spread(filters: Any) -> Any:
    """(F,) the part of its square that each filter (F, KH, KW, C) uses."""
    energy = (np.asarray(filters, dtype=np.float64) ** 2).sum(axis=3).reshape(len(filters), -1)
    return energy.sum(axis=1) ** 2 / (energy.shape[1] * np.maximum((energy ** 2).sum(axis=1), 1e-300))


def grey(patches: Any) -> Any:
    """Luma (Rec. 601), (N, KH, KW, 1)."""
    return (patches @ np.array([0.299, 0.587, 0.114]))[..., None]


def _knows_covariance() -> Any:
    import sklearn

    return tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 5)
