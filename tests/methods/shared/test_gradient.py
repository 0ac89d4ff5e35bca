"""Gradients at the net's input and at the pixels, known on linear nets; and their mean over many passes."""

import numpy as np
import pytest
from linear_nets import PICTURE, SLOPE, W, linear

from minivis.engine.network import Network
from minivis.engine.surgery import with_pooling
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, ReLU
from minivis.methods.attribution.backprop import backprop
from minivis.methods.attribution.saliency import saliency_kinds
from minivis.methods.shared import gradient
from minivis.methods.shared.gradient import (
    ignores_picture,
    input_gradient,
    mean_gradient,
    nothing,
    pixel_gradient,
    strongest_channel,
)
from minivis.methods.shared.target import aim, units_of


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_pixels_are_in_rgb_order_and_the_input_in_that_of_the_net(order):
    scale = (10.0, 20.0, 40.0) if order == "RGB" else (2.0, 2.0, 2.0)
    net = linear(order=order, scale=scale)
    target = aim(net, net.preprocess(PICTURE), "a")
    np.testing.assert_array_equal(input_gradient(net, target), [W if order == "RGB" else W[..., ::-1]])
    np.testing.assert_allclose(pixel_gradient(net, target), [W / scale], rtol=1e-15)


def test_the_guided_rule_lets_only_what_rises_through():
    net = linear(relu=True)
    bright = np.array([[[200, 201, 202], [203, 204, 99]]], np.uint8)    # the last is below the mean: its ReLU is off
    target = aim(net, net.preprocess(bright), "a")
    on = np.array([[[1, 1, 1], [1, 1, 0]]])
    np.testing.assert_allclose(pixel_gradient(net, target), [SLOPE * on], rtol=1e-15)
    np.testing.assert_allclose(pixel_gradient(net, target, "guided"), [SLOPE.clip(0) * on], rtol=1e-15)


@pytest.mark.parametrize("layer, bias, why", [
    ("relu", -1.0, ": the unit is off"), ("relu", 9.0, ": the unit cannot rise above 6"), ("relu", 2.0, ""),
    ("conv", -1.0, ""), ("conv", 9.0, ""),
])  # fmt: skip
def test_a_map_without_a_gradient_says_why(layer, bias, why):
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,), size=(1, 1)))
    net.add("conv", Conv2D(np.zeros((1, 1, 1, 1)), np.array([bias]))).add("relu", ReLU(6))
    assert nothing(aim(net, np.zeros((1, 1, 1, 1)), f"{layer}:0@0,0"), 0) == f"nothing arrives{why}"


@pytest.mark.parametrize("fit, passes", [(1, [2] * 5), (5, [4, 4, 2]), (64, [10])])
def test_the_mean_is_that_of_one_pass_after_another(vgg, rng, monkeypatch, fit, passes):
    """Two pictures, a unit each, five variants: however many go through the net at once, each counts once."""
    variants, units = rng.standard_normal((5, 2, 16, 16, 3)), units_of(vgg, ["cat", "owl"], 2)
    expected = np.zeros((2, 16, 16, 3))
    for x in variants:
        for i, unit in enumerate(("cat", "owl")):
            expected[i] += input_gradient(vgg, aim(vgg, x[i:i + 1], unit))[0] / 5
    sizes = []
    monkeypatch.setattr(gradient, "batch_that_fits", lambda net, shape: fit)
    monkeypatch.setattr(gradient, "aim", lambda net, x, units: sizes.append(len(x)) or aim(net, x, units))
    found = mean_gradient(vgg, variants.__getitem__, 5, units)
    assert sizes == passes
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def test_the_strongest_colour_counts_without_its_sign():
    colours = np.array([[[[1.0, -5, 2], [0, 0, 0]], [[-3, 3, 2.5], [-1, 0, 0.5]]]])
    np.testing.assert_array_equal(strongest_channel(colours), [[[5, 0], [3, 1]]])


def test_a_deconvnet_without_max_pools_does_not_know_the_picture(vgg, rng):
    """And the figures say so; with max pools their switches tell it something."""
    net = with_pooling(vgg, "average")
    assert ignores_picture(net, "fc8", "deconv") and not ignores_picture(net, "fc8", "guided")
    assert not ignores_picture(vgg, "fc8", "deconv")
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = backprop(net, pictures, "cat", rules=("deconv",))
    one, other = found.gradients["deconv"]
    np.testing.assert_allclose(one, other, rtol=1e-5)
    said = "deconvnet: Of the picture the deconvnet learns only by switches of max pools, and this net has none"
    assert found.meanings(0)[0].startswith(said)
    assert saliency_kinds(net, pictures, "cat", kinds=("deconv",)).meanings(0)[0].startswith(said)
    one, other = backprop(vgg, pictures, "cat", rules=("deconv",)).gradients["deconv"]
    assert abs(one - other).max() > 0
