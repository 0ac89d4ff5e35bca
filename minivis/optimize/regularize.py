"""The four regularisers of Yosinski et al. 2015, section 3, which act on a picture between steps.

    decay                   d * (1 - theta)                     no colour too strong
    blurred                 Gaussian, every few steps           no high frequencies
    small_norm              pixels of small norm become 0       unimportant places stay empty
    small_contribution      pixels of small |d * dd| become 0   likewise, measured by their share in the score

They are not gradients of a loss but separate steps. Each factory returns a function ``(levels, gradient, step) ->
levels`` of pictures (N, H, W, C), where 0 means the net's mean colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.errors import BadValue
from minivis.optimize.transforms import gaussian_blur
from minivis.runtime.backend import get_xp
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.network import Network


def decay(net: Network, theta: Array) -> Callable[..., Any]:
    _part("decay", theta)
    return about_mean(net, lambda d, dd, step: (1 - theta) * d)


def blurred(net: Network, sigma: Any, every: Any = 1) -> Callable[..., Any]:
    if not sigma >= 0 or every < 1:
        raise BadValue(f"blur needs a sigma of at least 0, every 1 step or more, not {sigma} and {every}")
    return about_mean(net, lambda d, dd, step: gaussian_blur(d, sigma) if (step + 1) % every == 0 else d)


def small_norm(net: Network, percentile: float) -> Callable[..., Any]:
    """Set pixels of small norm (over their colours) to 0, by a percentile of each picture."""
    return _cut(net, percentile, lambda d, dd: (d * d).sum(axis=3))


def small_contribution(net: Network, percentile: float) -> Callable[..., Any]:
    return _cut(net, percentile, lambda d, dd: abs((d * dd).sum(axis=3)))


def about_mean(net: Network, change: Any) -> Callable[..., Any]:
    """Apply a change of deviations from the mean colour to levels."""
    mean = net.deprocess(np.zeros((1, 1, 1, net.input_channels), net.dtype))

    def at_levels(z: Array, dz: Array, step: Any) -> Array:
        m = get_xp(z).asarray(mean, dtype=z.dtype)
        return change(z - m, dz, step) + m

    return at_levels


def _cut(net: Network, percentile: float, size: Any) -> Any:
    _part("a percentile", percentile / 100)

    def cut(d: Array, dd: Any, step: Any) -> Array:
        sizes = size(d, dd)
        rows = sizes.reshape(len(d), -1)
        limit = get_xp(d).percentile(rows, percentile, axis=1).astype(d.dtype)
        return d * (sizes >= limit[:, None, None])[..., None]

    return about_mean(net, cut)


def _part(name: str, value: Any) -> None:
    if not 0 <= value <= 1:
        raise BadValue(f"{name} lies between nothing and all, not at {value:g}")
