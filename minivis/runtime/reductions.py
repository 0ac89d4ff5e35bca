"""Sums over positions, and arithmetic by channel, with rows long enough for NumPy's inner loop."""

import math
from typing import Any

import numpy as np

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


def row_blocks(rows: Array) -> list[slice]:
    """The rows in blocks that stay in cache while several calls pass over them; on a GPU in one."""
    most = max(1, tuning.PRODUCTS.block_numbers // rows.shape[1] if get_xp(rows) is np else len(rows))
    return [slice(first, first + most) for first in range(0, max(1, len(rows)), most)]      # no rows: an empty block


def sum_positions(array: Any) -> Array:
    """Sum over every axis but the last: the gradient of what was added to each position."""
    (rows,) = wide(array)
    return sum_rows(rows, array.shape[-1])


def sum_products(a: Array, b: Array) -> Array:
    """Sum of a * b over every axis but the last, in blocks, so that the products need not be held."""
    (a_rows,), (b_rows,), C = wide(a), wide(b), a.shape[-1]
    total: Any = sum(sum_rows(a_rows[some] * b_rows[some], C) for some in row_blocks(a_rows))
    return total


def sum_rows(rows: Array, C: int) -> Array:
    """The sums (C,) of `wide` rows, as a product with ones: `sum` would handle few channels at a time."""
    sums = get_xp(rows).ones(len(rows), rows.dtype) @ rows
    return sums.reshape(-1, C).sum(axis=0)
