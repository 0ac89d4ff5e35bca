"""Weights as images: the pattern that each filter of a layer looks for.

The first layer reads colours, so its filters w[:, :, :, f] are small colour pictures (mid grey: no weight). Filters of
later layers read channels that have no colour; each is drawn as a row, with one square per input channel: blue below
zero, white at zero, red above. First filters that read other channels than colours are drawn in the same way, unless
three channels are named to show.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.errors import UnknownName
from minivis.figures.compose import contact_sheet, display_limit, panels, signed
from minivis.layers import Conv2D
from minivis.methods.looking.settings import FilterSettings
from minivis.methods.shared.result import Result
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, takes
from minivis.types import Array

SHEET = 640


@dataclass(frozen=True, eq=False)
class FilterGrid(Result):
    """``filters`` (F, KH, KW, C): the weights of ``layer``, in RGB order if it reads the picture."""

    layer: str
    filters: np.ndarray
    reads_picture: bool

    @property
    def arrays(self) -> dict[str, Any]:
        return {self.layer: self.filters}

    def picture(self) -> Array:
        F, KH, KW, C = self.filters.shape
        size = f"{F} filters of {KW} x {KH} x {C}"
        if self.reads_picture:
            tiles, columns = signed(self.filters, percentile=100), math.ceil((2 * F) ** 0.5)
            scale = max(4, min(24, SHEET // (columns * KW)))
            sheet = contact_sheet(list(tiles), columns, gap=3, scale=scale)
            note = f"{size}, each scaled to its own strongest weight"
            return panels([sheet], [f"{self.layer}\n{note}"], height=sheet.shape[0])
        if C == 1:                                              # as of a depthwise convolution: a row would be a square
            return self._of_one_channel(size)
        rows, columns = min(F, self.settings["rows"]), min(C, self.settings["columns"])
        shown = self.filters[:rows, :, :, :columns]
        limit = display_limit(shown, 99.9) or 1.0
        tiles = signed(np.moveaxis(shown, 3, 1).reshape(rows * columns, KH, KW, 1), limit=limit)
        scale = max(3, min(16, SHEET // (columns * KW)))
        sheet = contact_sheet(list(tiles), columns, gap=2, scale=scale, background=200)
        note = f"{size}; one row per filter" + (f" (the first {rows}), " if rows < F else ", ")
        note += "one square per input channel" + (f" (the first {columns})" if columns < C else "")
        return panels([sheet], [f"{self.layer}\n{note}"], colorbars=[("diverging", -limit, limit, "weight")],
                      height=sheet.shape[0])

    def _of_one_channel(self, size: str) -> Array:
        F, _, KW, _ = self.filters.shape
        count = min(F, self.settings["rows"] * self.settings["columns"])
        limit, columns = display_limit(self.filters[:count], 99.9) or 1.0, math.ceil((2 * count) ** 0.5)
        sheet = contact_sheet(list(signed(self.filters[:count], limit=limit)), columns, gap=2, background=200,
                              scale=max(3, min(16, SHEET // (columns * KW))))
        note = f"{size}" + (f" (the first {count})" if count < F else "") + ", each reads one channel"
        return panels([sheet], [f"{self.layer}\n{note}"], colorbars=[("diverging", -limit, limit, "weight")],
                      height=sheet.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {"layer": self.layer, "shape": list(self.filters.shape), "reads_picture": self.reads_picture,
                "mean": float(self.filters.mean()), "std": float(self.filters.std()),
                "largest": float(abs(self.filters).max())}

    def __str__(self) -> str:
        F, KH, KW, C = self.filters.shape
        return f"{self.layer}: {F} filters of {KW} x {KH} x {C}, the largest weight {abs(self.filters).max():.3g}"


@set_by(FilterSettings)
@takes(seed=SEED)
def filter_grid(
    net: Network, layer: str | None = None, *, settings: FilterSettings | None = None,
    rows: int = FilterSettings.rows, columns: int = FilterSettings.columns, seed: int = 0, progress: bool = False,
) -> FilterGrid:  # fmt: skip
    """The filters of a convolution as pictures; of a deep one some of its channels in grey.

    Parameters
    ----------
    layer : str, optional
        The convolution; by default the first.

    Returns
    -------
    FilterGrid
        ``filters`` (F, KH, KW, C), as they are drawn.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> mv.filter_grid(net).array.shape
    (24, 3, 3, 3)
    """
    convolutions = [name for name, node in net.nodes.items() if isinstance(node.layer, Conv2D)]
    if not convolutions:
        raise UnknownName("this net has no convolution, so there are no filters to draw")
    layer = net.check_name(layer) if layer else convolutions[0]
    if layer not in convolutions:
        raise UnknownName.of("convolution", layer, convolutions)
    w = to_cpu(net.nodes[layer].layer.params["w"])                  # (KH, KW, C, F)
    look = preprocessing_of(net)
    reads_picture = net.nodes[layer].inputs == ("input",) and (w.shape[2] in (1, 3) or look.show != ())
    if reads_picture and look.channel_order == "BGR":
        w = w[:, :, ::-1]
    if reads_picture:
        w = np.moveaxis(look.shown(np.moveaxis(w, 2, 3)), 3, 2)
    return FilterGrid(layer, np.ascontiguousarray(np.moveaxis(w, 3, 0)), reads_picture,
                      settings={"layer": layer, "rows": rows, "columns": columns})
