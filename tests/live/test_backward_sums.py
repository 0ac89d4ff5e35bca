"""The sums behind one gradient, held against numbers worked out by hand."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.layers import Conv2D, Flatten, FullyConnected, MaxPool2D, ReLU, Scale
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


W = np.random.default_rng(1).standard_normal((2, 3, 2, 6))
READERS = {
    "pool": MaxPool2D((2, 3), stride=(1, 2), padding=((1, 0), (0, 2))),
    "pool of the other shape": MaxPool2D((3, 2), stride=(2, 1), padding=((0, 2), (1, 0))),
    "convolution": Conv2D(W, stride=(1, 2), padding=((1, 0), (0, 2)), dilation=(2, 1), groups=2),
    "convolution of the other shape": Conv2D(W.swapaxes(0, 1), stride=(2, 1), padding=((0, 2), (1, 0)),
                                             dilation=(1, 2)),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_place_gets_a_term_from_each_window_that_holds_it(rng, kind):
    """Nothing has the same height as width, and nothing the same before as after."""
    reader = READERS[kind]
    shape = (1, 5, 6, reader.channels or 3)
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    out = reader.output_shape(shape)
    net.add("reader", reader).add("flat", Flatten())
    net.add("score", FullyConnected(rng.standard_normal((np.prod(out), 2))))
    acts = net.forward(rng.standard_normal(shape))
    wanted = net.backward(acts, {"score": np.array([[1.0, 0]])})[0]["input"][0]
    geometry, is_conv = {"dilation": (1, 1), **reader.geometry(shape)}, isinstance(reader, Conv2D)
    size = reader.params["w"].shape[:2] if is_conv else reader.size
    for at in np.ndindex(shape[1:]):
        held = [sum(i * step - pad[0] + k * dilation == place for i in range(outputs) for k in range(kernel))
                for place, outputs, kernel, step, pad, dilation in zip(
                    at, out[1:3], size, geometry["stride"], geometry["padding"], geometry["dilation"])]
        found = backward(net, acts, "input", at, "goose")["rules"]["normal"]
        filters = out[3] // reader.groups if is_conv else 1
        assert len(found["terms"]) + found["more"]["count"] == held[0] * held[1] * filters
        assert found["total"] == pytest.approx(wanted[at], abs=1e-12)
        for term in found["terms"]:
            assert is_conv or term["why"] == ("it was the maximum" if term["w"] == 1 else "another was larger")


def totals(found):
    return {rule: found["rules"][rule]["total"] for rule in ("normal", "deconv", "guided")}


def test_a_score_sends_back_its_weights(net, acts):
    found = backward(net, acts, "relu", (1,), "score:1")
    assert found["target"] == "cat"
    (first, second) = found["rules"]["normal"]["terms"]
    assert (first["label"], first["d"], first["w"], first["product"]) == ("score:cat", 1, -3, -3)
    assert (second["label"], second["d"], second["w"], second["product"]) == ("score:goose", 0, 2, 0)
    assert backward(net, acts, "relu", (1,))["target"] == "goose"          # by default the largest: 36 and -54
    net.class_names = ("goose",)
    assert [backward(net, acts, "relu", (1,), f"score:{k}")["target"] for k in (0, 1)] == ["goose", "score:1"]


def test_the_way_back_begins_with_one_at_the_score_itself(net, acts):
    (term,) = backward(net, acts, "score", (1,), "score:1")["rules"]["normal"]["terms"]
    assert (term["label"], term["d"], term["product"]) == ("the score itself", 1, 1)


def test_the_rules_differ_in_what_passes_a_relu(net, acts):
    assert totals(backward(net, acts, "fc", (0,), "goose")) == {"normal": 0, "deconv": 1, "guided": 0}
    assert totals(backward(net, acts, "fc", (1,), "goose")) == {"normal": 2, "deconv": 2, "guided": 2}
    assert totals(backward(net, acts, "fc", (1,), "cat")) == {"normal": -3, "deconv": 0, "guided": 0}


def gates(layer, x, rule="normal"):
    """[(1 if it is open, why)] of the gate at each number of x."""
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    net.add("flat", Flatten()).add("relu", layer).add("score", FullyConnected(np.full((len(x), 2), 2.0)))
    acts = net.forward(np.array(x).reshape(1, 1, 1, -1))
    terms = [backward(net, acts, "flat", (k,), "goose")["rules"][rule]["terms"][0] for k in range(len(x))]
    return [(term["w"], term["why"]) for term in terms]


def test_at_its_kinks_a_relu_is_shut_and_it_names_each_condition_that_it_has():
    assert gates(ReLU(), [-1.0, 0.0, 0.5]) == [(0, "[x > 0] = 0"), (0, "[x > 0] = 0"), (1, "[x > 0] = 1")]
    assert gates(ReLU(6), [0.0, 5.5, 6.0]) == [
        (0, "[x > 0] · [x < 6] = 0"), (1, "[x > 0] · [x < 6] = 1"), (0, "[x > 0] · [x < 6] = 0")]
    assert gates(ReLU(), [-1.0, 0.0, 0.5], "deconv") == 3 * [(1, "[d > 0] = 1")]
    assert gates(ReLU(6), [-1.0, 0.5, 6.5], "guided") == [
        (opened, f"[x > 0] · [x < 6] · [d > 0] = {opened}") for opened in (0, 1, 0)]


def test_a_flatten_hands_each_place_the_gradient_of_its_own_number():
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    w = np.arange(1.0, 25).reshape(12, 2)
    net.add("double", Scale(np.full(3, 2.0), np.zeros(3))).add("flat", Flatten()).add("score", FullyConnected(w))
    acts = net.forward(np.ones((1, 2, 2, 3)))
    for k, at in enumerate(np.ndindex(2, 2, 3)):
        (term,) = backward(net, acts, "double", at, "cat")["rules"]["normal"]["terms"]
        assert term == {"label": f"flat:{k}", "d": w[k, 1], "w": 1, "product": w[k, 1]}


def test_of_a_class_the_gradient_is_that_of_its_own_score(net, acts):
    found = backward(net, acts, "score", (1,))
    assert (found["target"], found["target_unit"]) == ("cat", "score:1")
    assert totals(found) == {"normal": 1, "deconv": 1, "guided": 1}


def test_the_score_itself_begins_with_one_and_a_net_without_classes_says_why(net, acts):
    assert totals(backward(net, acts, "score", (0,), "goose")) == {"normal": 1, "deconv": 1, "guided": 1}
    net.roles["logits"] = None
    assert "no classes" in backward(net, acts, "fc", (0,))["why"]
