"""Pictures of any number of channels, from what people keep them in.

    .npy        an array (H, W, C), (H, W), or (C, H, W) where that fits the net; read without running anything in it
    TIFF        of as many samples a pixel, or of as many pages, see tiff.py

A PNG or TIFF with transparency has four channels for a net that reads four; files.py reads that. Numbers become 8 bits
as eight_bits.py says, all channels alike.
"""

import io
import os
from tokenize import TokenError
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from minivis.errors import BadFile, MinivisError, TooLarge
from minivis.images.channels import by_channels
from minivis.images.eight_bits import levels
from minivis.images.tiff import is_tiff, read_tiff, samples_of
from minivis.runtime.files import read_bytes

NPY = b"\x93NUMPY"
MOST_BYTES = 2**31                              # of a file that is read as a whole


def read_channels(path: Any, channels: int | None, most: float) -> Any:
    """uint8 (H, W, C) of an array or a TIFF, at most ``most`` numbers; None if it is for Pillow to read.

    ``channels``: of the net, None if that is not known. Pillow reads TIFFs for nets of one or three channels, unless
    they have more than four.
    """
    start, name = beginning(path)
    if not start.startswith(NPY) and not is_tiff(start):
        return None
    is_open = hasattr(path, "read")
    if not is_open and is_tiff(start) and os.path.getsize(path) > MOST_BYTES:
        return None                                     # by Pillow, which reads it in parts, or not at all
    data = path.read() if is_open else read_bytes(path, MOST_BYTES)
    if is_open:
        path.seek(0)
    if start.startswith(NPY):
        return levels(as_picture(array_of(data, name, most), channels, name), name)
    if channels in (None, 1, 3) and (samples_of(data) == 0 or pillow_reads(data)):
        return None
    return levels(read_tiff(data, name, channels, most), name)


def pillow_reads(data: Any) -> bool:
    """Whether Pillow knows this kind of TIFF: it knows pictures with transparency, of 8 bits."""
    try:
        with Image.open(io.BytesIO(data), formats=["TIFF"]):
            return True
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return False


def beginning(path: Any) -> tuple[Any, str]:
    """(the first bytes of a regular file or an open one, its name); no bytes of anything else."""
    if hasattr(path, "read"):
        start = path.read(8)
        path.seek(0)
        return start, str(getattr(path, "name", "the picture"))
    if not os.path.isfile(path):
        return b"", str(path)
    try:
        with open(path, "rb") as file:
            return file.read(8), str(path)
    except OSError:
        return b"", str(path)                           # who reads it has the sentence


def array_of(data: Any, name: str, most: float) -> Any:
    """The array of a .npy file."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        form = np.lib.format
        header = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[version]
        shape, _, dtype = header(file)
        if np.prod([float(side) for side in shape]) > most:
            raise TooLarge(f"{name} holds an array of {shape}, more than {most / 1e6:.0f} million numbers")
        if dtype.hasobject or dtype.kind not in "buif":
            raise BadFile(f"{name} holds an array of {dtype}, and a picture is of numbers")
        return np.load(io.BytesIO(data), allow_pickle=False)
    except MinivisError:
        raise
    except (ValueError, KeyError, EOFError, OverflowError, TypeError, SyntaxError, TokenError) as error:
        raise BadFile(f"{name} is a damaged .npy file ({str(error)[:80]})") from None


def as_picture(array: Any, channels: int | None, name: str) -> Any:
    """(H, W, C) of an array (H, W), (H, W, C), or (C, H, W) where C then is what the net reads."""
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3 or array.size == 0:
        raise BadFile(f"{name} holds an array of {array.shape}; a picture is (H, W, C)")
    if channels is not None and array.shape[2] != channels and array.shape[0] == channels:
        array = array.transpose(1, 2, 0)
    return np.ascontiguousarray(array)


def shrunk(pixels: Any, max_side: Any) -> Any:
    """The picture, so small that its longer side has ``max_side`` pixels; None for as it is."""
    if max_side is None or max(pixels.shape[:2]) <= max_side:
        return pixels
    scale = max_side / max(pixels.shape[:2])
    h, w = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return by_channels(pixels, lambda picture: picture.resize((w, h), Image.Resampling.BICUBIC, reducing_gap=2.0))
