"""Do maps show the object? Two measures, for pictures whose object is known to the pixel.

    inside / outside        mean of the map on the object, over its mean beside it
    pointing game           is the map's largest value on the object? (Zhang et al. 2016, section 4.2)

Of maps with a sign, what speaks for the unit counts: below zero is zero. Both say where a map looks, not whether the
net looks there too; for that, see curves.py and sanity.py.
"""

import numpy as np

from minivis.errors import BadValue


def inside_over_outside(maps, masks):
    """(N,) mean of each map (N, H, W) over its mask (N, H, W; True on the object), over its mean outside."""
    maps, masks = _checked(maps, masks)
    inside = (maps * masks).sum(axis=(1, 2)) / masks.sum(axis=(1, 2))
    outside = (maps * ~masks).sum(axis=(1, 2)) / (~masks).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside == outside, 1.0, inside / outside)       # an empty map says nothing: 1


def hits(maps, masks):
    """(N,) bool: whether the largest value of each map, the first of several, lies on its mask."""
    maps, masks = _checked(maps, masks)
    largest = maps.reshape(len(maps), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), largest]


def _checked(maps, masks):
    maps, masks = np.asarray(maps, dtype=np.float64), np.asarray(masks)
    if maps.ndim != 3 or maps.shape != masks.shape or masks.dtype != bool:
        raise BadValue(f"maps and masks are (N, H, W) of one shape, masks of bool; not {maps.shape} and "
                       f"{masks.dtype} {masks.shape}")
    covered = masks.sum(axis=(1, 2))
    if not (covered.all() and (covered < masks[0].size).all()):
        raise BadValue("a mask must have pixels on the object and beside it")
    return maps.clip(0), masks
