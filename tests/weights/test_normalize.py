"""Gatys' normalised weights: means of one, and the same answers."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import Conv2D, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.weights.normalize import mean_activations, normalize


def test_normalised_weights_do_the_same_and_have_mean_one(rng):
    net = tiny_vgg(dtype=np.float64)
    images = rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    normal = normalize(net, images)
    for mean in mean_activations(normal, images).values():
        np.testing.assert_allclose(mean[mean > 1e-6], 1, rtol=1e-10)
    x = net.preprocess(images)
    before, after = net.forward(x), normal.forward(x)
    np.testing.assert_allclose(after["fc8"], before["fc8"], rtol=1e-10)
    assert abs(after["relu1_1"] - before["relu1_1"]).max() > 0.1 and "normalised" in normal.about["training"]
    single = normalize(net.astype(np.float32), images)
    np.testing.assert_allclose(single.forward(x.astype("f4"))["fc8"], before["fc8"], rtol=1e-5, atol=1e-6)


def test_dead_filters_groups_and_what_cannot_be_normalised(rng):
    net = tiny_vgg(dtype=np.float64)
    images = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    b = net.layers["conv1_1"].params["b"].copy()
    b[2] = -1e6
    net.layers["conv1_1"].set_params(b=b)
    normal = normalize(net, images)
    assert mean_activations(normal, images)["conv1_1"][2] == 0
    x = net.preprocess(images)
    np.testing.assert_allclose(normal.forward(x)["fc8"], net.forward(x)["fc8"], rtol=1e-10)
    with pytest.raises(BadValue, match="stem_relu ends at 6"):
        normalize(tiny_branches(dtype=np.float64), images)
    with pytest.raises(BadValue, match="at least one picture"):
        normalize(net, [])


def test_grouped_convolutions_are_normalised_too(rng):
    net = Network()
    for name, shape, groups in (("conv1", (3, 3, 3, 6), 1), ("conv2", (3, 3, 3, 4), 2), ("conv3", (1, 1, 4, 2), 1)):
        net.add(name, Conv2D(rng.standard_normal(shape) + 0.1, np.zeros(shape[3]), groups=groups))
        if name != "conv3":
            net.add(name.replace("conv", "relu"), ReLU())
    images = rng.integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    x = net.preprocess(images)
    np.testing.assert_allclose(normalize(net, images).forward(x)["conv3"], net.forward(x)["conv3"], rtol=1e-10)


def test_a_subclass_that_may_do_anything_to_a_factor_is_refused(rng):
    class Offset(ReLU):
        def forward(self, x, *, mode):
            out, cache = super().forward(x, mode=mode)
            return out + 1, cache

    net = Network().add("conv1", Conv2D(rng.standard_normal((3, 3, 3, 6)), np.zeros(6))).add("relu1", ReLU())
    net.add("offset", Offset()).add("conv2", Conv2D(rng.standard_normal((3, 3, 6, 2)), np.zeros(2)))
    with pytest.raises(BadValue, match=r"offset \(Offset\) does not let a factor through"):
        normalize(net, rng.integers(0, 256, (2, 9, 9, 3), dtype=np.uint8))
