"""Read and write picture files. Outside the nets a picture is upright and uint8: (H, W, 3) RGB or (H, W, 1) grey.

Reading converts every file to that form: transparent pictures are placed on white, CMYK and palettes become RGB, 16
bits and floats become 8 bits, and the orientation in a camera's EXIF is applied. Colour profiles (ICC) are ignored,
because the nets were trained on raw values. A written file also says how the picture was made.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from minivis.errors import BadValue, TooLarge
from minivis.images.eight_bits import to_8_bit
from minivis.images.many_channels import read_channels, shrunk
from minivis.images.opening import LENIENT, UPRIGHT, opened_picture, orientation_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.files import atomic_write, check_output
from minivis.runtime.settings import PATH, SOURCE, SWITCH, Kind, takes, whole
from minivis.types import PathLike, Picture

__all__ = ["atomic_write", "check_output", "check_suffix", "png_bytes", "read_image", "read_text", "write_image"]

WRITES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
OPTIONS: dict[str, dict[str, Any]] = {                   # of Pillow's writers
    "JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}, "TIFF": {"compression": "tiff_lzw"},
}  # fmt: skip
MAX_PIXELS = 300_000_000                                # decoded: 1.2 GB in Pillow and 0.9 GB as an array
FREE_PIXELS, MOST_PIXELS_A_BYTE = 100_000_000, 100      # beyond, the file must have a byte for so many: photographs do
EXIF_DESCRIPTION = 0x010E


@takes(path=SOURCE, max_side=whole(), max_pixels=whole(1), channels=whole(1), frame=whole(1))
def read_image(
    path: Any, max_side: int | None = None, *, max_pixels: int = MAX_PIXELS, channels: int | None = None,
    frame: int | None = None,
) -> Picture:  # fmt: skip
    """Read a picture from a path or an open binary file; of an animation, the first frame.

    Parameters
    ----------
    path : str, Path or binary file
        The file.
    max_side : int, in pixels, optional
        Shrink a larger picture until its longer side has this many pixels. A JPEG is then decoded at a lower
        resolution, so a huge one is cheap.
    max_pixels : int, default 300 million
        Most pixels of the decoded picture.
    channels : int, optional
        Channels of the net that the picture is for, if they are neither 1 nor 3; see many_channels.py.
    frame : int, optional
        Frame of an animation or a film, counted from 1.

    Returns
    -------
    uint8 array (H, W, 3), or (H, W, 1)
        The upright picture in RGB; one channel if it is grey.

    Raises
    ------
    BadFile
        The file is missing, damaged, or not a picture.
    TooLarge
        It has more pixels than ``max_pixels``, or does not fit into memory.

    Examples
    --------
    >>> import minivis as mv
    >>> mv.read_image(f"{mv.__path__[0]}/data/goose.png", max_side=64).shape
    (64, 64, 3)
    """
    if max_side is not None and max_side < 1:
        raise BadValue(f"max_side must be at least 1 pixel, not {max_side}")
    if frame is not None:
        from minivis.images.film_reader import frame_of

        return shrunk(frame_of(path, frame), max_side)
    with LENIENT:
        many = read_channels(path, channels, 3 * max_pixels)
    if many is not None:
        return shrunk(many, max_side)
    with opened_picture(path) as (im, name, size):
        shrinks = max_side is not None and max(im.size) > max_side
        if shrinks:                                     # JPEG: decode at 1/2, 1/4 or 1/8
            im.draft(None, tuple(max(1, round(n * max_side / max(im.size))) for n in im.size))
        check_pixels(im.size, name, size, max_pixels)
        im.load()
        orientation = orientation_of(im)                  # after loading, because Pillow turns a TIFF by itself
        if shrinks and channels in (None, 1, 3):        # Pillow would weigh the colours by the last channel
            if im.mode not in ("L", "RGB") or "transparency" in im.info:
                pixels, original = to_8_bit(im, name, channels), im
                im = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
                original.close()                        # what it decoded is no longer needed
            im.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=2.0)
        pixels = shrunk(to_8_bit(im, name, channels), max_side)
    upright = UPRIGHT.get(orientation, lambda a: a)(pixels)
    return upright if upright.flags.c_contiguous and upright.flags.writeable else np.array(upright, order="C")


def check_pixels(shape: Any, name: str, size: Any, max_pixels: float) -> None:
    """Raise TooLarge unless a picture of (width, height) may be unpacked from a file of ``size`` bytes."""
    width, height = shape
    if width * height > max_pixels:
        raise TooLarge(f"{name} has {width} x {height} pixels, {width * height / 1e6:.0f} million; minivis reads "
                       f"up to {max_pixels / 1e6:.0f} million: shrink it first")
    if size is not None and width * height > max(FREE_PIXELS, MOST_PIXELS_A_BYTE * size):
        raise TooLarge(f"{name} would unpack from {size / 1e6:.1f} MB to {width} x {height} pixels, which no "
                       "photograph does: make it smaller first")


def read_text(path: Any) -> Any:
    """The dict of strings that ``write_image(..., text=...)`` stored in a picture; empty if there is none."""
    with opened_picture(path) as (im, name, size):
        if isinstance(im, PngImagePlugin.PngImageFile):
            check_pixels(im.size, name, size, MAX_PIXELS)           # texts may follow the pixels, so Pillow unpacks all
            return {key: str(value) for key, value in im.text.items()}
        try:
            found = json.loads(im.getexif().get(EXIF_DESCRIPTION, "{}"))
        except ValueError:                              # a description by a camera, not by minivis
            return {}
        return found if isinstance(found, dict) else {}


@takes(path=PATH, text=Kind("a dict of strings", dict), force=SWITCH)
def write_image(path: PathLike, array: NDArray[Any], text: dict[str, str] | None = None, force: bool = False) -> None:
    """Write a picture to a new file, in the format of its suffix; a failure leaves nothing behind.

    Parameters
    ----------
    path : str or Path
        The file, in .png, .jpg, .webp or .tiff.
    array : uint8 array (H, W, 3), (H, W, 4) with alpha, (H, W, 1) or (H, W)
        The picture.
    text : dict of str, optional
        Strings to store in the file, as PNG text chunks; in other formats as JSON in the EXIF description.
    force : bool, default False
        Replace an existing file.

    Returns
    -------
    None
        The file is complete.

    Examples
    --------
    >>> import minivis as mv, tempfile
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mv.write_image(f"{folder}/goose.png", goose)
    ...     bool((mv.read_image(f"{folder}/goose.png") == goose).all())
    True
    """
    data = _encode(array, WRITES[check_suffix(path)], text)
    with atomic_write(path, force) as temporary:
        temporary.write_bytes(data)


def check_suffix(path: Any, *, numbers: bool = False) -> Any:
    """The suffix of ``path`` in lower case. Raise BadValue if pictures cannot be written in that format.

    numbers: the sentence also names the formats for the numbers behind a picture, which the caller writes by itself.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITES:
        more = ", and that of its numbers in .npy or .npz" if numbers else ""
        raise BadValue(f"{path}: a picture's name must end in one of {', '.join(WRITES)}{more}")
    return suffix


