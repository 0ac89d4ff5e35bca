"""A walk from unit to unit: one image that excites the first, then the next, and changes a little in every step.

While the image walks, the goal moves on: its weight passes from one unit to the next in the first half of the way, and
in the second half the image settles. The update rule changes the same variables throughout, those of a spectrum in our
presets, so that nothing is faded: what belonged to a goose's neck becomes an owl's wing, or dissolves.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.text import chance
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.methods.shared.result import Result
from minivis.methods.synthesis.goals import goal_of
from minivis.methods.synthesis.maximize import (
    image_size,
    name_of,
    named_units,
    preset_for,
    regularizers_of,
    setup_of,
    start_of,
)
from minivis.methods.synthesis.presets import MAXIMIZE, MaximizePreset, chosen
from minivis.methods.synthesis.settings import MaximizeSettings
from minivis.methods.synthesis.shown import look, of_units, shown_at
from minivis.objectives.base import objective
from minivis.optimize.loop import optimize
from minivis.optimize.problem import Problem
from minivis.optimize.watch import INTERRUPTED, Watch
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, several, takes, whole
from minivis.types import Array, Names


@dataclass(frozen=True, eq=False)
class Walk(Result):
    """``frames`` uint8 (N, H, W, C); the image reaches unit i of ``names`` in frame i * ``way``, with ``values[i]`` and
    ``probs[i]`` there; fewer where the walk was stopped. ``missed``: classes that the net does not see where it should
    have reached them."""

    frames: np.ndarray
    names: tuple[str, ...]
    way: int                                    # frames from one unit to the next
    values: np.ndarray
    probs: np.ndarray | None
    missed: tuple[str, ...] = ()
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return self.frames

    def label(self, i: int) -> str:
        return f"{self.names[i]} {chance(self.probs[i])}" if self.probs is not None else (
            f"{self.names[i]}\n{self.values[i]:.3g}")

    def picture(self) -> Array:
        """The image at each unit, and half way to the next."""
        shown = [k for k in range(len(self.frames)) if k % self.way in (0, self.way // 2)]
        labels = [self.label(k // self.way) if k % self.way == 0 else f"frame {k}" for k in shown]
        side = max(self.frames.shape[1:3])
        sheet = contact_sheet(self.look.shown(self.frames[shown]), columns=min(len(labels), 5), labels=labels,
                              scale=max(1, 192 // side))
        title = [f"a walk from {self.names[0]} to {self.names[-1]}", f"{self.way} frames from one to the next, each a "
                 "step of the optimiser on the frame before", *self._too_few()]
        return panels([sheet], ["\n".join(title)], height=sheet.shape[0])

    def _too_few(self) -> list[str]:
        return [f"{self.way} frames are too few to reach {' and '.join(self.missed)}"] if self.missed else []

    @property
    def numbers(self) -> dict[str, Any]:
        units = [{"name": self.names[i], "frame": i * self.way, "value": float(value),
                  **({} if self.probs is None else {"probability": float(self.probs[i])})}
                 for i, value in enumerate(self.values)]
        return {"frames": len(self.frames), "units": units, "stopped": self.stopped}

    def __str__(self) -> str:
        return "\n".join([*(self.label(i).replace("\n", " = ") for i in range(len(self.values))), *self._too_few(),
                          f"{len(self.frames)} frames; {self.stopped}"])


@set_by(MaximizeSettings, MAXIMIZE)
@takes(frames=whole(1), size=several(whole(1)), seed=SEED)
def walk(
    net: Network, units: Names, *, frames: int = 60, preset: MaximizePreset | None = None,
    settings: MaximizeSettings | None = None, size: int | tuple[int, int] | None = None, seed: int = 0,
    progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> Walk:  # fmt: skip
    """One image that walks from unit to unit, a frame for each step.

    Parameters
    ----------
    units : sequence of str
        The classes or neurons, at least two, in the order of the walk; the first once more at the end closes a loop.
    frames : int, default 60
        Number of frames from one unit to the next. The image of the first unit takes ``steps``.
    size : int or (int, int), in pixels, optional
        Size of the image, for classes and for units of layers that take any; by default the net's own, or 128.

    Returns
    -------
    Walk
        ``frames`` uint8 (N, H, W, C), with the ``values`` and ``probs`` of each unit where the image reaches it.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> mv.walk(net, ["goose", "owl"], frames=3, steps=2).array.shape
    (4, 64, 64, 3)
    """
    name, how = chosen(MAXIMIZE, preset, settings, preset_for(net), replaced)
    net = answering(net)
    found = named_units(net, units)
    if len(found) < 2:
        raise BadValue("a walk leads from unit to unit: name at least two")
    if how.method == "lbfgs":
        raise BadValue("L-BFGS compares losses between steps, and the goal of a walk changes: use adam or gradient")
    if watch is not None and watch.checkpoint:
        raise BadValue("a walk has no checkpoint: leave out the checkpoint, or maximise one unit")
    watch = watch or Watch()
    shape = (1, *image_size(net, size, None), net.input_channels)
    shown = shown_at(net, found, how, shape)
    space, moves, method = setup_of(net, how, shape, shown)
    moving = Moving([goal_of(net, (unit,), how, shown) for unit in found], how.steps, frames)
    problem = Problem(net, moving.objective(), space, moves)
    z = start_of(problem, None, how, seed)
    seen = [] if how.steps else [to_uint8(space.pixels(z))[0]]
    run = optimize(problem, z, method=method, steps=how.steps + frames * (len(found) - 1),
                   regularize=regularizers_of(net, how), seed=seed, keep="last", progress=progress,
                   watch=moving.watched(watch, seen), title="walk")
    seen = seen or [to_uint8(run.pixels)[0]]            # stopped before the walk began
    stations = np.stack(seen[::frames])
    looks = [look(net, picture[None], [unit], (1, *shown[1:])) for picture, unit in zip(stations, found)]
    probs = None if any(answers is None for _, answers in looks) else np.concatenate([
        of_units(answers, [unit]) for (_, answers), unit in zip(looks, found)])
    if watch.film:
        watch.frames[:] = seen
    names = tuple(name_of(net, unit) for unit in found)
    missed = () if probs is None else tuple(name for name, p, (_, answers) in [*zip(names, probs, looks)][1:]
                                            if p < min(0.5, answers.max()))
    return Walk(np.stack(seen), names, frames, np.concatenate([value for value, _ in looks]), probs, missed,
                preprocessing_of(net),
                stopped=INTERRUPTED if watch.interrupted else run.stopped,
                settings={"preset": name, "unit": [str(unit) for unit in found], "frames": frames,
                          "size": list(shape[1:3]), **how.values()})


class Moving:
    """A goal that moves along several goals: after ``steps`` at the first, from each to the next in ``frames`` steps.

    ``place`` 1.25 is a quarter of the way from the second to the third.
    """

    def __init__(self, goals: Any, steps: int, frames: Any) -> None:
        self.goals, self.steps, self.frames, self.place = goals, steps, frames, 0.0

    def now(self) -> Any:
        """The goal at this place: half way to the next goal, only that is left."""
        i = min(int(self.place), len(self.goals) - 2)
        t = min(1.0, 2 * (self.place - i))
        return (1 - t) * self.goals[i] + t * self.goals[i + 1]

    def objective(self) -> Any:
        def evaluate(acts: Any) -> tuple[Any, Any]:
            found = self.now().evaluate(acts)
            return found.losses, found.seeds

        layers = tuple(dict.fromkeys(layer for goal in self.goals for layer in goal.layers))
        return objective("the goal of a walk", layers, evaluate)

    def watched(self, watch: Watch, seen: Any) -> Any:
        """A `Watch` that moves the goal on after each step, and keeps the images of the walk in ``seen``."""
        def after(preview: Any) -> bool:
            self.place = max(0, preview.step - self.steps) / self.frames
            if preview.step >= self.steps:
                seen.append(preview.pixels()[0])
            return bool(watch.callback and preview.step % watch.every == 0 and watch.callback(preview))

        return watch.of_part(callback=after, every=1, film=0)
