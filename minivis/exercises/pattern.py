"""What wrong cases have in common, and where in an answer the wrong numbers are: for a mistake that nobody listed."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.exercises.compare import same, too_far
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.exercises.calls import Outcome, Problem
    from minivis.exercises.exercise import Case


def pattern(
    outputs: tuple[str, ...], cases: Sequence[Case], outcomes: Sequence[Outcome], expected: Sequence[Outcome],
    faults: Sequence[Problem | None],
) -> str:  # fmt: skip
    """A sentence or two, or "". faults: what is wrong with each case, or None."""
    says = [common([one.arguments for one in cases], [fault is not None for fault in faults])]
    for k, name in enumerate(outputs):
        masks = [(one.arguments, wrong_places(outcome.values[k], right.values[k]))
                 for one, outcome, right in zip(cases, outcomes, expected) if outcome.values]
        says.append(where(name, [(arguments, mask) for arguments, mask in masks if mask is None or mask.any()]))
    return " ".join(filter(None, says))


def common(arguments: Sequence[dict[str, Any]], wrong: Sequence[bool]) -> str:
    """Which single number among the arguments tells the wrong cases from the right ones."""
    if all(wrong) or not any(wrong):
        return ""
    found = []
    for name in arguments[0]:
        values: list[Any] = [one.get(name) for one in arguments]
        if not all(isinstance(value, Real) and np.isfinite(float(value)) for value in values):
            continue
        bad, good = ({float(v) for v, is_wrong in zip(values, wrong) if is_wrong is kind} for kind in (True, False))
        if not bad & good:
            found += told_apart(name, bad, good)
    return min(found, default=(0, ""), key=lambda one: one[0])[1]


def told_apart(name: str, bad: set[Any], good: set[Any]) -> list[tuple[int, str]]:
    """[(rank, sentence)]: the lowest rank is the simplest to understand."""
    if len(bad) == 1:
        return [(0, f"Wrong are all cases where {name} is {min(bad):g}, and no others.")]
    if min(bad) > max(good):
        return [(1, f"Wrong are all cases where {name} is above {max(good):g}, and no others.")]
    if max(bad) < min(good):
        return [(1, f"Wrong are all cases where {name} is below {min(good):g}, and no others.")]
    if len(good) == 1:
        return [(2, f"Right are only the cases where {name} is {min(good):g}.")]
    return []


def wrong_places(value: Array, right: Array) -> Array | None:
    """Which numbers of an answer are wrong, as a mask; None if the shapes differ."""
    if value.shape != right.shape:
        return None
    return np.zeros(right.shape, bool) if same(value, right) else np.asarray(too_far(value, right))


def where(name: str, found: Sequence[tuple[dict[str, Any], Any]]) -> str:
    """Which places of output ``name`` are wrong in all of its wrong cases; found: [(arguments, mask or None), ...]."""
    if not found or any(mask is None or mask.ndim == 0 for _, mask in found):
        return ""
    for place, is_there in PLACES:
        for which in is_there.choices(found):
            masks = [(mask, is_there(arguments, mask.shape, which)) for arguments, mask in found]
            if all(there is not None and not there.all() and not (mask & ~there).any() for mask, there in masks):
                return f"Wrong are only numbers of {name} {place.format(*which)}."
    return ""


class Sign:
    """Where an argument of the same shape has a certain sign."""

    def choices(self, found: Any) -> list[Any]:
        arguments, mask = found[0]
        alike = [name for name, a in arguments.items()
                 if isinstance(a, np.ndarray) and a.shape == mask.shape and a.dtype.kind == "f"]
        return [(name, sign) for name in alike for sign in SIGNS]

    def __call__(self, arguments: dict[str, Any], shape: Shape, which: Any) -> Array | None:
        values = arguments[which[0]]
        return SIGNS[which[1]](values) if values.shape == shape else None


class Border:
    """In the first and last line and column of a picture (N, H, W, ...) or (H, W)."""

    def choices(self, found: Any) -> list[Any]:
        return [()] if all(mask.ndim >= 2 for _, mask in found) else []

    def __call__(self, arguments: dict[str, Any], shape: Shape, which: Any) -> Array | None:
        first = 1 if len(shape) > 2 else 0
        if min(shape[first : first + 2]) < 3:
            return None
        there = np.ones(shape, bool)
        there[(slice(None),) * first + (slice(1, -1), slice(1, -1))] = False
        return there


class End:
    """At the first or the last index of an axis."""

    def choices(self, found: Any) -> list[Any]:
        return [(end, axis) for axis in range(min(mask.ndim for _, mask in found)) for end in ("first", "last")]

    def __call__(self, arguments: dict[str, Any], shape: Shape, which: Any) -> Array | None:
        end, axis = which
        if shape[axis] < 2:
            return None
        there = np.zeros(shape, bool)
        there[(slice(None),) * axis + (0 if end == "first" else -1,)] = True
        return there


SIGNS = {"below zero": lambda a: a < 0, "zero": lambda a: a == 0, "above zero": lambda a: a > 0}
PLACES: list[tuple[str, Any]] = [("where {} is {}", Sign()), ("at the {} index of axis {}", End()),
          ("in the outermost lines and columns", Border())]
