"""What a Gram matrix says of a picture: which features fire together; and how content and style fight in a painting.

    G = sum over positions p of f_p f_p^T / (C * positions)     of the photograph, of the painting, and of the result
    together(c, d) = share of positions where f_c > 0 and f_d > 0

Gatys, Ecker & Bethge 2015. The result's Gram matrix becomes that of the painting. The strongest pairs of channels stand
with the places of the painting that excite each channel most, and with how often both fire at one place. Of the loss
both parts are drawn over the steps: what the style gains, the content loses.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minivis.engine.network import Network
from minivis.engine.surgery import trunk, with_pooling
from minivis.errors import BadValue
from minivis.figures.colormaps import unsigned
from minivis.figures.compose import above, beside, contact_sheet, panels, text_picture
from minivis.figures.line_chart import line_chart
from minivis.figures.text import MUTED, percent
from minivis.images.given import as_picture
from minivis.images.resampling import resized
from minivis.methods.shared.result import PANEL, Result, input_of, seen_by
from minivis.methods.synthesis.style import Painted, side_of, style_transfer
from minivis.objectives.style import gram
from minivis.optimize.watch import Watch
from minivis.runtime.backend import to_cpu
from minivis.runtime.settings import SEED, several, takes, whole
from minivis.sweeps.tops import strongest
from minivis.types import Picture

PLACES, TILE = 3, 52                            # of each channel; pixels of one
OF = ("content", "style", "result")


class Pair(NamedTuple):
    """Two channels, the value of the style's Gram matrix for them, and how often both fire, {"content": share, ...}."""

    channels: tuple[int, int]
    value: float
    together: dict[str, float]


