"""Test the tester: a gradient that is wrong by a tenth of a percent, anywhere, must fail."""

from dataclasses import replace

import numpy as np
import pytest
from tuned import tune

from minivis.engine import finite_differences, gradcheck, plan
from minivis.engine.finite_differences import check_layer, numerical_gradient, relative_error, smooth_inputs
from minivis.engine.gradcheck import Row, check_network, report
from minivis.engine.network import Network
from minivis.layers import (
    LRN,
    RELU_RULES,
    AvgPool2D,
    BatchNorm,
    Concat,
    Conv2D,
    Dropout,
    FullyConnected,
    Layer,
    MaxPool2D,
    ReLU,
    Softmax,
    conv,
    relu,
)
from minivis.layers.relu import IMAGING_RULES
from minivis.models.tiny import Weights, tiny_branches, tiny_vgg


def test_numerical_gradient_of_a_known_function(rng):
    x, dout = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    np.testing.assert_allclose(numerical_gradient(np.sin, x, dout), np.cos(x) * dout, rtol=1e-8)


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


class Off(Layer):
    """A layer whose gradients are those of another, one of them times ``factor``."""

    def __init__(self, layer, which, factor):
        super().__init__(**layer.params)
        self.layer, self.which, self.factor, self.inputs = layer, which, factor, layer.inputs
        self.statistics = layer.statistics

    def with_params(self, **params):
        return Off(self.layer.with_params(**params), self.which, self.factor)

    def forward(self, *inputs, mode):
        return self.layer.forward(*inputs, mode=mode)

    def backward(self, dout, cache, mode):
        dxs, dparams = self.layer.backward(dout, cache, mode)
        dxs = tuple(dx * self.factor if self.which == f"dx{i}" else dx for i, dx in enumerate(dxs))
        return dxs, {k: d * self.factor if self.which == f"d{k}" else d for k, d in dparams.items()}

    def output_shape(self, *shapes):
        return self.layer.output_shape(*shapes)

    def window(self, shape):
        return self.layer.window(shape)


WEIGHTS = Weights(0, np.float64)
WRONG = [
    (WEIGHTS.conv(3, 2, 4, 4, padding=1, groups=2), ["dx0", "dw", "db"]), (WEIGHTS.fc(6, 3), ["dx0", "dw", "db"]),
    (WEIGHTS.batch_norm(4), ["dx0", "dgamma", "dbeta"]), (Softmax(), ["dx0"]), (LRN(3, 0.5), ["dx0"]),
    (ReLU(), ["dx0"]), (ReLU(6), ["dx0"]), (MaxPool2D(2), ["dx0"]), (AvgPool2D(3, padding=1), ["dx0"]),
    (Concat(), ["dx0", "dx1"]),
]  # fmt: skip


@pytest.mark.parametrize("directions", [None, 3])
@pytest.mark.parametrize("layer, which", [(layer, which) for layer, many in WRONG for which in many])
def test_a_layer_wrong_by_a_tenth_of_a_percent_fails(rng, layer, which, directions):
    shapes = [(2, 6)] if isinstance(layer, FullyConnected) else [(2, 5, 5, 4)] * (1 if layer.inputs else 2)
    inputs = smooth_inputs(layer, shapes, rng)
    for factor, right in ((1, True), (1.001, False), (0.999, False), (-1, False)):
        errors = check_layer(Off(layer, which, factor), inputs, directions=directions)
        found = errors.pop("dx" if which == "dx0" and layer.inputs == 1 else which)
        assert Row("layer", "Off", which, found).ok == right
        if not right:
            assert found >= 0.9e-3
        assert all(Row("layer", "Off", what, error).ok for what, error in errors.items())


def test_one_wrong_element_of_many_fails(rng):
    class Slip(FullyConnected):
        def backward(self, dout, cache, mode):
            (dx,), dparams = super().backward(dout, cache, mode)
            dx[0, 3] *= 1.05
            return (dx,), dparams

    layer, inputs = Slip(rng.standard_normal((6, 3))), [rng.standard_normal((4, 6))]
    for directions in (None, 3):
        assert not Row("", "", "", check_layer(layer, inputs, directions=directions)["dx"]).ok


def test_a_gradient_that_is_missing_or_of_a_wrong_shape_fails(rng):
    class Forgets(FullyConnected):
        def backward(self, dout, cache, mode):
            (dx,), dparams = super().backward(dout, cache, mode)
            return (dx[:1],), {"w": dparams["w"]} if dparams else {}

    layer, inputs = Forgets(rng.standard_normal((6, 3)), rng.standard_normal(3)), [rng.standard_normal((4, 6))]
    errors = check_layer(layer, inputs, directions=2)
    assert errors["dx"] == errors["db"] == float("inf") and errors["dw"] < 1e-8


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


def test_large_parameters_are_moved_in_part(monkeypatch, rng):
    """VGG's fc6 has 100 million: a direction that moves some of them still finds what is wrong."""
    monkeypatch.setattr(finite_differences, "DENSE", 10)
    layer, inputs = FullyConnected(rng.standard_normal((40, 30))), [rng.standard_normal((3, 40))]
    assert max(check_layer(layer, inputs, directions=3).values()) < 1e-8
    assert check_layer(Off(layer, "dw", 1.001), inputs, directions=3)["dw"] > 1e-4


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


@pytest.mark.parametrize("max_value", [None, 6, 1, 0.1])
def test_smooth_inputs_keep_away_from_kinks(rng, max_value):
    (x,) = smooth_inputs(ReLU(max_value), [(1, 50, 50, 8)], rng)
    margin = 0.2 if max_value is None else 0.0999 * max_value
    assert abs(x).min() >= margin and (x > 0).any() and (x < 0).any()
    if max_value is not None:
        assert abs(x - max_value).min() >= margin and (x > max_value).any() and x.shape == (2, 3, 5, 8)


def test_smooth_inputs_of_a_pool_have_no_ties(rng):
    (x,) = smooth_inputs(MaxPool2D(3, stride=2), [(1, 50, 50, 8)], rng)
    assert len(np.unique(x)) == x.size and x.shape == (2, 7, 8, 8)
    assert np.diff(np.sort(x.ravel())).min() > 1e-4


def test_the_report_has_a_line_a_layer(branches):
    rows = check_network(branches)
    lines = report(rows).splitlines()
    assert len(lines) == len(branches.nodes) + 8 + len(IMAGING_RULES) + 1
    assert all(line.startswith("ok  ") for line in lines[:-1])
    assert lines[0].split()[:3] == ["ok", "stem", "Conv2D"] and lines[0].endswith("dx, dw")
    assert lines[-1] == f"{len(rows)} checks, 0 failed; relative errors up to 1e-05 pass"
    bad = report([*rows, Row("late", "ReLU", "dx", 0.25)]).splitlines()
    assert bad[-2].split() == ["FAIL", "late", "ReLU", "2.5e-01", "dx", "(2.5e-01)"] and "1 failed" in bad[-1]
