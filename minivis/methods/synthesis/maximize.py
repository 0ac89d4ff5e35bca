"""Which image excites a neuron most? Change the pixels until it is as active as possible (Simonyan et al. 2014).

    image = argmin   -score(image) + l2 |image|^2 + tv TV(image)

By itself this finds noise that only the net understands. Several methods turn it into a picture, and presets.py has
those of the papers: priors in the loss, the percentile cuts and blurs of Yosinski et al. 2015 between steps, and most
effectively a spectrum instead of pixels and random moves in every step (Olah et al. 2017). Only what the net knows of
its class survives shifts, turns and scaling.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.geometry import preprocessing_of
from minivis.engine.image_gradient import has_tiles
from minivis.engine.network import Network
from minivis.engine.units import UnitLike, parse_unit
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.text import chance
from minivis.images.given import as_picture
from minivis.images.masks import MASK
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.methods.shared.result import Result, input_of
from minivis.methods.synthesis.goals import ANY_SIZE, goal_of
from minivis.methods.synthesis.masked import behind_mask
from minivis.methods.synthesis.presets import MAXIMIZE, STRETCHED, MaximizePreset, chosen
from minivis.methods.synthesis.settings import MaximizeSettings
from minivis.methods.synthesis.shown import for_image, look, of_units, shown_at, transforms_of
from minivis.methods.synthesis.unreached import unreached
from minivis.objectives.words import Sought
from minivis.optimize.budget import lean
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier, pixels
from minivis.optimize.problem import Problem, vectors
from minivis.optimize.regularize import blurred, decay, small_contribution, small_norm
from minivis.optimize.update_rules import LBFGS, Adam, Gradient
from minivis.optimize.watch import Watch
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, number, several, takes, whole
from minivis.types import Array

RATES = {"pixels": 2.0, "fourier": 0.05}        # of Adam, if there is too little memory for L-BFGS
SMALL = 96                              # pixels, of a net's input


@dataclass(frozen=True, eq=False)
class Maximize(Result):
    """``pictures`` uint8 (N, H, W, C), one for each of ``units``; ``values`` (N,) there, ``probs`` of classes."""

    pictures: np.ndarray
    units: tuple[Any, ...]                      # `Unit`, or `Sought` for an objective
    names: tuple[str, ...]
    values: np.ndarray
    probs: np.ndarray | None
    run: Any
    unreached: tuple[str, ...] = ()             # a sentence for each unit that its image does not show
    note: str = ""                              # what changed for lack of memory
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return self.pictures

    def label(self, i: int) -> str:
        return f"{self.names[i]} {chance(self.probs[i])}" if self.probs is not None else (
            f"{self.names[i]}\n{self.values[i]:.3g}")

    def picture(self) -> Array:
        """The pictures in rows, each with the net's answer."""
        N, side, drawn = len(self.pictures), max(self.pictures.shape[1:3]), self.drawn()
        scale = max(1, (288 if N <= 4 else 192 if N <= 12 else 128) // side)
        sheet = contact_sheet(self.look.shown(drawn), columns=min(N, 4 if N <= 12 else 10), scale=scale,
                              labels=[self.label(i) for i in range(N)])
        how = f"preset {self.settings['preset']}" if self.settings["preset"] else "own settings"
        how += f", {self.run.steps} steps" + (", contrast stretched" if drawn is not self.pictures else "")
        return panels([sheet], [f"what excites {self.names[0] if len(set(self.names)) == 1 else 'each of these'} most\n"
                                f"{how}"], height=sheet.shape[0])

    def drawn(self) -> Array:
        """The pictures as a figure draws them: of some presets stretched in contrast, as their authors did."""
        return stretched(self.pictures, self.look) if self.settings["preset"] in STRETCHED else self.pictures

    @property
    def numbers(self) -> dict[str, Any]:
        images = [{"unit": str(self.units[i]), "name": self.names[i], "value": float(self.values[i]),
                   **({} if self.probs is None else {"probability": float(self.probs[i])})}
                  for i in range(len(self.pictures))]
        return {"images": images, "stopped": self.stopped, **self.run.describe(), "notes": self.notes}

    @property
    def notes(self) -> list[Any]:
        return [*([self.note] if self.note else []), *self.unreached, *self.run.notes]

    def __len__(self) -> int:
        return len(self.pictures)

    def __str__(self) -> str:
        rows = [self.label(i).replace("\n", " = ") for i in range(len(self))]
        return "\n".join([*rows, f"loss {self.run.first_loss:.4g} -> {self.run.loss:.4g}; {self.stopped}",
                          *self.notes])


@set_by(MaximizeSettings, MAXIMIZE)
@takes(count=whole(), size=several(whole(1)), mask=MASK, feather=number(0), tile=whole(1), memory=number(), seed=SEED)
def maximize(
    net: Network, unit: UnitLike = None, *, preset: MaximizePreset | None = None,
    settings: MaximizeSettings | None = None, start: Any = None, mask: Any = None, feather: float = 0.0,
    objective: Any = None, size: int | tuple[int, int] | None = None, count: int = 1, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> Maximize:  # fmt: skip
    """Images that excite a class or a neuron as much as possible.

    With ``diversity`` the images of a batch differ in the layer of role content.

    Parameters
    ----------
    unit : str, int or sequence, optional
        The class or neuron, or several, with an image for each; by default the goose, or the first class.
    start : uint8 array (H, W, C), optional
        A picture to begin from; by default the net's mean colour with ``noise``.
    size : int or (int, int), in pixels, optional
        Size of the images, for classes and for units of layers that take any; by default the net's own, or 128.
    count : int, default 1
        Number of images of each unit, from different starts.

    Returns
    -------
    Maximize
        ``pictures`` uint8 (N, H, W, C), the ``values`` (N,) of the units there, and the ``probs`` of classes.

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2014, section 2; Yosinski et al. 2015; Olah, Mordvintsev & Schubert 2017.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> made = mv.maximize(net, "goose", preset="lucid", steps=3)
    >>> made.array.shape, made.settings["steps"]
    ((1, 64, 64, 3), 3)
    >>> own = mv.MaximizeSettings(method="adam", rate=2.0, jitter=2, steps=3)
    >>> mv.maximize(net, "conv2_1:3", settings=own, tv=1e-4).settings["rate"]
    2.0
    """
    preset, how = chosen(MAXIMIZE, preset, settings, preset_for(net), replaced)
    net = answering(net)
    start = None if start is None else as_picture(start, net.input_channels)
    units: tuple[Any, ...] = named_units(net, unit) if objective is None else (sought_of(net, objective, unit),)
    if count < 1:
        raise BadValue(f"count must be at least 1, not {count}")
    units = tuple(u for u in units for _ in range(count))
    shape = (len(units), *image_size(net, size, start), net.input_channels)
    shown = shown_at(net, units, how, shape)
    goal, (space, moves, method) = goal_of(net, units, how, shown), setup_of(net, how, shape, shown)
    if mask is not None:
        space = behind_mask(space, start, mask, feather)
    fit = lean(net, shape, goal.layers, method, vectors=vectors(space, moves), tile=tile,
               in_tiles=all(map(has_tiles, goal.parts)), adam=RATES[how.parameterization], limit=memory,
               seen=lambda other: shown_at(net, units, how, other), progress=progress)
    problem = Problem(net, goal, space, moves, tile=fit.tile)
    run = optimize(problem, start_of(problem, start, how, seed), method=fit.method, steps=how.steps, seed=seed,
                   regularize=regularizers_of(net, how), progress=progress, watch=watch, title="maximize")
    pictures = to_uint8(run.pixels)
    values, answers = look(net, pictures, units, shown, fit.tile)
    names = tuple(name_of(net, u) for u in units)
    missed = unreached(net, units, values, answers)
    probs = None if answers is None else of_units(answers, units)
    return Maximize(pictures, units, names, values, probs, run, missed, fit.note, preprocessing_of(net),
                    stopped=run.stopped, settings={
        "preset": preset, "unit": [str(u) for u in units], "size": list(shape[1:3]), "tile": tile, "memory": memory,
        **how.values(),
    })  # fmt: skip


def stretched(pictures: Any, look: Any) -> Any:
    """uint8 (N, H, W, C), each stretched about the mean colour; one value in two hundred is cut off."""
    mean = look.deprocess(np.zeros((1, 1, 1, pictures.shape[3])))
    apart = pictures - mean
    farthest = np.percentile(abs(apart), 99.5, axis=(1, 2, 3), keepdims=True)
    room = max(mean.min(), 1), max(255 - mean.max(), 1)
    return to_uint8(mean + apart * np.maximum(1, min(room) / np.maximum(farthest, 1)))


def preset_for(net: Network) -> MaximizePreset:
    """The preset for a net where none is named: for nets of small pictures, such as ours, that of drawings."""
    return "minivis" if net.input_size is not None and max(net.input_size) <= SMALL else "natural"


def named_units(net: Network, unit: Any) -> Any:
    if unit is None:
        if net.roles.get("logits"):
            unit = "goose" if "goose" in net.class_names else 0
        else:
            unit = f"{net.role('dream')}:0"
    units = tuple(parse_unit(net, u) for u in (unit if isinstance(unit, (list, tuple)) else [unit]))
    if not units:
        raise BadValue("name at least one unit")
    return units


def sought_of(net: Network, objective: Any, unit: Any) -> Any:
    if unit is not None:
        raise BadValue("a unit and an objective are two goals: write both as one objective, such as 'goose + "
                       "0.5*relu4_1:12'")
    return Sought.of(net, objective)


def image_size(net: Network, size: Any, start: Any) -> Any:
    """(H, W): the given size, the net's own, that of the start, or 128."""
    if size is not None:
        return (int(size), int(size)) if np.ndim(size) == 0 else tuple(size)
    if net.input_size is not None:
        return net.input_size
    return start.shape[:2] if start is not None else (ANY_SIZE, ANY_SIZE)


def setup_of(net: Network, how: Any, shape: Any, shown: Any) -> tuple[Any, Any, Any]:
    """The variables, the random moves and the update rule for images of ``shape`` that the net sees as ``shown``."""
    how = for_image(how, shape, shown)
    return parameterization_of(net, shape, how), transforms_of(net, how, shape, shown), method_of(how)


def parameterization_of(net: Network, shape: Any, how: Any) -> Any:
    if how.parameterization == "pixels":
        return pixels(net, shape)
    return fourier(net, shape, decay=how.spectrum_decay, finest=how.finest)


def start_of(problem: Any, start: Any, how: Any, seed: Any) -> Any:
    p, rng = problem.parameterization, np.random.default_rng(seed)
    if start is None:
        z = p.grey()
    else:
        fitted, _ = preprocessing_of(problem.net).fit_image(start, size=p.shape[1:3])
        seen = input_of(problem.net, fitted)
        z = p.start(to_cpu(problem.net.deprocess(seen)))
    z = z + problem.net.xp.asarray((how.noise * rng.standard_normal(z.shape)).astype(z.dtype))
    return z if p.bounds is None else z.clip(*p.bounds)


def method_of(how: Any) -> Any:
    if how.method == "adam":
        return Adam(how.rate)
    if how.method == "lbfgs":
        return LBFGS(how.history)
    return Gradient(how.rate, how.momentum, how.normalize, how.policy)


def regularizers_of(net: Network, how: Any) -> tuple[Any, ...]:
    made = []
    if how.decay:
        made.append(decay(net, how.decay))
    if how.blur:
        made.append(blurred(net, how.blur, how.blur_every))
    if how.small_norm:
        made.append(small_norm(net, how.small_norm))
    if how.small_contribution:
        made.append(small_contribution(net, how.small_contribution))
    return tuple(made)


def name_of(net: Network, unit: Any) -> Any:
    if isinstance(unit, Sought):
        return str(unit)
    is_class = net.class_names and unit.layer in (net.roles.get("logits"), net.roles.get("prob"))
    return net.class_names[unit.channel] if is_class else str(unit)
