"""Numbers of any depth as 8 bits."""

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadFile
from minivis.images import eight_bits
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


def made(rgba, mode):
    """A picture of a mode of Pillow's."""
    if mode == "P with a transparent colour":
        im = rgba.convert("RGB").quantize(16)
        im.info["transparency"] = 3
        return im
    if mode == "I;16":
        return Image.fromarray(np.asarray(rgba.convert("L"), np.uint16) * 200)
    return rgba.convert("RGB").convert(mode) if mode in ("F", "I", "CMYK", "1", "P") else rgba.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "P with a transparent colour", "RGB", "RGBA", "CMYK", "I", "F",
                                  "I;16"])
def test_a_picture_in_bands_is_that_in_one(rng, mode, monkeypatch):
    im = made(Image.fromarray(rng.integers(0, 256, (40, 30, 4), np.uint8)), mode)
    whole = to_8_bit(im, "it")
    monkeypatch.setattr(eight_bits, "BAND_ROWS", 7)
    np.testing.assert_array_equal(to_8_bit(im, "it"), whole)
    assert whole.shape == (40, 30, 1 if is_grey(im) else 3) and whole.std() > 10


def test_the_range_of_floats_is_that_of_all_bands(monkeypatch):
    monkeypatch.setattr(eight_bits, "BAND_ROWS", 1)
    im = Image.fromarray(np.array([[-2.0, 0], [8, 3]], np.float32))
    assert to_8_bit(im, "it")[..., 0].tolist() == [[0, 51], [255, 128]]         # 127.5 goes to the even one
    with pytest.raises(BadFile, match="it holds pixels that are infinite or NaN"):
        to_8_bit(Image.fromarray(np.array([[1.0], [np.nan]], np.float32)), "it")


@pytest.mark.parametrize("mode, wanted", [("F", [[0, 128, 255]]), ("I", [[0, 0, 1]])])
def test_one_is_white_for_floats_and_next_to_black_for_whole_numbers(mode, wanted):
    im = Image.fromarray(np.array([[0, 0.5, 1]], np.float32 if mode == "F" else np.int32))
    assert im.mode == mode
    assert to_8_bit(im, "a.tif")[:, :, 0].tolist() == wanted
