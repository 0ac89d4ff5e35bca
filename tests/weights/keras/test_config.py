"""Keras' description of a layer as steps, and what is read out of the whole."""

from types import SimpleNamespace

import pytest
from keras_files import config as description
from limits import last_taken

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


@pytest.mark.parametrize("layer, change, message", [
    ("block3_conv2", {"activation": "tanh"}, "'block3_conv2' is tanh, where a VGG16 has relu"),
    ("block3_conv2", {"activation": {"class_name": "LeakyReLU"}}, "'block3_conv2' is leakyrelu, where a VGG16"),
    ("block3_conv2", {"padding": "valid"}, "'block3_conv2' is convolution (3, 3), where a VGG16 has pad (1, 1)"),
    ("block3_conv2", {"padding": "causal"}, "'block3_conv2' is pad causal, where a VGG16 has pad (1, 1)"),
    ("block1_conv1", {"strides": [2, 2]}, "'block1_conv1' is convolution (3, 3), strides [2, 2], where a VGG"),
    ("block1_conv1", {"kernel_size": [5, 5]}, "'block1_conv1' is convolution (5, 5), where"),
    ("block2_pool", {"class_name": "AveragePooling2D"}, "'block2_pool' is AveragePooling2D, where a VGG16 has maximum"),
    ("block2_pool", {"strides": [1, 1]}, "'block2_pool' is maximum (2, 2) with another stride or padding, where"),
    ("predictions", {"activation": "sigmoid"}, "'predictions' is sigmoid, where a VGG16 has softmax"),
    ("fc1", {"class_name": "Rescaling", "activation": "linear"}, "'fc1' is Rescaling, where a VGG16 has dense"),
    ("fc1", {"class_name": "Functional"}, "holds a model inside a larger one; save only the VGG in it"),
    ("predictions", {"class_name": "Dropout"}, "has 49 steps, and a VGG16 51"),
    ("flatten", {"class_name": "ReLU", "max_value": 6.0}, "'flatten' is ReLU up to 6.0, where a VGG16 has flatten"),
    ("flatten", {"class_name": "ZeroPadding2D", "padding": [2, 2]}, "'flatten' is pad [2, 2], where a VGG16 has"),
])  # fmt: skip
def test_a_description_of_another_net_is_no_vggs(layer, change, message):
    rows = description(change={layer: change})["config"]["layers"]
    layers = [(row["class_name"], row["config"]) for row in rows]
    assert not config.is_vgg(layers)
    with pytest.raises(BadFile) as error:
        config.check(layers, "VGG16", True, "a.h5")
    assert message in str(error.value)


def test_a_description_of_a_vgg_is_one_with_and_without_its_top():
    for top in (True, False):
        rows = description("VGG11", top=top)["config"]["layers"]
        assert config.is_vgg([(row["class_name"], row["config"]) for row in rows])


@pytest.mark.parametrize("layer", [{"class_name": "ReLU", "config": [1]}, {"class_name": 5, "config": {}}])
def test_one_damaged_layer_among_sound_ones_is_named_as_damage(monkeypatch, layer):
    whole = {"config": {"layers": [{"class_name": "Flatten", "config": {}}, layer]}}
    monkeypatch.setattr(config, "parsed", lambda source: whole)
    with pytest.raises(BadFile, match="its description of the model is damaged"):
        config.read(SimpleNamespace(path="a.h5"))


def test_a_limit_is_the_last_number_that_is_read(monkeypatch):
    source = SimpleNamespace(config=b'{"a": 1}', path="a.keras")
    last_taken(monkeypatch, "weights.keras.config.TEXT_LIMIT", 8, lambda: config.parsed(source))
