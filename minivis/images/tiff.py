"""TIFF files with any number of channels, which Pillow does not read: 4 channels and more, of 8, 16 or 32 bits.

    classic and BigTIFF     channels beside each other or one after the other (PlanarConfiguration 1 and 2), in strips
                            or tiles, uncompressed, deflated, LZW or PackBits, with horizontal differences (Predictor 2)
    several pages           each of one channel, all of one size: one channel a page

TIFF 6.0 (Adobe 1992), and its supplements.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minivis.errors import BadFile, TooLarge
from minivis.types import Shape

TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 16: "Q"}               # of numbers and texts in a directory
SAMPLES = {1: "u", 2: "i", 3: "f"}                      # SampleFormat
MOST_PAGES = 1000
DAMAGE = (struct.error, zlib.error, ValueError, KeyError, IndexError, StopIteration, OverflowError, TypeError)
TAGS = {"width": 256, "height": 257, "bits": 258, "compression": 259, "description": 270, "strips": 273,
        "samples": 277, "rows": 278, "sizes": 279, "planar": 284, "predictor": 317, "tile_width": 322,
        "tile_height": 323, "tiles": 324, "tile_sizes": 325, "format": 339}  # fmt: skip


def is_tiff(start: Any) -> bool:
    return start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(data: Any, name: str, channels: int | None, most: float) -> Any:
    """(H, W, C) of the file's own numbers. ``channels``: as many as are wanted, None for those of the first page.

    Raise BadFile for any other file, TooLarge beyond ``most`` numbers.
    """
    try:
        found = pages(data)
        first = next(found)
        several = [first, *found] if first["samples"] == 1 and channels not in (None, 1) else [first]
        if sum(page["width"] * page["height"] * page["samples"] for page in several) > most:
            raise TooLarge(f"{name} holds more than {most / 1e6:.0f} million numbers: make it smaller first")
        arrays = [page_of(data, page, name) for page in several]
        return np.concatenate(arrays, axis=2)
    except TooLarge:
        raise
    except DAMAGE as error:
        raise BadFile(f"{name} is a damaged TIFF, or one of a kind that minivis does not read ({error}); save it as an "
                      "array (H, W, C) in a .npy file") from None


def samples_of(data: Any) -> Any:
    """How many channels the first page has; 0 where the file is damaged."""
    try:
        return next(pages(data))["samples"]
    except DAMAGE:
        return 0


def pages(data: Any) -> Iterator[Any]:
    """Yield the settings of each page, by the names of TAGS."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    count, entry, offset = (("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I"))
    for _ in range(MOST_PAGES):
        if not at:
            return
        (entries,) = struct.unpack_from(order + count, data, at)
        at += struct.calcsize(order + count)
        settings = {}
        for number in range(min(entries, 1000)):
            place = at + number * struct.calcsize(order + entry)
            tag, kind, many, value = struct.unpack_from(order + entry, data, place)
            if kind in TYPES and many <= len(data):
                settings[tag] = numbers(data, order, TYPES[kind], many, value, offset)
        yield {"order": order, **{key: settings.get(tag) for key, tag in TAGS.items()}, **single(settings)}
        (at,) = struct.unpack_from(order + offset, data, at + entries * struct.calcsize(order + entry))


def numbers(data: Any, order: Any, kind: Any, many: Any, value: Any, offset: Any) -> Any:
    """The numbers of one entry, which stand in the entry itself where they fit."""
    size = struct.calcsize(kind) * many
    if size <= len(value):
        return struct.unpack_from(f"{order}{many}{kind}", value)
    return struct.unpack_from(f"{order}{many}{kind}", data, struct.unpack(order + offset, value)[0])


def single(settings: Any) -> Any:
    """The settings that are one number, with TIFF's defaults."""
    defaults = {"compression": 1, "samples": 1, "planar": 1, "predictor": 1, "rows": None, "tile_width": None,
                "tile_height": None}
    found = {key: settings.get(TAGS[key], (default,))[0] for key, default in defaults.items()}
    return found | {"width": settings[256][0], "height": settings[257][0], "bits": settings.get(258, (1,))[0],
                    "format": settings.get(339, (1,))[0]}


