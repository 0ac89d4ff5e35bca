"""Which algorithm is picked for a layer, and that what was picked is what runs."""

import numpy as np
import pytest

from minivis.convolution import direct, run
from minivis.layers import BackwardMode, Conv2D, ForwardMode


@pytest.fixture
def layer(rng):
    return Conv2D(rng.standard_normal((3, 3, 16, 32)), rng.standard_normal(32), padding=1)


X_SHAPE = (1, 20, 30, 16)


def test_the_rules_pick_where_nothing_is_named_and_a_name_counts_elsewhere(layer):
    x = np.zeros(X_SHAPE)
    assert run.pick(layer, "forward", x, X_SHAPE, ForwardMode()) == "winograd4"
    assert run.pick(layer, "input", x, X_SHAPE, ForwardMode(algorithm="shifted")) == "shifted"


@pytest.mark.parametrize("named, picked", [("auto", "winograd4"), ("blocked", "winograd4"), ("im2col", "im2col")])
def test_gradients_of_parameters_go_by_the_rules_unless_im2col_is_named(layer, named, picked):
    assert run.pick(layer, "params", np.zeros(X_SHAPE), X_SHAPE, BackwardMode(algorithm=named)) == picked


@pytest.mark.parametrize("named, banded", [("im2col", None), ("blocked", "blocked"), ("winograd2", "winograd2")])
def test_im2col_does_not_go_band_by_band(layer, named, banded):
    assert run.pick_banded(layer, "forward", np.zeros(X_SHAPE), X_SHAPE, ForwardMode(algorithm=named)) == banded


def test_im2col_is_the_definition_that_the_layer_hands_over(layer, rng):
    x, dout = rng.standard_normal(X_SHAPE), rng.standard_normal((1, 20, 30, 32))
    asked = []

    def definition(*args, **geometry):
        asked.append(geometry)
        return ("made", "from it") if len(asked) == 3 else "made"

    assert run.forward(layer, x, ForwardMode(algorithm="im2col"), definition) == "made"
    mode = BackwardMode(algorithm="im2col")
    assert run.input_grad(layer, dout, x.shape, mode, definition) == "made"
    assert run.param_grads(layer, dout, x, mode, definition) == ("made", "from it")
    expected = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    assert asked == [expected] * 3


def test_other_algorithms_are_those_of_direct(layer, rng, monkeypatch):
    """Each with the zeros before the first line, and weights kept only where they will not change at once."""
    x, seen = rng.standard_normal(X_SHAPE), []
    for name in ("forward", "input_grad"):
        monkeypatch.setattr(direct, name, lambda layer, algorithm, source, sink, name=name, **how: seen.append(
            (name, algorithm, source.shape, sink.shape, how["pad_before"], how["keep_weights"])))
    run.forward(layer, x, ForwardMode(training=True, algorithm="shifted"), None)
    run.input_grad(layer, np.zeros((1, 20, 30, 32)), x.shape, BackwardMode(algorithm="blocked"), None)
    assert seen == [("forward", "shifted", X_SHAPE, (1, 20, 30, 32), (1, 1), False),
                    ("input_grad", "blocked", (1, 20, 30, 32), X_SHAPE, (1, 1), True)]


@pytest.mark.parametrize("named, picked", [("auto", "winograd4"), ("im2col", "im2col")])
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_bias_gets_the_sum_over_all_positions_and_a_layer_without_one_no_gradient_of_it(rng, has_bias, named, picked):
    layer = Conv2D(rng.standard_normal((3, 3, 16, 32)), np.arange(32.0) if has_bias else None, padding=1)
    x, dout = rng.standard_normal(X_SHAPE), rng.standard_normal((1, 20, 30, 32))
    mode = BackwardMode(param_grads=True, algorithm=named)
    assert run.pick(layer, "params", dout, X_SHAPE, mode) == picked
    (_,), dparams = layer.backward(dout, x, mode)
    xpad = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    by_hand = [[np.einsum("ijc,ijf->cf", xpad[u : u + 20, v : v + 30], dout[0]) for v in range(3)] for u in range(3)]
    np.testing.assert_allclose(dparams.pop("w"), by_hand, rtol=1e-8, atol=1e-8)
    if has_bias:
        np.testing.assert_allclose(dparams.pop("b"), dout.sum(axis=(0, 1, 2)), rtol=1e-12)
    assert dparams == {}
