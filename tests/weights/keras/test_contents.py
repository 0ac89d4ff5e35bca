"""A Keras file's arrays for a layer table, under names such as PyTorch's; and --arch with such a table."""

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from commandline import runner
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.layers import Sigmoid
from minivis.weights import keras
from minivis.weights.containers import hdf5
from minivis.weights.keras.contents import named


def net_of_all(w):
    net = Keras((8, 7, 3))
    x = net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4), "bias": w(4)}, name="conv")
    norm = {"gamma": w(4), "beta": w(4), "moving_mean": w(4), "moving_variance": w(4) ** 2 + 0.5}
    x = net.layer("BatchNormalization", x, norm, name="norm")
    x = net.layer("DepthwiseConv2D", x, {"kernel": w(3, 3, 4, 2)}, name="across")
    separable = {"depthwise_kernel": w(2, 2, 8, 1), "pointwise_kernel": w(1, 1, 8, 5), "bias": w(5)}
    x = net.layer("SeparableConv2D", x, separable, name="separable")
    return net.ends(net.layer("Dense", net.layer("Flatten", x), {"kernel": w(30, 2), "bias": w(2)}, name="dense"))


ALL = {"conv.weight": (3, 3, 3, 4), "conv.bias": (4,), "norm.weight": (4,), "norm.bias": (4,),
       "norm.running_mean": (4,), "norm.running_var": (4,), "across.weight": (3, 3, 4, 2),
       "separable.weight": (2, 2, 8, 1), "separable_pointwise.weight": (1, 1, 8, 5), "separable_pointwise.bias": (5,),
       "dense.weight": (30, 2), "dense.bias": (2,)}  # fmt: skip


def weights_alone(net, path):
    """Keras 3's .weights.h5."""
    import h5py

    with h5py.File(path, "w") as file:
        net.number(file)
    return path


def h5_alone(net, path):
    import h5py

    net.h5(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    return path


def archive(net, path):
    return net.archive(path.with_suffix(".keras"))


@pytest.mark.parametrize("write", [h5_alone, weights_alone, archive])
def test_every_array_by_its_layer(w, tmp_path, write):
    net = net_of_all(w)
    path = write(net, tmp_path / "a.h5")
    with hdf5.opened(path) as source:
        found = keras.contents(source)
        assert {name: tensor.shape for name, tensor in found.tensors.items()} == ALL and found.axes == "HWIO"
        np.testing.assert_array_equal(found.tensors["across.weight"].read(), net.weights["across"]["kernel"])


def test_names_of_one_part_and_of_several(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        names = ["kernel:0", "base/a/bias:0", "base/a_1/gamma_2:0", "other/beta:0"]
        file.attrs["layer_names"], inner = ["a"], file.create_group("a")
        inner.attrs["weight_names"] = names
        for name in names:
            inner[name] = np.zeros(2, "f4")
        source = SimpleNamespace(strings=lambda group, key: list(group.attrs[key]), path="a.h5")
        found = {layer: list(kinds) for layer, kinds in named(file, source)}
    assert found == {"a": ["kernel", "bias", "gamma"], "a/other": ["beta"]}


def test_models_inside_go_before_their_layers(w, tmp_path):
    inner, outer = Keras((8, 7, 3), name="base"), Keras((8, 7, 3))
    inner.ends(inner.layer("Conv2D", inner.input, {"kernel": w(3, 3, 3, 4)}, name="conv"))
    outer.ends(outer.model(inner, outer.input))
    for path in (weights_alone(outer, tmp_path / "a.h5"), h5_alone(outer, tmp_path / "b.h5")):
        with hdf5.opened(path) as source:
            assert list(keras.contents(source).tensors) == ["base/conv.weight"]


@pytest.mark.parametrize("write", [h5_alone, weights_alone, archive])
def test_a_table_says_what_weights_alone_do_not(w, tmp_path, write):
    net = net_of_all(w)
    layers = [{"name": "c", "type": "Conv2D", "weights": "conv"}, {"name": "n", "type": "BatchNorm", "weights": "norm",
              "eps": 0.001}, {"name": "a", "type": "Conv2D", "groups": "depthwise", "weights": "across"},
              {"name": "s", "type": "Conv2D", "groups": "depthwise", "weights": "separable"},
              {"name": "p", "type": "Conv2D", "weights": "separable_pointwise"},
              {"name": "flat", "type": "Flatten"}, {"name": "dense", "type": "FullyConnected"}]  # fmt: skip
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"input": [8, 7], "layers": layers}))
    got = mv.load(write(net, tmp_path / "a.h5"), arch=str(table), preprocess="none", classes=["cat", "dog"])
    wanted = mv.load(net.archive(tmp_path / "b.keras"), preprocess="none")
    x = w(2, 8, 7, 3)
    np.testing.assert_allclose(got.forward(x)["dense"], wanted.forward(x)["dense"], rtol=1e-4, atol=1e-4)
    assert got.class_names == ("cat", "dog") and wanted.class_names == ()


def test_weights_alone_without_a_table_say_what_to_do(w, tmp_path):
    with pytest.raises(BadFile, match=r"only weights: save the whole model, .* or describe .*, --arch table\.json"):
        mv.load(weights_alone(net_of_all(w), tmp_path / "a.weights.h5"))


def test_a_table_to_start_from_stands_in_the_likely_order(w, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = weights_alone(net_of_all(w), tmp_path / "a.weights.h5")
    assert runner(capsys)("weights", "table", path, "-o", "a.json")[0] == 0
    rows = json.loads((tmp_path / "a.json").read_text())["layers"]
    named = [row["weights"] for row in rows if "weights" in row]
    assert named == ["conv", "norm", "across", "separable", "separable_pointwise", "dense"]
    code, _, said = runner(capsys)("weights", "table", archive(net_of_all(w), tmp_path / "b.h5"))
    assert code == 2 and "describes its own layers" in said


def test_weights_alone_of_one_output_end_in_a_sigmoid(tmp_path):
    from keras_files import arrays, write_numbered
    from vgg_nets import narrow_vgg

    weights = arrays(narrow_vgg())
    kernel, bias = weights["predictions"]
    weights["predictions"] = kernel[:, :1], bias[:1]
    write_numbered(tmp_path / "a.weights.h5", weights)
    net = mv.load(tmp_path / "a.weights.h5")
    assert type(net.layers[net.roles["prob"]]) is Sigmoid
