"""Keras' description of a layer as steps, and what is read out of the whole."""

import pytest

from minivis.errors import BadFile
from minivis.weights.keras import config

CONV = {"kernel_size": [3, 3], "padding": "same", "activation": "relu"}


@pytest.mark.parametrize("kind, settings, steps", [
    ("Conv2D", CONV, ["pad (1, 1)", "convolution (3, 3)", "relu"]),
    ("Convolution2D", {"nb_row": 3, "nb_col": 3, "border_mode": "valid"}, ["convolution (3, 3)"]),
    ("Conv2D", {**CONV, "strides": [2, 2], "use_bias": False},
     ["pad (1, 1)", "convolution (3, 3), strides [2, 2], use_bias False", "relu"]),
    ("Dense", {"activation": {"class_name": "Softmax"}}, ["dense", "softmax"]),
    ("ReLU", {"max_value": 6}, ["ReLU up to 6"]),
    ("Activation", {"activation": "linear"}, []),
    ("Dropout", {}, []),
    ("ZeroPadding2D", {"padding": [[1, 1], [1, 1]]}, ["pad (1, 1)"]),
    ("ZeroPadding2D", {"padding": [2, 2]}, ["pad [2, 2]"]),
    ("MaxPooling2D", {"pool_size": [2, 2], "strides": None, "padding": "valid"}, ["maximum (2, 2)"]),
    ("MaxPooling2D", {"pool_size": [2, 2], "strides": [1, 1], "padding": "valid"},
     ["maximum (2, 2) with another stride or padding"]),
])  # fmt: skip
def test_a_layer_is_its_steps(kind, settings, steps):
    assert config.steps(kind, settings) == steps


def test_a_vgg_has_a_step_a_pad_a_convolution_a_relu_and_a_pool():
    steps = config.vgg_steps("VGG16", True)
    assert len(steps) == 13 * 3 + 5 + 7 and steps.count("convolution (3, 3)") == 13
    assert config.vgg_steps("VGG16", False) == steps[:-7] and steps[6] == "maximum (2, 2)"


def test_the_order_of_axes_and_the_size_go_together():
    first = [("InputLayer", {"batch_shape": [None, 3, 224, 200]}), ("Conv2D", {"data_format": "channels_first"})]
    last = [("InputLayer", {"batch_shape": [None, 224, 200, 3]}), ("Conv2D", {"data_format": "channels_last"})]
    assert (config.channels_first(first), config.channels_first(last), config.channels_first([])) == (True, False, None)
    assert config.input_size(first) == config.input_size(last) == (224, 200)
    assert config.input_size([("InputLayer", {"batch_shape": [None, None, 200, 3]})]) is None
    assert config.input_size([("InputLayer", {"batch_input_shape": [None, 31, 200, 3]})]) is None    # five pools: 32
    assert config.input_size([("InputLayer", {"batch_input_shape": [None, 32, 200, 3]})]) == (32, 200)


def test_flatten_may_put_channels_last_before_it_flattens():
    conv = ("Conv2D", {"data_format": "channels_first"})
    assert config.rows_chw([conv, ("Flatten", {})]) is True
    assert config.rows_chw([conv, ("Flatten", {"data_format": "channels_first"})]) is False
    assert config.rows_chw([("Flatten", {})]) is None


def test_another_step_is_named():
    layers = [("Conv2D", {**CONV, "kernel_size": [5, 5], "name": "block1_conv1"})]
    with pytest.raises(BadFile, match=r"is convolution \(5, 5\), where a VGG16 has convolution \(3, 3\)"):
        config.check(layers, "VGG16", True, "a.h5")
    with pytest.raises(BadFile, match="has 3 steps, and a VGG16 44"):
        config.check([("Conv2D", CONV)], "VGG16", False, "a.h5")
