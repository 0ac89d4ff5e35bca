"""A score and its opposite, by hand."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.layers.opposites import Opposites


def test_z_and_minus_z_and_what_comes_back():
    layer = Opposites()
    out, cache = layer.forward(np.array([[2.0], [-3.0]]), mode=ForwardMode())
    np.testing.assert_array_equal(out, [[2, -2], [-3, 3]])
    (dx,), grads = layer.backward(np.array([[10.0, 1], [0, 5]]), cache, BackwardMode())
    np.testing.assert_array_equal(dx, [[9], [-5]])
    assert grads == {} and layer.output_shape((7, 1)) == (7, 2)


@pytest.mark.parametrize("shape", [(2, 2), (2, 1, 1, 1)])
def test_only_one_number_a_picture_has_an_opposite(shape):
    with pytest.raises(BadValue, match=r"one number per picture, \(N, 1\), not"):
        Opposites().output_shape(shape)
