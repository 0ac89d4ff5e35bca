"""Occlusion (Zeiler & Fergus 2014, section 4.2): cover a part of the picture, and see how far the class falls.

    drop[i, j] = mean over the windows that cover pixel (i, j) of   f(x) - f(x with that window covered)

Windows start at 0, stride, 2 * stride, ...: ceil((D - window) / stride) + 1 along a side of D pixels, the last one cut
at the border. f is the probability of a class, its score, or the value of any other unit. A negative drop means that
the covered part counted against the unit.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from minivis.engine.ending import answering
from minivis.engine.local_passes import LocalPasses
from minivis.engine.memory import batch_that_fits
from minivis.engine.network import Network
from minivis.engine.units import Unit, UnitLike, unit_values
from minivis.errors import BadValue
from minivis.figures.compose import display_limit, overlay, panels
from minivis.figures.text import chance
from minivis.methods.attribution.settings import OcclusionSettings
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import PANEL, BatchResult, Subject, input_of, seen_by
from minivis.methods.shared.target import Target, aim, asked
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures, Progress

FALLS, RISES = (142, 47, 45), (45, 79, 137)             # the darkest red and blue of the colour map: frames of windows


class Extreme(NamedTuple):
    """The window that changes a unit most: its value then, (top, left, bottom, right), the covered picture."""

    value: float
    window: tuple[int, int, int, int]
    covered: np.ndarray


@dataclass(frozen=True, eq=False)
class Occlusion(BatchResult):
    """``maps`` (N, H, W): the drop of ``measure`` at each pixel; N pictures, or one picture and N units."""

    subject: Subject
    target: Target
    maps: np.ndarray
    before: np.ndarray                          # (N,) f(x)
    worst: tuple[Extreme, ...]                  # covering this window lowers the unit most
    best: tuple[Extreme, ...]                   # ... and covering this one raises it most, or lowers it least

    @property
    def arrays(self) -> dict[str, Any]:
        return {"drop": self.maps}

    def draw(self, i: int) -> Array:
        name, limit, worst, best = self.target.name(i), display_limit(self.maps[i], 100), self.worst[i], self.best[i]
        what = "drop of the probability" if self.settings["measure"] == "prob" else "drop of the score"
        picture, box = self.subject.small(i)
        smooth = gaussian_filter(self.maps[i], [step / 2 for step in self.settings["stride"]], mode="nearest")
        over = overlay(picture, smooth, "diverging", alpha=0.85, box=box, high=limit or None, fade=True)
        helps = self.helps(i)
        marks = [(worst.window, FALLS), *([(best.window, RISES)] if helps else [])]
        over = framed(over, box, self.maps[i].shape, marks) if limit else over
        images = [self.subject.drawn(i), over, self.subject.shown(worst.covered)]
        titles = [f"the input\n{name} {self._value(self.before[i])}",
                  f"occlusion\n{what} of {name}" if limit else "occlusion\nno window makes a difference",
                  f"the window that lowers it most\n{name} {self._value(worst.value)}"]
        bars = [None, ("diverging", -limit, limit) if limit else None, None]
        if helps:
            images.append(self.subject.shown(best.covered))
            titles.append(f"the window that raises it most\n{name} {self._value(best.value)}")
            bars.append(None)
        return panels(images, titles, colorbars=bars, height=PANEL)

    def helps(self, i: int) -> Any:
        """Whether covering a window raises the unit by more than a thousandth of its value or of its largest drop."""
        value = float(self.before[i])
        return self.best[i].value - value > 1e-3 * max(abs(value), abs(value - self.worst[i].value))

    def _value(self, value: Any) -> Any:
        return chance(value) if self.settings["measure"] == "prob" else f"= {value:.3g}"

    def describe(self, i: int) -> dict[str, Any]:
        worst, best = self.worst[i], self.best[i]
        return {**self.target.describe(i), "measure": self.settings["measure"], "before": float(self.before[i]),
                "lowest": worst.value, "worst_window": list(worst.window), "highest": best.value,
                "best_window": list(best.window), "largest_drop": float(self.maps[i].max()),
                "largest_rise": float(-self.maps[i].min()), "windows": self.settings["windows"]}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(
            f"{self.target.name(i)}: {self._value(self.before[i])}; of {self.settings['windows']} windows, one lowers "
            f"it to {self._value(self.worst[i].value)} and "
            f"{f'one raises it to {self._value(self.best[i].value)}' if self.helps(i) else 'none raises it noticeably'}"
            for i in range(len(self)))


@set_by(OcclusionSettings)
@takes(seed=SEED)
def occlusion(
    net: Network, image: Pictures, unit: UnitLike = None, *, settings: OcclusionSettings | None = None,
    window: int | tuple[int, int] | None = OcclusionSettings.window,
    stride: int | tuple[int, int] | None = OcclusionSettings.stride, fill: Any = OcclusionSettings.fill,
    measure: str | None = OcclusionSettings.measure, batch: int | None = OcclusionSettings.batch, seed: int = 0,
    progress: Progress = False,
) -> Occlusion:  # fmt: skip
    """How far a unit falls when a square of the picture is covered, for each place of the square.

    Several units of one picture share the passes.

    Returns
    -------
    Occlusion
        ``maps`` (N, H, W), the mean drop of the windows over each pixel; ``worst`` and ``best``, the windows.

    References
    ----------
    Zeiler & Fergus 2014, section 4.2.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.occlusion(net, goose, "goose", window=12, stride=12)
    >>> found.array.shape
    (1, 64, 64)
    """
    net = answering(net)
    subject = Subject.of(net, image)
    x = subject.input(net)
    H, W = x.shape[1:3]
    sides, steps = sides_of((H, W), window, stride)
    boxes = windows((H, W), sides, steps)
    covers = filled(subject.fitted, fill, sides, seed)                 # uint8 (N, H, W, C): windows are cut from it
    cover = input_of(net, covers)

    asked_for = len(unit) if isinstance(unit, (list, tuple)) else 1
    several = len(subject) == 1 and asked_for > 1
    if several:                                                         # one map per unit, all from the same passes
        subject, covers = subject.repeated(asked_for), covers.repeat(asked_for, axis=0)
    target = aim(net, subject.input(net), unit, grad=None)
    measure = measure or ("prob" if target.probs is not None else "score")
    measured = [_measured(net, target, one, measure) for one in target.units]
    values: Any = target.probs if measure == "prob" else target.values
    before = values.astype(np.float64)

    drop, count = np.zeros((len(subject), H, W)), np.zeros((H, W))
    for top, left, bottom, right in boxes:
        count[top:bottom, left:right] += 1
    values = covered_values(net, x, cover, boxes, [measured] if several else [[one] for one in measured], batch=batch,
                            progress=progress)
    values = values[0].T if several else values[:, :, 0]                # (maps, windows)
    for k, (top, left, bottom, right) in enumerate(boxes):
        drop[:, top:bottom, left:right] += (before - values[:, k])[:, None, None]

    seen, cover_seen = subject.seen, seen_by(net, covers)
    worst, best = (tuple(Extreme(float(row[k]), boxes[k], covered_at(seen[i], cover_seen[i], boxes[k]))
                         for i, (row, k) in enumerate(zip(values, where(values, axis=1))))
                   for where in (np.argmin, np.argmax))
    how = {"unit": asked(unit), "window": list(sides), "stride": list(steps),
           "fill": fill if isinstance(fill, str) else list(fill), "measure": measure, "windows": len(boxes)}
    return Occlusion(subject, target, drop / count, before, worst, best, settings=how)


def covered_values(net: Network, x: Array, cover: Any, boxes: Any, units: Any, *, batch: int | None = None,
                   progress: Progress = False) -> Array:
    """The values of units when windows are covered: (N, windows, units of a picture), float64.

    x, cover: (N, H, W, C), the pictures and what covers them. units: a list of units for each picture. In each layer
    only the part that a window can change is computed again (local_passes.py).
    """
    batch = batch or batch_that_fits(net, x.shape[1:])
    found = np.zeros((len(x), len(boxes), len(units[0])))
    jobs = [(i, k) for i in range(len(x)) for k in range(0, len(boxes), batch)]
    for i, k in track(jobs, progress, "occlusion"):
        if k == 0:
            passes = LocalPasses(net, x[i : i + 1], {unit.layer for unit in units[i]})
        acts = passes.forward(boxes[k : k + batch], cover[i : i + 1])
        for u, unit in enumerate(units[i]):
            found[i, k : k + batch, u] = to_cpu(unit_values(acts, unit))
    return found


def sides_of(size: Any, window: Any, stride: Any) -> tuple[Any, Any]:
    """(window, stride), two numbers each: as asked for, or 0.3 of a picture of ``size`` and a quarter of that."""
    sides = _pair("window", window or tuple(max(1, round(0.3 * side)) for side in size))
    return sides, _pair("stride", stride or tuple(max(1, side // 4) for side in sides))


def windows(size: Any, window: Any, stride: Any) -> list[Any]:
    """(top, left, bottom, right) of each window over a picture of ``size`` (H, W), cut at its border."""
    starts = []
    for side, w, s in zip(size, window, stride):
        if not 1 <= w <= side:
            raise BadValue(f"a window of {window[0]} x {window[1]} pixels does not fit into {size[0]} x {size[1]}")
        if not 1 <= s <= w:
            raise BadValue(f"the stride must be from 1 to the window of {w}, or some pixels are never covered; it is "
                           f"{s}")
        starts.append([k * s for k in range(math.ceil((side - w) / s) + 1)])
    return [(top, left, min(top + window[0], size[0]), min(left + window[1], size[1]))
            for top in starts[0] for left in starts[1]]


def _measured(net: Network, target: Any, unit: Any, measure: Any) -> Any:
    if measure == "score":
        return unit
    if target.probs is None:
        raise BadValue(f"{unit} is not a class, so it has no probability; use measure='score', which takes any unit")
    return Unit(net.role("prob"), unit.channel)


def covered_at(picture: Array, cover: Any, box: Any) -> Any:
    """A copy of a picture (H, W, C) with one window taken from ``cover``."""
    top, left, bottom, right = box
    covered = picture.copy()
    covered[top:bottom, left:right] = cover[top:bottom, left:right]
    return covered


def framed(picture: Array, box: Any, size: Any, marks: Any) -> Array:
    """A picture with frames round windows of the net's input of ``size`` (H, W), which shows its ``box``."""
    im = Image.fromarray(picture)
    draw = ImageDraw.Draw(im)
    thick = max(2, max(picture.shape) // 150)
    per_y, per_x = box.height / size[0], box.width / size[1]
    for (top, left, bottom, right), color in marks:
        corners = [box.left + left * per_x, box.top + top * per_y, box.left + right * per_x, box.top + bottom * per_y]
        low, high = corners[:2], [max(a, b - 1) for a, b in zip(corners[:2], corners[2:])]
        draw.rectangle((*low, *high), outline="white", width=thick + 2)
        draw.rectangle((low[0] + 1, low[1] + 1, max(low[0] + 1, high[0] - 1), max(low[1] + 1, high[1] - 1)),
                       outline=color, width=thick)
    return np.asarray(im)


def _pair(kind: str, value: Any) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) for v in pair):
        raise BadValue(f"{kind} must be a whole number of pixels, or two (rows, columns), not {value!r}")
    return int(pair[0]), int(pair[1])
