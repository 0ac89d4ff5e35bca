"""Brightness of one picture and colours of another; histograms; and pictures of other sizes."""

import numpy as np
import pytest
from commandline import scene
from scipy import ndimage

from minivis.errors import BadValue
from minivis.images.colour import luminance, luminance_transfer, match_histogram
from minivis.images.resampling import area, linear, resized, zoomed


def test_luminance_by_hand():
    np.testing.assert_allclose(luminance(np.array([[[100.0, 200.0, 50.0]]])), [[[0.299 * 100 + 0.587 * 200 + 5.7]]])
    np.testing.assert_array_equal(luminance(np.full((2, 2, 1), 9.0)), np.full((2, 2, 1), 9.0))


def test_luminance_transfer_has_the_one_brightness_and_the_other_colours(rng):
    new, old = rng.uniform(0, 255, (2, 5, 7, 3))
    mixed = luminance_transfer(new, old)
    np.testing.assert_allclose(luminance(mixed), luminance(new))
    np.testing.assert_allclose(mixed - luminance(mixed), old - luminance(old))      # Cb and Cr are multiples of these
    with pytest.raises(BadValue, match="of one size are needed"):
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


@pytest.mark.parametrize("size", [(9, 12), (29, 31), (13, 5), (13, 17)])
def test_linear_is_scipys_zoom(rng, size):
    x = rng.standard_normal((2, 13, 17, 3))
    expected = [ndimage.zoom(image, (size[0] / 13, size[1] / 17, 1), order=1) for image in x]
    np.testing.assert_allclose(linear(x, size), expected, rtol=0, atol=1e-12)


def test_linear_keeps_dtype_and_its_argument(rng):
    x = rng.standard_normal((1, 1, 4, 3)).astype(np.float32)
    before = x.copy()
    assert linear(x, (3, 8)).dtype == np.float32 and linear(x, (1, 1)).shape == (1, 1, 1, 3)
    np.testing.assert_array_equal(x, before)


def test_area_is_the_mean_of_what_is_covered():
    x = np.arange(6.0).reshape(1, 1, 6, 1)
    np.testing.assert_allclose(area(x, (1, 3)).ravel(), [0.5, 2.5, 4.5])
    np.testing.assert_allclose(area(x, (1, 4)).ravel(), [1 / 3, (0.5 + 2) / 1.5, (3 + 2) / 1.5, (2 + 5) / 1.5])
    assert area(scene()[None].astype(float), (7, 11)).mean() == pytest.approx(scene().mean())


def test_zoomed_enlarges_the_middle():
    x = np.arange(5.0).reshape(1, 1, 5, 1)
    np.testing.assert_allclose(zoomed(x, 2.0).ravel(), [1, 1.5, 2, 2.5, 3])
    np.testing.assert_array_equal(zoomed(x, 1.0), x)


def test_resized_keeps_proportions_and_what_fits_already():
    picture = scene(40, 60)
    assert resized(picture, 60) is picture
    assert resized(picture, 30).shape == (20, 30, 3) and resized(picture[:, :, :1], 90).shape == (60, 90, 1)
    assert resized(np.zeros((1, 900, 3), np.uint8), 30).shape == (1, 30, 3)
    with pytest.raises(BadValue, match="uint8"):
        resized(picture.astype(float), 30)
