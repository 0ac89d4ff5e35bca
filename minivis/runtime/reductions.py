"""Sums over positions, and arithmetic by channel, with rows long enough for NumPy's inner loop."""

import math
from typing import Any

from minivis.runtime import tuning
from minivis.runtime.backend import get_xp
from minivis.types import Array


def wide(array: Any, *per_channel: Any) -> tuple[Array, ...]:
    """(..., C) as (rows, k*C), k positions a row, and each of ``per_channel`` (C,) k times over, (k*C,).

    NumPy's inner loop goes along the last axis: with 16 channels alone it takes twice as long for the same sums.
    """
    C = array.shape[-1]
    k = math.gcd(array.size // C, 1 << (max(1, tuning.PRODUCTS.row_numbers // C).bit_length() - 1))
    return array.reshape(-1, k * C), *(get_xp(array).tile(values, k) for values in per_channel)


def sum_positions(array: Any) -> Array:
    """Sum over every axis but the last: the gradient of what was added to each position.

    It is computed as a product with ones: BLAS adds whole rows, whereas `sum` would handle few channels at a time.
    """
    (rows,) = wide(array)
    sums = get_xp(array).ones(len(rows), array.dtype) @ rows
    return sums.reshape(-1, array.shape[-1]).sum(axis=0)
