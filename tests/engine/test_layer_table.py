"""Layer tables: from a net to plain values and back, and one sentence for whatever does not fit."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from minivis.engine import layer_table
from minivis.engine.network import Network
from minivis.errors import BadFile, MinivisError, UnknownName
from minivis.layers import Conv2D, FullyConnected, Layer, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.weights import layer_table_file
from tests.saved_nets import same

# --- a table of any kind gives a net that works, or a sentence ---

STRANGE = [None, True, -1, 0, 3, 1.5, math.nan, math.inf, "x", "", [], [1], [[1, 1], [1, 1]], {}, {"x": 1}]


def places(value, path=()):
    """The path of everything inside of nested dicts and lists."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield (*path, key)
        if isinstance(value[key], dict | list):
            yield from places(value[key], (*path, key))


@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
def test_any_change_of_a_description_gives_a_net_or_a_sentence(make):
    net = make()
    table = json.loads(json.dumps(layer_table.describe(net)))
    params = {name: layer.params for name, layer in net.layers.items()}
    rng, refused, works = np.random.default_rng(0), 0, 0
    for place in places(table):
        for strange in [*rng.permutation(np.array(STRANGE, object))[:4], "delete"]:
            broken = copy.deepcopy(table)
            inside = broken
            for key in place[:-1]:
                inside = inside[key]
            if isinstance(strange, str) and strange == "delete":
                del inside[place[-1]]
            else:
                inside[place[-1]] = strange
            try:
                got = layer_table.build(broken, lambda name: params.get(name, {}), "net.h5")
                with np.errstate(all="ignore"):
                    size = got.input_size or (19, 14)
                    got.forward(np.ones((1, *size, got.input_channels), got.dtype), training=True, rng=rng)
                works += 1
            except MinivisError as caught:
                refused += 1
                assert "\n" not in str(caught)
    assert works > 100 and refused > 300


def test_make_layer():
    w = np.ones((1, 1, 3, 2))
    assert isinstance(layer_table.make_layer("a", "Conv2D", {"w": w}, {"stride": 2}), Conv2D)
    assert layer_table.make_layer("a", "FullyConnected", {"w": w[0, 0]}, {}).params.keys() == {"w"}
    assert isinstance(layer_table.make_layer("a", "MaxPool2D", {}, {"size": 2}), Layer)
    with pytest.raises(UnknownName, match="no layer type named 'Dense'"):
        layer_table.make_layer("a", "Dense", {}, {})
    with pytest.raises(BadFile, match=r"layer 'a' \(Conv2D\) has no w"):
        layer_table.make_layer("a", "Conv2D", {"b": w}, {})
    with pytest.raises(BadFile, match=r"layer 'a' \(BatchNorm\) has no gamma and no mean and no var"):
        layer_table.make_layer("a", "BatchNorm", {"beta": w}, {"eps": 1e-3})
    with pytest.raises(BadFile, match=r"layer 'a' \(ReLU\) has no setting and no parameter size or w"):
        layer_table.make_layer("a", "ReLU", {"w": w}, {"size": 3})


def test_a_table_without_a_list_of_parameters_is_read_too():
    """A user's own --arch table does not name them."""
    net = tiny_vgg()
    table = layer_table.describe(net)
    for row in table["layers"]:
        del row["parameters"]
    assert same(layer_table.build(table, lambda name: net.layers[name].params, "arch.json"), net)
    assert isinstance(net.layers["fc6"], FullyConnected) and replace(net).nodes is net.nodes


ROWS = [{"name": "a", "inputs": ["input"]}, {"name": "b", "inputs": ["a"]}, {"name": "c", "inputs": ["a", "b"]}]


@pytest.mark.parametrize("number, change, sentence", [
    (1, {"name": "a", "inputs": ["a"]}, "two layers are called 'a': give each a name of its own"),
    (0, {"name": "input"}, "'input' is what the first layer reads: give the layer another name"),
    (1, {"inputs": ["b"]}, "layer 'b' reads 'b', and no layer before it has that name"),
    (1, {"inputs": ["c"]}, "layer 'b' reads 'c', and no layer before it has that name"),
    (2, {"inputs": 5}, "layer 'c': its inputs are a list of layers' names, not 5"),
    (2, {"inputs": []}, "layer 'c': its inputs are a list of layers' names, not \\[\\]"),
    (2, {"inputs": [["a"]]}, "layer 'c': its inputs are a list"),
])  # fmt: skip
def test_rows_have_names_of_their_own_and_read_what_comes_before(number, change, sentence):
    layer_table.check_order(ROWS)
    rows = copy.deepcopy(ROWS)
    rows[number].update(change)
    with pytest.raises(MinivisError, match=sentence):
        layer_table.check_order(rows)


@pytest.mark.parametrize("names, inputs", [(("pool", "pool"), ("input", "pool")), (("a", "b"), ("b", "a"))])
def test_a_table_whose_layers_read_one_another_in_a_circle_is_refused(tmp_path, names, inputs):
    """Who looks for the channels that a fully connected layer reads would walk around it for ever."""
    rows = [{"name": n, "type": "MaxPool2D", "size": 2, "inputs": i} for n, i in zip(names, inputs)]
    path = tmp_path / "arch.json"
    rows += [{"name": "flatten", "type": "Flatten"}, {"name": "fc", "type": "FullyConnected"}]
    path.write_text(json.dumps(rows))
    with pytest.raises(BadFile, match=r"arch.json: (two layers are called 'pool'|layer 'a' reads 'b')"):
        layer_table_file.read(path)


def test_a_fingerprint_tells_nets_apart_by_whatever_they_compute():
    net = tiny_vgg()
    found = layer_table.fingerprint(net)
    assert found == layer_table.fingerprint(replace(net, class_names=(), about={"licence": "none"}))
    w = net.layers["conv1_1"].params["w"].copy()
    w[0, 0, 0, 0] += 1e-3
    others = [net.astype(np.float64), replace(net, preprocessing=replace(net.preprocessing, mean=(1, 2, 3)))]
    others.append(net.map_params(lambda p: w if p.shape == w.shape else p))
    others.append(replace(net, nodes=dict(list(net.nodes.items())[:-1])))
    assert len({found, *map(layer_table.fingerprint, others)}) == 5


def test_a_layer_of_ones_own_has_a_fingerprint_by_its_settings():
    class Scale(ReLU):
        settings = ("by",)

        def __init__(self, by):
            super().__init__()
            self.by = by

    one, same_one, other = (Network().add("a", Scale(by)) for by in (frozenset("a"), frozenset("a"), np.arange(2)))
    assert layer_table.fingerprint(one) == layer_table.fingerprint(same_one) != layer_table.fingerprint(other)
