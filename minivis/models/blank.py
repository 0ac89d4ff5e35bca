"""Layers with the shapes of their parameters and no memory behind them, so that an architecture can be written down,
asked for its shapes, and compared with a file, before half a gigabyte of weights is read."""

import numpy as np

from minivis.layers import BatchNorm, Conv2D, FullyConnected


def blank(*shape):
    """Zeros of ``shape`` that take four bytes in all."""
    return np.broadcast_to(np.float32(0), shape)


def conv(kernel, channels, filters, *, groups=1, bias=True, **settings):
    """A Conv2D of ``kernel`` x ``kernel``."""
    w = blank(kernel, kernel, channels // groups, filters)
    return Conv2D(w, blank(filters) if bias else None, groups=groups, **settings)


def depthwise(kernel, channels, **settings):
    """A Conv2D in which every channel has a filter of its own and no other."""
    return conv(kernel, channels, channels, groups=channels, bias=False, **settings)


def fc(rows, units):
    return FullyConnected(blank(rows, units), blank(units))


def batch_norm(channels, eps=1e-5):
    gamma, beta, mean, var = (blank(channels) for _ in range(4))
    return BatchNorm(gamma, beta, mean, var, eps)
