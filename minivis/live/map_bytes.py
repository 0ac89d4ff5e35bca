"""Maps of activations as bytes for the page.

A map of channel c is q / 255 * limits[c] (`unsigned`, after a ReLU) or (q - 128) / 127 *
limits[c] (`signed`): each channel by its own limit, so that the page can draw it by the unit's own range or by the
layer's, and brighten it, without asking again. The numbers of a layer without positions have one limit, so that they
can be compared. The smallest and the largest number of each map travel as they are.
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.backend import to_cpu
from minivis.types import Array

GRID_BYTES = 300_000                            # of the activation grid in one message: larger maps are shrunk


def as_maps(value: Array) -> Array:
    """One picture's output of a layer as (H, W, C) on the CPU: a layer without positions is 1 x 1."""
    value = to_cpu(value)[0]
    return value if value.ndim == 3 else value.reshape(1, 1, -1)


def quantised(maps: Array) -> tuple[Array, Array, bool, int]:
    """(H, W, C) -> bytes, limits (C,) float32, whether there are signs, and by how much the maps were shrunk."""
    H, W, C = maps.shape
    step = int(np.ceil(max(1.0, np.sqrt(H * W * C / GRID_BYTES))))
    step = min(step, H, W)
    if step > 1:                                        # the mean of blocks of step x step; what is left over goes
        h, w = H // step, W // step
        rows, columns = slice(None, h * step, step), slice(None, w * step, step)
        maps = sum(maps[y:, x:][rows, columns][:h, :w] for y in range(step) for x in range(step)) * (1 / step**2)
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    is_signed = bool(low.min() < 0)
    limits = np.maximum(high, -low).astype(np.float32)
    if H * W == 1:                                      # single numbers: as they compare with each other
        limits[:] = limits.max()
    if not np.isfinite(limits).all():
        raise BadValue("some activations are infinite or NaN: the net's weights overflow")
    scale = np.maximum(limits, 1e-30)
    if is_signed:
        return signed_bytes(maps, scale), limits, True, step
    return (maps * (255 / scale) + 0.5).astype(np.uint8), limits, False, step


def signed_bytes(values: Array, limit: Any) -> Array:
    """128 is zero, 1 and 255 are -limit and +limit and all beyond."""
    return (np.clip(values * (127 / np.maximum(limit, 1e-30)), -127, 127) + 128.5).astype(np.uint8)
