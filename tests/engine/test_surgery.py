"""New nets from a net: as far as some layers, with average pooling, or with batch norms folded."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.engine.surgery import for_inference, trunk, with_dropout, with_pooling
from minivis.errors import UnknownName
from minivis.layers import AvgPool2D, BatchNorm, Conv2D, Dropout, FullyConnected, MaxPool2D, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg
from tests.trainings import Corners, little_net


def test_a_trunk_ends_at_its_last_layer_and_takes_any_size(vgg, rng):
    body = trunk(vgg, ["relu1_2", "relu1_1"])
    assert list(body.nodes) == ["conv1_1", "relu1_1", "conv1_2", "relu1_2"] and "fc8" in vgg.nodes
    x = rng.standard_normal((1, 21, 9, 3))
    assert body.forward(x)["relu1_2"].shape == (1, 21, 9, 6)
    assert body.layers["conv1_1"] is vgg.layers["conv1_1"]
    with pytest.raises(UnknownName, match="no layer named 'relu7_7'"):
        trunk(vgg, ["relu7_7"])


@pytest.mark.parametrize("net", [tiny_vgg(dtype=np.float64), tiny_branches(dtype=np.float64)], ids=["vgg", "branches"])
def test_average_pooling_takes_the_place_of_max_pooling(net, rng):
    smooth = with_pooling(net, "average")
    assert not any(isinstance(layer, MaxPool2D) for layer in smooth.layers.values())
    assert any(isinstance(layer, MaxPool2D) for layer in net.layers.values()), "the net was changed"
    shape = (1, 16, 16, 3)
    assert smooth.shapes(shape) == net.shapes(shape)
    x = rng.standard_normal(shape)
    for name, (layer, inputs) in smooth.nodes.items():
        if isinstance(layer, AvgPool2D) and isinstance(net.layers[name], MaxPool2D):
            acts = smooth.forward(x)
            flat = np.ones_like(acts[inputs[0]])
            np.testing.assert_allclose(layer.forward(flat, mode=acts.mode)[0], 1)       # beyond it nothing counts
    assert with_pooling(net, "max") is net
    with pytest.raises(UnknownName, match="no kind of pooling named 'mean'"):
        with_pooling(net, "mean")


def test_average_by_hand():
    smooth = with_pooling(tiny_vgg(dtype=np.float64), "average")
    x = np.random.default_rng(0).standard_normal((1, 16, 16, 3))
    acts = smooth.forward(x)
    assert acts["pool1"][0, 2, 3, 1] == pytest.approx(acts["relu1_2"][0, 4:6, 6:8, 1].mean())


def test_folding_leaves_a_batch_norm_whose_convolution_is_read_elsewhere():
    net = little_net()
    net.add("beside", FullyConnected(np.ones((16, 2), "f4")), "fc6")
    folded = for_inference(net)
    assert "bn6" in folded.nodes and "bn1_1" not in folded.nodes
    x = net.preprocess(Corners().batch(0, 2)[0])
    np.testing.assert_allclose(folded.forward(x)["fc8"], net.forward(x)["fc8"], rtol=1e-4, atol=1e-5)


class Doubled(Conv2D):
    """A convolution that gives twice as much: its parent's twin would be another layer."""

    def forward(self, x, *, mode):
        out, cache = super().forward(x, mode=mode)
        return 2 * out, cache


class Lowest(MaxPool2D):
    """A pool that takes the least: an average is not its twin."""

    def forward(self, x, *, mode):
        out, cache = super().forward(-x, mode=mode)
        return -out, cache


class Halving(BatchNorm):
    def forward(self, x, *, mode):
        out, cache = super().forward(x, mode=mode)
        return out / 2, cache


@pytest.mark.parametrize("conv, norm", [(Doubled, BatchNorm), (Conv2D, Halving)])
def test_only_the_very_class_is_folded(rng, conv, norm):
    net = Network()
    net.add("conv", conv(rng.standard_normal((3, 3, 3, 4))))
    net.add("norm", norm(*rng.random((4, 4)) + 0.5))
    x = rng.standard_normal((1, 6, 6, 3))
    folded = for_inference(net)
    assert list(folded.nodes) == ["conv", "norm"]
    np.testing.assert_array_equal(folded.forward(x)["norm"], net.forward(x)["norm"])


def test_only_the_very_class_is_pooled_otherwise(rng):
    net = Network().add("pool", Lowest(2))
    x = rng.standard_normal((1, 6, 6, 3))
    np.testing.assert_array_equal(with_pooling(net, "average").forward(x)["pool"], net.forward(x)["pool"])


def test_with_dropout_changes_the_rates_of_a_copy():
    net = Network().add("drop", Dropout(0.5)).add("relu", ReLU())
    changed = with_dropout(net, 0.1)
    assert (changed.layers["drop"].rate, net.layers["drop"].rate) == (0.1, 0.5)
    assert changed.layers["relu"] is net.layers["relu"] and changed.nodes["relu"].inputs == ("drop",)
