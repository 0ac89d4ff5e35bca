"""Smooth functions of one number; that they equal loops of Python's math, test_elementwise.py says of all alike."""

import math

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.layers import ELU, GELU


def test_selu_is_an_elu_with_a_scale():
    x = np.array([[-1.0, 0, 2]])
    wanted = [[2 * 1.5 * (math.exp(-1) - 1), 0, 4]]
    np.testing.assert_allclose(ELU(1.5, 2).function(x), wanted)
    np.testing.assert_allclose(ELU(1.5, 2).derivative(x)[:, [0, 2]], [[3 * math.exp(-1), 2]])


def test_gelu_by_tanh_is_near_the_exact_one_and_not_the_same():
    x = np.linspace(-4, 4, 81)[None]
    apart = abs(GELU(True).function(x) - GELU().function(x))
    assert 1e-4 < apart.max() < 1e-3
    by_hand = 0.5 * 1.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (1.5 + 0.044715 * 1.5**3)))
    np.testing.assert_allclose(GELU(True).function(np.array([[1.5]])), by_hand)


def test_settings_are_finite_numbers():
    with pytest.raises(BadValue, match="alpha must be a number, not nan"):
        ELU(float("nan"))
