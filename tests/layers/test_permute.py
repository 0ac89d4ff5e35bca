"""A fixed permutation of the last axis, against a loop over its order."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes
from reference import permute

from minivis.errors import BadValue
from minivis.layers import Flatten, ForwardMode, Permute


@pytest.mark.parametrize("shape, axes", [((3, 4), (1, 0)), ((2, 3, 2), (2, 0, 1)), ((12,), (0,))])
@pytest.mark.parametrize("lead", [(2,), (2, 3, 5)])
def test_equals_the_loop(xp, rng, shape, axes, lead):
    x = rng.standard_normal((*lead, 12))
    out, dout, (dx,), _ = both_ways(Permute(shape, axes), x, xp=xp)
    order = np.arange(12).reshape(shape).transpose(axes).reshape(-1).tolist()
    np.testing.assert_array_equal(out, permute(x, order))
    np.testing.assert_array_equal(permute(dx, order), dout)             # the way back


def test_behind_flatten_it_gives_c_h_w(rng):
    x, mode = rng.standard_normal((2, 3, 4, 5)), ForwardMode(None)
    flat = Flatten().forward(x, mode=mode)[0]
    np.testing.assert_array_equal(Permute((12, 5), (1, 0)).forward(flat, mode=mode)[0],
                                  x.transpose(0, 3, 1, 2).reshape(2, -1))


def test_gradients(rng):
    layer = Permute((2, 3), (1, 0))
    check_gradients(layer, rng.standard_normal((2, 6)))
    check_modes(layer, rng.standard_normal((2, 3, 4, 6)))


def test_errors():
    with pytest.raises(BadValue, match="do not reorder the axes"):
        Permute((2, 3), (0, 0))
    with pytest.raises(BadValue, match="ending in 6"):
        Permute((2, 3), (1, 0)).output_shape((1, 7))
