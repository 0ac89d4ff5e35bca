"""A table of one's own with any file of weights."""

import json

import numpy as np
import pytest
from foreign_files import write_caffemodel, write_safetensors
from limits import last_taken

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.layer_table_file import read

TABLE = {
    "input": [8, 6],
    "preprocess": "torch",
    "classes": ["cat", "dog"],
    "layers": [
        {"name": "conv1", "type": "Conv2D", "padding": 1, "weights": "features.0"},
        {"name": "norm1", "type": "BatchNorm", "eps": 0.01, "weights": "features.1"},
        {"name": "relu1", "type": "ReLU", "max_value": 6},
        {"name": "a", "type": "Conv2D", "groups": "depthwise", "padding": "same"},
        {"name": "sum", "type": "Add", "inputs": ["a", "relu1"]},
        {"name": "pool1", "type": "MaxPool2D", "size": 2},
        {"name": "flatten", "type": "Flatten"},
        {"name": "fc2", "type": "FullyConnected", "weights": "classifier"},
        {"name": "prob", "type": "Softmax"},
    ],
    "roles": {"style": ["relu1"], "code": "flatten"},
}


def arrays(rng):
    shapes = {"features.0.weight": (4, 3, 3, 3), "features.0.bias": (4,), "features.1.weight": (4,),
              "a.weight": (4, 1, 3, 3), "features.1.bias": (4,), "features.1.running_mean": (4,),
              "features.1.running_var": (4,),
              "classifier.weight": (2, 48), "classifier.bias": (2,)}  # fmt: skip
    return {name: rng.uniform(0.2, 1, shape).astype("f4") for name, shape in shapes.items()}


def table(tmp_path, **changes):
    path = tmp_path / "table.json"
    path.write_text(json.dumps({**TABLE, **changes}))
    return path


def test_a_table_and_a_file_make_a_net(tmp_path, rng):
    found = arrays(rng)
    net = mv.load(write_safetensors(tmp_path / "a.safetensors", found), arch=table(tmp_path))
    assert list(net.nodes) == ["conv1", "relu1", "a", "sum", "pool1", "flatten", "fc2", "prob"]       # norm1 is folded
    assert net.class_names == ("cat", "dog") and net.input_size == (8, 6) and net.preprocessing.channel_order == "RGB"
    assert (net.roles["logits"], net.roles["prob"], net.roles["style"]) == ("fc2", "prob", ["relu1"])
    assert net.layers["a"].groups == 4 and net.about["architecture"] == "of table.json"
    acts = net.forward(rng.standard_normal((1, 8, 6, 3)).astype("f4"))
    pooled = acts["pool1"][0].transpose(2, 0, 1).reshape(-1)            # C, H, W: PyTorch's order
    logits = found["classifier.weight"] @ pooled + found["classifier.bias"]
    np.testing.assert_allclose(acts["fc2"][0], logits, rtol=1e-5)
    with_prefix = write_safetensors(tmp_path / "b.safetensors", {f"module.{k}": v for k, v in found.items()})
    assert mv.load(with_prefix, arch=str(table(tmp_path))).parameter_count == net.parameter_count
    assert mv.load(with_prefix, arch=table(tmp_path), classes=["x", "y"], preprocess="caffe").class_names == ("x", "y")


def test_what_the_table_leaves_out_is_said(tmp_path, rng):
    found = {**arrays(rng), "head.weight": np.zeros((2, 2), "f4")}
    net = mv.load(write_safetensors(tmp_path / "a.safetensors", found), arch=table(tmp_path))
    assert net.about["unused"] == "arrays of the file that are not in the table: head.weight"


