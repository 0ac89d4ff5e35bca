"""A number taken apart, layer by layer: by hand, and against the engine for every kind of layer."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.layers import RULES, Conv2D, Flatten, FullyConnected, MaxPool2D, ReLU
from minivis.live.step_through import step_through


@pytest.fixture
def net():
    """A pixel of three colours, two numbers behind a ReLU, two scores."""
    net = Network(class_names=("goose", "cat"))
    net.roles["logits"] = "score"
    net.add("flat", Flatten()).add("fc", FullyConnected(np.array([[1.0, 2], [3, 4], [-5, 6]]), np.array([0.5, 1])))
    return net.add("relu", ReLU()).add("score", FullyConnected(np.array([[1.0, -1], [2, -3]]), np.zeros(2)))


X = np.array([2.0, -1, 3]).reshape(1, 1, 1, 3)


def of_relus(back):
    """The gradients under the lecture's three rules; others may be added to RELU_RULES."""
    return {rule: back.gradients[rule] for rule in ("normal", "deconv", "guided")}


def test_by_hand(net):
    """fc:1 = 2*2 - 1*4 + 3*6 + 1 = 19, and the goose 2 * 19, as fc:0 = 2 - 3 - 15 + 0.5 is below 0."""
    found = step_through(net, X, "goose")
    assert found.value == 38 and [step.unit for step in found.steps] == ["flat:2", "fc:1", "relu:1", "score:goose"]
    fc, score = found.steps[1], found.steps[3]
    assert [(t.unit, t.x, t.weight, t.product) for t in fc.terms] == [
        ("flat:2", 3, 6, 18), ("flat:1", -1, 4, -4), ("flat:0", 2, 2, 4)]
    assert (fc.bias, fc.value, fc.others, fc.is_sum) == (1, 19, 0, True)
    assert [(t.unit, t.product) for t in score.terms] == [("relu:1", 38)] and found.pixel == (0, 0)
    assert [of_relus(back) for back in found.back] == [
        {"normal": 1, "deconv": 1, "guided": 1}, {"normal": 2, "deconv": 2, "guided": 2},
        {"normal": 2, "deconv": 2, "guided": 2}, {"normal": 12, "deconv": 7, "guided": 12},
        {"normal": 12, "deconv": 7, "guided": 12}]            # 2 * 6, and -5 where deconv asks x not


def test_a_number_that_a_relu_has_stopped(net):
    found = step_through(net, X, "relu:0")
    assert found.value == 0 and found.steps[-1].terms == () and found.steps[-1].count == 0
    assert found.steps[-2].unit == "fc:0" and found.steps[-2].value == -15.5
    assert of_relus(found.back[1]) == {"normal": 0, "deconv": 1, "guided": 0}


def test_parts_of_the_number_are_shared_out(net):
    found = step_through(net, X, "goose")
    for back in found.back[1:3]:                                        # relu:1 and fc:1 have all of it
        assert back.gradients["lrp-gamma"] == pytest.approx(38) and back.gradients["lrp-flat"] < 38
    assert all(set(back.gradients) == set(RULES) for back in found.back)


def test_only_the_largest_are_shown_and_the_others_summed(net):
    step = step_through(net, X, "fc:1", largest=1).steps[-1]
    assert len(step.terms) == 1 and (step.count, step.others) == (3, 0)             # 4 - 4


def test_a_pool_leads_to_its_winner():
    net = Network().add("conv", Conv2D(np.eye(3).reshape(1, 1, 3, 3), np.zeros(3))).add("pool", MaxPool2D(2))
    x = np.zeros((1, 2, 2, 3))
    x[0, 1, 0, 2] = 5
    found = step_through(net, x, "pool:2@0,0")
    assert [step.unit for step in found.steps] == ["conv:2@1,0", "pool:2@0,0"] and found.pixel == (1, 0)
    assert "no classes" in found.score["why"]


def test_every_sum_is_the_engines_number(branches):
    """Of every kind of layer, from a score down."""
    x = np.random.default_rng(0).standard_normal((1, 20, 19, 3))
    logits = branches.role("logits")
    found = step_through(branches, x, f"{logits}:1")
    acts = branches.forward(x)
    assert found.value == pytest.approx(float(acts[logits][0, 1]))
    for step in found.steps:
        total = sum(term.product for term in step.terms) + step.others + (step.bias or 0)
        assert not step.is_sum or total == pytest.approx(step.value, rel=1e-6, abs=1e-9), step
    assert sum(step.is_sum for step in found.steps) > len(found.steps) / 2 and found.pixel is not None
