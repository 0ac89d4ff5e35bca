"""Priors of pictures: their values by hand, and what happens where a root has no slope."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.models.tiny import tiny_vgg
from minivis.objectives import priors
from minivis.objectives.priors import alpha_norm, l2, tv


def at_levels(prior, levels):
    """(losses, gradient) of a prior at levels (N, H, W, 3) about the mean, of a net that reads levels divided by 2."""
    net = tiny_vgg(dtype=np.float64)
    scale = net.preprocessing.scale
    acts = net.forward(np.asarray(levels, float) / scale)
    found = prior.evaluate(acts)
    return found.losses, found.seeds["input"] / scale


PICTURE = np.zeros((1, 16, 16, 3))
PICTURE[0, 3, 4, 1] = 2.0


def test_values_by_hand():
    """One pixel of 2: four differences of 2, two of them at one pixel, its own."""
    assert at_levels(l2(), PICTURE)[0] == pytest.approx([4])
    assert at_levels(alpha_norm(6), PICTURE)[0] == pytest.approx([64])
    assert at_levels(tv(), PICTURE)[0] == pytest.approx([4 + 4 + (4 + 4)])
    assert at_levels(tv(1, epsilon=0), PICTURE)[0] == pytest.approx([2 + 2 + 8**0.5])
    assert at_levels(tv(3), PICTURE)[0] == pytest.approx([8 + 8 + 8**1.5])


@pytest.mark.parametrize("beta", [0.5, 1, 1.5])
def test_tv_without_epsilon_has_a_finite_slope_everywhere(beta):
    losses, slope = at_levels(tv(beta, epsilon=0), PICTURE)
    assert np.isfinite(losses).all() and np.isfinite(slope).all()
    assert slope[0, 3, 4, 1] > 0 > slope[0, 3, 5, 1] and not slope[0, 9:].any()
    assert not at_levels(tv(beta, epsilon=0), 0 * PICTURE)[1].any()


def test_tv_with_an_epsilon_that_float32_does_not_hold():
    loss, slope = tiny_vgg().image_gradient(np.zeros((1, 16, 16, 3), np.float32), tv(1, epsilon=1e-300))
    assert slope.dtype == np.float32 and np.isfinite(loss) and not slope.any()


def test_tv_of_a_flat_picture_is_zero_with_any_epsilon():
    for epsilon in (0, 1e-2, 5.0):
        assert at_levels(tv(1, epsilon), PICTURE * 0 + 7)[0] == pytest.approx([0], abs=1e-9)


@pytest.mark.parametrize("rows", [1, 3, 5, 15])
@pytest.mark.parametrize("beta", [1, 2, 3])
def test_tv_of_a_large_picture_is_found_in_bands_of_rows(rng, monkeypatch, beta, rows):
    levels = rng.normal(size=(2, 16, 16, 3))
    losses, slope = at_levels(tv(beta), levels)
    monkeypatch.setattr(priors, "AT_ONCE", rows * 2 * 16 * 3)
    in_bands, slope_in_bands = at_levels(tv(beta), levels)
    assert in_bands == pytest.approx(losses, rel=1e-13) and np.array_equal(slope_in_bands, slope)


@pytest.mark.parametrize("make", [
    lambda: tv(0), lambda: tv(float("nan")), lambda: tv(float("inf")), lambda: tv(1, -1), lambda: tv(1, float("nan")),
    lambda: alpha_norm(0.5), lambda: alpha_norm(float("nan")), lambda: alpha_norm(float("inf")),
])  # fmt: skip
def test_mistakes(make):
    with pytest.raises(BadValue, match="must be a number"):
        make()
