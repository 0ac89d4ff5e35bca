"""The strongest position of each channel, against a loop; a tie goes to the first."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes
from reference import global_max

from minivis.engine.finite_differences import smooth_inputs
from minivis.errors import BadValue
from minivis.layers import GlobalMaxPool


@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_loop(xp, rng, ties):
    x = rng.standard_normal((2, 3, 4, 5))
    x = np.round(x).clip(-1, 1) if ties else x
    out, dout, (dx,), _ = both_ways(GlobalMaxPool(), x, xp=xp)
    wanted, places = global_max(x)
    np.testing.assert_array_equal(out, wanted)
    expected = np.zeros(x.shape)
    for n, c in np.ndindex(out.shape):
        expected[n, places[n, c, 0], places[n, c, 1], c] = dout[n, c]
    np.testing.assert_array_equal(dx, expected)


def test_gradients(rng):
    (x,) = smooth_inputs(GlobalMaxPool(), [(2, 3, 4, 3)], rng)
    check_gradients(GlobalMaxPool(), x)
    check_modes(GlobalMaxPool(), x)


def test_errors():
    with pytest.raises(BadValue, match="N, H, W, C"):
        GlobalMaxPool().output_shape((1, 3))
