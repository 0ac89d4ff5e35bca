"""Occlusion (Zeiler & Fergus 2014, section 4.2): cover a part of the picture, and see how far the class falls.

    drop[i, j] = mean over the windows that cover pixel (i, j) of   f(x) - f(x with that window covered)

Windows start at 0, stride, 2 * stride, ...: ceil((D - window) / stride) + 1 along a side of D pixels, the last one cut
at the border. f is the probability of a class, its score, or the value of any other unit.
"""

import math
from dataclasses import dataclass

import numpy as np

from minivis.backend import get_xp, to_cpu
from minivis.errors import BadValue, UnknownName
from minivis.methods.fills import filled
from minivis.methods.result import PANEL, Result, Subject, input_of, seen_by
from minivis.methods.target import Target, aim, asked, percent
from minivis.pictures import display_limit, overlay, panels
from minivis.progress import track
from minivis.units import Unit, unit_values

MEASURES = ("prob", "score")
BATCH_BYTES = 200e6                             # of the largest activation of one batch of windows


@dataclass(frozen=True, eq=False)
class Occlusion(Result):
    """``maps`` (N, H, W): the drop of ``measure`` at each pixel; ``worst``: the most harmful window of each."""

    subject: Subject
    target: Target
    maps: np.ndarray
    before: np.ndarray                          # (N,) f(x)
    worst: tuple                                # per picture: (value, (top, left, bottom, right), the covered picture)

    def draw(self, i):
        value, _, covered = self.worst[i]
        name, limit = self.target.name(i), display_limit(self.maps[i], 100)
        what = "drop of the probability" if self.settings["measure"] == "prob" else "drop of the score"
        picture, box = self.subject.small(i)
        over = overlay(picture, self.maps[i], "diverging", alpha=0.85, box=box, fade=True)
        return panels(
            [self.subject.seen[i], over, covered],
            [f"the input\n{name} {self._value(self.before[i])}",
             f"occlusion\n{what} of {name}" if limit else "occlusion\nno window makes a difference",
             f"the worst window\n{name} {self._value(value)}"],
            colorbars=[None, ("diverging", -limit, limit) if limit else None, None], height=PANEL,
        )  # fmt: skip

    def _value(self, value):
        return percent(value) if self.settings["measure"] == "prob" else f"= {value:.3g}"

    def describe(self, i):
        value, window, _ = self.worst[i]
        return {**self.target.describe(i), "measure": self.settings["measure"], "before": float(self.before[i]),
                "lowest": float(value), "worst_window": list(window), "largest_drop": float(self.maps[i].max()),
                "windows": self.settings["windows"]}

    def __len__(self):
        return len(self.subject)

    def __str__(self):
        return "\n".join(f"{self.target.name(i)}: {self._value(self.before[i])}, and {self._value(self.worst[i][0])} "
                         f"with the worst of {self.settings['windows']} windows" for i in range(len(self)))


def occlusion(net, image, unit=None, *, window=None, stride=None, fill="grey", measure=None, batch=None, seed=0,
              progress=False):
    """How far a unit (default: each picture's first class) falls when a square is covered, for a picture or a batch.

    window, stride: a number or (rows, columns), by default 0.3 of the picture and a quarter of the window. fill:
    "grey", "mean", "blur", "noise", or a colour in 0..255. measure: "prob" or "score", where the unit is a class.
    """
    subject = Subject.of(net, image)
    x = subject.input(net)
    H, W = x.shape[1:3]
    window = _pair("window", window or (max(1, round(0.3 * H)), max(1, round(0.3 * W))))
    stride = _pair("stride", stride or tuple(max(1, side // 4) for side in window))
    boxes = windows((H, W), window, stride)
    covers = filled(subject.fitted, fill, window, seed)                 # uint8 (N, H, W, C): windows are cut from it
    cover = input_of(net, covers)

    target = aim(net, x, unit, grad=None)
    measure = measure or ("prob" if target.probs is not None else "score")
    measured = [_measured(net, target, u, measure) for u in target.units]
    before = (target.probs if measure == "prob" else target.values).astype(np.float64)
    batch = batch or _batch(net, x)

    drop, count = np.zeros((len(x), H, W)), np.zeros((H, W))
    worst = [(math.inf, None)] * len(x)
    for top, left, bottom, right in boxes:
        count[top:bottom, left:right] += 1
    jobs = [(i, boxes[k : k + batch]) for i in range(len(x)) for k in range(0, len(boxes), batch)]
    for i, some in track(jobs, progress, "occlusion"):
        covered = get_xp(x).repeat(x[i : i + 1], len(some), axis=0)
        for copy, (top, left, bottom, right) in zip(covered, some):
            copy[top:bottom, left:right] = cover[i, top:bottom, left:right]
        acts = net.forward(covered, until=measured[i].layer, keep=(measured[i].layer,), grad=None)
        for value, box in zip(to_cpu(unit_values(acts, measured[i])).tolist(), some):
            top, left, bottom, right = box
            drop[i, top:bottom, left:right] += before[i] - value
            worst[i] = min(worst[i], (value, box), key=lambda pair: pair[0])
    settings = {"unit": asked(unit), "window": list(window), "stride": list(stride),
                "fill": fill if isinstance(fill, str) else list(fill), "measure": measure, "windows": len(boxes)}
    shown = tuple((*found, _cover_one(seen, seen_cover, found[1]))
                  for found, seen, seen_cover in zip(worst, subject.seen, seen_by(net, covers)))
    return Occlusion(subject, target, drop / count, before, shown, settings=settings)


def windows(size, window, stride):
    """(top, left, bottom, right) of each window over a picture of ``size`` (H, W), cut at its border."""
    starts = []
    for side, w, s in zip(size, window, stride):
        if not 1 <= w <= side:
            raise BadValue(f"a window of {window[0]} x {window[1]} pixels does not fit into {size[0]} x {size[1]}")
        if not 1 <= s <= w:
            raise BadValue(f"a stride of {s} with a window of {w}: from 1 to the window, or pixels are never covered")
        starts.append([k * s for k in range(math.ceil((side - w) / s) + 1)])
    return [(top, left, min(top + window[0], size[0]), min(left + window[1], size[1]))
            for top in starts[0] for left in starts[1]]


def _measured(net, target, unit, measure):
    if measure not in MEASURES:
        raise UnknownName.of("measure", measure, MEASURES)
    if measure == "score":
        return unit
    if target.probs is None:
        raise BadValue(f"{unit} is no class and has no probability: measure 'score' is the value of any unit")
    return Unit(net.role("prob"), unit.channel)


def _batch(net, x):
    largest = max(np.prod(shape[1:]) for shape in net.shapes(x.shape).values())
    return int(max(1, min(64, BATCH_BYTES / (largest * x.dtype.itemsize))))


def _cover_one(seen, cover, box):
    top, left, bottom, right = box
    covered = seen.copy()
    covered[top:bottom, left:right] = cover[top:bottom, left:right]
    return covered


def _pair(kind, value):
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) for v in pair):
        raise BadValue(f"{kind} is a whole number of pixels, or two (rows, columns), not {value!r}")
    return int(pair[0]), int(pair[1])
