"""Descriptions as nets: what is called with what, names, sizes, and what is taken into the preprocessing."""

import numpy as np
import pytest
from keras_models import Keras
from limits import last_taken

import minivis as mv
from minivis.errors import BadFile
from minivis.layers import Pad2D, Scale, Unflatten
from minivis.weights.keras import graph


def test_layers_keep_their_names_and_activations_are_named_after_them(w, both):
    net = Keras()
    x = net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4)}, name="first", activation="relu")
    x = net.layer("Flatten", x, name="flat")
    net.ends(net.layer("Dense", x, {"kernel": w(48, 2)}, name="scores", activation="softmax"))
    found = both(net)
    assert list(found.nodes) == ["first", "first_relu", "flat", "scores", "scores_softmax"]
    assert (found.roles["logits"], found.roles["prob"]) == ("scores", "scores_softmax")


def test_calls_need_not_stand_in_order_and_a_layer_may_be_called_twice(w, both, answer):
    net = Keras()
    kernel = w(1, 1, 3, 3)
    first = net.layer("Conv2D", net.input, {"kernel": kernel}, name="conv")
    twice = net.again("conv", first)
    net.ends(net.layer("Add", [first, twice], name="sum"))
    net.rows[1], net.rows[2] = net.rows[2], net.rows[1]
    found = both(net)
    assert list(found.nodes) == ["conv", "conv 2", "sum"]
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(found, x), x @ kernel[0, 0] + x @ kernel[0, 0] @ kernel[0, 0], atol=1e-5)


@pytest.mark.parametrize("dims", [[1, 2, 3], [3, 1, 2], [2, 3, 1]])
def test_a_net_that_ends_in_a_row_has_it_in_keras_order(w, both, answer, dims):
    """Also after a Permute, for which the net has no layer: only the order of the row shows it."""
    net, kernel, x = Keras(), w(1, 1, 3, 3), w(2, 6, 5, 3)
    maps = net.layer("Conv2D", net.input, {"kernel": kernel}, name="conv")
    net.ends(net.layer("Flatten", net.layer("Permute", maps, dims=dims)))
    maps = x @ kernel[0, 0]
    np.testing.assert_allclose(answer(both(net), x), maps.transpose(0, *dims).reshape(2, -1), rtol=1e-4, atol=1e-5)


def test_any_size_stays_any_size(w, both):
    net = Keras((None, None, 3))
    net.ends(net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4)}))
    assert both(net).input_size is None and both(net, size=(20, 30)).input_size == (20, 30)


@pytest.mark.parametrize("channels", [1, 4, 13])
def test_pictures_of_any_number_of_channels(w, both, answer, channels):
    net, kernel = Keras((6, 5, channels)), w(1, 1, channels, 2)
    net.ends(net.layer("Conv2D", net.input, {"kernel": kernel}))
    found, x = both(net), w(2, 6, 5, channels)
    assert found.input_channels == channels
    np.testing.assert_allclose(answer(found, x), x @ kernel[0, 0], atol=1e-5)


def test_a_picture_whose_channels_are_left_open_is_refused(tmp_path):
    net = Keras((6, 5, None))
    net.ends(net.layer("ReLU", net.input))
    with pytest.raises(BadFile, match="leaves open how many channels"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_a_flatten_fixes_the_size(w, both):
    net = Keras((None, None, 3))
    net.ends(net.layer("Flatten", net.input))
    assert both(net).input_size == (224, 224)


def test_padding_goes_into_the_convolution_that_reads_it_and_nowhere_else(w, both, answer):
    net = Keras()
    padded = net.layer("ZeroPadding2D", net.input, padding=[[1, 0], [2, 1]], name="pad")
    a = net.layer("Conv2D", padded, {"kernel": w(1, 1, 3, 4)})
    b = net.layer("ReLU", padded)
    c = net.layer("Conv2D", padded, {"kernel": w(3, 3, 3, 2)}, padding="same")
    net.ends(net.layer("Concatenate", [a, b, c], axis=-1))
    found = both(net)
    kinds = [type(layer) for layer in found.layers.values()]
    assert kinds.count(Pad2D) == 1 and found.layers[a].padding == ((1, 0), (2, 1)) and found.layers[c].padding == "same"
    x = w(2, 6, 5, 3)
    np.testing.assert_array_equal(answer(found, x)[..., 4:7], np.pad(x, [(0, 0), (1, 0), (2, 1), (0, 0)]).clip(0, None))


def test_arithmetic_on_the_picture_is_its_preprocessing(w, both, answer):
    net = Keras()
    kernel = w(1, 1, 3, 2)
    reversal = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}}
    x = net.layer("GetItem", net.input, operation=True, args=[[{"class_name": "__ellipsis__"}, reversal]])
    x = net.layer("Subtract", x, operation=True, args=[{"class_name": "__tensor__", "config": {"value": [1, 2, 4]}}])
    x = net.layer("Rescaling", x, scale=0.5, offset=3.0)
    net.ends(net.layer("Conv2D", x, {"kernel": kernel}, name="conv"))
    found = both(net)
    assert list(found.nodes) == ["conv"] and found.preprocessing.channel_order == "BGR"
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(found, x), ((x[..., ::-1] - [1, 2, 4]) * 0.5 + 3) @ kernel[0, 0], atol=1e-5)
    assert both(net, preprocess=None).about["preprocessing"] == "in the graph, of pixels in 0..255"


