"""Numbers in files: maps, gradients and activations as they were computed, by the ending of the name.

    .npy            one array; several of one shape lie one after the other
    .npz            every array by its name
    .tif, .tiff     32-bit floats, which ImageJ, GIS programs and tifffile open: a page for each map, with its name

An array of several pictures has them on its first axis, (N, H, W) or (N, H, W, C); that axis is left out for one
picture. Maps of three channels are one page in colour; of any other number, a page for each channel.
"""

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minivis.errors import BadValue, TooLarge
from minivis.images.tiff import DAMAGE
from minivis.images.tiff import pages as tiff_pages
from minivis.runtime.backend import to_cpu
from minivis.runtime.files import atomic_write, read_bytes

SUFFIXES = (".npy", ".npz", ".tif", ".tiff")
RECORD = "record"                               # the name of the record in a .npz
TIFF_MOST = 2**32 - 2**20                       # bytes; offsets in a TIFF have 32 bits
SHORT, LONG, TEXT = 3, 4, 2                     # types of a TIFF's entries


def holds_arrays(path: Any) -> bool:
    """Whether a file of this name holds numbers, by its ending."""
    return Path(path).suffix.lower() in SUFFIXES


def write_arrays(path: Any, arrays: Any, text: Any = None, force: bool = False) -> Any:
    """Write ``arrays``, {name: array}, to a new file, and return a sentence on what it holds.

    ``text``: a dict of strings to keep in a .npz or a TIFF. Raise BadValue for what the format can't hold.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadValue(f"{path}: the name of a file of numbers must end in one of {', '.join(SUFFIXES)}")
    if not arrays:
        raise BadValue(f"{path} would hold no numbers: this result has no maps")
    found = {name: one_or_all(np.asarray(to_cpu(array))) for name, array in arrays.items()}
    with atomic_write(path, force) as temporary:
        if suffix == ".npy":
            with open(temporary, "wb") as file:
                np.save(file, stacked(path, found))
        elif suffix == ".npz":
            write_npz(temporary, found | ({RECORD: np.array(json.dumps(text))} if text else {}))
        else:
            temporary.write_bytes(tiff_bytes(path, arrays, text))
    return described(path, found)


def write_npz(path: Any, arrays: Any) -> None:
    """As numpy.savez_compressed, but without the time in it: the same arrays make the same file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getvalue(), zipfile.ZIP_DEFLATED)


def read_kept_text(path: Any) -> Any:
    """The dict of strings that `write_arrays` kept in a .npz or a TIFF; empty if there is none."""
    try:
        data = read_bytes(path, TIFF_MOST)
        if data[:2] == b"PK":
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                found = json.loads(str(file[RECORD]))
        else:
            found = json.loads((next(tiff_pages(data))["description"] or [b""])[0].rstrip(b"\0"))
    except (OSError, KeyError, zipfile.BadZipFile, *DAMAGE):
        return {}
    return found if isinstance(found, dict) else {}


def one_or_all(array: Any) -> Any:
    """An array without its first axis where that has one picture."""
    return array[0] if array.ndim > 1 and len(array) == 1 else array


def described(path: Any, arrays: Any) -> str:
    """What a file holds, in one line."""
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) == 1:
        (shape,) = shapes
        count = f"{len(arrays)} arrays of " if len(arrays) > 1 else ""
        return f"{path}: {count}{' x '.join(map(str, shape))} numbers, {', '.join(arrays)}"
    each = "; ".join(f"{name} {' x '.join(map(str, array.shape))}" for name, array in arrays.items())
    return f"{path}: {each}"


def stacked(path: Any, arrays: Any) -> Any:
    """The array of a .npy file: the only one, or all of one shape, one after the other."""
    several = list(arrays.values())
    if len(several) == 1:
        return several[0]
    if len({array.shape for array in several}) > 1:
        raise BadValue(f"{path} can hold one array, and these are {', '.join(arrays)}, of different shapes: write them "
                       "to a .npz")
    return np.stack(several)


def pages(arrays: Any) -> Iterator[Any]:
    """Yield (name, (H, W) or (H, W, 3)) of all maps."""
    for name, array in arrays.items():
        array = np.asarray(to_cpu(array))
        array = array[:, None] if array.ndim == 2 else array.reshape(1, 1, -1) if array.ndim < 2 else array
        for n, picture in enumerate(array):
            whose = f"{name} of picture {n}" if len(array) > 1 else name
            if picture.ndim == 2 or picture.shape[2] == 3:
                yield whose, picture
            else:
                yield from ((f"{whose}, channel {c}", picture[:, :, c]) for c in range(picture.shape[2]))


def tiff_bytes(path: Any, arrays: Any, text: Any = None) -> bytes:
    """A TIFF (6.0, little-endian, not compressed) of 32-bit floats. The first page has ``text`` as its description."""
    found = list(pages(arrays))
    size = sum(picture.size * 4 + 400 + 2 * len(name) for name, picture in found)
    if size > TIFF_MOST:
        raise TooLarge(f"{path} would have {size / 1e9:.1f} GB, and a TIFF has at most {TIFF_MOST / 1e9:.1f}: write a "
                       ".npz")
    out, link = bytearray(b"II*\0\0\0\0\0"), 4  # where the place of the next page is to be written
    for number, (name, picture) in enumerate(found):
        picture = np.ascontiguousarray(picture[:, :, None] if picture.ndim == 2 else picture, "<f4")
        H, W, C = picture.shape
        start = len(out)
        out += picture.tobytes()
        entries = [
            (256, LONG, (W,)), (257, LONG, (H,)), (258, SHORT, (32,) * C), (259, SHORT, (1,)),
            (262, SHORT, (2 if C == 3 else 1,)), (273, LONG, (start,)), (277, SHORT, (C,)), (278, LONG, (H,)),
            (279, LONG, (picture.nbytes,)), (285, TEXT, name), (339, SHORT, (3,) * C),
        ]  # fmt: skip
        if text and number == 0:
            entries = sorted([*entries, (270, TEXT, json.dumps(text))])
        link = add_page(out, entries, link)
    return bytes(out)


def add_page(out: Any, entries: Any, link: Any) -> Any:
    """Add a page with these (tag, type, numbers or text) to a TIFF; return where the link to the next one stands."""
    packed = []
    for tag, kind, value in entries:
        if kind == TEXT:
            data, count = ascii_text(value), len(ascii_text(value))
        else:
            data, count = struct.pack(f"<{len(value)}{'H' if kind == SHORT else 'I'}", *value), len(value)
        if len(data) > 4:
            out += b"\0" * (len(out) % 2)
            data, at = struct.pack("<I", len(out)), data
            out += at
        packed.append(struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0"))
    out += b"\0" * (len(out) % 2)
    struct.pack_into("<I", out, link, len(out))
    out += struct.pack("<H", len(packed)) + b"".join(packed) + b"\0\0\0\0"
    return len(out) - 4


def ascii_text(text: Any) -> Any:
    """A text of a TIFF, which is ASCII and ends in a NUL."""
    return text.encode("ascii", "backslashreplace").replace(b"\0", b"?") + b"\0"
