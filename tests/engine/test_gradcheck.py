"""Test the tester: a gradient that is wrong by a tenth of a percent, anywhere, must fail."""

from dataclasses import replace

import numpy as np
import pytest
from tuned import tune

from minivis.engine import gradcheck, plan
from minivis.engine.finite_differences import relative_error
from minivis.engine.gradcheck import Row, check_network, report
from minivis.engine.network import Network
from minivis.layers import (
    RELU_RULES,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dropout,
    ReLU,
    Softmax,
    conv,
    relu,
)
from minivis.layers.relu import IMAGING_RULES
from minivis.models.tiny import Weights, tiny_branches, tiny_vgg


@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
def test_the_engine_passes(make):
    net = make()
    rows = check_network(net)
    assert all(row.ok for row in rows)
    assert max(row.error for row in rows) < 1e-8                                # measured: 1e-9
    assert {row.layer for row in rows} == {*net.nodes, "whole net"}
    checked = {(row.layer, row.what) for row in rows}
    for name, layer in net.layers.items():
        whats = {what for row, what in checked if row == name}
        learned = {f"d{key}" for key in layer.params if key not in ("mean", "var")}
        assert whats >= learned and any(what.startswith("dx") for what in whats)
        assert isinstance(layer, ReLU) <= (set(IMAGING_RULES) <= whats)
        assert isinstance(layer, BatchNorm) <= ("dgamma in training" in whats)
    logits = net.role("logits")
    swept = [f"{rule} from {logits}" for rule in IMAGING_RULES]
    fused = (f"image -> {logits}, fused", f"{logits}, fused")
    for what in (f"image -> {logits}", f"parameters -> {logits}", *fused, *swept):
        assert ("whole net", what) in checked
    assert rows == check_network(net) and rows != check_network(net, seed=1)    # repeatable


