"""Colour maps: turn gradients and strengths into colours.

    signed(v)      zero is white (one channel) or mid grey (three), +limit and -limit are equally far from it
    unsigned(v)    |v| from dark (0) to bright (limit); the strongest of three channels counts (Simonyan et al. 2014)

The limit is a percentile of |v|, because a few pixels of a gradient are often ten times larger than all others.
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue, UnknownName
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Picture


def _table(colors: Any) -> Any:
    return np.array([list(bytes.fromhex(color)) for color in colors.split()], dtype=np.float64)


# 17 anchors at equal steps, linear in between. viridis, magma, inferno: van der Walt and Smith 2015 (CC0), whose equal
# steps look equal. diverging: blue, white, red, of the same CIELAB lightness at +v and -v, which falls evenly from 100
# to 34.
COLORMAPS = {
    "grey": _table("000000 ffffff"),
    "viridis": _table("440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26818e 21908c "
                      "1f9f88 28ae80 3ebc74 5dc963 82d34c abdc32 d5e21a fde725"),
    "magma": _table("000004 0a0822 1d1146 36106a 50127c 691c81 822681 9c2e7f b63779 "
                    "cf4170 e65163 f5695c fb8761 fea571 fec387 fde0a2 fcfdbf"),
    "inferno": _table("000004 0b0724 210c4a 3c0965 57106d 70196e 89226a a32b61 bb3755 "
                      "d14644 e35932 f1711e f98d0a fcab0f f9ca32 f2e865 fcffa4"),
    "diverging": _table("2d4f89 3463ab 4378c8 5a8ddf 77a3f0 98bafb bad0ff dde7ff ffffff "
                        "ffe0dc ffc1ba fea097 fb7d75 e8625c ce4c48 b03a39 8e2f2d"),
}


def colorize(values: Any, colormap: str = "viridis", low: float = 0.0, high: float = 1.0) -> Picture:
    """Map numbers of any shape to uint8 RGB (..., 3), from ``low`` (the first colour) to ``high`` (the last), clipped.

    If ``low`` equals ``high``, everything gets the middle colour.
    """
    if colormap not in COLORMAPS:
        raise UnknownName.of("colour map", colormap, COLORMAPS)
    values = _finite(values)
    if not (np.isfinite([low, high]).all() and low <= high):
        raise BadValue(f"low must be at most high, and both finite, not {low} and {high}")
    unit = (values - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    table = COLORMAPS[colormap]
    at = np.linspace(0, 1, len(table))
    return np.rint(np.stack([np.interp(unit, at, channel) for channel in table.T], axis=-1)).astype(np.uint8)


def display_limit(values: Any, percentile: float = 99.5) -> float:
    """The size that gets the strongest colour: the percentile of |values|, or their maximum if that is 0."""
    if not 0 < percentile <= 100:
        raise BadValue(f"percentile must be above 0 and at most 100, not {percentile}")
    sizes = abs(_finite(values))
    return float(np.percentile(sizes, percentile)) or float(sizes.max())    # a sparse map is 0 nearly everywhere


def signed(values: Any, *, percentile: float = 99.5, limit: Any = None, colormap: str = "diverging",
           together: bool = False) -> Picture:
    """Draw a map with signs, such as a gradient, as uint8 RGB of the same height and width.

    values (H, W), (H, W, C) or (N, H, W, C). C = 1: blue, white, red (or ``colormap``). C = 3: each colour channel
    brighter or darker than mid grey. ``limit`` is the size that gets the full colour. By default each map of a batch
    has its own limit, or all share one with ``together``; see ``display_limit``.
    """
    def draw(v: Array, limit: Any) -> Picture:
        if v.shape[2] == 3:
            return colorize(v, "grey", -limit, limit)[..., 0]           # each of the three numbers gets its own grey
        return colorize(v[..., 0], colormap, -limit, limit)

    return _each(values, percentile, limit, together, draw)


def unsigned(values: Any, *, percentile: float = 99.5, limit: Any = None, colormap: str = "inferno",
             together: bool = False) -> Picture:
    """Draw the sizes of a map as uint8 RGB; 0 gets the first colour. Shapes and settings are those of ``signed``."""
    def draw(v: Array, limit: Any) -> Picture:
        return colorize(abs(v).max(axis=2), colormap, 0, limit or 1)    # a map of zeros is dark

    return _each(values, percentile, limit, together, draw, draws_three=False)


def _each(values: Any, percentile: float, limit: Any, together: Any, draw: Any, draws_three: bool = True) -> Any:
    values = _finite(values)
    if values.ndim == 2:
        return _each(values[None, :, :, None], percentile, limit, together, draw, draws_three)[0]
    if values.ndim == 3:
        return _each(values[None], percentile, limit, together, draw, draws_three)[0]
    if values.ndim != 4 or (draws_three and values.shape[3] not in (1, 3)):
        raise BadValue(f"a map is (H, W), (H, W, C) or (N, H, W, C) with C 1 or 3, not {values.shape}; "
                       "maps[..., None] adds the channel axis to a batch of grey maps")
    if limit is not None and not 0 < limit < np.inf:
        raise BadValue(f"limit must be a positive number, not {limit}")
    if limit is None and together:
        limit = display_limit(values, percentile)
    return np.stack([draw(v, display_limit(v, percentile) if limit is None else limit) for v in values])


def _finite(values: Any) -> Any:
    values = np.asarray(to_cpu(values))
    if values.dtype.kind not in "buif" or values.size == 0:
        raise BadValue(f"a map must hold real numbers, not {values.dtype} {values.shape}")
    if not np.isfinite(values).all():
        raise BadValue("some numbers of the map are infinite or NaN")
    return values.astype(np.float64)
