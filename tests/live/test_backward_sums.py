"""The sums behind one gradient, held against numbers worked out by hand."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.layers import Conv2D, Flatten, FullyConnected, MaxPool2D, ReLU
from minivis.live.backward_sums import backward, readers_of


def test_the_readers_of_a_row_are_the_outputs_whose_windows_hold_it():
    geometry = {"stride": (2, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 1)}
    assert list(readers_of(3, 3, 4, geometry, 0)) == [(2, 0), (1, 2)]      # output 2 begins at row 2 * 2 - 1
    assert list(readers_of(0, 3, 4, geometry, 0)) == [(0, 1)]              # there is no output -1
    assert list(readers_of(7, 3, 4, geometry, 0)) == [(3, 2)]              # and no output 4
    assert list(readers_of(2, 3, 4, geometry, 1)) == [(2, 0), (1, 1), (0, 2)]


@pytest.fixture
def net():
    """Three numbers, two of them after a ReLU, and two scores; at [2, -1, 3] they are -16 and 18."""
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    net.add("flat", Flatten()).add("fc", FullyConnected(np.array([[1.0, 2], [3, 4], [-5, 6]]), np.zeros(2)))
    return net.add("relu", ReLU()).add("score", FullyConnected(np.array([[1.0, -1], [2, -3]]), np.zeros(2)))


@pytest.fixture
def acts(net):
    return net.forward(np.array([2.0, -1, 3]).reshape(1, 1, 1, 3))


@pytest.mark.parametrize("H, W", [(4, 6), (6, 4)])
def test_a_place_gets_a_term_from_each_window_of_a_pool_that_holds_it(rng, H, W):
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    net.add("conv", Conv2D(rng.standard_normal((1, 1, 1, 2)))).add("pool", MaxPool2D(2, stride=1))
    net.add("flat", Flatten()).add("score", FullyConnected(rng.standard_normal(((H - 1) * (W - 1) * 2, 2))))
    acts = net.forward(rng.standard_normal((1, H, W, 1)))
    wanted = net.backward(acts, {"score": np.array([[1.0, 0]])}, keep=["conv"])[0]["conv"][0]
    for at in ((1, 2, 0), (H - 2, W - 2, 1), (0, W - 1, 0), (H - 1, 0, 1)):
        found = backward(net, acts, "conv", at, "goose")["rules"]["normal"]
        assert len(found["terms"]) == (2 - (at[0] in (0, H - 1))) * (2 - (at[1] in (0, W - 1)))
        assert found["total"] == pytest.approx(wanted[at], abs=1e-12)


def totals(found):
    return {rule: found["rules"][rule]["total"] for rule in ("normal", "deconv", "guided")}


def test_a_score_sends_back_its_weights(net, acts):
    found = backward(net, acts, "relu", (1,), "score:1")
    assert found["target"] == "cat"
    (first, second) = found["rules"]["normal"]["terms"]
    assert (first["label"], first["d"], first["w"], first["product"]) == ("score:cat", 1, -3, -3)
    assert (second["label"], second["d"], second["w"], second["product"]) == ("score:goose", 0, 2, 0)
    assert backward(net, acts, "relu", (1,))["target"] == "goose"          # by default the largest: 36 and -54


def test_the_way_back_begins_with_one_at_the_score_itself(net, acts):
    (term,) = backward(net, acts, "score", (1,), "score:1")["rules"]["normal"]["terms"]
    assert (term["label"], term["d"], term["product"]) == ("the score itself", 1, 1)


def test_the_rules_differ_in_what_passes_a_relu(net, acts):
    assert totals(backward(net, acts, "fc", (0,), "goose")) == {"normal": 0, "deconv": 1, "guided": 0}
    assert totals(backward(net, acts, "fc", (1,), "goose")) == {"normal": 2, "deconv": 2, "guided": 2}
    assert totals(backward(net, acts, "fc", (1,), "cat")) == {"normal": -3, "deconv": 0, "guided": 0}


def test_of_a_class_the_gradient_is_that_of_its_own_score(net, acts):
    found = backward(net, acts, "score", (1,))
    assert (found["target"], found["target_unit"]) == ("cat", "score:1")
    assert totals(found) == {"normal": 1, "deconv": 1, "guided": 1}


def test_the_score_itself_begins_with_one_and_a_net_without_classes_says_why(net, acts):
    assert totals(backward(net, acts, "score", (0,), "goose")) == {"normal": 1, "deconv": 1, "guided": 1}
    net.roles["logits"] = None
    assert "no classes" in backward(net, acts, "fc", (0,))["why"]
