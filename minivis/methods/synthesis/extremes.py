"""What excites a unit most, and what drives it lowest: two images, side by side (Olah et al. 2017).

A unit is more than what it likes: its other end says what it tells that apart from. A unit of a ReLU has no other end,
because there it is 0; so both images are of the same unit before its ReLU.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import UnitLike, before_relu
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.methods.shared.result import Result
from minivis.methods.synthesis.maximize import Maximize, maximize, named_units, preset_for
from minivis.methods.synthesis.presets import MAXIMIZE, MaximizePreset
from minivis.methods.synthesis.settings import MaximizeSettings
from minivis.optimize.watch import INTERRUPTED, Watch
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, number, several, takes, whole
from minivis.types import Array


@dataclass(frozen=True, eq=False)
class Extremes(Result):
    """``most`` and ``least``: a `Maximize` of each unit; the values of ``least`` are minus the unit's."""

    most: tuple[Maximize, ...]
    least: tuple[Maximize, ...]

    @property
    def array(self) -> Array:
        """uint8 (units, 2, H, W, C)."""
        return np.stack([[high.pictures[0], low.pictures[0]] for high, low in zip(self.most, self.least)])

    def labels(self) -> Iterator[str]:
        for high, low in zip(self.most, self.least):
            yield f"most {high.names[0]}\n{high.values[0]:.3g}"
            yield f"least {high.names[0]}\n{-low.values[0]:.3g}"

    def picture(self) -> Array:
        drawn = [made.look.shown(made.drawn())[0] for pair in zip(self.most, self.least) for made in pair]
        sheet = contact_sheet(drawn, columns=2, labels=list(self.labels()), scale=max(1, 256 // max(drawn[0].shape)))
        first = self.most[0]
        how = f"preset {first.settings['preset']}" if first.settings["preset"] else "own settings"
        return panels([sheet], [f"what excites a unit most, and what least\n{how}, {first.run.steps} steps"],
                      height=sheet.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {"units": [{"unit": str(high.units[0]), "name": high.names[0], "most": float(high.values[0]),
                           "least": -float(low.values[0])} for high, low in zip(self.most, self.least)],
                "notes": self.notes}

    @property
    def notes(self) -> list[Any]:
        return [note for made in (*self.most, *self.least) for note in made.notes]

    def __str__(self) -> str:
        rows = [f"{high.names[0]}: {high.values[0]:.3g} at most, {-low.values[0]:.3g} at least"
                for high, low in zip(self.most, self.least)]
        return "\n".join([*rows, *self.notes])


@set_by(MaximizeSettings, MAXIMIZE)
@takes(size=several(whole(1)), tile=whole(1), memory=number(), seed=SEED)
def extremes(
    net: Network, unit: UnitLike = None, *, preset: MaximizePreset | None = None,
    settings: MaximizeSettings | None = None, size: int | tuple[int, int] | None = None, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> Extremes:  # fmt: skip
    """The image that excites a unit most, and the one that excites it least, side by side.

    Parameters
    ----------
    unit : str, int or sequence, optional
        The class or neuron, or several; by default the goose, or the first class.
    size : int or (int, int), in pixels, optional
        Size of the images, for classes and for units of layers that take any; by default the net's own, or 128.

    Returns
    -------
    Extremes
        ``most`` and ``least``, a `Maximize` of each unit; ``array`` has the pictures, (units, 2, H, W, C).

    References
    ----------
    Olah, Mordvintsev & Schubert 2017.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> mv.extremes(net, "relu3_1:12", steps=2, size=32).array.shape
    (1, 2, 32, 32, 3)
    """
    if watch is not None and watch.checkpoint:
        raise BadValue("two images of each unit have no checkpoint: maximise one unit")
    net = answering(net)
    units = [before_relu(net, one) or one for one in named_units(net, unit)]
    preset = preset_for(net) if preset is None and settings is None else preset
    shared = {"preset": preset, "settings": settings, "size": size, "tile": tile, "memory": memory, "seed": seed,
              "progress": progress, "watch": watch, **replaced}
    most = tuple(maximize(net, one, **shared) for one in units)
    least = tuple(maximize(net, objective=f"-{one}", **shared) for one in units)
    return Extremes(most, least, stopped=INTERRUPTED if watch is not None and watch.interrupted else least[-1].stopped,
                    settings={**most[0].settings, "unit": [str(one) for one in units]})