@dataclass(frozen=True, eq=False)
class StyleGrams(Result):
    """``grams``: {"content", "style", "result": (C, C)}; ``pairs``: the strongest; ``fight``: {loss: (steps, values)}.

    ``together``: {"content", ...: (C, C) shares of positions where both channels fire}.
    """

    painted: Painted
    layer: str
    pictures: dict[str, np.ndarray]
    grams: dict[str, np.ndarray]
    together: dict[str, np.ndarray]
    pairs: tuple[Pair, ...]
    places: dict[int, list]                     # channel: tiles of the painting, uint8 (h, w, 3)
    fight: dict[str, tuple]

    @property
    def arrays(self) -> dict[str, Any]:
        return {f"gram of the {name}": matrix[None] for name, matrix in self.grams.items()}

    @property
    def distance(self) -> dict[str, float]:
        """{"content", "result": |G - A|^2 / |A|^2, A the style's}: 0 is the style, 1 a picture without features."""
        wanted = self.grams["style"]
        return {name: float(((matrix - wanted) ** 2).sum() / (wanted**2).sum()) for name, matrix in self.grams.items()
                if name != "style"}

    @property
    def apart(self) -> dict[str, float]:
        """{"content", "result": mean difference of ``together`` from the style's, over all pairs}"""
        off = ~np.eye(len(self.together["style"]), dtype=bool)
        return {name: float(abs(self.together[name] - self.together["style"])[off].mean()) for name in OF
                if name != "style"}

    def picture(self) -> Picture:
        height = PANEL
        top = panels([self.pictures[name] for name in OF], list(OF), height=height)
        order = np.argsort(-np.diag(self.grams["style"]), kind="stable")
        limit = float(np.percentile(self.grams["style"], 99.5)) or 1.0
        maps = [unsigned(self.grams[name][np.ix_(order, order)][..., None], limit=limit) for name in OF]
        titles = [f"Gram matrix of {self.layer}, content\ndistance from the style's {self.distance['content']:.2g}",
                  f"Gram matrix of {self.layer}, style\n{len(order)} channels, those strongest in the style first",
                  f"Gram matrix of {self.layer}, result\ndistance from the style's {self.distance['result']:.2g}"]
        middle = panels(maps, titles, height=height, colorbars=[None, None, ("inferno", 0, limit)])
        return above([top, middle, beside([self.drawn_pairs(), self.drawn_fight()], gap=24, align="top")], gap=0)

    def drawn_pairs(self) -> Picture:
        rows = []
        for pair in self.pairs:
            tiles = [contact_sheet(self.places[c], PLACES, scale=1, gap=1) for c in pair.channels]
            often = ", ".join(f"{percent(share)} of the {name}" for name, share in pair.together.items())
            name = f"channels {pair.channels[0]} and {pair.channels[1]} fire together in"
            rows.append(above([text_picture(name, size=13), text_picture(often, size=13, color=MUTED),
                               beside(tiles, gap=14)], gap=2))
        title = text_picture("the strongest pairs, and where in the style each channel is strongest", size=15)
        return np.pad(above([title, *rows], gap=10), ((8, 16), (16, 0), (0, 0)), constant_values=255)

    def drawn_fight(self) -> Picture:
        chart = line_chart(self.fight, width=330, height=230, x_label="steps", low=0.0)
        return panels([chart], ["the two fight it out\neach loss without its weight; 1: the net sees nothing of it"],
                      height=chart.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {**self.painted.numbers, "layer": self.layer, "gram_distance": self.distance,
                "fire_together_difference": self.apart,
                "content_loss": float(self.fight["content"][1][-1]), "style_loss": float(self.fight["style"][1][-1]),
                "pairs": [{"channels": list(one.channels), "gram": one.value, "fire_together": one.together}
                          for one in self.pairs]}

    def __str__(self) -> str:
        lines = [str(self.painted), f"Gram matrix of {self.layer}, from that of the style: content "
                 f"{self.distance['content']:.3g}, result {self.distance['result']:.3g}"]
        lines += [f"  channels {one.channels[0]} and {one.channels[1]} fire together in "
                  + ", ".join(f"{percent(share)} of the {name}" for name, share in one.together.items())
                  for one in self.pairs]
        (_, content), (_, style) = self.fight["content"], self.fight["style"]
        lines.append(f"the losses: content {content[0]:.3g} -> {content[-1]:.3g}, "
                     f"style {style[0]:.3g} -> {style[-1]:.3g}")
        return "\n".join(lines)


@takes(pairs=whole(1), size=several(whole()), seed=SEED)
def style_grams(
    net: Network, content: Picture, style: Picture, *, layer: str | None = None, pairs: int = 4,
    size: int | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None, **settings: Any,
) -> StyleGrams:  # fmt: skip
    """Paint a picture in the style of another, and show the Gram matrices of all three and both losses.

    Further keywords are those of `style_transfer`.

    Parameters
    ----------
    style : uint8 array (H, W, C)
        The picture whose style is painted.
    layer : str, optional
        The layer whose Gram matrices are drawn; by default the last but one of the style layers.
    pairs : int, default 4
        Pairs of channels to show, those with the largest values of the style's Gram matrix, each channel once.
    size : int, in pixels, optional
        The longer side of the painting; by default the content's.
    settings : any
        Keywords of `style_transfer`.

    Returns
    -------
    StyleGrams
        ``grams`` and ``together``, (C, C) of content, style and result, the ``pairs``, and the ``fight`` of the losses.

    References
    ----------
    Gatys, Ecker & Bethge 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.style_grams(net, goose, goose[::-1], size=32, steps=2)
    >>> found.grams["result"].shape
    (96, 96)
    """
    if isinstance(size, (tuple, list)) or isinstance(style, (tuple, list)) or np.ndim(style) == 4:
        raise BadValue("Gram matrices are drawn for one style and one size")
    content, style = as_picture(content, net.input_channels), as_picture(style, net.input_channels)
    names = net.role("style")
    layer = net.check_name(layer or names[max(0, len(names) - 2)])
    size = side_of(content) if size is None else size
    steps: list[int] = []
    terms: list[dict[str, float]] = []

    def look(preview: Any) -> bool:
        steps.append(preview.step)
        terms.append(preview.terms)
        return False

    watch = (Watch() if watch is None else watch).of_part(callback=look, every=1)
    painted = style_transfer(net, content, style, size=size, seed=seed, progress=progress, watch=watch, **settings)
    if len(terms) < 2:
        raise BadValue(f"the figure draws losses over the steps, and needs at least two of these, not {len(terms)}")
    used = painted.settings
    scale = used["style_scale"]
    pictures = {"content": resized(content, size), "style": resized(style, size * scale), "result": painted.pixels}
    body = with_pooling(trunk(net, [layer]), used["pooling"])
    maps = {name: body.forward(input_of(body, one), until=layer, keep=(layer,), grad=None)[layer]
            for name, one in pictures.items()}
    if maps["style"].ndim != 4:
        raise BadValue(f"{layer} has no positions, and so no Gram matrix: name a convolution or its ReLU")
    grams = {name: to_cpu(gram(a)).astype(np.float64) for name, a in maps.items()}
    maps = {name: to_cpu(a) for name, a in maps.items()}
    together = {name: both_fire(a) for name, a in maps.items()}
    found = tuple(Pair((c, d), float(grams["style"][c, d]), {name: float(together[name][c, d]) for name in OF})
                  for c, d in strongest_pairs(grams["style"], pairs))
    seen = {name: net.shown(seen_by(net, one[None])[0]) for name, one in pictures.items()}
    places = {c: tiles_of(body, layer, seen["style"], maps["style"], c) for pair in found for c in pair.channels}
    return StyleGrams(painted, layer, seen, grams, together, found, places,
                      losses_of(steps, terms, used["style_weight"]), stopped=painted.stopped,
                      settings={**used, "layer": layer, "pairs": pairs})


def both_fire(a: Any) -> Any:
    """(C, C) the share of positions of a (1, H, W, C) at which both channels are above 0."""
    fires = (a.reshape(-1, a.shape[-1]) > 0).astype(np.float64)
    return fires.T @ fires / len(fires)


def strongest_pairs(matrix: Any, count: int) -> list[tuple[int, int]]:
    """The pairs c < d with the largest values of a symmetric matrix; no channel is in two of them."""
    upper = np.triu(matrix, 1)
    found: list[tuple[int, int]] = []
    while len(found) < count and upper.max() > 0:
        c, d = divmod(int(upper.argmax()), len(upper))
        found.append((c, d))
        upper[[c, d]] = upper[:, [c, d]] = 0
    return found


def tiles_of(net: Network, layer: str, seen: Any, a: Any, channel: int) -> list[Any]:
    """The parts of a picture that one channel of ``layer``, a (1, H, W, C), sees where it is strongest."""
    field = net.receptive_field(layer, (1, *seen.shape[:2], net.input_channels))
    _, _, (rows,), (columns,) = strongest(a, [channel], PLACES, PLACES, field)
    tiles = []
    for row, column in zip(rows, columns):
        top, left, bottom, right = field.box(int(row), int(column), seen.shape[:2])
        tile = Image.fromarray(np.broadcast_to(seen, (*seen.shape[:2], 3))[top:bottom, left:right])
        scale = TILE / max(tile.size)
        tiles.append(np.asarray(tile.resize([max(1, round(n * scale)) for n in tile.size], Image.Resampling.NEAREST)))
    return tiles


def losses_of(steps: Any, terms: Any, style_weight: float) -> dict[str, tuple]:
    """{"content", "style": (steps, losses without their weights)}, of the terms of each step."""
    def sums(kind: str) -> Any:
        return np.array([sum(value for name, value in one.items() if name.startswith(kind)) for one in terms])

    return {"content": (steps, sums("content")), "style": (steps, sums("style") / (style_weight or 1))}
