"""From an attack's floats to a picture in a file: whole levels of 0..255, as PNG, read back.

Half a level that rounding takes away has undone many an attack, and many a report of one.
"""

import io

import numpy as np

from minivis.images.files import png_bytes, read_image
from minivis.images.preprocessing import to_uint8


def read_back(picture):
    """A uint8 picture (H, W, C), through a PNG file in memory; other channels than 1, 3 or 4 are kept in an array."""
    if picture.shape[2] not in (1, 3, 4):
        return picture
    return read_image(io.BytesIO(png_bytes(picture)), channels=picture.shape[2]).reshape(picture.shape)


def rounded(start, found, eps, norm):
    """``found`` as uint8, still no farther than ``eps`` from ``start``."""
    difference = found.astype(float) - start
    if norm == "Linf":
        whole = int(eps + 1e-6)
        return to_uint8(start + np.clip(np.rint(difference), -whole, whole))
    made = to_uint8(start + difference)
    while np.linalg.norm(made.astype(float) - start) > eps:             # rounding made it longer
        difference *= 0.99
        made = to_uint8(start + difference)
    return made


def grown(start, found, good, seed, factor=1.03, most=8.0):
    """The shortest uint8 picture along ``found`` that is still ``good`` when rounded; the longest where none is.

    The smallest attacks move most pixels by less than half a level. Rounded to the nearest, nothing of that is left; so
    a fraction is rounded up or down by chance, in proportion, which keeps the sum of its effects.
    """
    rng, difference, scale = np.random.default_rng(seed), found.astype(float) - start, 1.0
    while scale < most:
        for chance in (np.full(start.shape, 0.5), rng.uniform(size=start.shape)):
            made = to_uint8(np.floor(start + scale * difference + chance))
            if good(made):
                return made
        scale *= factor
    return made
