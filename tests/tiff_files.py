"""TIFF files of any number of channels, written by hand, for tests of the reader."""

import struct
import zlib

import numpy as np


def write_tiff(path, pages, *, order="<", big=False, planar=1, compression=1, predictor=1, rows=None, tile=None):
    """One page for each array (H, W, C) of ``pages``: in strips of ``rows`` rows, or tiles (height, width)."""
    kind = struct.pack(order + "HHH", 43, 8, 0) if big else struct.pack(order + "H", 42)
    head = (b"II" if order == "<" else b"MM") + kind
    offset, count = ("Q", "Q") if big else ("I", "H")
    out = bytearray(head + b"\0" * struct.calcsize(offset))
    link = len(head)
    for array in pages:
        H, W, C = array.shape
        planes = np.moveaxis(array, 2, 0)[..., None] if planar == 2 else array[None]
        h, w = tile or (rows or H, W)
        starts, sizes = [], []
        for plane in planes:
            for top in range(0, H, h):
                for left in range(0, W, w):
                    block = plane[top : top + h, left : left + w]
                    if tile:
                        block = np.pad(block, ((0, h - block.shape[0]), (0, w - block.shape[1]), (0, 0)))
                    if predictor == 2:
                        block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1]))
                    raw = block.astype(array.dtype.newbyteorder(order)).tobytes()
                    raw = zlib.compress(raw) if compression == 8 else raw
                    starts.append(len(out))
                    sizes.append(len(raw))
                    out += raw
        kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
        tags = {256: W, 257: H, 258: [8 * array.itemsize] * C, 259: compression, 262: 1, 277: C, 284: planar,
                317: predictor, 339: [kind] * C}  # fmt: skip
        tags |= {322: w, 323: h, 324: starts, 325: sizes} if tile else {273: starts, 278: h, 279: sizes}
        entries = b""
        for tag, value in sorted(tags.items()):
            values = value if isinstance(value, list) else [value]
            data = struct.pack(f"{order}{len(values)}I", *values)
            room = struct.calcsize(offset)
            if len(data) > room:
                out += b"\0" * (len(out) % 2)
                place, data = len(out), data
                out += data
                data = struct.pack(order + offset, place)
            entries += struct.pack(order + "HH" + offset, tag, 4, len(values)) + data.ljust(room, b"\0")
        out += b"\0" * (len(out) % 2)
        struct.pack_into(order + offset, out, link, len(out))
        out += struct.pack(order + count, len(tags)) + entries
        link = len(out)
        out += b"\0" * struct.calcsize(offset)
    path.write_bytes(bytes(out))
    return path
