"""Settings of any file of weights, and what leaves none open."""

import json

import numpy as np
import pytest
from foreign_files import write_safetensors
from vgg_files import TORCH_VGG16, torch_arrays, write_timm

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.models.tiny import tiny_vgg
from minivis.weights.native import save
from minivis.weights.read import check_dtype, layer_names, read_file


def test_a_net_computes_in_float32_or_float64():
    assert check_dtype("float32") == np.float32 and check_dtype(np.float64) == np.float64
    for bad, message in (("float16", "not in float16"), (int, "not in int64|not in int32"), ("flout", "not a dtype")):
        with pytest.raises(BadValue, match=message):
            check_dtype(bad)
    assert read_file(TORCH_VGG16, dtype="float64").layers["conv1_1"].params["w"].dtype == np.float64


def test_settings_are_applied_to_a_recognised_file(tmp_path):
    path = write_timm(tmp_path / "a")
    plain = read_file(path)
    count = plain.shapes()["fc8"][-1]
    names = [f"c{i}" for i in range(count)]
    net = read_file(path, preprocess="caffe", classes=names, size=(64, 64))
    assert net.class_names == tuple(names) and net.about["preprocessing"] == "as asked for"
    assert net.preprocessing.channel_order == "BGR" and net.input_size == plain.input_size == (64, 64)
    assert plain.preprocessing.channel_order == "RGB" and "assumed" in plain.about["preprocessing"]


def test_an_unknown_setting_is_named(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'kernels'"):
        read_file(TORCH_VGG16, kernel="tf")


def test_our_own_file_leaves_nothing_open(tmp_path):
    net = tiny_vgg()
    save(net, tmp_path / "a.h5")
    assert list(read_file(tmp_path / "a.h5").nodes) == list(net.nodes)
    with pytest.raises(BadValue, match="minivis' own file, which leaves nothing open: no size"):
        read_file(tmp_path / "a.h5", size=(16, 16))


def test_a_part_is_of_files_that_may_hold_several_nets(tmp_path):
    save(tiny_vgg(), tmp_path / "a.h5")
    with pytest.raises(BadValue, match="is one net: leave --part x out"):
        mv.load(tmp_path / "a.h5", part="x")
    path = write_safetensors(tmp_path / "a.safetensors", {f"student.{k}": a for k, a in torch_arrays().items()} | {
        f"teacher.{k}": a + 1 for k, a in torch_arrays().items()})  # fmt: skip
    weights = [mv.load(path, part=part).layers["conv1_1"].params["w"] for part in ("student", "teacher")]
    np.testing.assert_array_equal(weights[0] + 1, weights[1])
    with pytest.raises(UnknownName, match="no part named 'x'"):
        mv.load(path, part="x")


def test_what_a_file_calls_its_layers(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"body.0.weight": rng.standard_normal((4, 3, 3, 3)), "body.0.bias": rng.standard_normal(4),
              **{f"body.1.{key}": rng.uniform(1, 2, 4) for key in ("weight", "bias", "running_mean", "running_var")},
              "body.3.weight": rng.standard_normal((5, 4, 1, 1))}  # fmt: skip
    np.savez(tmp_path / "a.npz", **arrays)
    rows = [{"name": "conv", "type": "Conv2D", "weights": "body.0"}, {"name": "relu", "type": "ReLU"},
            {"name": "last", "type": "Conv2D", "weights": "body.3"}]  # fmt: skip
    table = tmp_path / "table.json"
    table.write_text(json.dumps(rows))
    net = read_file(tmp_path / "a.npz", arch=str(table))
    assert layer_names(net, tmp_path / "a.npz", arch=str(table)) == {"body.0": "conv", "relu": "relu", "body.3": "last"}
    table.write_text(json.dumps([rows[0], {"name": "norm", "type": "BatchNorm", "weights": "body.1"}, *rows[1:]]))
    net = read_file(tmp_path / "a.npz", arch=str(table))
    names = layer_names(net, tmp_path / "a.npz", arch=str(table))
    assert names == {"body.0": None, "body.1": "conv", "relu": "relu", "body.3": "last"}


def test_our_own_file_has_our_names(tmp_path):
    net = tiny_vgg()
    save(net, tmp_path / "a.h5")
    assert layer_names(net, tmp_path / "a.h5") == {}
