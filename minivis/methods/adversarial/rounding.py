"""From an attack's floats to a picture in a file: round to whole levels of 0..255, write as PNG, and read back.

Rounding by half a level has undone many attacks.
"""

import io
from typing import Any

import numpy as np

from minivis.images.files import png_bytes, read_image
from minivis.images.preprocessing import to_uint8


def read_back(picture: Any) -> Any:
    """A uint8 picture (H, W, C), through a PNG file in memory; other channels than 1, 3 or 4 are kept in an array."""
    if picture.shape[2] not in (1, 3, 4):
        return picture
    return read_image(io.BytesIO(png_bytes(picture)), channels=picture.shape[2]).reshape(picture.shape)


def rounded(start: Any, found: Any, eps: Any, norm: str) -> Any:
    """``found`` as uint8, still within ``eps`` of ``start``."""
    difference = found.astype(float) - start
    if norm == "Linf":
        whole = int(eps + 1e-6)
        return to_uint8(start + np.clip(np.rint(difference), -whole, whole))
    made = to_uint8(start + difference)
    while np.linalg.norm(made.astype(float) - start) > eps:             # rounding made it longer
        difference *= 0.99
        made = to_uint8(start + difference)
    return made


def grown(start: Any, found: Any, good: Any, seed: Any, factor: float = 1.03, most: float = 8.0) -> Any:
    """The shortest uint8 change along ``found`` that is still ``good`` after rounding; the longest if none is.

    The smallest attacks move most pixels by less than half a level, and rounding to the nearest level would remove
    them. So fractions are rounded up or down at random, in proportion, which preserves the sum of their effects.
    """
    rng, difference, scale = np.random.default_rng(seed), found.astype(float) - start, 1.0
    while scale < most:
        for chance in (np.full(start.shape, 0.5), rng.uniform(size=start.shape)):
            made = to_uint8(np.floor(start + scale * difference + chance))
            if good(made):
                return made
        scale *= factor
    return made
