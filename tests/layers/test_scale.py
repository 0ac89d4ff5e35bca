"""A factor and an offset a channel, against a loop."""

import numpy as np
import pytest
from passes import ATOL, both_ways, check_gradients, check_modes
from reference import scale

from minivis.errors import BadValue
from minivis.layers import Scale


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4, 5), (1, 1, 1, 5)])
def test_equals_the_loop(xp, rng, shape):
    x, w, b = (rng.standard_normal(s) for s in (shape, 5, 5))
    out, _, _, _ = both_ways(Scale(w, b), x, xp=xp)
    np.testing.assert_allclose(out, scale(x, w, b), rtol=0, atol=ATOL)


def test_gradients(rng):
    layer = Scale(*rng.standard_normal((2, 3)))
    check_gradients(layer, rng.standard_normal((2, 4, 5, 3)))
    check_modes(layer, rng.standard_normal((2, 3)))


@pytest.mark.parametrize("rule", ["normal", "guided", "deconv"])
def test_every_rule_is_the_chain_rule(rng, rule):
    w = np.array([2.0, -3.0])
    _, dout, (dx,), _ = both_ways(Scale(w, w), rng.standard_normal((4, 2)), rule=rule)
    np.testing.assert_array_equal(dx, dout * w)


def test_errors():
    with pytest.raises(BadValue, match=r"must have the same shape \(C,\)"):
        Scale(np.ones(2), np.ones(3))
    with pytest.raises(BadValue, match="ending in 2"):
        Scale(np.ones(2), np.ones(2)).output_shape((1, 3))
