"""Brightness of one picture and colours of another; and histograms."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.images.colour import check_colours, luminance, luminance_transfer, match_histogram


def test_luminance_by_hand():
    np.testing.assert_allclose(luminance(np.array([[[100.0, 200.0, 50.0]]])), [[[0.299 * 100 + 0.587 * 200 + 5.7]]])
    np.testing.assert_array_equal(luminance(np.full((2, 2, 1), 9.0)), np.full((2, 2, 1), 9.0))


def test_luminance_transfer_has_the_one_brightness_and_the_other_colours(rng):
    new, old = rng.uniform(0, 255, (2, 5, 7, 3))
    mixed = luminance_transfer(new, old)
    np.testing.assert_allclose(luminance(mixed), luminance(new))
    np.testing.assert_allclose(mixed - luminance(mixed), old - luminance(old))      # Cb and Cr are multiples of these
    with pytest.raises(BadValue, match="must have the same size"):
        luminance_transfer(new, old[:3])


def test_a_matched_histogram_has_the_other_levels_in_its_own_order(rng):
    pixels, like = rng.uniform(0, 255, (6, 8, 3)), rng.uniform(50, 90, (8, 6, 3))
    matched = match_histogram(pixels, like)
    for c in range(3):
        np.testing.assert_allclose(np.sort(matched[..., c].ravel()), np.sort(like[..., c].ravel()))
        np.testing.assert_array_equal(matched[..., c].ravel().argsort(), pixels[..., c].ravel().argsort())
    small = match_histogram(pixels, np.array([10.0, 30.0])[:, None, None] * np.ones((1, 1, 3)))
    assert small.min() == 10 and small.max() == 30 and small.mean() == pytest.approx(20)
    with pytest.raises(BadValue, match="channels"):
        match_histogram(pixels, like[..., :1])


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_only_colours_have_a_brightness(channels):
    with pytest.raises(BadValue, match=f"and these have {channels} channels: leave the colours free"):
        luminance(np.zeros((2, 2, channels)))
    check_colours(1)
    check_colours(3)
