"""Open picture files with Pillow: every problem of a file is one sentence, and odd metadata is none."""

import functools
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from minivis.errors import BadFile, MinivisError, TooLarge
from minivis.images.signatures import is_film_file, is_heic

READS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO",
         "HEIF")                                        # EPS would run Ghostscript
EXIF_ORIENTATION = 0x0112

# EXIF orientation -> the move that turns the stored picture upright (Exif 2.32, section 4.6.4)
UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),                       # a quarter turn clockwise: a phone held upright
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


class Lenient:
    """A context in which Pillow does not warn of odd metadata and does not limit the pixels, which we count ourselves.

    Both are settings of the whole process: the first thread to enter saves them, the last one to leave restores them.
    """

    def __init__(self) -> None:
        self.lock, self.inside = threading.Lock(), 0

    def __enter__(self) -> Any:
        with self.lock:
            if self.inside == 0:
                self.warnings, self.limit = warnings.catch_warnings(), Image.MAX_IMAGE_PIXELS
                self.warnings.__enter__()
                warnings.simplefilter("ignore")
                Image.MAX_IMAGE_PIXELS = None
            self.inside += 1

    def __exit__(self, *error: Any) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.warnings.__exit__(*error)
                Image.MAX_IMAGE_PIXELS = self.limit


LENIENT = Lenient()


@contextmanager
def opened_picture(path: Any) -> Iterator[Any]:
    """Yield Pillow's lazily decoded picture, its name for messages, and the file's size in bytes (None: a pipe's).

    Whatever goes wrong becomes one sentence.
    """
    given = hasattr(path, "read")
    name = str(getattr(path, "name", "the picture") if given else path)
    file = path if given else _open_file(path, name)
    try:
        if not given and not file.peek(1):
            raise BadFile(f"{name} is empty; get a complete copy of it")
        with LENIENT, Image.open(file, formats=_formats()) as im:
            yield im, name, _size(file)
    except MinivisError:
        raise
    except UnidentifiedImageError:
        if is_heic(file):
            raise BadFile(f"{name} is a HEIC picture, for which pillow-heif is needed: pip install pillow-heif, or "
                          "convert it to JPEG") from None
        if is_film_file(file):
            raise BadFile(f"{name} is a film: minivis dream and style take it whole, and --frame N one frame of it") \
                from None
        raise BadFile(f"{name} is not a picture that minivis can read ({', '.join(READS)}); convert it to PNG or JPEG "
                      "first") from None
    except MemoryError:
        raise TooLarge(f"{name} does not fit into memory; shrink it first") from None
    except Exception as error:                          # Pillow's decoders raise exceptions of any kind
        reason = str(error).strip(". ") or type(error).__name__
        raise BadFile(f"{name} is damaged or incomplete ({reason}); get a complete copy of it") from None
    finally:
        if not given:
            file.close()


def _open_file(path: Any, name: str) -> Any:
    if os.path.isdir(path):
        raise BadFile(f"{name} is a folder; name a picture in it")
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise BadFile(f"there is no file {name}") from None
    except OSError as error:
        raise BadFile(f"{name} cannot be opened ({error.strerror})") from None
    except ValueError:
        raise BadFile(f"{name!r} is not a file name") from None


@functools.cache
def _formats() -> list[Any]:
    """The formats of READS that this Pillow can read."""
    Image.init()
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    return [name for name in READS if name in Image.OPEN]


def orientation_of(im: Image.Image) -> Any:
    try:
        return im.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:                                   # a picture with damaged EXIF can still be read
        return 1


def _size(file: Any) -> Any:
    """The bytes of an open file, whose position stays; None if it has no end."""
    try:
        at = file.tell()
        size = file.seek(0, os.SEEK_END)
        file.seek(at)
        return size
    except (OSError, AttributeError):
        return None
