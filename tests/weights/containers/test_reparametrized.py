"""Weight norm and spectral norm as plain weights, in numbers by hand."""

import numpy as np
import pytest

from minivis.weights.containers.reparametrized import plain_weights
from minivis.weights.containers.tensor import Tensor


def read(**arrays):
    tensors = {name.replace("_at_", "."): Tensor.of(np.array(array, "f4")) for name, array in arrays.items()}
    return {name: tensor.read(np.float64) for name, tensor in plain_weights(tensors).items()}


V = [[3.0, 4.0], [0.0, 2.0]]


@pytest.mark.parametrize("g, v", [
    ("fc_at_weight_g", "fc_at_weight_v"),
    ("fc_at_parametrizations_at_weight_at_original0", "fc_at_parametrizations_at_weight_at_original1"),
])  # fmt: skip
def test_weight_norm_gives_each_row_its_length(g, v):
    found = read(**{g: [[10.0], [3.0]], v: V, "fc_at_bias": [1.0, 2.0]})
    assert found.keys() == {"fc.weight", "fc.bias"}
    np.testing.assert_allclose(found["fc.weight"], [[6, 8], [0, 3]])


def test_weight_norm_over_another_axis_or_all():
    np.testing.assert_allclose(read(a_at_weight_g=[[6.0, 10.0]], a_at_weight_v=V)["a.weight"],
                               [[6, 10 * 4 / 20**0.5], [0, 10 * 2 / 20**0.5]])  # fmt: skip
    np.testing.assert_allclose(read(a_at_weight_g=29**0.5, a_at_weight_v=V)["a.weight"], V)


@pytest.mark.parametrize("names", [
    ("weight_orig", "weight_u", "weight_v"),
    ("parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"),
])  # fmt: skip
def test_spectral_norm_divides_by_the_largest_stretch(names):
    w, u, v = (f"c.{name}".replace(".", "_at_") for name in names)
    found = read(**{w: [[2.0, 0.0], [0.0, 8.0]], u: [0.0, 1.0], v: [0.0, 1.0]})
    np.testing.assert_allclose(found["c.weight"], [[0.25, 0], [0, 1]])


def test_a_transposed_convolution_is_normed_over_its_second_axis():
    w = np.arange(2 * 3 * 1 * 2, dtype="f4").reshape(2, 3, 1, 2)
    u, v = [0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]
    found = read(c_at_weight_orig=w, c_at_weight_u=u, c_at_weight_v=v)
    np.testing.assert_allclose(found["c.weight"], w / w[0, 1, 0, 1])


def test_parts_that_make_no_weight_stay_as_they_are():
    found = read(a_at_weight_g=[1.0], b_at_weight_u=[1.0], weight_v=[[1.0]], c_at_weight=V)
    assert found.keys() == {"a.weight_g", "b.weight_u", "weight_v", "c.weight"}
