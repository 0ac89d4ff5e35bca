"""GrabCut (Rother et al. 2004) in NumPy: from hints of where an object lies to its outline.

    argmin over labels    sum of -log p(colour | label)  +  TRUST * number of pixels hinted at, but labelled background
        +  GAMMA * sum over neighbours of unlike labels of  exp(-beta |difference of colours|^2) / distance

Object and background are mixtures of Gaussians in RGB. In turn, the mixtures are fitted to the labels, and the best
labels for them found exactly, as the smallest cut through a graph (Boykov & Jolly 2001; `scipy.sparse.csgraph`).
Nothing is drawn at random. In the paper a person marks the object, and that is certain; a saliency map covers more than
a thin object, such as the sky beside a rocket, so here its hints can be overruled by colours. Hints of the background
can't.
"""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from minivis.types import Array

OBJECT, MAYBE, MAYBE_NOT, BACKGROUND = 255, 170, 85, 0          # hints
COMPONENTS = 5
GAMMA = 50.0
TRUST = 8.0                     # in -log p. With 5 a cat lost its far eye, with 12 a rocket kept the sky beside it
NOISE = 3.0                     # levels: no Gaussian is narrower, also where a drawing has one flat colour
COARSE, FINE = 160, 480         # pixels of the longer side: of the rounds, and of the last cut along the outline
STEPS = 10                      # of k-means
PER_UNIT = 100                  # capacities of a graph are whole numbers


class Mixture(NamedTuple):
    """Gaussians: log weights (K,), means (K, 3), inverse covariances (K, 3, 3), log determinants (K,)."""

    log_weights: np.ndarray
    means: np.ndarray
    inverses: np.ndarray
    log_dets: np.ndarray

    @classmethod
    def fitted(cls, colours: Any, labels: Any) -> Any:
        """To colours (N, 3), each of the component ``labels`` (N,)."""
        parts = [colours[labels == k] for k in np.unique(labels)]
        means = np.stack([part.mean(axis=0) for part in parts])
        covariances = np.stack([np.cov(part.T, bias=True) + NOISE**2 * np.eye(3) for part in parts])
        return cls(np.log([len(part) / len(colours) for part in parts]), means, np.linalg.inv(covariances),
                   np.linalg.slogdet(covariances)[1])

    def costs(self, colours: Any) -> Any:
        """-log of each component's share in the density, up to a constant: (N, K)."""
        away = colours[:, None] - self.means
        squares = np.einsum("nki,kij,nkj->nk", away, self.inverses, away)
        return 0.5 * (squares + self.log_dets) - self.log_weights

    def cost(self, colours: Any) -> Any:
        """-log of the density, (N,)."""
        costs = self.costs(colours)
        least = costs.min(axis=1)
        return least - np.log(np.exp(least[:, None] - costs).sum(axis=1))


def grabcut(picture: Array, hints: Any, rounds: int = 5) -> Array:
    """The object in ``picture`` uint8 (H, W, 1 or 3), bool (H, W). ``hints`` uint8, the four values above, any size."""
    coarse = resized(picture, COARSE)
    marks = nearest(hints, coarse.shape[:2])
    found = marks >= MAYBE
    if found.all() or not found.any():                          # a flat map gives no hints
        return np.zeros(picture.shape[:2], bool)
    links = links_of(coarse)
    for _ in range(rounds):
        before, models = found, mixtures(coarse, found)
        found = labelled(coarse, links, models, np.where(marks == BACKGROUND, 0, -1), marks == OBJECT)
        if found.all() or not found.any():
            found = before
        if (found == before).all():
            break
    return outlined(picture, found, models)


def outlined(picture: Array, coarse: Any, models: Any) -> Array:
    """The coarse labels, cut once more along their outline in a finer picture, at the size of ``picture``."""
    fine = resized(picture, FINE)
    found = nearest(coarse, fine.shape[:2])
    width = 1 + round(max(fine.shape) / max(coarse.shape))
    if fine.shape[:2] != coarse.shape and found.any() and not found.all():
        kept = np.where(binary_erosion(found, iterations=width, border_value=1), 1,
                        np.where(binary_dilation(found, iterations=width), -1, 0))
        found = labelled(fine, links_of(fine), models, kept)
    large = Image.fromarray(np.where(found, 255, 0).astype(np.uint8))
    return np.asarray(large.resize(picture.shape[1::-1], Image.Resampling.BILINEAR)) > 127