def page_of(data: Any, page: Any, name: str) -> Any:
    """The numbers of one page, (H, W, C)."""
    H, W, C = page["height"], page["width"], page["samples"]
    if page["bits"] not in (8, 12, 16, 32, 64) or page["format"] not in SAMPLES:
        raise ValueError(f"numbers of {page['bits']} bits")
    packed = page["bits"] == 12
    dtype = np.dtype("u2" if packed else f"{page['order']}{SAMPLES[page['format']]}{page['bits'] // 8}")
    tiled = page["tile_width"] is not None
    h, w = (page["tile_height"], page["tile_width"]) if tiled else (min(page["rows"] or H, H), W)
    offsets, sizes = (page["tiles"], page["tile_sizes"]) if tiled else (page["strips"], page["sizes"])
    planes = C if page["planar"] == 2 else 1
    out = np.zeros((H, W, C), dtype.newbyteorder("="))
    blocks = [(plane, top, left) for plane in range(planes) for top in range(0, H, h) for left in range(0, W, w)]
    if len(offsets) != len(blocks) or len(sizes) != len(blocks):
        raise ValueError(f"{len(offsets)} blocks instead of {len(blocks)}")
    for (plane, top, left), start, size in zip(blocks, offsets, sizes):
        rows = h if tiled else min(h, H - top)
        shape = (rows, w, C // planes)
        raw = unpacked(data[start : start + size], page["compression"], int(np.prod(shape)) * dtype.itemsize)
        block = of_12_bits(raw, shape) if packed else np.frombuffer(raw, dtype, int(np.prod(shape))).reshape(shape)
        if page["predictor"] == 2:
            block = np.cumsum(block, axis=1, dtype=out.dtype)
        elif page["predictor"] != 1:
            raise ValueError(f"predictor {page['predictor']}")
        part = out[top : top + rows, left : left + w]
        part[:, :, plane : plane + shape[2]] = block[: part.shape[0], : part.shape[1]]
    return out


def of_12_bits(raw: Any, shape: Shape) -> Any:
    """Numbers of 12 bits, each row of which begins at a byte, spread over 16 bits: 4095 becomes 65535."""
    rows, columns, channels = shape
    length = -(-columns * channels * 12 // 8)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8, rows * length).reshape(rows, length), axis=1)
    numbers = bits[:, : columns * channels * 12].reshape(rows, -1, 12) @ (1 << np.arange(11, -1, -1))
    return (numbers << 4 | numbers >> 8).astype(np.uint16).reshape(shape)


def unpacked(data: Any, compression: Any, size: Any) -> Any:
    """The bytes of a strip or tile, at most ``size``."""
    if compression == 1:
        return data
    if compression in (8, 32946):
        return zlib.decompressobj().decompress(data, size)
    if compression == 5:
        return lzw(data, size)
    if compression == 32773:
        return packbits(data, size)
    raise ValueError(f"compression {compression}")


def packbits(data: Any, size: Any) -> bytes:
    """Runs of equal bytes, and of different ones."""
    out, at = bytearray(), 0
    while at < len(data) and len(out) < size:
        head = data[at]
        if head < 128:
            out += data[at + 1 : at + 2 + head]
            at += 2 + head
        else:
            out += data[at + 1 : at + 2] * (257 - head if head > 128 else 0)
            at += 2 if head > 128 else 1
    return bytes(out)


def lzw(data: Any, size: Any) -> bytes:
    """TIFF's LZW: codes of 9 to 12 bits from the high end, 256 to start over, 257 to end."""
    out, table, width, held, bits, last = bytearray(), [], 9, 0, 0, b""
    for byte in data:
        held, bits = (held << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = held >> bits & ((1 << width) - 1)
        if code == 257 or len(out) >= size:
            break
        if code == 256:
            table, width, last = [bytes([k]) for k in range(256)] + [b"", b""], 9, b""
            continue
        found = table[code] if code < len(table) else last + last[:1]
        if last:
            table.append(last + found[:1])
        out += found
        last = found
        width = next((w for w, limit in ((9, 511), (10, 1023), (11, 2047)) if len(table) < limit), 12)
    return bytes(out)
