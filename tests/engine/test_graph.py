"""A net as data: how it grows, which roles it has, and a sentence for every mistake."""

import pytest

from minivis.engine.graph import ROLES
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.layers import Add, Concat, ReLU


def test_a_layer_reads_the_one_before_unless_told():
    net = Network().add("a", ReLU()).add("b", ReLU()).add("c", Add(), "a", "b").add("d", ReLU(), "input")
    assert {name: node.inputs for name, node in net.nodes.items()} == {
        "a": ("input",), "b": ("a",), "c": ("a", "b"), "d": ("input",)
    }  # fmt: skip
    assert list(net.layers) == ["a", "b", "c", "d"] and net.layers["c"] is net.nodes["c"].layer


@pytest.mark.parametrize("args, kind, message", [
    (("input", ReLU()), BadValue, "a layer 'input' exists already"),
    (("relu", ReLU()), BadValue, "a layer 'relu' exists already"),
    (("new", ReLU(), "later"), UnknownName, "no layer named 'later'. Choose from: input, relu"),
    (("new", ReLU(), "new"), UnknownName, "no layer named 'new'"),
    (("new", ReLU(), "relu", "input"), BadValue, "new: ReLU reads 1 layer, not relu, input"),
    (("new", Concat()), BadValue, "new: Concat reads two or more layers, so name them all, not only relu"),
    (("new", Add(), "input"), BadValue, "new: Add reads two or more layers"),
    (("", ReLU()), BadValue, "a layer's name must be a string of at least one character, not ''"),
    ((7, ReLU()), BadValue, "a layer's name must be a string of at least one character, not 7"),
])  # fmt: skip
def test_mistakes_of_add(args, kind, message):
    net = Network().add("relu", ReLU())
    with pytest.raises(kind, match=message):
        net.add(*args)
    assert list(net.nodes) == ["relu"]


def test_roles(vgg):
    assert vgg.role("logits") == "fc8" and vgg.role("style") == ["relu1_1", "relu2_1"]
    with pytest.raises(UnknownName, match="no role named 'logit'; did you mean 'logits'"):
        vgg.role("logit")
    net = Network().add("a", ReLU())
    assert set(net.roles) == set(ROLES)
    with pytest.raises(UnknownName, match=r"no layer for the role 'prob'; choose one from: input, a"):
        net.role("prob")
