"""Two maps of labelled pictures side by side: t-SNE of their pixels, and of their codes.

van der Maaten & Hinton 2008 (figure 2) map handwritten digits by their pixels, and colour each by what it is. How good
a map is can be measured: of the ``K`` nearest neighbours of each picture on the map, how many have its label?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import above, beside, panels, text_picture
from minivis.figures.line_chart import COLORS
from minivis.figures.text import percent
from minivis.methods.looking.codes import codes
from minivis.methods.looking.thumbnails import shrunk
from minivis.methods.shared.embed import embed
from minivis.methods.shared.result import Result
from minivis.runtime.settings import NAMES, NUMBERS, SEED, number, takes, whole
from minivis.types import Picture

K = 5                                           # neighbours that are compared
SIDE = 760                                      # pixels of a map
COLOURS = (*COLORS, (220, 20, 60), (128, 128, 128))     # as many as there are digits; further classes start over


@dataclass(frozen=True, eq=False)
class LabelledMaps(Result):
    """``places``: {"pixels", layer: (N, 2), x, y in 0..1}; ``agreement``: {same: (N,) share of neighbours alike}."""

    images: np.ndarray                          # uint8 (N, H, W, C)
    labels: np.ndarray
    names: tuple[str, ...]
    places: dict[str, np.ndarray]
    agreement: dict[str, np.ndarray]            # of each picture, on the map
    chance: float
    new: np.ndarray                             # (N,) whether the net has not learned from the picture

    def picture(self) -> Picture:
        drawn = [plane(self.images, self.labels, where, self.settings["side"]) for where in self.places.values()]
        titles = [f"t-SNE of {what}\n{self.told(what)}" for what in self.places]
        return above([panels(drawn, titles, height=self.settings["side"]), key(self.names)], gap=0, align="center")

    def told(self, what: Any) -> str:
        of_new = ""
        if self.some_new:
            of_new = f"; of the {self.new.sum()} new pictures {percent(self.share(what, self.new))}"
        return f"{percent(self.share(what))} of the {K} nearest have the same label{of_new}"

    def share(self, what: Any, some: Any = slice(None)) -> float:
        return float(self.agreement[what][some].mean())

    @property
    def some_new(self) -> Any:
        return 0 < self.new.sum() < len(self.new)

    @property
    def numbers(self) -> dict[str, Any]:
        found = {what: {"same_label": self.share(what), **({"same_label_new": self.share(what, self.new)}
                                                          if self.some_new else {})} for what in self.places}
        return {"pictures": len(self.labels), "neighbours": K, "chance": self.chance,
                "perplexity": self.settings["perplexity"], "maps": found}

    def __str__(self) -> str:
        return "\n".join([f"{len(self.labels):,} pictures of {len(self.names)} classes; neighbours agree by chance in "
                          f"{percent(self.chance)}", *(f"map of {what}: {self.told(what)}" for what in self.places)])


@takes(images=NUMBERS, labels=NUMBERS, names=NAMES, new=NUMBERS, perplexity=number(), side=whole(64), seed=SEED)
def tsne_labelled(
    net: Network, images: NDArray[Any], labels: NDArray[Any], *, names: Sequence[str] | None = None, new: Any = None,
    layer: str | None = None, perplexity: float = 50.0, side: int = SIDE, seed: int = 0, progress: bool = False,
) -> LabelledMaps:  # fmt: skip
    """Maps of labelled pictures by their pixels and by their codes, and how many neighbours have the same label.

    Parameters
    ----------
    images : uint8 array (N, H, W, C)
        The pictures, at least 8.
    labels : array (N,)
        Their labels, from 0.
    names : sequence of str, optional
        The names of the classes.
    new : array (N,), optional
        True for pictures that the net has not learned from; their neighbours are counted for themselves, too.
    layer : str, optional
        The layer of the codes; by default that of the net's role code.
    perplexity : float, default 50
        Effective number of neighbours of each picture.
    side : int, in pixels
        Side of each map.

    Returns
    -------
    LabelledMaps
        ``places``, {"pixels", layer: (N, 2)}, and ``agreement``.

    References
    ----------
    van der Maaten & Hinton 2008.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = mv.tsne_labelled(net, rng.integers(0, 256, (9, 8, 8, 3), np.uint8), np.arange(9) % 3, side=96)
    >>> sorted(found.places)
    ['fc7', 'pixels']
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 4 or labels.shape != (len(images),) or len(images) < 8:
        raise BadValue(f"a map needs at least 8 pictures of one size, (N, H, W, C), with N labels; got {images.shape} "
                       f"and {labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() < 1:
        raise BadValue("labels must be whole numbers from 0, of at least two classes")
    names = tuple(map(str, range(labels.max() + 1) if names is None else names))
    if len(names) <= labels.max():
        raise BadValue(f"{len(names)} names for {labels.max() + 1} classes: give one for each")
    new = np.zeros(len(labels), bool) if new is None else np.asarray(new, bool)
    if new.shape != labels.shape:
        raise BadValue(f"new says for each of the {len(labels)} pictures whether it is new, not {new.shape}")
    coded = codes(net, images, layer, progress=progress)
    spaces = {"pixels": images.reshape(len(images), -1), coded.layer: coded.values}
    places = {}
    for what, values in spaces.items():
        places[what], used, _ = embed(values, perplexity, seed)
    same = {what: agreement(where, labels) for what, where in places.items()}
    counts = np.bincount(labels)
    chance = float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))
    return LabelledMaps(images, labels, names, places, same, chance, new,
                        settings={"layer": coded.layer, "perplexity": used, "side": side})


def agreement(places: Any, labels: Any, k: int = K) -> Any:
    """(N,) the share of the k nearest neighbours of each place that have its label."""
    from scipy.spatial import cKDTree

    _, near = cKDTree(places).query(places, k + 1)
    others = near != np.arange(len(places))[:, None]
    others[others.all(axis=1), -1] = False                  # of points at one place, a point may not find itself
    near = near[others].reshape(len(places), k)
    return (labels[near] == labels[:, None]).mean(axis=1)


def plane(images: Any, labels: Any, places: Any, side: Any) -> Any:
    """Each picture at its place: its ink, whatever differs from the background, in the colour of its class."""
    room = max(8, round(0.6 * side / np.sqrt(len(images))))
    sheet = np.full((side, side, 3), 255.0)
    for image, label, (x, y) in zip(images, labels, places):
        ink = shrunk(image, room).max(axis=2, keepdims=True) / 255
        h, w = ink.shape[:2]
        top, left = round(y * (side - h)), round(x * (side - w))
        seen = sheet[top : top + h, left : left + w]
        seen += ink * (np.array(COLOURS[label % len(COLOURS)]) - seen)
    return np.rint(sheet).astype(np.uint8)


def key(names: Any) -> Picture:
    """The names of the classes in their colours, in rows."""
    shown = [text_picture(name, size=15, color=COLOURS[k % len(COLOURS)]) for k, name in enumerate(names)]
    rows = [beside(shown[first : first + 20], gap=20) for first in range(0, min(len(shown), 100), 20)]
    return above([*rows, np.full((8, 1, 3), 255, np.uint8)], align="center")
