"""What a net answers, for every way to end: by hand, and that what the net itself has stays."""

from dataclasses import replace

import numpy as np
import pytest
from ended_nets import ENDS, ended

from minivis.engine.ending import Ending, answering, class_count, name_classes, without_lone_softmax
from minivis.engine.network import Node
from minivis.errors import BadValue, UnknownName
from minivis.layers import Conv2D, FullyConnected, GlobalAvgPool, Sigmoid, Softmax
from minivis.models.tiny import tiny_vgg


def scores_of(net, x):
    return net.forward(x, grad=None)["fc8"]


@pytest.mark.parametrize("end", ENDS)
def test_probabilities_of_every_end(end, rng):
    net = ended(end, dtype=np.float64)
    full, x = answering(net), rng.standard_normal((2, 16, 16, 3))
    acts, z = full.forward(x, grad=None), scores_of(net, x)
    found, p = Ending.of(full), acts[full.roles["prob"]]
    if end.startswith("one"):
        wanted = np.hstack([1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))])
        np.testing.assert_array_equal(acts[full.roles["logits"]], np.hstack([z, -z]))
    elif end == "sigmoids":
        wanted = 1 / (1 + np.exp(-z))
    else:
        wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, wanted, rtol=1e-9)
    np.testing.assert_allclose(found.probs(acts[found.logits]), wanted, rtol=1e-9)
    assert (found.independent, found.several) == (end in ("sigmoids", "one logit", "one sigmoid"), end == "sigmoids")
    assert class_count(net) == class_count(full) == p.shape[1] == max(2, z.shape[1])
    if end in ("softmax", "sigmoids"):
        assert full is net                              # it has all that it needs
    else:
        assert list(net.nodes)[-1] in ("fc8", "end") and full.layers["conv1_1"] is net.layers["conv1_1"]


def test_what_counts_as_said():
    scores = np.array([[2.0, 1, -1], [-3, -2, -1]])
    both, one = Ending.of(answering(ended("sigmoids"))), Ending.of(answering(ended("softmax")))
    assert both.says(scores, np.array([1, 2])).tolist() == [True, False]
    assert one.says(scores, np.array([1, 2])).tolist() == [False, True]
    assert one.says(scores, np.array([0, 0])).tolist() == [True, False]


def test_log_probabilities_by_hand():
    odds = Ending.of(answering(ended("softmax")))
    np.testing.assert_allclose(np.exp(odds.log_probs(np.log([1.0, 2, 5]) + 900, 2)), [5 / 8, 3 / 8], rtol=1e-9)
    alone = Ending.of(answering(ended("sigmoids")))
    np.testing.assert_allclose(np.exp(alone.log_probs(np.log([3.0, 9]), 0)), [3 / 4, 1 / 4], rtol=1e-9)
    assert alone.log_probs(np.array([-2000.0]), 0)[0] == -2000


def test_names_of_two_answers():
    net = ended("one logit")
    assert answering(net).class_names == ("class", "not class")
    name_classes(net, ["cat"])
    assert answering(net).class_names == net.class_names == ("cat", "not cat")
    name_classes(net, ["dog", "cat"])                   # of label 0 and of label 1, whose score it is
    assert answering(net).class_names == ("cat", "dog")
    assert Ending.of(answering(ended("logits"))).names(3) == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("end, names, message", [
    ("one logit", "abc", "there are 3 class names, and this net has one output: give one name"),
    ("one sigmoid", "", "there are 0 class names, and this net has one output"),
    ("logits", "ab", "there are 2 class names for 3 classes: give one name for each"),
    ("sigmoids", "a", "there is 1 class name for 3 classes"),
])  # fmt: skip
def test_a_wrong_count_of_names(end, names, message):
    with pytest.raises(BadValue, match=message):
        name_classes(ended(end), list(names))


def test_names_become_texts_and_old_aliases_go():
    net = tiny_vgg(classes=3)
    net.class_aliases = {"old": 1}
    name_classes(net, ["a", "b", 7])
    assert net.class_names == ("a", "b", "7") and net.class_aliases == {}


def test_without_classes_nothing_is_added():
    net = replace(tiny_vgg(), roles=dict.fromkeys(tiny_vgg().roles))
    assert answering(net) is net and class_count(net) == 0
    with pytest.raises(UnknownName, match="this net has no classes"):
        Ending.of(net)


def test_names_of_layers_that_are_taken():
    net = ended("one logit")
    net.nodes["answers"] = Node(Sigmoid(), ("relu7",))
    full = answering(net)
    assert full.roles["logits"] == "answers_2" and full.roles["prob"] == "probabilities"


def test_scores_of_one_position_are_flattened(rng):
    net = tiny_vgg()
    net.nodes = {name: net.nodes[name] for name in ("conv1_1", "relu1_1")}
    net.add("pool", Conv2D(rng.standard_normal((16, 16, 6, 4)).astype("f4")))
    net.roles.update(dict.fromkeys(net.roles), logits="pool")
    full = answering(net)
    assert full.shapes()[full.roles["prob"]] == (1, 4) and class_count(net) == 4
    net.nodes["pool"] = Node(Conv2D(rng.standard_normal((3, 3, 6, 4)).astype("f4")), ("relu1_1",))
    assert answering(net) is net                        # maps are no classes


def test_a_net_by_hand_that_takes_any_size(rng):
    net = replace(tiny_vgg(), nodes={}, roles={"logits": "fc"})
    net.add("gap", GlobalAvgPool()).add("fc", FullyConnected(rng.standard_normal((3, 2)).astype("f4")))
    net.preprocessing = replace(net.preprocessing, size=None)
    assert isinstance(answering(net).layers["probabilities"], Softmax)


def test_a_softmax_over_one_number_becomes_a_sigmoid():
    net = ended("one logit")
    net.add("prob", Softmax())
    net.roles["prob"] = "prob"
    assert isinstance(without_lone_softmax(net).layers["prob"], Sigmoid)
    x = np.zeros((1, 16, 16, 3), "f4")
    p = answering(net).forward(x, grad=None)["probabilities"]           # even where it is a net's own
    assert 0 < p[0, 0] < 1 and p.sum() == pytest.approx(1)
    three = ended("softmax")
    assert without_lone_softmax(three) is three
