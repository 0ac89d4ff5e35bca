"""Transforms: each adjoint is exact, and each does what its name says."""

import math

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadValue
from minivis.optimize import transforms as t

ALL = [t.jitter(3), t.blur(0.7), t.blur(0, 2), t.warp((0.8, 1.2), 20, 2), t.warp(rotate=180), t.pad(2), t.crop(5, 4),
       t.resize(20, 11)]


@pytest.mark.parametrize("transform", ALL, ids=str)
@pytest.mark.parametrize("shape", [(2, 9, 7, 3), (1, 6, 6, 1)])
def test_adjoint(transform, shape, rng):
    """<forward(x), y> = <x, adjoint(y)>, for any x and y; and forward is linear."""
    for seed in range(3):
        moved = transform(np.random.default_rng(seed), shape)
        a, b = rng.standard_normal((2, *shape))
        y = rng.standard_normal(moved.shape)
        assert moved.forward(a).shape == moved.shape and moved.adjoint(y).shape == shape
        assert (moved.forward(a) * y).sum() == pytest.approx((a * moved.adjoint(y)).sum(), rel=1e-10)
        np.testing.assert_allclose(moved.forward(2 * a - b), 2 * moved.forward(a) - moved.forward(b), atol=1e-12)


def test_composition_has_the_adjoint_in_reverse(rng):
    shape = (2, 9, 7, 3)
    moved = t.compose([t.pad(2), t.warp((0.9, 1.1), 10), t.blur(0.5), t.crop(9, 7), t.jitter(2)], rng, shape)
    x, y = rng.standard_normal(shape), rng.standard_normal(moved.shape)
    assert moved.shape == shape
    assert (moved.forward(x) * y).sum() == pytest.approx((x * moved.adjoint(y)).sum(), rel=1e-10)


def test_drawn_anew_and_the_same_from_a_seed(rng):
    x = np.random.default_rng(1).standard_normal((1, 9, 9, 1))
    for transform in (t.jitter(3), t.warp((0.8, 1.2), 20, 2), t.blur(0.1, 2), t.crop(5, 4)):
        one, other = (transform(rng, x.shape).forward(x) for _ in range(2))
        assert not np.array_equal(one, other)
        again = [transform(np.random.default_rng(5), x.shape).forward(x) for _ in range(2)]
        np.testing.assert_array_equal(*again)


def test_jitter_moves_each_image_as_a_whole(rng):
    x = rng.standard_normal((4, 9, 9, 2))
    out = t.jitter(2)(rng, x.shape).forward(x)
    shifts = [next((i, j) for i in range(-2, 3) for j in range(-2, 3)
                   if np.array_equal(np.roll(image, (i, j), (0, 1)), moved)) for image, moved in zip(x, out)]
    assert len(set(shifts)) > 1


def test_blur_by_hand():
    x = np.zeros((1, 41, 41, 1))
    x[0, 20, 20] = 1
    out = t.gaussian_blur(x, 1.5)[0, :, :, 0]
    i, j = np.mgrid[-20:21, -20:21]
    kernel = np.exp(-(i**2 + j**2) / (2 * 1.5**2))
    np.testing.assert_allclose(out, kernel / kernel.sum(), atol=1e-4)      # cut at 4 sigma
    flat = np.full((1, 3, 5, 1), 7.0)
    np.testing.assert_allclose(t.gaussian_blur(flat, 4), flat)              # wider than the picture
    assert t.gaussian_blur(flat, 0) is flat


def test_warp_by_hand(rng):
    x = rng.standard_normal((1, 5, 5, 2))
    turned = t.bilinear(x.shape, *t.source_points(5, 5, np.ones(1), np.radians([90.0]), np.zeros((1, 2)))).forward(x)
    np.testing.assert_allclose(turned[0], np.rot90(x[0], -1), atol=1e-12)
    moved = t.bilinear(x.shape, *t.source_points(5, 5, np.ones(1), np.zeros(1), np.array([[1.0, -2.0]]))).forward(x)
    np.testing.assert_allclose(moved[0, 1:, :3], x[0, :4, 2:])
    assert not moved[0, 0].any() and not moved[0, :, 3:].any()              # beyond the border: the mean colour
    double = t.bilinear(x.shape, *t.source_points(5, 5, np.full(1, 2.0), np.zeros(1), np.zeros((1, 2)))).forward(x)
    np.testing.assert_allclose(double[0, ::2, ::2], x[0, 1:4, 1:4])
    np.testing.assert_allclose(double[0, 1, 1], x[0, 1:3, 1:3].mean(axis=(0, 1)))


