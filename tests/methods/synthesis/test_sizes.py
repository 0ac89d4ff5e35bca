"""A painting at one size after the other."""

import struct
import zipfile

import pytest

from minivis.errors import BadValue
from minivis.methods.synthesis.sizes import by_sizes, shape_in, side_of


@pytest.mark.parametrize("sizes, steps, message", [
    ((20, 30), (5,), "2 sizes and 1 numbers of steps"), ((), (), "0 sizes and 0 numbers"),
    ((20, 0.5), 3, "whole number"),
])
def test_mistakes(sizes, steps, message):
    with pytest.raises(BadValue, match=message):
        by_sizes(None, None, None, sizes, steps, 0, False, None)


def test_the_longer_side(rng):
    assert side_of(rng.normal(size=(4, 9, 3))) == 9


@pytest.mark.parametrize("header, shape", [
    ("(1, 2, 3, 3), }", (1, 2, 3, 3)), ("(1, 2, 3, 3, }", None), ("(1, 2, 3, 3", None), (f"({10**30},), }}", None),
])
def test_the_shape_in_a_checkpoint(tmp_path, header, shape):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {header}".ljust(117) + "\n"
        archive.writestr("z.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.encode() + bytes(144))
    assert shape_in(tmp_path / "a.npz") == shape
    assert shape_in(tmp_path / "nowhere.npz") is None
