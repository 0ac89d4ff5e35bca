"""Images that excite some channels of each layer most, from edges to parts of things, in one figure."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import Unit
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.layers import Conv2D
from minivis.methods.shared.result import Result
from minivis.methods.synthesis.maximize import Maximize, maximize, preset_for
from minivis.methods.synthesis.presets import MAXIMIZE, MaximizePreset
from minivis.methods.synthesis.settings import MaximizeSettings
from minivis.optimize.watch import Watch
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, number, several, takes, whole
from minivis.types import Array, Names


@dataclass(frozen=True, eq=False)
class DownTheLayers(Result):
    """``rows``: a `Maximize` for each layer, low ones first."""

    layers: tuple[str, ...]
    rows: tuple[Maximize, ...]

    @property
    def array(self) -> Array:
        return np.stack([row.pictures for row in self.rows])

    def picture(self) -> Array:
        tiles = [tile for row in self.rows for tile in row.drawn()]
        labels = [name if name == str(u) else f"{u.layer}:{name}" for row in self.rows
                  for u, name in zip(row.units, row.names)]                 # fc8:goose
        side = max(self.rows[0].pictures.shape[1:3])
        sheet = contact_sheet(tiles, columns=len(self.rows[0].pictures), labels=labels, scale=max(1, 128 // side))
        return panels([sheet], ["down the layers\nwhat excites a few channels of each, low layers first"],
                      height=sheet.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {layer: row.numbers for layer, row in zip(self.layers, self.rows)}

    def __str__(self) -> str:
        return "\n".join(f"{layer}: mean value {row.values.mean():.3g}" for layer, row in zip(self.layers, self.rows))


@set_by(MaximizeSettings, MAXIMIZE)
@takes(channels=whole(), size=several(whole(1)), tile=whole(1), memory=number(), seed=SEED)
def down_the_layers(
    net: Network, layers: Names = None, *, channels: int = 6, preset: MaximizePreset | None = None,
    settings: MaximizeSettings | None = None, size: int | tuple[int, int] | None = None, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> DownTheLayers:  # fmt: skip
    """A sheet with images that excite a few channels of each layer.

    Parameters
    ----------
    layers : sequence of str, optional
        The layers; by default every convolution, and the classes.
    channels : int, default 6
        Channels of each layer.
    size : int or (int, int), in pixels, optional
        Size of the images, for layers that take any.

    Returns
    -------
    DownTheLayers
        ``rows``, a `Maximize` for each layer, low ones first.

    References
    ----------
    Yosinski et al. 2015, figure 4.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> mv.down_the_layers(net, ["conv1_1", "conv2_1"], channels=2, steps=1).array.shape[:2]
    (2, 2)
    """
    preset = preset_for(net) if preset is None and settings is None else preset
    net = answering(net)
    classes = [net.role("logits")] if net.roles.get("logits") else []
    convolutions = [name for name, layer in net.layers.items() if isinstance(layer, Conv2D)]
    names = [net.check_name(name) for name in layers] if layers else convolutions + classes
    if channels < 1:
        raise BadValue(f"channels must be at least 1, not {channels}")
    if watch is not None and watch.checkpoint:
        raise BadValue("a sheet of several layers has no checkpoint: maximise one unit")
    rows: list = []
    for layer in names:
        C = net.shapes()[layer][-1]
        units = [Unit(layer, int(c)) for c in np.linspace(0, C - 1, min(channels, C)).round()]
        if rows and len(units) < len(rows[0].units):
            units += units[-1:] * (len(rows[0].units) - len(units))
        rows.append(maximize(net, units, preset=preset, settings=settings, size=size, tile=tile, memory=memory,
                             seed=seed, progress=progress, watch=watch, **replaced))
    return DownTheLayers(tuple(names), tuple(rows), stopped=rows[-1].stopped,
                         settings={"preset": preset, "layers": list(names), "channels": channels, "tile": tile,
                                   "memory": memory, **replaced})