def test_arithmetic_is_left_in_the_net_where_another_layer_reads_the_picture_too(w, both, answer):
    net = Keras()
    scaled = net.layer("Rescaling", net.input, scale=0.5)
    net.ends(net.layer("Add", [scaled, net.input]))
    found = both(net)
    assert next(type(layer) for layer in found.layers.values()) is Scale
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(found.forward(x)[list(found.nodes)[-1]], 1.5 * x, rtol=1e-6)


def test_rows_become_maps_again(w, both, answer):
    net = Keras()
    x = net.layer("Flatten", net.input)
    x = net.layer("Dense", x, {"kernel": w(90, 12)})
    x = net.layer("Reshape", x, target_shape=[2, 2, 3])
    net.ends(net.layer("Conv2D", x, {"kernel": w(1, 1, 3, 2)}))
    found = both(net)
    assert [type(layer) for layer in found.layers.values()][2] is Unflatten


def test_channels_first_reads_pictures_in_that_order(w, both, answer):
    net = Keras((3, 6, 5))
    first = {"data_format": "channels_first"}
    kernel, rows = w(3, 3, 3, 4), w(48, 2)
    x = net.layer("Conv2D", net.input, {"kernel": kernel}, **first)
    net.ends(net.layer("Dense", net.layer("Reshape", x, target_shape=[-1]), {"kernel": rows}))
    found = both(net)
    x = w(2, 6, 5, 3)
    maps = found.forward(x)[next(iter(found.nodes))]                           # (N, 4, 3, 4)
    np.testing.assert_allclose(answer(found, x), maps.transpose(0, 3, 1, 2).reshape(2, -1) @ rows, atol=1e-4)


@pytest.mark.parametrize("kind, settings, message", [
    ("LSTM", {}, "the layer 'here' (LSTM) is no layer that minivis has"),
    ("Lambda", {}, "the layer 'here' (Lambda) is no layer that minivis has"),
    ("UpSampling2D", {"size": [2, 2], "interpolation": "bilinear"}, "makes maps larger by 'bilinear'"),
    ("Activation", {"activation": "glu"}, "has the activation 'glu'; minivis has linear, softmax, elu, "),
    ("Conv2D", {"padding": "causal", "use_bias": False}, "pads by 'causal'; here it is 'same' or 'valid'"),
])  # fmt: skip
def test_what_cannot_be_built_is_named(w, tmp_path, kind, settings, message):
    net = Keras()
    arrays = {"kernel": w(3, 3, 3, 4)} if kind == "Conv2D" else None
    net.ends(net.layer(kind, net.input, arrays, name="here", **settings))
    with pytest.raises(BadFile) as error:
        mv.load(net.h5(tmp_path / "a.h5"))
    assert message in str(error.value) and str(error.value).startswith(str(tmp_path))


def test_models_that_are_none_of_one_picture(w, tmp_path):
    net = Keras((10,))
    net.ends(net.layer("Dense", net.input, {"kernel": w(10, 3)}))
    with pytest.raises(BadFile, match=r"its input is \[None, 10\], not \(N, height, width, channels\)"):
        mv.load(net.h5(tmp_path / "a.h5"))
    net = Keras()
    net.ends(net.layer("Add", [net.input, "nowhere"], name="sum"))
    with pytest.raises(BadFile, match="'sum' reads 'nowhere', which no layer makes"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_models_that_call_models_a_million_times_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MOST_CALLS", 100)
    inner = Keras()
    inner.ends(inner.layer("ReLU", inner.input))
    for i in range(20):                                                     # 2^20 calls
        outer = Keras(name=f"outer{i}")
        outer.model(inner, outer.input, "twice")
        outer.ends(outer.again("twice", "twice"))
        inner = outer
    with pytest.raises(BadFile, match="calls its layers more than 100 times"):
        mv.load(inner.h5(tmp_path / "a.h5"))


def test_a_model_whose_picture_is_none_of_its_layers(w, tmp_path):
    net = Keras()
    net.ends(net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4)}))
    net.rows[0]["name"] = net.rows[0]["config"]["name"] = "another"
    net.weights["another"] = {}
    with pytest.raises(BadFile, match="the model reads 'model_input', and has no layer of that name"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_a_model_without_an_output(w, tmp_path):
    net = Keras()
    net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4)})
    with pytest.raises(BadFile, match=r"without an output|no layer that computes"):
        mv.load(net.ends().h5(tmp_path / "a.h5"))


def test_a_limit_is_the_last_number_that_is_read(tmp_path, monkeypatch):
    net = Keras()
    net.ends(net.layer("ReLU", net.layer("ReLU", net.input)))
    net.h5(tmp_path / "a.h5")
    last_taken(monkeypatch, "weights.keras.graph.MOST_CALLS", 2, lambda: mv.load(tmp_path / "a.h5"))
