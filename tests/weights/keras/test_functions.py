"""Activations by name and as layers, what is nothing at inference, and what only moves numbers."""

import math
import re

import numpy as np
import pytest
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.keras import functions

NUMBERS = np.array([-7.0, -2.5, -0.4, 0.0, 0.05, 0.3, 1.5, 2.9, 3.5, 8.0])


def of_numbers(both, answer, build, keras=3):
    """What a layer makes of NUMBERS, on three channels each."""
    net = Keras((1, 10, 3), keras=keras)
    x = np.repeat(NUMBERS[:, None], 3, axis=1).astype("f4")[None, None]
    return answer(both(net.ends(build(net))), x)[0, 0, :, 0]


def by_hand(function):
    return [function(float(x)) for x in NUMBERS]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


BY_NAME = {
    "linear": lambda x: x, "relu": lambda x: max(x, 0), "relu6": lambda x: min(max(x, 0), 6), "sigmoid": sigmoid,
    "tanh": math.tanh, "silu": lambda x: x * sigmoid(x), "swish": lambda x: x * sigmoid(x),
    "elu": lambda x: x if x > 0 else math.exp(x) - 1, "softplus": lambda x: math.log1p(math.exp(x)),
    "selu": lambda x: 1.05070098 * (x if x > 0 else 1.67326324 * (math.exp(x) - 1)),
    "softsign": lambda x: x / (1 + abs(x)), "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0), 1), "hard_swish": lambda x: x * min(max(x / 6 + 0.5, 0), 1),
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x, "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_an_activation_by_its_name(both, answer, name):
    def build(net):
        return net.layer("ReLU", net.layer("Activation", net.input, activation=name), negative_slope=1.0)

    np.testing.assert_allclose(of_numbers(both, answer, build), by_hand(BY_NAME[name]), atol=1e-5)


def test_keras_2_had_another_hard_sigmoid(both, answer):
    got = of_numbers(both, answer, lambda net: net.layer("Activation", net.input, activation="hard_sigmoid"), keras=2)
    np.testing.assert_allclose(got, by_hand(lambda x: min(max(0.2 * x + 0.5, 0), 1)), atol=1e-5)


@pytest.mark.parametrize("kind, settings, function", [
    ("ReLU", {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}, lambda x: max(x, 0)),
    ("ReLU", {"max_value": 6.0}, lambda x: min(max(x, 0), 6)),
    ("ReLU", {"negative_slope": 0.25}, lambda x: x if x > 0 else 0.25 * x),
    ("ReLU", {"max_value": 3, "negative_slope": 0.1, "threshold": 0.2},
     lambda x: min(x, 3) if x > 0.2 else 0.1 * (x - 0.2)),
    ("LeakyReLU", {"negative_slope": 0.1}, lambda x: x if x > 0 else 0.1 * x),
    ("LeakyReLU", {"alpha": 0.3}, lambda x: x if x > 0 else 0.3 * x),                       # Keras 2
    ("LeakyReLU", {"alpha": {"value": 0.3}}, lambda x: x if x > 0 else 0.3 * x),
    ("ELU", {"alpha": 0.5}, lambda x: x if x > 0 else 0.5 * (math.exp(x) - 1)),
    ("Dropout", {"rate": 0.5}, lambda x: x), ("GaussianNoise", {"stddev": 1}, lambda x: x),
    ("RandomFlip", {"mode": "horizontal"}, lambda x: x), ("SpatialDropout2D", {"rate": 0.5}, lambda x: x),
])  # fmt: skip
def test_a_layer_of_each_kind(both, answer, kind, settings, function):
    def build(net):
        return net.layer("ReLU", net.layer(kind, net.input, **settings), negative_slope=1.0)    # ReLU of slope 1: x

    np.testing.assert_allclose(of_numbers(both, answer, build), by_hand(function), atol=1e-5)


def test_an_activation_that_is_a_layer_stands_in_another(both, answer, w):
    net = Keras()
    leaky = {"module": "keras.layers", "class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}
    named = {"class_name": "function", "config": "tanh"}
    kernel = w(1, 1, 3, 2)
    x = net.layer("Conv2D", net.input, {"kernel": kernel}, activation=leaky, name="conv")
    net.ends(net.layer("Conv2D", x, {"kernel": np.eye(2)[None, None]}, activation=named))
    x = w(2, 6, 5, 3)
    y = x @ kernel[0, 0]
    np.testing.assert_allclose(answer(both(net), x), np.tanh(np.where(y > 0, y, 0.1 * y)), atol=1e-5)


def test_prelu_takes_a_slope_a_channel_or_one_for_each_number_of_a_row(both, answer, w, tmp_path):
    net = Keras()
    slopes, rows = w(1, 1, 3), w(90)
    x = net.layer("PReLU", net.input, {"alpha": slopes}, shared_axes=[1, 2])
    net.ends(net.layer("PReLU", net.layer("Flatten", x), {"alpha": rows}))
    x = w(2, 6, 5, 3)
    y = np.where(x > 0, x, slopes * x).reshape(2, -1)
    np.testing.assert_allclose(answer(both(net), x), np.where(y > 0, y, rows * y), atol=1e-5)
    net = Keras()
    net.ends(net.layer("PReLU", net.input, {"alpha": w(6, 5, 3)}, name="slopes"))
    with pytest.raises(BadFile, match=r"'slopes'.*differs from position to position"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_a_softmax_goes_over_channels_or_a_row(both, answer, w, tmp_path):
    x = w(2, 6, 5, 3)
    e = np.exp(x)
    net = Keras()
    np.testing.assert_allclose(answer(both(net.ends(net.layer("Softmax", net.input, axis=-1))), x),
                               e / e.sum(axis=-1, keepdims=True), atol=1e-6)
    net = Keras()
    net.ends(net.layer("Activation", net.layer("Flatten", net.input), activation="log_softmax"))
    np.testing.assert_allclose(answer(both(net), x).reshape(x.shape), x - np.log(e.sum(axis=(1, 2, 3), keepdims=True)),
                               atol=1e-5)


@pytest.mark.parametrize("axis", [-3, -2, -1, 1, 2, 3, [3]])
@pytest.mark.parametrize("end", ["maps", "row"])
def test_a_softmax_over_each_axis(tmp_path, both, answer, w, axis, end):
    """Of maps over channels; of a row over all of it, also where the row has the shape of a picture of one pixel."""
    net = Keras()
    row = net.layer("Reshape", net.layer("Flatten", net.input), target_shape=[1, 1, 90])
    net.ends(net.layer("Softmax", net.input if end == "maps" else row, axis=axis, name="where"))
    if axis not in (3, -1, [3]):
        with pytest.raises(BadFile, match=r"'where'.* is a softmax over an axis that is not its input's channels"):
            mv.load(net.h5(tmp_path / "a.h5"))
        return
    x = w(2, 6, 5, 3)
    e = np.exp(x if end == "maps" else x.reshape(2, 90))
    np.testing.assert_allclose(answer(both(net), x).reshape(e.shape), e / e.sum(axis=-1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 4, -4, [1, 2], "rows"])
@pytest.mark.parametrize("flat", [False, True])
def test_a_softmax_over_pictures_or_over_no_axis_is_refused(tmp_path, axis, flat):
    net = Keras()
    net.ends(net.layer("Softmax", net.layer("Flatten", net.input) if flat else net.input, axis=axis, name="where"))
    with pytest.raises(BadFile, match=re.escape(f"'where' (Softmax) is a softmax over axis {axis}")):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_reshape_and_permute_only_move_numbers(both, answer, w):
    net = Keras()
    x = net.layer("Permute", net.layer("Reshape", net.input, target_shape=[3, 10, 3]), dims=[3, 2, 1])
    net.ends(net.layer("Flatten", net.layer("Permute", x, dims=[3, 2, 1])))
    x = w(2, 6, 5, 3)
    np.testing.assert_array_equal(answer(both(net), x), x.reshape(2, -1))


def test_what_is_nothing_leaves_no_layer(both):
    net = Keras()
    x = net.input
    for kind in functions.NOTHING:
        x = net.layer(kind, x)
    net.ends(net.layer("ReLU", x, name="only"))
    assert list(both(net).nodes) == ["only"]
