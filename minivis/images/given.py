"""Pictures as a user gives them: paths, open files, bytes, Pillow's images and arrays; and what a file says."""

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from minivis.errors import MinivisError
from minivis.images.eight_bits import to_8_bit
from minivis.images.files import read_image
from minivis.images.film_reader import film_in
from minivis.images.opening import UPRIGHT, opened_picture, orientation_of


def as_picture(value: Any, channels: int | None = None) -> Any:
    """A picture as uint8 (H, W, C), from a path, an open file, the bytes of a file, or Pillow's; arrays as they are."""
    if isinstance(value, Image.Image):
        value = value if orientation_of(value) == 1 else ImageOps.exif_transpose(value)
        return to_8_bit(value, "the picture", channels)
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = io.BytesIO(value)
    is_file = isinstance(value, (str, os.PathLike)) or hasattr(value, "read")
    return read_image(value, channels=channels) if is_file else value


def as_pictures(value: Any, channels: int | None = None) -> Any:
    """`as_picture` of one picture, or of each of a list or tuple."""
    if isinstance(value, (list, tuple)):
        return [as_picture(one, channels) for one in value]
    return as_picture(value, channels)


def alpha_of(path: Any) -> Any:
    """How opaque each pixel of a file is, uint8 (H, W, 1); None if all are, or it does not say.

    A pipe has been read by then, and is not opened again: its writer would be waited for without end.
    """
    if not os.path.isfile(path):
        return None
    with opened_picture(path) as (im, *_):
        if not im.has_transparency_data:
            return None
        alpha = np.asarray(im.convert("RGBA").getchannel("A"))
        alpha = UPRIGHT.get(orientation_of(im), lambda a: a)(alpha[..., None])
    return None if (alpha == 255).all() else np.ascontiguousarray(alpha)


DARK = 16                                       # 4095 / 257, the highest level of 12 bits that are read as 16


def remarks_on(path: Any, pixels: Any) -> Iterator[Any]:
    """Yield what a user may not expect of a picture, uint8 (H, W, 1) or (H, W, 3), that was read from ``path``.

    path: or a file in memory. Nothing for a pipe, as in `alpha_of`.
    """
    if hasattr(path, "read"):
        path.seek(0)
        name = path.name
    elif not os.path.isfile(path):
        return
    else:
        name = os.path.basename(path)
    with suppress(MinivisError), opened_picture(path) as (im, *_):
        frames = getattr(im, "n_frames", 1)
        if frames > 1:
            yield f"{name} has {frames} {'pages' if im.format == 'TIFF' else 'frames'}, of which the first is used"
        if im.mode.startswith("I") and 0 < int(pixels.max()) <= DARK:
            yield (f"{name} is nearly black: its highest level is {pixels.max()} of 255; if it holds 12 bits in 16, "
                   "multiply its numbers by 16 first")


def size_of(path: Any) -> Any:
    """(height, width) of the upright picture, or of the film, in a file."""
    film = film_in(path)
    if film is not None:
        return film.size
    with opened_picture(path) as (im, *_):
        width, height = im.size
        return (width, height) if orientation_of(im) in (5, 6, 7, 8) else (height, width)
