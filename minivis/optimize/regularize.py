"""What Yosinski et al. 2015 do to a picture between two steps, so that it stays one (section 3, the four regularisers).

    decay                   d * (1 - theta)                     no colour too strong
    blurred                 Gaussian, every few steps           no high frequencies
    small_norm              pixels of small norm become 0       what does not help stays empty
    small_contribution      pixels of small |d * dd| become 0   likewise, by what the score would lose without them

No loss has these as its gradient: they are steps of their own. Each is made by its settings and is a function
``(levels, gradient, step) -> levels`` of pictures (N, H, W, C), where 0 means the net's mean colour.
"""

import numpy as np

from minivis.errors import BadValue
from minivis.optimize.transforms import gaussian_blur
from minivis.runtime.backend import get_xp


def decay(net, theta):
    _part("decay", theta)
    return about_mean(net, lambda d, dd, step: (1 - theta) * d)


def blurred(net, sigma, every=1):
    if not sigma >= 0 or every < 1:
        raise BadValue(f"blur takes a sigma from 0 up, every 1 step or more, not {sigma} and {every}")
    return about_mean(net, lambda d, dd, step: gaussian_blur(d, sigma) if (step + 1) % every == 0 else d)


def small_norm(net, percentile):
    """A pixel's norm is over its colours; the percentile is of each picture."""
    return _cut(net, percentile, lambda d, dd: (d * d).sum(axis=3))


def small_contribution(net, percentile):
    return _cut(net, percentile, lambda d, dd: abs((d * dd).sum(axis=3)))


def about_mean(net, change):
    """A change of deviations from the mean colour as one of levels."""
    mean = net.deprocess(np.zeros((1, 1, 1, net.input_channels), net.dtype))

    def at_levels(z, dz, step):
        m = get_xp(z).asarray(mean, dtype=z.dtype)
        return change(z - m, dz, step) + m

    return at_levels


def _cut(net, percentile, size):
    _part("a percentile", percentile / 100)

    def cut(d, dd, step):
        sizes = size(d, dd)
        rows = sizes.reshape(len(d), -1)
        limit = get_xp(d).percentile(rows, percentile, axis=1).astype(d.dtype)
        return d * (sizes >= limit[:, None, None])[..., None]

    return about_mean(net, cut)


def _part(name, value):
    if not 0 <= value <= 1:
        raise BadValue(f"{name} lies between nothing and all, not at {value:g}")