def test_pad_and_crop(rng):
    x = rng.standard_normal((1, 4, 5, 1))
    padded = t.pad(2)(rng, x.shape).forward(x)
    assert padded.shape == (1, 8, 9, 1) and padded.sum() == pytest.approx(x.sum()) and not padded[:, :2].any()
    part = t.crop(2, 3)(rng, x.shape).forward(x)
    assert part.shape == (1, 2, 3, 1)
    assert any(np.array_equal(part, x[:, i:i + 2, j:j + 3]) for i in range(3) for j in range(3))


def test_resize_by_hand(rng):
    x = np.array([0.0, 8.0]).reshape(1, 1, 2, 1)
    larger = t.resize(3, 4)(None, x.shape)
    assert larger.shape == (1, 3, 4, 1)
    np.testing.assert_allclose(larger.forward(x)[0, :, :, 0], [[0, 2, 6, 8]] * 3)     # centres at 0.25, 0.75, ...
    np.testing.assert_allclose(t.resize(9, 7)(None, (1, 4, 5, 2)).forward(np.full((1, 4, 5, 2), 3.0)), 3)
    picture = rng.standard_normal((12, 9)).astype("f4")
    for height, width in ((18, 12), (5, 4), (5, 12)):               # larger, smaller, and one side each
        expected = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
        found = t.resize(height, width)(None, (1, 12, 9, 1)).forward(picture[None, :, :, None])[0, :, :, 0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_keeps_float32(rng):
    x = np.ones((1, 9, 7, 3), np.float32)
    for transform in ALL:
        moved = transform(rng, x.shape)
        y = moved.forward(x)
        assert y.dtype == moved.adjoint(y).dtype == np.float32


@pytest.mark.parametrize("make, sentence", [
    (lambda: t.jitter(-1), "from 0 to"), (lambda: t.blur(2, 1), "the smaller first"),
    (lambda: t.warp((0, 1)), "above 0"), (lambda: t.crop(9, 9)(np.random.default_rng(), (1, 4, 4, 3)), "does not fit"),
    (lambda: t.crop(9, 2)(np.random.default_rng(), (1, 4, 4, 3)), "crop of 9 x 2 does not fit into 4 x 4"),
    (lambda: t.crop(2, 9)(np.random.default_rng(), (1, 4, 4, 3)), "crop of 2 x 9 does not fit into 4 x 4"),
    (lambda: t.jitter(10**30), "from 0 to 2147483647"), (lambda: t.jitter(1.5), "whole number"),
    (lambda: t.jitter(True), "whole number"),
    (lambda: t.pad(0.5), "whole number"), (lambda: t.crop(0, 2), "whole number"), (lambda: t.crop("x", 2), "whole"),
    (lambda: t.blur(float("nan")), "number"), (lambda: t.blur("x"), "number"), (lambda: t.blur(0, math.inf), "number"),
    (lambda: t.warp("x"), "number"), (lambda: t.warp((1, math.inf)), "number"), (lambda: t.warp(rotate=None), "number"),
    (lambda: t.resize(0, 2), "whole"), (lambda: t.resize(2, 0.5), "whole"),
    (lambda: t.noise("x"), "number"), (lambda: t.noise(math.inf), "number"),
])
def test_mistakes(make, sentence):
    with pytest.raises(BadValue, match=sentence):
        make()


def test_noise_is_added_anew_and_the_gradient_passes(rng):
    x, dx = rng.standard_normal((2, 2, 40, 30, 3))
    amount = [0.0, 0.5, 2.0]
    first, second = (t.noise(amount)(rng, x.shape) for _ in range(2))
    added = first.forward(x) - x
    np.testing.assert_allclose(added.std(axis=(0, 1, 2)), amount, rtol=0.05)
    assert np.abs(added.mean()) < 0.1 and not np.allclose(second.forward(x) - x, added)
    np.testing.assert_array_equal(first.adjoint(dx), dx)
    assert first.forward(x.astype("f4")).dtype == np.float32 and str(t.noise(0.5)) == "noise(0.5)"
    with pytest.raises(BadValue, match="an amount of noise must be a number of at least 0, not -1"):
        t.noise(-1)
