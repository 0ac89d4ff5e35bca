"""Padding as a layer, against a loop; and in tiles, where it belongs to the edge of the whole picture alone."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes
from reference import padded

from minivis.engine.geometry import receptive_fields
from minivis.engine.gradcheck import check_network
from minivis.engine.local_passes import LocalPasses
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import Crop2D, MaxPool2D, Pad2D
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


def test_a_crop_undoes_a_padding(xp, rng):
    x = rng.standard_normal((2, 3, 4, 2))
    out, dout, (dx,), _ = both_ways(Crop2D(((1, 0), (2, 3))), padded(x, ((1, 0), (2, 3)), 7.0), xp=xp)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, padded(dout, ((1, 0), (2, 3)), 0.0))


def test_a_crop_in_tiles_is_the_whole(rng):
    weights = Weights(0, np.float64)
    net = Network().add("conv", weights.conv(3, 3, 3, 4, padding=1)).add("crop", Crop2D(((3, 2), (0, 1))))
    net.add("conv2", weights.conv(3, 3, 4, 2, padding=1))
    x = rng.standard_normal((1, 30, 28, 3))
    loss, dx = net.image_gradient(x, score("conv2", 1))
    tiled_loss, tiled_dx = net.image_gradient(x, score("conv2", 1), tile=12)
    np.testing.assert_allclose(tiled_loss, loss, rtol=1e-12)
    np.testing.assert_allclose(tiled_dx, dx, rtol=0, atol=1e-12)
    assert receptive_fields(net, (1, 30, 28, 3))["crop"].start == (2, -1)
    assert all(row.ok for row in check_network(net))                # gradcheck's small inputs leave something of it


def test_a_crop_beside_what_an_occlusion_changes(rng):
    weights = Weights(0, np.float64)
    net = Network().add("conv", weights.conv(3, 3, 3, 4, padding=1)).add("crop", Crop2D(((3, 2), (0, 1))))
    x, cover = rng.standard_normal((1, 16, 14, 3)), np.zeros((1, 16, 14, 3))
    box = (4, 5, 8, 9)
    covered = x.copy()
    covered[:, 4:8, 5:9] = 0
    part = LocalPasses(net, x, ["crop"]).forward([box], cover)
    np.testing.assert_allclose(part["crop"], net.forward(covered)["crop"], rtol=0, atol=1e-12)


def test_errors():
    with pytest.raises(BadValue, match='which "same" does not'):
        Crop2D("same")
    with pytest.raises(BadValue, match="nothing is left of"):
        Crop2D(2).output_shape((1, 4, 9, 3))
    with pytest.raises(BadValue, match='"same" is a setting of'):
        Pad2D("same")
    with pytest.raises(BadValue, match="N, H, W, C"):
        Pad2D(1).output_shape((1, 3))
