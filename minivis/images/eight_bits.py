"""From pictures and arrays of any depth to uint8: 0 is black, and 255 white.

8 bits stay as they are, and 16 bits are divided by 257, so that 65535 is white. Integers of 32 bits and floats have no
fixed white: 1 (floats), 255 or 65535, the first that nothing exceeds; else, or with negative numbers, from least to
most.
"""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadFile

BAND_ROWS = 256                                         # of a picture that are converted at once


def to_8_bit(im: Image.Image, name: str, channels: int | None = None) -> Any:
    """A picture of any of Pillow's modes as uint8 (H, W, 1) or (H, W, 3); a band of rows at a time, to copy little.

    What is transparent lies on white; for a net of 4 channels (grey: of 2) the transparency itself is the last channel.
    """
    wanted = "L" if is_grey(im) else "RGB"
    if im.has_transparency_data and channels == len(wanted) + 1:
        return np.array(im.convert(wanted + "A"))
    band_to_8_bit = _deep_band(im, name) if _is_deep(im) else functools.partial(_plain_band, mode=wanted)
    pixels = np.empty((im.height, im.width, len(wanted)), np.uint8)
    for top, band in _bands(im):
        pixels[top : top + band.height] = band_to_8_bit(band).reshape(band.height, band.width, -1)
    return pixels


def levels(array: Any, name: str) -> Any:
    """An array of numbers as uint8. Raise BadFile for anything but finite numbers."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "buif" or array.size == 0:
        raise BadFile(f"{name} holds {array.dtype} {array.shape}, and a picture is of numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadFile(f"{name} holds pixels that are infinite or NaN; replace them first")
    least, most = float(array.min()), float(array.max())
    low, white = (0, 65535) if array.dtype == np.uint16 else range_of(least, most, array.dtype.kind in "bf")
    return _scaled(array, low, white)


def range_of(least: float, most: float, may_be_one: bool) -> Any:
    """(black, white) of numbers between ``least`` and ``most``. ``may_be_one``: whether 1 may be white."""
    whites = [white for white in (1, 255, 65535) if least >= 0 and most <= white and (white > 1 or may_be_one)]
    return (0, whites[0]) if whites else (least, most)


def is_grey(im: Image.Image) -> bool:
    return im.mode in ("1", "L", "LA", "La") or _is_deep(im)


def _bands(im: Image.Image) -> Iterator[Any]:
    """(first row, picture) of `BAND_ROWS` rows after the other."""
    for top in range(0, im.height, BAND_ROWS):
        yield top, im.crop((0, top, im.width, min(top + BAND_ROWS, im.height)))


def _plain_band(band: Any, mode: Any) -> Any:
    """Rows of at most 8 bits as (H, W) or (H, W, 3), what is transparent on white."""
    if band.has_transparency_data:
        band = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band)
    return np.asarray(band if band.mode == mode else band.convert(mode))


def _is_deep(im: Image.Image) -> Any:
    return im.mode in ("I", "F") or im.mode.startswith("I;16")


def _deep_band(im: Image.Image, name: str) -> Any:
    """A function: grey rows of 16 or 32 bits or floats -> 0..255, by the range of all numbers where no white is set."""
    if im.mode.startswith("I;16") or im.format in ("PNG", "PPM"):
        low, white = 0, 65535
    else:
        if not all(np.isfinite(band).all() for _, band in _bands(im)):
            raise BadFile(f"{name} holds pixels that are infinite or NaN; replace them first")
        least, most = (float(value) for value in im.getextrema())      # type: ignore[arg-type]     # of one band
        low, white = range_of(least, most, im.mode == "F")
    return lambda band: _scaled(np.asarray(band), low, white)


def _scaled(array: Any, low: float, white: float) -> Any:
    scale = 255 / max(white - low, 1e-300)
    return np.rint((array.astype(np.float64) - low) * scale).astype(np.uint8)