def png_bytes(array: Any, text: Any = None) -> Any:
    """uint8 (H, W, 3), (H, W, 1) or (H, W) as the bytes of a PNG file, for notebooks and self-contained pages."""
    return _encode(array, "PNG", text)


def _encode(array: Any, format: Any, text: Any) -> Any:
    array = np.asarray(to_cpu(array))
    if array.dtype != np.uint8:
        raise BadValue(
            f"a picture must be uint8 to be written, not {array.dtype}; convert it with "
            "minivis.images.preprocessing.to_uint8")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise BadValue(f"a picture is (H, W, 3), (H, W, 1) or (H, W) with at least one pixel, or (H, W, 4) with alpha, "
                       f"not {array.shape}")
    if array.ndim == 3 and array.shape[2] == 4 and format == "JPEG":
        raise BadValue("a JPEG cannot be transparent: write a PNG or WEBP")
    options = dict(OPTIONS.get(format, {}))
    text = _checked_text(text)
    if text and format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        for key, value in text.items():
            options["pnginfo"].add_text(key, value)     # as iTXt (UTF-8) if Latin-1 lacks a character
    elif text:
        options["exif"] = Image.Exif()
        options["exif"][EXIF_DESCRIPTION] = json.dumps(text)
    data = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(array)).save(data, format, **options)
    except (OSError, ValueError) as error:              # more than 65,500 pixels across or 64 kB of text in a JPEG
        size = " x ".join(map(str, array.shape[1::-1]))
        raise BadValue(f"{size} pixels cannot be written as {format} ({error}); write a PNG") from None
    return data.getvalue()


def _checked_text(text: Any) -> Any:
    for key, value in (text or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise BadValue(f"the text of a picture must be a dict of strings, but {key!r} is {value!r}")
        if not (key.isascii() and key.isprintable() and 1 <= len(key) <= 79) or "\0" in value:
            raise BadValue(f"{key!r}: the name of a text chunk must have 1 to 79 ASCII characters, and its text no NUL")
    return text