def mixtures(picture: Array, found: Any) -> Any:
    """The `Mixture` of the background's colours, and of the object's."""
    models = []
    for part in (picture[~found], picture[found]):
        labels = clusters(part)
        model = Mixture.fitted(part, labels)
        models.append(Mixture.fitted(part, model.costs(part).argmin(axis=1)))
    return models


def clusters(colours: Any, count: int = COMPONENTS) -> Any:
    """k-means of colours (N, 3), which begins with ``count`` equal parts along their longest axis: labels (N,)."""
    axis = np.linalg.eigh(np.cov(colours.T, bias=True))[1][:, -1]
    labels = np.empty(len(colours), int)
    labels[np.argsort(colours @ axis, kind="stable")] = np.arange(len(colours)) * count // len(colours)
    for _ in range(STEPS):
        centres = np.stack([colours[labels == k].mean(axis=0) for k in np.unique(labels)])
        labels = ((colours[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return labels


def links_of(picture: Array) -> tuple[Any, Any, Any]:
    """Each pair of neighbours, once: (pixels, pixels, what it costs to part them)."""
    H, W = picture.shape[:2]
    at = np.arange(H * W).reshape(H, W)
    pairs = ((at[:, :-1], at[:, 1:]), (at[:-1], at[1:]), (at[:-1, :-1], at[1:, 1:]), (at[:-1, 1:], at[1:, :-1]))
    first, second = (np.concatenate([pair[k].ravel() for pair in pairs]) for k in (0, 1))
    distance = np.repeat(np.sqrt([1, 1, 2, 2]), [pair[0].size for pair in pairs])
    flat = picture.reshape(H * W, 3)
    squares = ((flat[first] - flat[second]) ** 2).sum(axis=1)
    return first, second, GAMMA * np.exp(-squares / (2 * squares.mean() or 1)) / distance


def labelled(picture: Array, links: Any, models: Any, kept: Any, hinted: Any = None) -> Any:
    """The labels of least energy, bool (H, W). ``kept`` (H, W): 1 object, 0 background, -1 free. ``hinted``: object."""
    flat, kept = picture.reshape(-1, 3), kept.ravel()
    free = kept < 0
    as_background, as_object = (model.cost(flat) for model in models)
    if hinted is not None:
        as_background += TRUST * hinted.ravel()
    for one, other in (links[:2], links[1::-1]):                # a neighbour whose label is known
        for label, cost in ((1, as_background), (0, as_object)):
            beside = free[one] & (kept[other] == label)
            np.add.at(cost, one[beside], links[2][beside])
    inside = free[links[0]] & free[links[1]]
    number = np.cumsum(free) - 1
    found = kept == 1
    found[free] = smallest_cut(as_background[free], as_object[free], number[links[0][inside]], number[links[1][inside]],
                               links[2][inside])
    return found.reshape(picture.shape[:2])


def smallest_cut(as_background: Any, as_object: Any, first: Any, second: Any, weight: Any) -> Any:
    """Which nodes are object, bool (N,): the smallest sum of each node's own cost and of the links cut."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    N = len(as_background)
    least, nodes = np.minimum(as_background, as_object), np.arange(N)
    source, sink = np.full(N, N), np.full(N, N + 1)             # cut from the source: background; from the sink: object
    rows, columns = np.concatenate([first, second, source, nodes]), np.concatenate([second, first, nodes, sink])
    capacity = np.concatenate([weight, weight, as_background - least, as_object - least])
    graph = csr_matrix((np.rint(PER_UNIT * capacity).astype(np.int32), (rows, columns)), shape=(N + 2, N + 2))
    left = csr_matrix(graph - maximum_flow(graph, N, N + 1).flow)
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    reached = np.zeros(N + 2, bool)
    reached[breadth_first_order(left, N, return_predecessors=False)] = True
    return reached[:N]


def sides(shape: Any, longest: int) -> tuple[Any, ...]:
    """(H, W) of ``shape``, shrunk until the longer side has at most ``longest`` pixels."""
    shrink = min(1, longest / max(shape[:2]))
    return tuple(max(1, round(side * shrink)) for side in shape[:2])


def resized(picture: Array, longest: int) -> Array:
    """A picture, uint8 (H, W, 1 or 3), as float colours (h, w, 3)."""
    small = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))))
    return np.asarray(small.resize(sides(picture.shape, longest)[::-1], Image.Resampling.LANCZOS), np.float64)


def nearest(values: Array, size: Any) -> Any:
    """Values (H, W), read at the nearest pixel for another size."""
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, values.shape))
    return values[np.ix_(rows, columns)]
