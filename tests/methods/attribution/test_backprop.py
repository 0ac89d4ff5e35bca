"""Gradients of any unit at the pixels: the chain rule by finite differences, the other rules by hand."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.figures.compose import unsigned
from minivis.images.preprocessing import Preprocessing
from minivis.layers import RELU_RULES, Conv2D, Flatten, FullyConnected, MaxPool2D, ReLU, Softmax
from minivis.methods.attribution.backprop import backprop
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


@pytest.mark.parametrize("unit, layer, value", [
    ("cat", "fc8", lambda a: a[0, 1]),
    ("conv1_2:2", "conv1_2", lambda a: a[0, :, :, 2].sum()),
    ("conv2_1:4@3,5", "conv2_1", lambda a: a[0, 3, 5, 4]),
    ("fc6:3", "fc6", lambda a: a[0, 3]),
    ("prob:cat", "prob", lambda a: a[0, 1]),
])  # fmt: skip
def test_the_normal_rule_is_the_derivative_at_the_pixels(vgg, picture, rng, unit, layer, value):
    result = backprop(vgg, picture, unit, rules="normal")
    assert list(result.gradients) == ["normal"] and result.gradients["normal"].shape == (1, 16, 16, 3)

    def f(pixels):
        return value(vgg.forward(vgg.preprocess(pixels), until=layer)[layer])

    d = rng.standard_normal(picture.shape)
    step = 1e-5
    slope = (f(picture + step * d) - f(picture - step * d)) / (2 * step)
    assert (result.gradients["normal"][0] * d).sum() == pytest.approx(slope, rel=1e-5)
    assert result.target.values[0] == pytest.approx(f(picture.astype(float)))


def two_units():
    """One 1 x 1 convolution to two channels, a ReLU, and a score that likes the first and dislikes the second."""
    net = Network(preprocessing=Preprocessing("grey", (100.0,), (1.0,), size=(1, 2)), class_names=("only",))
    net.roles.update(logits="score", prob="prob")
    net.add("conv", Conv2D(np.array([1.0, 1.0]).reshape(1, 1, 1, 2), np.zeros(2))).add("relu", ReLU())
    net.add("flatten", Flatten())
    # rows of w: (pixel 0, unit 0), (pixel 0, unit 1), (pixel 1, unit 0), (pixel 1, unit 1)
    w = np.array([[3.0], [-2.0], [5.0], [-7.0]])
    return net.add("score", FullyConnected(w, np.zeros(1))).add("prob", Softmax())


def test_three_rules_by_hand():
    picture = np.array([[[150], [50]]], np.uint8)       # pixel 0 is above the mean: its ReLUs pass; pixel 1 below
    gradients = backprop(two_units(), picture, "only").gradients
    assert list(gradients) == list(RELU_RULES)
    np.testing.assert_array_equal(gradients["normal"].ravel(), [3 - 2, 0])      # the chain rule where x > 0
    np.testing.assert_array_equal(gradients["deconv"].ravel(), [3, 5])          # what is positive, wherever
    np.testing.assert_array_equal(gradients["guided"].ravel(), [3, 0])          # both


def test_colours_come_back_in_rgb_and_in_units_of_pixels():
    w = np.array([1.0, 20.0, 300.0]).reshape(1, 1, 3, 1)                        # of B, G, R, as this net reads them
    net = Network(preprocessing=Preprocessing("BGR", (0.0,) * 3, (2.0,) * 3))
    net.add("conv", Conv2D(w, np.zeros(1)))
    gradient = backprop(net, np.full((2, 2, 3), 9, np.uint8), "conv:0", rules="normal").gradients["normal"]
    np.testing.assert_array_equal(gradient[0, 1, 1], [150, 10, 0.5])


def test_through_a_pool_only_the_maximum_gets_something():
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,)))
    net.add("conv", Conv2D(np.ones((1, 1, 1, 1)), np.zeros(1))).add("pool", MaxPool2D(2))
    picture = np.array([[1, 5, 9, 9], [2, 3, 9, 9]], np.uint8)[:, :, None]
    gradient = backprop(net, picture, "pool:0", rules=["normal"]).gradients["normal"][0, :, :, 0]
    np.testing.assert_array_equal(gradient, [[0, 1, 1, 0], [0, 0, 0, 0]])       # a tie goes to the first


def test_each_picture_of_a_batch_asks_for_its_own_class(rng):
    vgg = tiny_vgg(seed=3, dtype=np.float64)
    pictures = rng.integers(0, 256, (6, 16, 16, 3), np.uint8)
    pictures[::2] = rng.integers(0, 256, (3, 1, 1, 3))          # half of them noise, half of one colour
    best = vgg.forward(vgg.preprocess(pictures))["fc8"].argmax(axis=1)
    assert len(set(best)) > 1, "these pictures test nothing: they all have one class"
    together = backprop(vgg, pictures)
    assert [unit.channel for unit in together.target.units] == best.tolist()
    for i, picture in enumerate(pictures):
        alone = backprop(vgg, picture)
        for rule in alone.gradients:
            np.testing.assert_allclose(together.gradients[rule][i], alone.gradients[rule][0], rtol=1e-9, atol=1e-15)


def test_one_unit_for_each_picture(vgg, rng):
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    both = backprop(vgg, pictures, ["goose", "owl"], rules="guided")
    for i, name in enumerate(["goose", "owl"]):
        alone = backprop(vgg, pictures[i], name, rules="guided").gradients["guided"][0]
        np.testing.assert_allclose(both.gradients["guided"][i], alone, rtol=1e-9, atol=1e-15)
        assert both.numbers["images"][i]["name"] == name


def test_the_net_and_the_picture_are_unchanged(vgg, picture):
    before, copy = vgg.forward(vgg.preprocess(picture))["prob"], picture.copy()
    backprop(vgg, picture)
    np.testing.assert_array_equal(vgg.forward(vgg.preprocess(picture))["prob"], before)
    np.testing.assert_array_equal(picture, copy)


def test_the_picture_shows_and_a_unit_that_is_off_says_so(vgg, picture):
    result = backprop(vgg, picture)
    assert result.picture().dtype == np.uint8 and result._repr_png_().startswith(b"\x89PNG")
    assert set(result.numbers["norms"]) == set(RELU_RULES) and 0 < result.numbers["probability"] < 1
    maps = vgg.forward(vgg.preprocess(picture))["relu1_1"][0]
    off = np.argwhere(maps == 0)[0]
    dead = backprop(vgg, picture, f"relu1_1:{off[2]}@{off[0]},{off[1]}", rules=("normal", "guided"))
    assert not dead.gradients["normal"].any()
    assert dead.picture().std() > 0


@pytest.mark.parametrize("unit", ["conv1_2:3@max", "relu2_1:2@0,7", "pool2:1@3,3"])
def test_nothing_arrives_outside_the_receptive_field(vgg, rng, unit):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    result = backprop(vgg, pictures, unit, rules="deconv")
    assert len(set(result.fields)) == (3 if "max" in unit else 1)
    for gradient, (top, left, bottom, right) in zip(result.gradients["deconv"], result.fields):
        inside = np.zeros((16, 16), bool)
        inside[top:bottom, left:right] = True
        assert abs(gradient[inside]).max() > 0 and not gradient[~inside].any()
        assert abs(gradient[top]).max() > 0 and abs(gradient[:, right - 1]).max() > 0, "the box is too large"
    assert result.numbers["images"][1]["receptive_field"] == list(result.fields[1])


def test_crop_and_display(vgg, picture):
    whole = backprop(vgg, picture, "conv2_1:4@3,5", rules="normal")
    top, left, bottom, right = whole.fields[0]
    assert (top, left, bottom, right) == (2, 6, 12, 16)                 # 10 pixels, 2 apart, from -4 on
    crop = backprop(vgg, picture, "conv2_1:4@3,5", rules="normal", crop=True)
    np.testing.assert_array_equal(crop.gradients["normal"], whole.gradients["normal"])
    shown = crop.picture()
    first = whole.subject.seen[0][top:bottom, left:right]
    assert any((shown == color).all(axis=2).any() for color in first.reshape(-1, 3))
    assert shown.shape != whole.picture().shape and crop.settings["crop"]
    absolute = backprop(vgg, picture, rules="normal", display="absolute").picture()
    bright = unsigned(backprop(vgg, picture, rules="normal").gradients["normal"][0])
    row, column = np.unravel_index(bright.sum(axis=2).argmax(), (16, 16))
    assert (absolute == bright[row, column]).all(axis=2).sum() > 100


def test_grey_nets(rng):
    result = backprop(tiny_vgg(channels=1), rng.integers(0, 256, (30, 20, 3), np.uint8))
    assert result.gradients["guided"].shape == (1, 16, 16, 1) and result.subject.seen.shape == (1, 16, 16, 1)
    assert result.picture().shape[2] == 3


@pytest.mark.parametrize("arguments, message", [
    ({"unit": "conv9:1"}, "no layer named 'conv9'"),
    ({"unit": "relu2_1:8"}, "relu2_1 has 8 channels, 0 to 7"),
    ({"unit": "relu2_1:1@9,1"}, "rows go from 0 to 7"),
    ({"unit": "fc7:1@max"}, "has no positions"),
    ({"unit": "relu2_1"}, "is a whole layer"),
    ({"unit": ["cat", "fc7:1"]}, "2 units for 1 pictures"),
    ({"rules": "gided"}, "did you mean 'guided'"),
    ({"rules": ()}, "rules must be a name, or several, not"),
    ({"display": "absolut"}, "no display named 'absolut'; did you mean 'absolute'"),
    ({"crop": True}, "looks at the whole picture, so there is nothing to crop to"),
    ({"crop": True, "unit": "relu2_1:3"}, "relu2_1:3 looks at the whole picture"),
])  # fmt: skip
def test_mistakes(vgg, picture, arguments, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        backprop(vgg, picture, **arguments)


def test_units_of_several_layers_are_refused(vgg, picture):
    with pytest.raises(BadValue, match="several layers"):
        backprop(vgg, np.stack([picture, picture]), ["cat", "fc7:1"])


def test_the_figure_says_what_each_rule_draws_and_what_grey_means(vgg, rng):
    pictures = rng.integers(0, 256, (1, 16, 16, 3), np.uint8)
    lines = backprop(vgg, pictures, "goose").meanings(0)
    assert [line.split(":")[0] for line in lines[:3]] == ["gradient", "deconvnet", "guided backprop"]
    assert "goose" in lines[0] and lines[3].startswith("Grey is zero")               # in all three
    mixed = backprop(vgg, pictures, "goose", rules=("lrp", "guided")).meanings(0)
    assert mixed[2].startswith("guided backprop: Grey is zero")         # LRP's zero is white
    assert all(line.endswith("and hardly depends on the class.") for line in lines[1:3])
    neuron = backprop(vgg, pictures, "relu2_1:3@max").meanings(0)
    assert "relu2_1:3@max" in neuron[1] and "class" not in "".join(neuron)      # which a neuron is not
    relevance = backprop(vgg, pictures, "goose", rules=("lrp", "lrp-gamma")).meanings(0)
    assert len(relevance) == 1 and "Red pixels" in relevance[0]         # explained once, and nothing is grey
    assert len(backprop(vgg, pictures, "goose", rules="guided", display="absolute").meanings(0)) == 1
