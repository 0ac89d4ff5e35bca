"""The three rules by hand, and the kinks, where being off by an equals sign shows."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes

from minivis.engine.finite_differences import smooth_inputs
from minivis.errors import BadValue, UnknownName
from minivis.layers import RELU_RULES, BackwardMode, ForwardMode, ReLU
from minivis.layers.relu import IMAGING_RULES, relu_backward, relu_forward


@pytest.mark.parametrize("rule, expected", [
    ("normal", [[0, 0], [-2, 3]]), ("deconv", [[0, 1], [0, 3]]), ("guided", [[0, 0], [0, 3]]),
])  # fmt: skip
def test_rules_by_hand(xp, rule, expected):
    x, dout = np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([[-4.0, 1.0], [-2.0, 3.0]])
    out, _, (dx,), dparams = both_ways(ReLU(), x, dout=dout, xp=xp, rule=rule)
    np.testing.assert_array_equal(out, [[0, 0], [1, 1]])
    np.testing.assert_array_equal(dx, expected)
    assert dparams == {}


@pytest.mark.parametrize("rule, expected", [
    ("normal", [0, 0, -1, -1, 0, 0, 0, 0, 1, 1, 0, 0]), ("deconv", [0] * 6 + [1] * 6),
    ("guided", [0] * 8 + [1, 1, 0, 0]),
])  # fmt: skip
def test_relu6_passes_between_its_kinks_alone(xp, rule, expected):
    x = np.array([-1.0, 0.0, 1e-9, 5.999, 6.0, 7.0] * 2)
    out, _, (dx,), _ = both_ways(ReLU(6), x, dout=np.array([-1.0] * 6 + [1.0] * 6), xp=xp, rule=rule)
    np.testing.assert_array_equal(out, [0, 0, 1e-9, 5.999, 6, 6] * 2)
    np.testing.assert_array_equal(dx, expected)


def test_one_rule_is_a_derivative_and_the_others_are_for_pictures():
    assert set(RELU_RULES) - set(IMAGING_RULES) == {"normal"}


def test_deconv_does_not_look_at_the_input(rng):
    dout = rng.standard_normal((3, 4))
    some, other = (both_ways(ReLU(), rng.standard_normal((3, 4)), dout=dout, rule="deconv")[2][0] for _ in range(2))
    np.testing.assert_array_equal(some, other)
    np.testing.assert_array_equal(some, np.maximum(dout, 0))


@pytest.mark.parametrize("rule", ["normal", "deconv", "guided"])
def test_nothing_passes_at_exactly_zero_and_zero_gradients_stay(rule):
    _, _, (dx,), _ = both_ways(ReLU(), np.array([0.0, -0.0, 1.0]), dout=np.array([-1.0, -1.0, 0.0]), rule=rule)
    assert dx.tolist() == [0, 0, 0]


@pytest.mark.parametrize("max_value", [None, 6, 0.5])
def test_gradient_is_finite_differences_away_from_kinks(rng, max_value):
    layer = ReLU(max_value)
    (x,) = smooth_inputs(layer, [(2, 3, 4, 5)], rng)
    assert abs(x).min() >= 0.05 and (max_value is None or abs(x - max_value).min() >= 0.05)
    check_gradients(layer, x)
    check_modes(layer, x)


def test_a_byte_an_element_is_remembered(rng):
    x = rng.standard_normal((2, 3, 4, 5), np.float32)
    for grad in ("image", "params"):
        _, cache = ReLU().forward(x, mode=ForwardMode(grad))
        assert cache.dtype == bool and cache.shape == x.shape
    out, passing = relu_forward(x, max_value=1)
    assert out.dtype == np.float32 and relu_backward(x, passing, rule="guided").dtype == np.float32


def test_errors():
    with pytest.raises(UnknownName, match="no ReLU rule named 'gided'; did you mean 'guided'"):
        ReLU().backward(np.ones(2), np.ones(2, bool), BackwardMode("gided"))
    for bad in (0, -1, float("nan")):
        with pytest.raises(BadValue, match=f"max_value must be a number above 0, not {bad}"):
            ReLU(bad)


@pytest.mark.parametrize("max_value", [np.inf, 6.0])
@pytest.mark.parametrize("rule", RELU_RULES.values(), ids=RELU_RULES)
def test_each_rule_does_what_its_formula_says(rule, max_value):
    """Read literally, at every sign of x and dout and at both kinks: dout where all conditions hold, 0 elsewhere."""
    x, dout = (v.ravel() for v in np.meshgrid([-1.0, 0.0, 2.0, 6.0, 7.0], [-3.0, 0.0, 4.0]))
    holds = [[eval(c, {"x": a, "dout": b, "max": max_value}) for c in rule.conditions] for a, b in zip(x, dout)]
    expected = [b if all(conditions) else 0 for b, conditions in zip(dout, holds)]
    _, mask = relu_forward(x, max_value=None if max_value == np.inf else max_value)
    np.testing.assert_array_equal(rule(dout, mask), expected)
    assert rule.formula.startswith("dout") and rule.conditions and rule.title and rule.meaning and rule.source
