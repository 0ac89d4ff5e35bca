"""Activations: every feature map of a layer as a small picture, as in the lecture.

    one tile per channel: acts["relu3_1"][0, :, :, c]

One colour scale for all maps makes them comparable; a scale for each also shows weak maps. The maps are in the order of
the channels or of their strength.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.network import Network
from minivis.errors import UnknownName
from minivis.figures.compose import beside, contact_sheet, display_limit, panels, signed, unsigned
from minivis.figures.text import percent
from minivis.methods.looking.settings import ActivationSettings
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures

SHEET = 1000                                    # pixels: about the width of the sheet of maps


@dataclass(frozen=True, eq=False)
class ActivationGrid(BatchResult):
    """``maps`` (N, H, W, C): the output of ``layer``; a layer without positions has H = W = 1."""

    subject: Subject
    layer: str
    maps: np.ndarray

    @property
    def arrays(self) -> dict[str, Any]:
        return {self.layer: self.maps if self.maps.shape[1:3] != (1, 1) else self.maps[:, 0, 0]}

    def draw(self, i: int) -> Array:
        shown = self.shown(i)
        maps = np.moveaxis(self.maps[i][..., shown], -1, 0)[..., None]          # (shown, H, W, 1)
        is_signed = bool(maps.min() < 0)
        limit = display_limit(maps, 99.9) or 1.0
        shared = self.settings["scale"] == "shared"
        tiles: Any = (signed if is_signed else unsigned)(maps, **({"limit": limit} if shared else {"percentile": 100}))
        tiles = [_shrunk(tile, 200) for tile in tiles]
        C = self.maps.shape[3]
        columns = math.ceil((2 * len(shown)) ** 0.5)            # twice as wide as high, if maps are square
        width = tiles[0].shape[1]
        scale = min(64, max(1, round(SHEET / (columns * width))))
        labels = [str(c) for c in shown] if scale * width >= 24 else None
        sheet = contact_sheet(tiles, columns, labels=labels, scale=scale, gap=2)
        kind = "values" if maps.shape[1:3] == (1, 1) else "maps"
        what = f"{C} {kind}" if len(shown) == C else f"the {len(shown)} strongest of {C} {kind}"
        what += ", strongest first," if self.settings["order"] == "strength" and len(shown) > 1 else ""
        dark = int((self.maps[i].reshape(-1, C) <= 0).all(axis=0).sum())
        note = f"; dark: {dark} of {C}" if dark and not is_signed else ""
        note += "" if shared else "; each scaled to its own strongest value"
        bar = ("diverging", -limit, limit) if is_signed else ("inferno", 0.0, limit)
        figure = panels([sheet], [f"{self.layer}\n{what} of {maps.shape[2]} x {maps.shape[1]}{note}"],
                        colorbars=[(*bar, "activation") if shared else None], height=sheet.shape[0])
        seen = self.subject.drawn(i)
        return beside([panels([seen], [f"the input\n{seen.shape[1]} x {seen.shape[0]} pixels"], height=PANEL), figure],
                      gap=0, align="top")

    def shown(self, i: int) -> Any:
        """The channels to draw, in order: all, or the strongest ones if there are more than ``channels``."""
        C = self.maps.shape[3]
        strength = abs(self.maps[i]).reshape(-1, C).max(axis=0)
        strongest = np.argsort(-strength, kind="stable")[: self.settings["channels"]].tolist()
        return strongest if self.settings["order"] == "strength" else sorted(strongest)

    def describe(self, i: int) -> dict[str, Any]:
        maps = self.maps[i].reshape(-1, self.maps.shape[3])
        strength = maps.max(axis=0)
        order = np.argsort(-strength, kind="stable")[:5]
        return {
            "layer": self.layer, "shape": list(self.maps.shape[1:]), "mean": float(maps.mean()),
            "max": float(maps.max()), "positive": float((maps > 0).mean()),
            "strongest": [{"channel": int(c), "max": float(strength[c])} for c in order],
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        rows = [self.describe(i) for i in range(len(self))]
        return "\n".join(f"{row['layer']}: {percent(row['positive'])} of the values above zero, strongest channel "
                         f"{row['strongest'][0]['channel']} ({row['max']:.3g})" for row in rows)


def _shrunk(tile: Any, side: Any) -> Array:
    """Shrink a tile to at most ``side`` pixels: in nets that take any size, maps can be as large as the picture."""
    im = Image.fromarray(tile)
    im.thumbnail((side, side))
    return np.asarray(im)


@set_by(ActivationSettings)
@takes(seed=SEED)
def activation_grid(
    net: Network, image: Pictures, layer: str | None = None, *,
    settings: ActivationSettings | None = None, channels: int = ActivationSettings.channels,
    order: str = ActivationSettings.order, scale: str = ActivationSettings.scale, seed: int = 0, progress: bool = False,
) -> ActivationGrid:  # fmt: skip
    """The feature maps of a layer for a picture or a batch, one small picture for each channel.

    Parameters
    ----------
    layer : str, optional
        The layer; by default that of the net's role content.

    Returns
    -------
    ActivationGrid
        ``arrays`` holds the maps that are drawn, (N, H, W, maps).

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> grid = mv.activation_grid(net, goose, "conv1_1", channels=4)
    >>> grid.array.shape
    (1, 64, 64, 24)
    """
    layer = net.check_name(layer) if layer else net.roles.get("content")
    if layer is None:
        raise UnknownName(f"this net has no content layer; choose a layer from: {net.listed()}")
    subject = Subject.of(net, image)
    maps = to_cpu(net.forward(subject.input(net), until=layer, keep=(layer,), grad=None)[layer])
    maps = maps if maps.ndim == 4 else maps.reshape(len(maps), 1, 1, -1)
    return ActivationGrid(subject, layer, maps, settings={
        "layer": layer, "channels": channels, "order": order, "scale": scale})
