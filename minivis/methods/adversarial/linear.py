"""Linear classifiers are fooled, too, so depth is not the reason (Goodfellow et al. 2015, section 3; lecture 9).

    s = w . x + b           move every x_i by eps against the sign of w_i, and s falls by eps * sum |w_i|

Each part of the change is small, but there are as many parts as x has numbers, and they add up. For a linear classifier
the smallest change (in Linf) is known exactly: towards class k every x_i moves along the sign of (w_k - w_y)_i as far
as eps and its bounds allow. No other change of that size raises s_k - s_y more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import above, contact_sheet, panels, signed
from minivis.figures.text import chance, percent
from minivis.images.preprocessing import to_uint8
from minivis.layers import cross_entropy
from minivis.layers.softmax import softmax_forward
from minivis.methods.adversarial.settings import LinearSettings
from minivis.methods.shared.result import Result
from minivis.optimize.scipy_bridge import minimise
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import CLASS, NAMES, NUMBERS, SEED, number, several, takes, whole
from minivis.types import Array, Progress

HALVINGS = 24                                   # of the search for the smallest change
CONVNET = 12                                    # rows for the convnet, because PGD takes time
SURE = 0.99                                     # the probability that a mixture is to reach


@dataclass(frozen=True, eq=False)
class LinearFool(Result):
    """The result of `linear_fool`: ``w`` (d, K), ``b`` (K,), and the changes that fool them."""

    names: tuple[str, ...]
    shape: tuple | None                         # (H, W, C) of a row that is a picture
    w: np.ndarray
    b: np.ndarray
    accuracy: dict[str, float]
    x: np.ndarray                               # (n, d), the held-out rows that the classifier gets right
    labels: np.ndarray
    nudges: np.ndarray                          # (n,) the smallest Linf that changes the answer
    nudged: np.ndarray                          # (n, d), with it
    target: int
    amounts: np.ndarray                         # (n,) how much of w[:, target] makes p(target) ``SURE``; NaN where none
    mixed: np.ndarray                           # (n, d), with it
    convnet: np.ndarray                         # the smallest eps that PGD finds for a convnet, of the first few rows

    @property
    def array(self) -> Array:
        return self.nudged

    def probs(self, x: Array) -> Array:
        return softmax_forward(x @ self.w + self.b)

    def picture(self) -> Array:
        if self.shape is None:
            heat = np.kron(signed(self.w.T[..., None]), np.ones((12, max(1, 480 // len(self.w)), 1), np.uint8))
            limit = abs(self.w).max()
            return panels([heat], ["the weights\none row per class, one column per number of the input"],
                          colorbars=[("diverging", -limit, limit, "weight")], height=heat.shape[0])
        few = min(6, len(self.x))
        side = max(self.shape[:2])
        templates = [signed(self.w[:, k].reshape(self.shape)) for k in range(min(30, len(self.names)))]
        weights = contact_sheet(templates, 10, labels=list(self.names[:30]), scale=max(1, 64 // side))
        sheets = {"the weights of each class, as pictures\neach to its own strongest": weights}
        name = self.names[self.target]
        for what, x in (("held out, with the classifier's answers", self.x), ("after the smallest change", self.nudged),
                        (f"mixed with a bit of the weights of {name}", self.mixed)):
            p = self.probs(x[:few])
            labels = [f"{self.names[k]}: {chance(q)}" for k, q in zip(p.argmax(axis=1), p.max(axis=1))]
            tiles = [to_uint8(one).reshape(self.shape) for one in x[:few]]
            sheets[what] = contact_sheet(tiles, few, labels=labels, scale=max(1, 112 // side))
        return above([panels([sheet], [what], height=sheet.shape[0]) for what, sheet in sheets.items()], align="center")

    @property
    def numbers(self) -> dict[str, Any]:
        same = self.nudges[: len(self.convnet)]                         # of the rows that the convnet also judged
        return {
            "accuracy": self.accuracy, "numbers_each": len(self.w), "classes": len(self.names),
            "smallest_nudge": {"median": float(np.median(self.nudges)), "largest": float(self.nudges.max())},
            "mixed": {"target": self.names[self.target], "reached": float(np.isfinite(self.amounts).mean()),
                      "median_linf": float(np.median(abs(self.mixed - self.x).max(axis=1)))},
            **({} if not len(self.convnet) else {"convnet": {
                "pictures": len(self.convnet), "median": float(np.median(self.convnet)),
                "largest": float(self.convnet.max()), "linear_median": float(np.median(same)),
                "linear_largest": float(same.max())}}),
        }  # fmt: skip

    def __str__(self) -> str:
        told = self.numbers
        beside = ""
        if len(self.convnet):
            found = told["convnet"]
            beside = (f"\n\nsmallest changes, levels of 255   median  largest   of {found['pictures']} pictures\n"
                      f"  linear                      {found['linear_median']:10.2f}{found['linear_largest']:9.2f}\n"
                      f"  convnet, by whole levels    {found['median']:10.2f}{found['largest']:9.2f}")
        return (f"a linear softmax classifier of {len(self.w):,} numbers each in {len(self.names)} classes: "
                f"{percent(self.accuracy['held out'])} of the held-out rows are classified correctly\n"
                f"the smallest change of every number that alters its answer: {told['smallest_nudge']['median']:.3g} "
                f"(median)\na bit of the weights of {self.names[self.target]} in everything: p > {SURE} in "
                f"{percent(told['mixed']['reached'])}, with no number moved by more than "
                f"{told['mixed']['median_linf']:.3g} (median){beside}")


@set_by(LinearSettings)
@takes(x=NUMBERS, labels=NUMBERS, names=NAMES, target=CLASS, bounds=several(number()), shape=several(whole(1)),
       seed=SEED)
def linear_fool(
    x: NDArray[Any], labels: NDArray[Any], *, names: Sequence[str] | None = None, target: str | int | None = None,
    bounds: tuple[float, float] | None = None, shape: tuple[int, ...] | None = None,
    settings: LinearSettings | None = None, l2: float = LinearSettings.l2, held_out: float = LinearSettings.held_out,
    steps: int = LinearSettings.steps, net: Network | None = None, seed: int = 0, progress: bool = False,
) -> LinearFool:  # fmt: skip
    """Train a linear softmax classifier, and fool it on held-out rows: depth is not the reason.

    Parameters
    ----------
    x : array (n, d)
        The rows.
    labels : array (n,)
        Their classes, from 0.
    names : sequence of str, optional
        Names of the classes.
    target : str or int, optional
        The class to mix into every row; by default the last.
    bounds : (float, float), optional
        Lowest and highest value of all numbers, such as (0, 255).
    shape : (int, int, int), optional
        (H, W, C) if rows are pictures.
    net : Network, optional
        A convnet of the same classes, whose smallest eps is measured for the first rows, with PGD.

    Returns
    -------
    LinearFool
        ``w`` (d, K), ``b`` (K,), the ``nudged`` rows and the ``mixed`` ones.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015, section 5; Karpathy 2015.

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (40, 3)), rng.normal(1, 1, (40, 3))])
    >>> mv.linear_fool(x, np.arange(80) // 40, steps=20).w.shape
    (3, 2)
    """
    x, labels = np.asarray(x, np.float64), np.asarray(labels)
    if x.ndim != 2 or labels.shape != (len(x),) or len(x) < 4 or not np.isfinite(x).all():
        raise BadValue(f"x must be (n, d) finite numbers, at least 4 rows, with n labels; got {x.shape} and "
                       f"{labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() < 1:
        raise BadValue("labels must be whole numbers from 0, of at least two classes")
    K = int(labels.max()) + 1
    names = tuple(names) if names is not None else tuple(f"class {k}" for k in range(K))
    if len(names) < K:
        raise BadValue(f"{len(names)} names for {K} classes: give one for each")
    goal = K - 1 if target is None else names.index(target) if target in names else target
    if not (isinstance(goal, (int, np.integer)) and 0 <= goal < K):
        raise BadValue(f"the target must be one of the classes {', '.join(names)}, not {target!r}")

    order = np.random.default_rng(seed).permutation(len(x))
    test, train = np.split(order, [min(len(x) - 1, max(1, round(held_out * len(x))))])
    w, b = train_linear(x[train], labels[train], len(names), l2=l2, steps=steps, alike=shape is not None)
    hits = (x @ w + b).argmax(axis=1) == labels
    accuracy = {"trained on": float(hits[train].mean()), "held out": float(hits[test].mean())}
    right = test[hits[test]]
    if not len(right):
        raise BadValue("the classifier gets none of the held-out rows right, so there is nothing to fool")
    nudges, nudged = smallest_nudge(x[right], labels[right], w, b, bounds)
    amounts, mixed = mix(x[right], w, b, goal, bounds)
    convnet = convnet_nudges(net, x[right[:CONVNET]], shape, progress) if net is not None else np.zeros(0)
    return LinearFool(names, shape, w, b, accuracy, x[right], labels[right], nudges, nudged, int(goal), amounts, mixed,
                      convnet, settings={"l2": l2, "held_out": held_out, "steps": steps, "target": names[goal]})


def train_linear(x: Array, labels: Any, K: int, *, l2: float = 1e-3, steps: int = 200,
                 alike: bool = False) -> tuple[Any, Any]:
    """w (d, K), b (K,) that minimise cross-entropy + l2/2 |w|^2, by L-BFGS.

    Inputs are scaled to unit variance, and the scale is undone at the end. Each number has its own scale or, if they
    are ``alike``, as pixels are, all share one (a pixel that is nearly always black would be scaled up too much).
    """
    mean, std = x.mean(axis=0), np.full(x.shape[1], x.std()) if alike else np.maximum(x.std(axis=0), 1e-12)
    z, d = (x - mean) / std, x.shape[1]

    def loss(flat: Any) -> tuple[Any, Array]:
        w, b = flat[: d * K].reshape(d, K), flat[d * K :]
        value, dlogits = cross_entropy(z @ w + b, labels)
        return value + l2 / 2 * (w * w).sum(), np.concatenate([(z.T @ dlogits + l2 * w).ravel(), dlogits.sum(axis=0)])

    found = minimise(loss, np.zeros((d + 1) * K), steps=steps).x
    w = found[: d * K].reshape(d, K) / std[:, None]
    return w, found[d * K :] - mean @ w


def smallest_nudge(x: Array, labels: Any, w: Array, b: Array, bounds: Any = None) -> tuple[Any, Any]:
    """The smallest eps (n,) such that changes of at most eps give another answer, and x (n, d) with these changes.

    For each other class k: without bounds (s_y - s_k) / |w_k - w_y|_1; with bounds by bisection, as s_k - s_y only
    grows with eps.
    """
    best, moved = np.full(len(x), np.inf), x.copy()
    for k in range(w.shape[1]):
        rows = np.flatnonzero(labels != k)
        slope = w[:, k] - w.T[labels[rows]]                             # (rows, d), of s_k - s_y
        offset = b[k] - b[labels[rows]]

        def at(eps: Any, rows: Any = rows, slope: Any = slope) -> Any:
            there = x[rows] + eps[:, None] * np.sign(slope)
            return there if bounds is None else np.clip(there, *bounds)

        def crossed(eps: Any, at: Any = at, slope: Any = slope, offset: Any = offset) -> Array:
            return (at(eps) * slope).sum(axis=1) + offset > 0

        gap = -((x[rows] * slope).sum(axis=1) + offset)
        large = gap / np.maximum(abs(slope).sum(axis=1), 1e-300) * (1 + 1e-9)
        if bounds is not None:                                          # numbers at a bound must move further
            small, large = large * 0, np.full(len(rows), float(bounds[1] - bounds[0]))
            for _ in range(HALVINGS):
                middle = (small + large) / 2
                enough = crossed(middle)
                small, large = np.where(enough, small, middle), np.where(enough, middle, large)
        better = crossed(large) & (large < best[rows])
        best[rows[better]], moved[rows[better]] = large[better], at(large)[better]
    return best, moved


def mix(x: Array, w: Array, b: Array, target: Any, bounds: Any = None, sure: Any = SURE) -> tuple[Array, Any]:
    """Add as little of the weights of ``target`` to every row as makes its probability ``sure``: amounts (n,), rows.

    The direction is the target's weights minus the mean of all, because a weight common to all classes has no effect.
    """
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    template = w[:, target] - w.mean(axis=1)
    template = template / abs(template).max()                           # so that an amount is a Linf

    def prob(amount: Any) -> tuple[Any, Any]:
        at = np.clip(x + amount[:, None] * template, low, high)
        return softmax_forward(at @ w + b)[:, target], at

    span = float(x.max() - x.min()) or 1.0                              # a flat picture has none
    small, large = np.zeros(len(x)), np.full(len(x), 1e-3 * span)
    while not (prob(large)[0] >= sure).all() and large.max() < 1e3 * span:
        large = np.where(prob(large)[0] >= sure, large, 2 * large)
    for _ in range(HALVINGS):
        middle = (small + large) / 2
        enough = prob(middle)[0] >= sure
        small, large = np.where(enough, small, middle), np.where(enough, middle, large)
    p, at = prob(large)
    return np.where(p >= sure, large, np.nan), at


def convnet_nudges(net: Network, x: Array, shape: Any, progress: Progress = False) -> Array:
    """The smallest eps (n,), in whole levels, with which PGD changes a net's answer to each row."""
    from minivis.methods.adversarial.fool import fool

    return np.array([fool(net, to_uint8(row).reshape(shape)).eps[0] for row in track(x, progress, "convnet")])
