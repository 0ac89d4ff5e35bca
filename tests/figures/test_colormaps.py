"""Colours by hand, and the promises of the tables: even lightness, a white zero, two sides that weigh the same."""

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.figures.colormaps import COLORMAPS, colorize, display_limit, signed, unsigned


def lightness(rgb):
    """CIELAB L of sRGB (IEC 61966-2-1), 0..100."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


@pytest.mark.parametrize("name, low, middle, high", [
    ("grey", (0, 0, 0), (128, 128, 128), (255, 255, 255)), ("viridis", (68, 1, 84), (33, 144, 140), (253, 231, 37)),
    ("magma", (0, 0, 4), (182, 55, 121), (252, 253, 191)), ("inferno", (0, 0, 4), (187, 55, 85), (252, 255, 164)),
    ("diverging", (45, 79, 137), (255, 255, 255), (142, 47, 45)),
])
def test_ends_and_middle(name, low, middle, high):
    assert colorize([0, 0.5, 1], name).tolist() == [list(low), list(middle), list(high)]
    assert colorize([-9, 99], name).tolist() == [list(low), list(high)]         # clipped, not wrapped


@pytest.mark.parametrize("name", ["viridis", "magma", "inferno"])
def test_lightness_rises_evenly(name):
    rise = np.diff(lightness(colorize(np.linspace(0, 1, 17), name)))
    assert rise.min() > 0.5 * rise.mean() and rise.max() < 1.6 * rise.mean()


def test_diverging_weighs_both_signs_alike():
    L = lightness(colorize(np.linspace(-1, 1, 201), "diverging", -1, 1))
    np.testing.assert_allclose(L, L[::-1], atol=0.6)
    np.testing.assert_allclose(L[100:], np.linspace(100, 34, 101), atol=0.8)


def test_shape_and_range():
    got = colorize(np.array([[10, 20, 30]]), "grey", 10, 30)
    assert got.shape == (1, 3, 3) and got.dtype == np.uint8 and got[0, :, 0].tolist() == [0, 128, 255]
    assert colorize([7, 7], "grey", 7, 7).tolist() == [[128] * 3] * 2            # a constant divides by nothing
    assert colorize(np.array([True, False]), "grey")[:, 0].tolist() == [255, 0]


def test_signed_colors_are_centred_on_mid_grey():
    v = np.array([[[-2.0, 0.0, 2.0]], [[-4.0, 1.0, 4.0]]])                      # (2, 1, 3)
    assert signed(v, percentile=100).tolist() == [[[64, 128, 191]], [[0, 159, 255]]]
    assert signed(v, limit=2).tolist() == [[[0, 128, 255]], [[0, 191, 255]]]


def test_signed_map_is_blue_white_red():
    red, white, blue = signed(np.array([[3.0, 0.0, -3.0]]))[0].astype(int)
    assert red[0] > red[2] + 50 and blue[2] > blue[0] + 50 and white.tolist() == [255] * 3
    assert signed(np.array([[1.0, -1.0]]), colormap="grey").tolist() == [[[255] * 3, [0] * 3]]


def test_unsigned_takes_the_strongest_channel():
    v = np.array([[[0.0, 0, 0], [1, -4, 2], [2, 1, 0]]])                        # (1, 3, 3)
    np.testing.assert_array_equal(unsigned(v, percentile=100, colormap="grey")[0, :, 0], [0, 255, 128])


@pytest.mark.parametrize("draw", [signed, unsigned])
def test_shapes(draw):
    maps = np.random.default_rng(0).standard_normal((4, 5, 6, 1)) * np.array([1, 10, 100, 0])[:, None, None, None]
    batch = draw(maps)
    assert batch.shape == (4, 5, 6, 3) and batch.dtype == np.uint8
    np.testing.assert_array_equal(batch[1], draw(maps[1]))
    np.testing.assert_array_equal(batch[1], draw(maps[1, :, :, 0]))
    np.testing.assert_array_equal(draw(maps[:2])[0], draw(maps[0] * 7))         # each map by its own strength
    together = draw(maps, together=True)
    np.testing.assert_array_equal(together[0], draw(maps[0], limit=display_limit(maps)))
    assert (together[0] != batch[0]).any()


@pytest.mark.parametrize("draw, channels, color", [(signed, 1, 255), (signed, 3, 128)])
def test_nothing_is_neutral(draw, channels, color):
    assert (draw(np.zeros((2, 3, channels))) == color).all()


def test_nothing_is_dark_in_sizes():
    assert (unsigned(np.zeros((2, 3))) == COLORMAPS["inferno"][0]).all()


def test_limit_is_a_percentile_but_never_zero_needlessly():
    assert display_limit(np.arange(-100, 1), 50) == 50 and display_limit(np.arange(-100, 1), 100) == 100
    sparse = np.zeros((100, 100))
    sparse[3, 4] = -7                                   # guided backprop of one unit is zero nearly everywhere
    assert display_limit(sparse) == 7 and display_limit(np.zeros(3)) == 0


@pytest.mark.parametrize("call, message", [
    (lambda: signed(np.full((2, 2), np.nan)), r"infinite or NaN"),
    (lambda: unsigned(np.full((2, 2), np.inf)), "infinite or NaN"),
    (lambda: signed(np.zeros((4, 5, 6))), r"not \(1, 4, 5, 6\); maps\[..., None\] adds the channel axis to a batch of "
                                           "grey maps"),
    (lambda: signed(np.zeros(3)), r"a map is \(H, W\)"), (lambda: signed(np.zeros((0, 3))), r"not float64 \(0, 3\)"),
    (lambda: signed(np.zeros((2, 2), complex)), "a map must hold real numbers, not complex128"),
    (lambda: signed(np.zeros((2, 2)), limit=0), "limit must be a positive number, not 0"),
    (lambda: signed(np.zeros((2, 2)), percentile=0), "percentile must be above 0 and at most 100, not 0"),
    (lambda: display_limit([1], 101), "not 101"),
    (lambda: colorize([0], "grey", 2, 1), "low must be at most high, and both finite, not 2 and 1"),
    (lambda: colorize([0], "grey", 0, float("nan")), "not 0 and nan"),
])
def test_wrong_values(call, message):
    with pytest.raises(BadValue, match=message):
        call()


def test_wrong_name():
    with pytest.raises(UnknownName, match="no colour map named 'virids'; did you mean 'viridis'"):
        colorize([0], "virids")
