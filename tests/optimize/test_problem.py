"""The gradient of the whole chain, from the loss back to z, and how images are compared."""

import numpy as np
import pytest
from problems import problem

from minivis.errors import BadValue, UnknownName
from minivis.objectives.activations import score
from minivis.optimize import transforms as t
from minivis.optimize.parameterize import fourier, pixels
from minivis.optimize.problem import Problem


@pytest.mark.parametrize("kind", [pixels, fourier])
@pytest.mark.parametrize("moves", [(), (t.pad(2), t.jitter(2), t.warp((0.9, 1.1), 10), t.blur(0.3, 1), t.crop(16, 16))])
def test_the_whole_chain_by_finite_differences(vgg, rng, kind, moves):
    made = problem(vgg, kind, transforms=moves)
    z = made.parameterization.start(rng.uniform(60, 190, made.parameterization.shape))
    found, dz = made.gradient(z, np.random.default_rng(7))
    for _ in range(3):
        d = rng.standard_normal(z.shape)
        step = 1e-5
        ends = [made.gradient(z + s * d, np.random.default_rng(7))[0].loss for s in (step, -step)]
        assert (dz * d).sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=2e-5)
    assert made.gradient(z, np.random.default_rng(7))[0].loss == found.loss


def test_without_transforms_measure_is_the_loss(vgg, rng):
    made = problem(vgg)
    z = made.parameterization.start(rng.uniform(60, 190, made.parameterization.shape))
    np.testing.assert_array_equal(made.measure(z).losses, made.gradient(z)[0].losses)


def test_a_measure_is_the_mean_over_fixed_moves(vgg, rng):
    """As many as are compared, and the picture as it is; the moves do not depend on what is drawn elsewhere."""
    still, moved = (problem(vgg, transforms=moves) for moves in ((), (t.jitter(0),)))
    z = still.parameterization.start(rng.uniform(60, 190, still.parameterization.shape))
    np.testing.assert_allclose(moved.measure(z).losses, still.measure(z).losses, rtol=1e-12)


def test_what_is_not_random_also_stands_in_a_measure(vgg, rng):
    """A problem without random moves is measured once, enlarged as the net sees it in each step."""
    enlarged = Problem(vgg, -1 * score("fc8", 1), pixels(vgg, (1, 8, 8, 3)), (t.resize(16, 16),))
    z = enlarged.parameterization.start(rng.uniform(0, 255, (8, 8, 3)))
    by_hand = t.resize(16, 16)(None, (1, 8, 8, 3)).forward(vgg.preprocess(z))
    expected = -vgg.forward(by_hand)["fc8"][0, 1]
    assert enlarged.measure(z).losses[0] == pytest.approx(expected)
    assert enlarged.gradient(z)[0].losses[0] == pytest.approx(expected)


def test_images_are_compared_under_the_same_moves_in_tiles(vgg, rng):
    goal, moves, shape = score("relu2_1", 1), (t.jitter(3),), (2, 40, 40, 3)
    whole, tiled = (Problem(vgg, goal, pixels(vgg, shape), moves, tile=tile) for tile in (None, 24))
    z = whole.parameterization.start(rng.uniform(60, 190, shape))
    np.testing.assert_allclose(tiled.measure(z).losses, whole.measure(z).losses, rtol=1e-9)


@pytest.mark.parametrize("make, kind, sentence", [
    (lambda net: Problem(net, 0 * score("fc8", 1), pixels(net, (1, 16, 16, 3))), BadValue, "every weight"),
    (lambda net: Problem(net, score("fc9", 1), pixels(net, (1, 16, 16, 3))), UnknownName, "did you mean 'fc8'"),
])
def test_problems_that_cannot_be_posed(vgg, make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make(vgg)
