"""Check the heaps in which HDF5 keeps texts of any length before its library reads one."""

import io
import struct
from collections.abc import Iterator
from typing import Any

import h5py

from minivis.errors import BadFile

HEAP = b"GCOL\1\0\0\0"


def check_heaps(source: Any) -> None:
    """Raise BadFile if a global heap, in which HDF5 keeps texts of any length, is damaged.

    The HDF5 library (2.0) walks such a heap for ever where it finds zeros, as a download that stopped leaves them.
    """
    extents = []                                        # of arrays, which need no look: all but 30 kB of a VGG

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and (offset := item.id.get_offset()) is not None:
            extents.append((offset, offset + item.id.get_storage_size()))

    source.file.visititems(note)
    total = source.raw.seek(0, io.SEEK_END)
    position = 0
    for start, end in [*sorted(extents), (total, total)]:
        for heap in find_heaps(source.raw, position, min(start, total)):
            if not is_heap(source.raw, heap, total):
                raise BadFile(f"{source.path} is damaged or half-written (its texts are); fetch or copy it again")
        position = max(position, end)


def find_heaps(raw: Any, begin: Any, end: int, block: Any = 1 << 20) -> Iterator[Any]:
    """Yield where global heaps start."""
    for start in range(begin, end, block):
        raw.seek(start)
        part = raw.read(min(block + len(HEAP) - 1, end - start))
        found = part.find(HEAP)
        while found >= 0:
            yield start + found
            found = part.find(HEAP, found + 1)


def is_heap(raw: Any, start: int, total: int) -> bool:
    """Whether the objects of a global heap fill it one after the other (HDF5 File Format Specification, III.E)."""
    raw.seek(start)
    header = raw.read(16)
    size = int.from_bytes(header[8:], "little")
    if not 16 <= size <= total - start:
        return False
    objects, at = raw.read(size - 16), 0
    while at + 16 <= len(objects):                      # number, 6 other bytes, length; number 0 is what is free
        number, length = struct.unpack_from("<H6xQ", objects, at)
        step = 16 + (length + 7) // 8 * 8 if number else length
        if not 16 <= step <= len(objects) - at:
            return False
        at += step
    return True
