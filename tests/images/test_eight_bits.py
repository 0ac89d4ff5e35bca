"""Numbers of any depth as 8 bits."""

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadFile
from minivis.images.eight_bits import is_grey, levels, range_of, to_8_bit


@pytest.mark.parametrize("values, dtype, wanted", [
    ([0, 7, 255], "u1", [0, 7, 255]), ([0, 257, 65535], "u2", [0, 1, 255]), ([0, 51, 255], "i4", [0, 51, 255]),
    ([0, 257, 65535], "i4", [0, 1, 255]), ([0, 0.2, 1], "f4", [0, 51, 255]), ([0, 1, 255], "f8", [0, 1, 255]),
    ([-1, 0, 1], "f4", [0, 128, 255]), ([False, True, True], "?", [0, 255, 255]), ([0, 0, 100_000], "i4", [0, 0, 255]),
])  # fmt: skip
def test_arrays(values, dtype, wanted):
    assert levels(np.array(values, dtype), "a").tolist() == wanted


@pytest.mark.parametrize("array", [np.array([1j]), np.array(["a"]), np.zeros((0, 3))])
def test_what_is_no_number(array):
    with pytest.raises(BadFile, match="a picture is of numbers"):
        levels(array, "a")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(value):
    with pytest.raises(BadFile, match="infinite or NaN"):
        levels(np.array([0, value]), "a")


def test_ranges():
    assert range_of(0, 1, True) == (0, 1) and range_of(0, 1, False) == (0, 255) and range_of(-3, 9, True) == (-3, 9)


def test_transparency_is_a_channel_for_nets_that_have_one_more():
    im = Image.new("RGBA", (2, 1), (10, 20, 30, 0))
    assert to_8_bit(im, "a").tolist() == [[[255, 255, 255]] * 2]        # laid on white
    assert to_8_bit(im, "a", 4).tolist() == [[[10, 20, 30, 0]] * 2]
    assert to_8_bit(Image.new("LA", (1, 1), (9, 100)), "a", 2).tolist() == [[[9, 100]]]
    assert to_8_bit(Image.new("RGB", (1, 1), (1, 2, 3)), "a", 4).shape == (1, 1, 3)
    assert is_grey(Image.new("I;16", (1, 1))) and not is_grey(im)
