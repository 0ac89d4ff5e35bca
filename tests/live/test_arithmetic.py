"""Explain this number: what is shown must be what the engine computed, forwards, and backwards under each rule."""

import numpy as np
import pytest

from minivis.engine import plan
from minivis.errors import BadValue
from minivis.layers.relu import RELU_RULES
from minivis.live.arithmetic import explain, outputs_needed


def input_of(net, rng):
    return rng.standard_normal((1, 16, 16, 3)).astype(net.dtype)


def every_layer(net, x):
    """A unit of each layer, off the border where there is one, and its index."""
    acts = net.forward(x)
    for name, value in acts.items():
        shape = value.shape[1:]
        at = tuple(min(n - 1, k) for n, k in zip(shape, (1, 2, 3))) if len(shape) == 3 else (min(shape[0] - 1, 2),)
        yield acts, name, at, f"{name}:{at[-1]}" + (f"@{at[0]},{at[1]}" if len(at) == 3 else "")


@pytest.mark.parametrize("which", ["vgg", "branches"])
def test_both_ways_sum_to_what_the_engine_computed(which, request, rng):
    net = request.getfixturevalue(which)
    x = input_of(net, rng)
    logits = net.roles["logits"]
    for acts, name, at, unit in every_layer(net, x):
        found = explain(net, x, unit, target=f"{logits}:1")
        assert found["value"] == acts[name][0][at]
        if "groups" in found["forward"] and "more" in found["forward"]:
            forward = found["forward"]
            shown = sum(group["sum"] for group in forward["groups"]) + forward["more"]["sum"] + forward["bias"]
            assert shown == pytest.approx(found["value"], rel=1e-10, abs=1e-12), unit
            for group in forward["groups"]:
                assert np.multiply(group["x"], group["w"]).sum() == pytest.approx(group["sum"], rel=1e-10, abs=1e-12)
        if name == "prob":
            assert "why" in found["backward"]
            continue
        seed = np.zeros_like(acts[logits])
        seed[0, 1] = 1
        for rule in RELU_RULES:
            dacts, _ = net.backward(acts, {logits: seed}, relu_rule=rule, keep="all")
            part = found["backward"]["rules"][rule]
            assert part["total"] == pytest.approx(dacts[name][0][at], rel=1e-10, abs=1e-12), (unit, rule)
            summed = sum(term["product"] for term in part["terms"]) + part["more"]["sum"]
            assert summed == pytest.approx(part["total"], rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("which", ["vgg", "branches"])
def test_a_large_net_is_told_the_same_with_less_in_memory(which, request, rng, monkeypatch):
    net = request.getfixturevalue(which)
    x = input_of(net, rng)
    units = [unit for _, _, _, unit in every_layer(net, x)]
    whole = [explain(net, x, unit) for unit in units]
    monkeypatch.setattr("minivis.live.arithmetic.MOST", 0)
    for unit, found in zip(units, whole):
        assert repr(explain(net, x, unit)) == repr(found), unit
    first = next(iter(net.nodes))
    early, late = (outputs_needed(net, x, name) for name in (first, net.roles["logits"]))
    assert len(early) < len(net.nodes) / 2 and len(late) < len(net.nodes) / 2
    monkeypatch.undo()
    assert outputs_needed(net, x, first) >= set(plan.reached(net, net.roles["logits"]))


def test_the_window_at_a_corner_is_zero_outside_the_picture(vgg, rng):
    x = input_of(vgg, rng)
    group = explain(vgg, x, "conv1_1:0@0,0")["forward"]["groups"][0]
    c = int(group["label"].rpartition(":")[2])
    np.testing.assert_array_equal(np.array(group["x"])[0], 0)
    np.testing.assert_array_equal(np.array(group["x"])[1:, 1:], x[0, :2, :2, c])


def test_a_relu_says_which_of_its_gates_are_open(vgg, rng):
    x = input_of(vgg, rng)
    acts = vgg.forward(x)
    row, column = np.argwhere(acts["conv2_1"][0, :, :, 0] < 0)[0]
    rules = explain(vgg, x, f"conv2_1:0@{row},{column}")["backward"]["rules"]
    assert rules["normal"]["terms"][0]["why"] == "[x > 0] = 0"
    assert rules["guided"]["total"] == 0
    d = rules["deconv"]["terms"][0]["d"]
    assert rules["deconv"]["total"] == max(d, 0)


def test_max_pool_names_its_winner(vgg, rng):
    x = input_of(vgg, rng)
    group = explain(vgg, x, "pool1:2@1,1")["forward"]["groups"][0]
    row, column = group["winner"]
    assert group["x"][row][column] == np.max(group["x"])


def test_a_unit_without_a_place_is_refused(vgg, rng):
    with pytest.raises(BadValue, match=r"conv1_1:0@3,4 or conv1_1:0@max"):
        explain(vgg, input_of(vgg, rng), "conv1_1:0")
