"""When two answers count as equal, where they differ, and by how much."""

from typing import Any

import numpy as np

from minivis.types import Array

TOLERANCE = {"float64": 1e-7, "float32": 2e-4}          # of the largest expected number; rounding is far below


def relative_error(x: Array, y: Array) -> float:
    """CS231n's: the largest |x - y| / max(1e-8, |x| + |y|) over all elements, 1 at most; 1 where it overflows, too."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    errors = abs(x - y) / np.maximum(1e-8, abs(x) + abs(y))
    return float(np.where(np.isfinite(errors), errors, 1).max()) if x.size else 0.0


def same(value: Array, right: Array) -> bool:
    """Whether two arrays are equal up to rounding."""
    return value.shape == right.shape and not np.any(too_far(value, right))


@np.errstate(invalid="ignore")                  # infinite minus infinite
def too_far(value: Array, right: Array) -> Any:
    """Which numbers differ by more than rounding; what is not finite must be so in the same places."""
    if right.dtype.kind != "f":
        return value != right
    finite, tolerance = np.isfinite(right), TOLERANCE["float32" if right.dtype == np.float32 else "float64"]
    largest = abs(right[finite]).max(initial=0) or 1.0
    difference = abs(np.where(finite, value.astype(np.float64) - right, 0))
    return (np.isfinite(value) != finite) | ~(difference <= tolerance * largest)


def first_difference(value: Array, right: Array) -> str:
    """Where they differ first, in words."""
    if not right.ndim:
        return f"{value:.6g} where {right:.6g} is expected"
    at = tuple(int(i) for i in np.argwhere(too_far(value, right))[0])
    return f"at {list(at)} stands {value[at]:.6g}, and {right[at]:.6g} is expected"
