"""Names of layers and channels, with weights or without, in every form that a user may write."""

import pytest

from minivis.errors import BadValue, UnknownName
from minivis.objectives.layer_weights import layer_weights


def test_every_form(vgg):
    assert layer_weights(vgg, None, "dream") == {"relu2_1": 1.0}
    assert layer_weights(vgg, None, "style") == dict.fromkeys(vgg.roles["style"], 1.0)
    assert layer_weights(vgg, "relu1_1", "style") == {"relu1_1": 1.0}
    assert layer_weights(vgg, ["relu1_1", "conv2_1"], "style") == {"relu1_1": 1.0, "conv2_1": 1.0}
    assert layer_weights(vgg, ("relu1_1=0.5", "conv2_1=1e2"), "style") == {"relu1_1": 0.5, "conv2_1": 100.0}
    assert layer_weights(vgg, {"relu1_1": 2, "conv2_1": 0}, "style") == {"relu1_1": 2.0}


def test_channels(vgg):
    assert layer_weights(vgg, "relu1_1:2", "dream", channels=True) == {"relu1_1:2": 1.0}
    assert layer_weights(vgg, ["relu1_1:2=3", "fc8:goose"], "dream", channels=True) == {"relu1_1:2": 3.0, "fc8:0": 1.0}


@pytest.mark.parametrize("layers, error, message", [
    ("relu9", UnknownName, "no layer named 'relu9'"), ([], BadValue, "name at least one style layer"),
    ("relu1_1:2", UnknownName, "no layer named 'relu1_1:2'"),
    ({"relu1_1": 0.0}, BadValue, "the weights of the style layers are all 0"),
    ({"relu1_1": -1}, BadValue, "the weight of relu1_1 must be a number of at least 0, not -1"),
    ({"relu1_1": "much"}, BadValue, "the weight of relu1_1 must be a number of at least 0, not 'much'"),
    ("relu1_1=nan", BadValue, "the weight of relu1_1 must be a number of at least 0, not nan"),
    ("relu1_1=x", BadValue, "a weight must follow the ="), ("=2", UnknownName, "no layer named ''"),
])
def test_mistakes(vgg, layers, error, message):
    with pytest.raises(error, match=message):
        layer_weights(vgg, layers, "style")


def test_a_channel_has_no_position_here(vgg):
    with pytest.raises(BadValue, match="leave out the @"):
        layer_weights(vgg, "relu1_1:2@0,0", "dream", channels=True)
