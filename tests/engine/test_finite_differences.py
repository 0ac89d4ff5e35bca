"""Finite differences: they agree with known derivatives and notice a gradient wrong by a tenth of a percent."""

import numpy as np
import pytest

from minivis.engine import finite_differences
from minivis.engine.finite_differences import check_layer, numerical_gradient, smooth_inputs
from minivis.engine.gradcheck import Row
from minivis.layers import (
    LRN,
    AvgPool2D,
    Concat,
    FullyConnected,
    Layer,
    MaxPool2D,
    ReLU,
    Softmax,
)
from minivis.models.tiny import Weights


def test_numerical_gradient_of_a_known_function(rng):
    x, dout = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    np.testing.assert_allclose(numerical_gradient(np.sin, x, dout), np.cos(x) * dout, rtol=1e-8)


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


def test_large_parameters_are_moved_in_part(monkeypatch, rng):
    """VGG's fc6 has 100 million: a direction that moves some of them still finds what is wrong."""
    monkeypatch.setattr(finite_differences, "DENSE", 10)
    layer, inputs = FullyConnected(rng.standard_normal((40, 30))), [rng.standard_normal((3, 40))]
    assert max(check_layer(layer, inputs, directions=3).values()) < 1e-8
    assert check_layer(Off(layer, "dw", 1.001), inputs, directions=3)["dw"] > 1e-4


@pytest.mark.parametrize("max_value", [None, 6, 1, 0.1])
def test_smooth_inputs_keep_away_from_kinks(rng, max_value):
    (x,) = smooth_inputs(ReLU(max_value), [(1, 50, 50, 8)], rng)
    margin = 0.2 if max_value is None else 0.0999 * max_value
    assert abs(x).min() >= margin and (x > 0).any() and (x < 0).any()
    if max_value is None:
        assert abs(x).max() <= 0.8
    else:
        assert ((x > 0) & (x < max_value)).any()            # between the kinks, where a derivative is 1
        assert abs(x - max_value).min() >= margin and (x > max_value).any() and x.shape == (2, 3, 5, 8)


def test_smooth_inputs_of_a_pool_have_no_ties(rng):
    (x,) = smooth_inputs(MaxPool2D(3, stride=2), [(1, 50, 50, 8)], rng)
    assert len(np.unique(x)) == x.size and x.shape == (2, 7, 8, 8)
    assert np.diff(np.sort(x.ravel())).min() > 1e-4