def test_a_caffemodel_with_a_table(tmp_path, rng):
    w, b = rng.standard_normal((2, 1, 3, 3)).astype("f4"), np.ones(2, "f4")
    path = write_caffemodel(tmp_path / "a.caffemodel", [("mine", "Convolution", [w, b])])
    rows = [{"name": "mine", "type": "Conv2D"}, {"name": "r", "type": "ReLU"}]
    grey = {"channel_order": "grey", "mean": [0], "scale": [255]}
    arch = tmp_path / "t.json"
    arch.write_text(json.dumps({"layers": rows, "preprocessing": grey}))
    net = mv.load(path, arch=arch)
    assert net.input_channels == 1 and net.roles["logits"] is None
    np.testing.assert_array_equal(net.layers["mine"].params["w"], w.transpose(2, 3, 1, 0))


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is not JSON"), ("3", "is not a layer table"), ('{"layers": []}', "not a layer table"),
        ("[" * 9999, "not JSON"),
        ('{"layers": [{"type": "ReLU"}]}', "layer 1 needs a name and a type, one of Conv2D"),
        ('{"layers": [{"name": "a", "type": "Magic"}]}', "needs a name and a type"),
        ('{"layers": [{"name": "a", "type": "ReLU"}], "size": 3}', "a table has no 'size'; it may have layers, input"),
        ('{"layers": [{"name": "a", "type": "ReLU"}], "preprocess": "tor"}', "did you mean 'torch'"),
        ('{"layers": [{"name": "a", "type": "ReLU"}], "input": 5}', "part beside the layers is damaged"),
        ('{"layers": [{"name": "a", "type": "ReLU"}]}', "that .*table.json names; it holds feat.* .9 in all"),
    ],
)
def test_tables_that_are_none(tmp_path, rng, text, message):
    (tmp_path / "table.json").write_text(text)
    weights = write_safetensors(tmp_path / "a.safetensors", arrays(rng))
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(weights, arch=tmp_path / "table.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(BadFile, match="there is no file"):
        mv.load(weights, arch=tmp_path / "other.json")


def test_tables_that_do_not_fit_the_file(tmp_path, rng):
    weights = write_safetensors(tmp_path / "a.safetensors", arrays(rng))
    layers = [dict(row) for row in TABLE["layers"]]
    layers[7]["weights"] = "missing"
    with pytest.raises(BadFile, match=r"layer 'fc2' \(FullyConnected\) has no w"):
        mv.load(weights, arch=table(tmp_path, layers=layers))
    layers[7]["weights"], layers[0]["stide"] = "classifier", 2
    with pytest.raises(BadFile, match=r"layer 'conv1' \(Conv2D\) has no setting and no parameter stide"):
        mv.load(weights, arch=table(tmp_path, layers=layers))
    with pytest.raises(BadFile, match="3 class names for 2 classes"):
        mv.load(weights, arch=table(tmp_path, classes=["a", "b", "c"]))
    with pytest.raises(BadFile, match="FullyConnected expects"):
        mv.load(weights, arch=table(tmp_path, input=[16, 16]))


# ---- rows of an FC layer behind flattened maps ----

BEHIND_FLATTEN = {
    "dropout": [{"name": "drop", "type": "Dropout", "rate": 0.5}],
    "relu": [{"name": "r", "type": "ReLU"}],
    "dropout and relu": [{"name": "drop", "type": "Dropout"}, {"name": "r", "type": "ReLU", "max_value": 1}],
    "batch norm": [{"name": "norm", "type": "BatchNorm"}, {"name": "r", "type": "ReLU"}],
    "sum": [{"name": "r", "type": "ReLU"}, {"name": "s", "type": "Add", "inputs": ["r", "flatten"]}],
    "concat": [{"name": "fc1", "type": "FullyConnected"},
               {"name": "both", "type": "Concat", "inputs": ["flatten", "fc1"]}],
    "permute": [{"name": "p", "type": "Permute", "shape": [20, 3], "axes": [1, 0]}],
}  # fmt: skip


@pytest.mark.parametrize("kind", BEHIND_FLATTEN)
def test_whatever_stands_behind_flatten_rows_are_where_pytorch_has_them(tmp_path, rng, kind):
    rows = [{"name": "flatten", "type": "Flatten"}, *BEHIND_FLATTEN[kind], {"name": "fc", "type": "FullyConnected"}]
    inputs = 66 if kind == "concat" else 60
    found = {"fc.weight": rng.standard_normal((2, inputs)), "fc1.weight": rng.standard_normal((6, 60))}
    found |= {f"norm.{key}": rng.uniform(0.5, 1, 60) for key in ("weight", "bias", "running_mean", "running_var")}
    named = {row["name"] for row in rows}
    found = {name: a.astype("f4") for name, a in found.items() if name.partition(".")[0] in named}
    arch = tmp_path / "t.json"
    arch.write_text(json.dumps({"input": [4, 5], "layers": rows}))
    net = mv.load(write_safetensors(tmp_path / "a.safetensors", found), arch=arch)
    x = rng.standard_normal((1, 4, 5, 3)).astype("f4")
    flat = x[0].transpose(2, 0, 1).reshape(-1)                          # C, H, W: as PyTorch flattens
    if kind == "batch norm":
        std = np.sqrt(found["norm.running_var"] + 1e-5)
        flat = (flat - found["norm.running_mean"]) / std * found["norm.weight"] + found["norm.bias"]
    between = {"sum": lambda v: v + v.clip(0), "concat": lambda v: np.concatenate([v, found["fc1.weight"] @ v]),
               "dropout": lambda v: v, "permute": lambda v: v, "dropout and relu": lambda v: v.clip(0, 1)}
    wanted = found["fc.weight"] @ between.get(kind, lambda v: v.clip(0))(flat)
    np.testing.assert_allclose(list(net.forward(x).values())[-1][0], wanted, rtol=2e-5, atol=1e-5)


def test_flattened_maps_that_cannot_be_told_apart_are_refused(tmp_path, rng):
    maps = [{"name": "a", "type": "MaxPool2D", "size": 1}, {"name": "b", "type": "MaxPool2D", "size": 2},
            {"name": "fa", "type": "Flatten", "inputs": ["a"]}, {"name": "fb", "type": "Flatten", "inputs": ["b"]},
            {"name": "both", "type": "Concat", "inputs": ["fa", "fb"]}, {"name": "fc", "type": "FullyConnected"}]
    arch = tmp_path / "t.json"
    arch.write_text(json.dumps({"input": [4, 4], "layers": maps}))
    path = write_safetensors(tmp_path / "a.safetensors", {"fc.weight": np.ones((2, 60), "f4")})
    with pytest.raises(BadFile, match="several flattened maps"):
        mv.load(path, arch=arch)


def test_an_answer_of_flattened_maps_is_refused_with_the_layer_that_helps(tmp_path, rng):
    rows = [{"name": "conv", "type": "Conv2D"}, {"name": "flatten", "type": "Flatten"},
            {"name": "prob", "type": "Softmax"}]  # fmt: skip
    arch = tmp_path / "t.json"
    arch.write_text(json.dumps({"input": [4, 5], "layers": rows}))
    path = write_safetensors(tmp_path / "a.safetensors", {"conv.weight": np.ones((2, 3, 1, 1), "f4")})
    with pytest.raises(BadFile, match=r'"Permute", "shape": \[20, 2\]'):
        mv.load(path, arch=arch)
    rows.insert(2, {"name": "p", "type": "Permute", "shape": [20, 2], "axes": [1, 0]})
    arch.write_text(json.dumps({"input": [4, 5], "layers": rows}))
    assert mv.load(path, arch=arch).roles["prob"] == "prob"


def ending_table(tmp_path, end, **changes):
    rows = [row for row in TABLE["layers"] if row["name"] != "prob"] + ([{"name": "end", "type": end}] if end else [])
    return table(tmp_path, layers=rows, **changes)


@pytest.mark.parametrize("end, prob", [(None, None), ("Softmax", "end"), ("LogSoftmax", None), ("Sigmoid", "end")])
def test_roles_are_found_for_any_end(tmp_path, rng, end, prob):
    path = write_safetensors(tmp_path / "a.safetensors", arrays(rng))
    net = mv.load(path, arch=ending_table(tmp_path, end, roles={}))
    assert (net.roles["logits"], net.roles["prob"], net.roles["code"]) == ("fc2", prob, "flatten")
    assert net.roles["style"] == ["relu1"] and net.roles["dream"] == net.roles["content"] == "relu1"
    assert sorted(row["class"] for row in mv.classify(net, np.zeros((8, 6, 3), "u1")).numbers["top"]) == ["cat", "dog"]


def test_names_for_one_output(tmp_path, rng):
    found = arrays(rng)
    found["classifier.weight"], found["classifier.bias"] = found["classifier.weight"][:1], found["classifier.bias"][:1]
    path = write_safetensors(tmp_path / "a.safetensors", found)
    for names, wanted in ((["cat"], ("cat", "not cat")), (["dog", "cat"], ("cat", "dog")), ([], ())):
        net = mv.load(path, arch=ending_table(tmp_path, "Sigmoid", classes=names))
        assert net.class_names == wanted
    with pytest.raises(BadFile, match="there are 3 class names, and this net has one output"):
        mv.load(path, arch=ending_table(tmp_path, "Sigmoid", classes=["a", "b", "c"]))
    with pytest.raises(BadFile, match="class names must be strings"):
        mv.load(path, arch=ending_table(tmp_path, "Sigmoid", classes=[1]))
    native = tmp_path / "a.h5"
    net = mv.load(path, arch=ending_table(tmp_path, None, classes=["cat"]))
    mv.save(net, native)
    assert mv.load(native).class_names == ("cat", "not cat")


def test_what_stands_before_the_names_of_one_net_is_found_and_of_two_is_asked(tmp_path, rng):
    found = arrays(rng)
    behind = {f"a.b.{name}": array for name, array in found.items()} | {"epoch.count": np.ones(1, "f4")}
    one = mv.load(write_safetensors(tmp_path / "one.safetensors", behind), arch=table(tmp_path))
    plain = mv.load(write_safetensors(tmp_path / "plain.safetensors", found), arch=table(tmp_path))
    for name, layer in plain.layers.items():
        for key, array in layer.params.items():
            np.testing.assert_array_equal(one.layers[name].params[key], array)
    two = {f"{part}.{name}": array for part in ("student", "teacher") for name, array in found.items()}
    path = write_safetensors(tmp_path / "two.safetensors", two)
    with pytest.raises(BadFile, match=r"holds 2 nets of these names \(student, teacher\): name .* --part student"):
        mv.load(path, arch=table(tmp_path))
    assert mv.load(path, arch=table(tmp_path), part="teacher").about["architecture"] == plain.about["architecture"]


@pytest.mark.parametrize("channels", [1, 2, 13])
def test_as_many_channels_as_the_first_convolution_reads(tmp_path, rng, channels):
    found = arrays(rng)
    found["features.0.weight"] = rng.standard_normal((4, channels, 3, 3)).astype("f4")
    path = write_safetensors(tmp_path / "a.safetensors", found)
    net = mv.load(path, arch=table(tmp_path, preprocess="unit"))
    assert net.preprocessing.scale == (255.0,) * channels
    own = {"mean": list(range(channels)), "scale": [2] * channels}
    net = mv.load(path, arch=table(tmp_path, preprocessing=own))
    assert net.preprocessing.mean == tuple(range(channels)) and net.input_channels == channels
    with pytest.raises(BadFile, match=f"is for 3 channels, and the net reads {channels}: name {channels} means"):
        mv.load(path, arch=table(tmp_path))             # torchvision's three


def test_a_limit_is_the_last_number_that_is_read(tmp_path, monkeypatch):
    rows = [{"name": name, "type": "ReLU"} for name in "ab"]
    (tmp_path / "table.json").write_text(json.dumps(rows))
    last_taken(monkeypatch, "weights.layer_table_file.MOST_LAYERS", 2, lambda: read(tmp_path / "table.json"))
