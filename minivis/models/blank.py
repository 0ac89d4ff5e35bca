"""Layers with the shapes of their parameters and no memory behind them, so that an architecture can be written down,
asked for its shapes, and compared with a file, before half a gigabyte of weights is read."""

from typing import Any

import numpy as np

from minivis.layers import BatchNorm, Conv2D, FullyConnected
from minivis.types import Array


def blank(*shape: int) -> Array:
    """Zeros of ``shape`` that take four bytes in all."""
    return np.broadcast_to(np.float32(0), shape)


def conv(kernel: int, channels: int, filters: int, *, groups: int = 1, bias: bool = True, **settings: Any) -> Conv2D:
    """A Conv2D of ``kernel`` x ``kernel``."""
    w = blank(kernel, kernel, channels // groups, filters)
    return Conv2D(w, blank(filters) if bias else None, groups=groups, **settings)


def depthwise(kernel: int, channels: int, **settings: Any) -> Conv2D:
    """A Conv2D in which every channel has a filter of its own and no other."""
    return conv(kernel, channels, channels, groups=channels, bias=False, **settings)


def fc(rows: int, units: int) -> FullyConnected:
    return FullyConnected(blank(rows, units), blank(units))


def batch_norm(channels: int, eps: float = 1e-5) -> BatchNorm:
    gamma, beta, mean, var = (blank(channels) for _ in range(4))
    return BatchNorm(gamma, beta, mean, var, eps)