def test_a_picture_of_the_users_own(vgg, rng):
    for image in (rng.integers(0, 256, (30, 20, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)):
        rows = check_network(vgg, image)
        assert all(row.ok for row in rows), report(rows)


def test_nets_of_other_kinds():
    """No parameters; no classes; a last softmax without roles; sizes that small pictures do not fit."""
    weights = Weights()
    for net in (
        Network().add("relu", ReLU()),
        Network().add("conv", weights.conv(1, 1, 3, 2)).add("prob", Softmax()),
        Network().add("pool", AvgPool2D(40)).add("conv", weights.conv(1, 1, 3, 2, bias=False)).add("drop", Dropout()),
        tiny_vgg(channels=1),
    ):
        rows = check_network(net)
        assert rows and all(row.ok for row in rows), report(rows)
    assert "image -> conv" in {row.what for row in check_network(Network().add("conv", weights.conv(1, 1, 3, 2)))}


def test_a_gradient_of_nan_fails():
    assert not Row("a", "ReLU", "dx", float("nan")).ok
    assert not Row("a", "ReLU", "dx", relative_error(np.array([np.nan]), np.array([1.0]))).ok


@pytest.mark.parametrize("rule", relu.RELU_RULES)
def test_a_relu_rule_that_forgets_its_mask_fails(monkeypatch, vgg, rule):
    monkeypatch.setitem(relu.RELU_RULES, rule, lambda dout, passing: dout)
    failed = {row.layer for row in check_network(vgg) if not row.ok}
    assert {"relu1_1", "relu6", "relu7", "whole net"} <= failed


def test_a_rule_that_hidden_fully_connected_relus_miss_fails(monkeypatch, vgg):
    """The mistake of hooks that are put on the convolutional part alone."""
    two = {name: IMAGING_RULES[name] for name in ("deconv", "guided")}
    monkeypatch.setattr("minivis.engine.gradcheck.IMAGING_RULES", two)

    class Deaf(ReLU):
        def backward(self, dout, cache, mode):
            return (RELU_RULES["normal"](dout, cache),), {}

    net = tiny_vgg(dtype=np.float64)
    net.nodes["relu6"] = net.nodes["relu6"]._replace(layer=Deaf())
    failed = {(row.layer, row.what) for row in check_network(net) if not row.ok}
    assert failed == {("relu6", "guided"), ("relu6", "deconv"), ("whole net", "guided from fc8"),
                      ("whole net", "deconv from fc8")}  # fmt: skip


def test_a_network_that_loses_a_branch_fails(monkeypatch, branches):
    """Every layer is right alone; the sweep is wrong."""
    backward = Network.backward

    def forgetful(self, acts, seeds, **kwargs):
        return backward(self, acts, {name: 1.001 * seed for name, seed in seeds.items()}, **kwargs)

    monkeypatch.setattr(Network, "backward", forgetful)
    rows = check_network(branches)
    assert {row.layer for row in rows if not row.ok} == {"whole net"}
    assert sum(not row.ok for row in rows) == 6 + len(IMAGING_RULES)


class Leaky(ReLU):
    """Passes a tenth of what is below zero."""

    def forward(self, x, *, mode):
        return np.maximum(x, 0.1 * x), x > 0

    def backward(self, dout, cache, mode):
        return (np.where(cache, dout, 0.1 * dout),), {}


def test_a_fused_step_that_takes_a_subclass_for_its_parent_fails(monkeypatch, vgg):
    node = vgg.nodes["relu1_1"]
    net = replace(vgg, nodes={**vgg.nodes, "relu1_1": node._replace(layer=Leaky())})

    def failed():
        return {row.what for row in check_network(net) if row.layer == "whole net" and not row.ok}

    assert not failed()
    tune(monkeypatch, tiny=0)                           # so small a net would convolve by the definition, unfused
    assert not failed()
    monkeypatch.setattr(plan, "fusable", lambda conv, relu, *pool: isinstance(conv, Conv2D) and not pool)
    assert {"image -> fc8, fused", "fc8, fused"} <= failed()


def test_a_wrong_engine_fails(monkeypatch, vgg):
    monkeypatch.setattr(conv, "conv2d_param_grads", lambda dout, x, shape, **_: (np.zeros(shape), dout.sum((0, 1, 2))))
    failed = {(row.layer, row.what) for row in check_network(vgg) if not row.ok}
    assert {("conv1_1", "dw"), ("conv2_1", "dw")} <= failed and ("conv1_1", "db") not in failed


def test_the_step_shrinks_until_no_kink_lies_in_it(rng):
    """A bias that puts one unit 1e-8 from zero, nearer than the usual step."""
    net = Network().add("conv", Conv2D(np.ones((1, 1, 3, 1)), np.zeros(1))).add("relu", ReLU())
    x = rng.standard_normal((1, 2, 2, 3))
    net.layers["conv"].set_params(b=1e-8 - x[0, 0, 0].sum(keepdims=True))
    d = np.ones_like(x)
    for t, kinks in ((1e-6, True), (1e-9, False)):
        signs = [next(iter(gradcheck._decisions(net.forward(x + s * t * d)))) for s in (1, -1)]
        assert (signs[0] != signs[1]).any() == kinks
    acts = net.forward(x)
    step = gradcheck._smooth_step(acts, lambda t: net.forward(x + 0.1 * t * d))[2]
    assert step == pytest.approx(1e-7)


def test_the_report_has_a_line_a_layer(branches):
    rows = check_network(branches)
    lines = report(rows).splitlines()
    assert len(lines) == len(branches.nodes) + 8 + len(IMAGING_RULES) + 1
    assert all(line.startswith("ok  ") for line in lines[:-1])
    assert lines[0].split()[:3] == ["ok", "stem", "Conv2D"] and "dx, dw, lrp" in lines[0]
    assert lines[-1] == f"{len(rows)} checks, 0 failed; relative errors up to 1e-05 pass"
    bad = report([*rows, Row("late", "ReLU", "dx", 0.25)]).splitlines()
    assert bad[-2].split() == ["FAIL", "late", "ReLU", "2.5e-01", "dx", "(2.5e-01)"] and "1 failed" in bad[-1]
