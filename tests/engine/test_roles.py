"""What the layers of a net are for, by what they are."""

import pytest
from ended_nets import ENDS, ended

from minivis.engine.network import Network
from minivis.engine.roles import ancestors, name_roles
from minivis.layers import LeakyReLU
from minivis.models.tiny import Weights, tiny_branches, tiny_vgg


def test_roles_by_what_the_layers_are():
    net = tiny_vgg()
    net.roles.update(dict.fromkeys(net.roles))
    name_roles(net, "prob")
    assert net.roles["prob"] == "prob" and net.roles["logits"] == "fc8" and net.roles["code"] == "relu7"
    assert net.roles["style"] == ["relu1_1", "relu2_1"]             # of each size the first
    assert net.roles["content"] == net.roles["dream"] == "relu2_1"
    net.roles.update(dict.fromkeys(net.roles))
    name_roles(net, "fc8")
    assert net.roles["logits"] == "fc8" and net.roles["prob"] is None


@pytest.mark.parametrize("end", ENDS)
def test_scores_and_probabilities_of_every_end(end):
    has_probabilities = end in ("softmax", "sigmoids", "one sigmoid")
    roles = ended(end).roles
    assert roles["logits"] == "fc8" and roles["prob"] == ("end" if has_probabilities else None)


def test_what_is_named_already_stays():
    net = tiny_vgg()
    before = {role: list(played) if isinstance(played, list) else played for role, played in net.roles.items()}
    name_roles(net)
    assert net.roles == before                          # its code is fc7, before the ReLU
    net.roles.update(style=None, content="conv2_1")
    name_roles(net)
    assert net.roles["content"] == "conv2_1" and net.roles["style"] == ["relu1_1", "relu2_1"]


def test_nets_without_a_relu():
    weights, net = Weights(), Network()
    net.add("a", weights.conv(3, 3, 3, 4)).add("leak", LeakyReLU()).add("b", weights.conv(3, 3, 4, 4, stride=2))
    name_roles(net)
    assert net.roles["style"] == ["leak"] and net.roles["logits"] is None          # it ends in maps
    del net.nodes["leak"], net.nodes["b"]
    net.add("b", weights.conv(3, 3, 4, 4, stride=2), "a")
    net.roles.update(dict.fromkeys(net.roles))
    name_roles(net)
    assert net.roles["style"] == ["a", "b"] and net.roles["content"] == "b"


def test_ancestors_in_the_order_of_the_net():
    net = tiny_branches()
    assert ancestors(net, "b_conv") == ["stem", "stem_bn", "stem_relu", "norm", "b", "b_conv"]
    assert ancestors(net, "input") == []
