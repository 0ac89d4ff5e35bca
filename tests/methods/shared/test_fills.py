"""What is put where a part of a picture is covered."""

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.methods.shared.fills import filled


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_fills(picture):
    assert (filled(picture[None], "grey", (4, 4), 0) == 128).all()
    mean = filled(picture[None], "mean", (4, 4), 0)
    np.testing.assert_array_equal(mean[0, 3, 5], np.rint(picture.mean(axis=(0, 1))))
    blur = filled(picture[None], "blur", (8, 8), 0)[0].astype(float)
    assert abs(np.diff(blur, axis=1)).mean() < 0.3 * abs(np.diff(picture.astype(float), axis=1)).mean()
    noise = [filled(picture[None], "noise", (4, 4), seed) for seed in (0, 0, 1)]
    assert (noise[0] == noise[1]).all() and (noise[0] != noise[2]).any()
    assert filled(picture[None, :, :, :1], "blur", (4, 4), 0).shape == (1, 16, 16, 1)


def test_a_colour_covers_every_picture():
    seen = np.zeros((2, 3, 4, 3), np.uint8)
    np.testing.assert_array_equal(filled(seen, (0, 20, 255), (2, 2), 0), np.full((2, 3, 4, 3), (0, 20, 255)))
    np.testing.assert_array_equal(filled(seen[..., :1], 7, (2, 2), 0), np.full((2, 3, 4, 1), 7))
    for colour in ((1, 2), -1, 255.5, (0, 0, np.nan)):
        with pytest.raises(BadValue, match=r"the colour of a cover must be 3 numbers in 0\.\.255"):
            filled(seen, colour, (2, 2), 0)
    with pytest.raises(UnknownName, match="did you mean 'blur'"):
        filled(seen, "blurr", (2, 2), 0)


def test_each_picture_has_its_own_mean_in_each_colour():
    seen = np.zeros((2, 2, 2, 3), np.uint8)
    seen[0, 0, 0], seen[1, :, 1] = (40, 80, 0), (10, 20, 30)
    np.testing.assert_array_equal(filled(seen, "mean", (1, 1), 0)[:, 1, 0], [[10, 20, 0], [5, 10, 15]])


def test_the_blur_is_a_quarter_of_the_longer_side_of_the_window():
    """A white column becomes a bell whose standard deviation is the blur's; levels are whole, hence 5 %."""
    seen = np.zeros((1, 61, 61, 1), np.uint8)
    seen[:, :, 30] = 255
    row = filled(seen, "blur", (4, 12), 0)[0, 30, :, 0].astype(float)
    deviation = np.sqrt((row * (np.arange(61) - 30) ** 2).sum() / row.sum())
    assert deviation == pytest.approx(3, rel=0.05)
