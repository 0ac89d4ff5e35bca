"""Global heaps of HDF5, byte by byte: a whole one and each way in which one is spoilt."""

import io
import struct
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.weights.containers.hdf5_heaps import HEAP, check_heaps, find_heaps, is_heap


def heap(*objects, size=None):
    """A heap of (number, length as written, bytes that follow)."""
    body = b"".join(struct.pack("<H6xQ", number, length) + bytes(follow) for number, length, follow in objects)
    return HEAP + struct.pack("<Q", 16 + len(body) if size is None else size) + body


@pytest.mark.parametrize("data, whole", [
    (heap((1, 5, 8), (2, 8, 8)), True),             # filled up to 8 bytes
    (heap((1, 5, 8), (0, 40, 24)), True),           # object 0: what is free, its own 16 bytes counted in
    (heap(), True),
    (heap((1, 5, 8), (0, 0, 24)), False),           # zeros, on which the HDF5 library never stops
    (heap((1, 9, 8)), False),                       # an object that reaches beyond the heap
    (heap((0, 41, 24)), False),
    (heap((1, 5, 8), size=15), False),
    (heap((1, 5, 8), size=41), False),              # a heap that reaches beyond the file's 40 bytes
    (heap((1, 5, 8), size=40), True),
])  # fmt: skip
def test_objects_fill_a_heap_one_behind_the_other(data, whole):
    before = b"what stands before"
    raw = io.BytesIO(before + data)
    assert is_heap(raw, len(before), len(before) + len(data)) is whole


@pytest.mark.parametrize("block", [1, 7, 8, 1 << 20])
def test_heaps_are_found_wherever_a_block_ends(block):
    data = b"abc" + HEAP + b"x" * 9 + HEAP + b"GCOL" + HEAP
    places = [3, 20, 32]
    assert list(find_heaps(io.BytesIO(data), 0, len(data), block)) == places
    assert list(find_heaps(io.BytesIO(data), 4, len(data) - 1, block)) == [20]


def test_the_numbers_of_arrays_are_not_looked_at(tmp_path):
    """They may be any bytes. What stands elsewhere and begins as a heap must be one."""
    path, spoilt = tmp_path / "a.h5", heap((0, 0, 24))
    with h5py.File(path, "w") as file:
        for name in ("first", "second"):
            file[name] = np.frombuffer(spoilt, np.uint8)
    with h5py.File(path) as file, open(path, "rb") as raw:
        check_heaps(SimpleNamespace(file=file, raw=raw, path=path))
        raw.seek(0)
        beyond = io.BytesIO(raw.read() + spoilt)
        with pytest.raises(BadFile, match=r"a\.h5 is damaged or half-written \(its texts are\)"):
            check_heaps(SimpleNamespace(file=file, raw=beyond, path=path))
