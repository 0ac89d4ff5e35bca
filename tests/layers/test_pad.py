"""Padding as a layer, against a loop; and in tiles, where it belongs to the edge of the whole picture alone."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes
from reference import padded

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import MaxPool2D, Pad2D
from minivis.models.tiny import Weights
from minivis.objectives import score


@pytest.mark.parametrize("padding, value", [(1, 0.0), ((0, 2), -1.5), (((1, 0), (2, 3)), 0.0), (0, 1.0)])
def test_equals_the_loop(xp, rng, padding, value):
    layer = Pad2D(padding, value)
    x = rng.standard_normal((2, 3, 4, 2))
    np.testing.assert_array_equal(both_ways(layer, x, xp=xp)[0], padded(x, layer.padding, value))


def test_gradients(rng):
    layer = Pad2D(((1, 0), (2, 3)), 0.5)
    check_gradients(layer, rng.standard_normal((2, 3, 4, 2)))
    check_modes(layer, rng.standard_normal((2, 3, 4, 2)))


def test_tiles_are_the_whole(rng):
    weights = Weights(0, np.float64)
    net = Network().add("conv", weights.conv(3, 3, 3, 4, padding=1)).add("pad", Pad2D(((1, 2), (0, 1)), 0.3))
    net.add("pool", MaxPool2D(3, stride=2)).add("pad2", Pad2D(1)).add("conv2", weights.conv(3, 3, 4, 2))
    x = rng.standard_normal((1, 30, 28, 3))
    loss, dx = net.image_gradient(x, score("conv2", 1))
    tiled_loss, tiled_dx = net.image_gradient(x, score("conv2", 1), tile=12)
    np.testing.assert_allclose(tiled_loss, loss, rtol=1e-12)
    np.testing.assert_allclose(tiled_dx, dx, rtol=0, atol=1e-12)


def test_errors():
    with pytest.raises(BadValue, match='"same" is a setting of'):
        Pad2D("same")
    with pytest.raises(BadValue, match="N, H, W, C"):
        Pad2D(1).output_shape((1, 3))
