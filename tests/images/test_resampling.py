"""Pictures of other sizes: on straight lines, by the mean of what is covered, and by the longer side."""

import numpy as np
import pytest
from commandline import scene
from scipy import ndimage

from minivis.errors import BadValue
from minivis.images.resampling import area, linear, resized, same_size, zoomed


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


def test_frames_of_a_film_take_the_size_of_the_last():
    small, last = np.array([[[0], [100]]], np.uint8), np.full((1, 3, 1), 7, np.uint8)
    found = same_size([small, last])
    assert found[0].dtype == np.uint8 and found[0].ravel().tolist() == [0, 50, 100] and found[1] is last
    batches = same_size([np.stack([small, small]), np.zeros((2, 2, 3, 1), np.uint8)])
    assert batches[0].shape == (2, 2, 3, 1) and (batches[0][1, 1].ravel() == [0, 50, 100]).all()
