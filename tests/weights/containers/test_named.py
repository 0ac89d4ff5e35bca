"""What arrays are called, and how they lie, where a file is only a dict of them."""

import numpy as np
import pytest

from minivis.weights.containers.named import axes_of, layers_of
from minivis.weights.containers.tensor import Tensor


def tensors(**shapes):
    return {name.replace("_at_", "."): Tensor.of(np.zeros(shape, "f4")) for name, shape in shapes.items()}


@pytest.mark.parametrize("names, wanted", [
    (("conv1_1_W", "conv1_1_b"), "conv1_1"), (("c.w", "c.b"), "c"), (("a/b/kernel", "a/b/bias"), "a/b"),
    (("c.weights", "c.biases"), "c"), (("c/weights:0", "c/biases:0"), "c"), (("c.0", "c.1"), "c"),
    (("c.1", "c.0"), "c"),
    (("features.0.weight", "features.0.bias"), "features.0"), (("c.kernels", "c.offsets"), "c"),
])  # fmt: skip
def test_a_kernel_and_its_biases_have_pytorchs_names(names, wanted):
    arrays = dict(zip(names, (Tensor.of(np.zeros((3, 3, 2, 8), "f4")), Tensor.of(np.zeros(8, "f4")))))
    found, axes = layers_of(arrays)
    assert {name: len(tensor.shape) for name, tensor in found.items()} == {f"{wanted}.weight": 4, f"{wanted}.bias": 1}
    assert axes == "HWIO"


def test_a_batch_norm_has_pytorchs_names():
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    found, _ = layers_of({f"bn/{name}": Tensor.of(np.zeros(8, "f4")) for name in names})
    assert list(found) == ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]


def test_pytorchs_own_names_stay():
    names = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "conv_b.weight"]
    assert list(layers_of({name: Tensor.of(np.zeros(8, "f4")) for name in names})[0]) == names


def test_names_that_would_become_one_stay_as_they_are():
    arrays = tensors(a_at_w=(3, 4), a_at_weight=(3, 4))
    assert list(layers_of(arrays)[0]) == ["a.w", "a.weight"]


@pytest.mark.parametrize("shapes, axes", [
    ({"a_at_weight": (8, 3, 5, 5)}, "OIHW"), ({"a_at_weight": (5, 5, 3, 8)}, "HWIO"),
    ({"a_at_weight": (8, 3, 1, 7)}, "OIHW"), ({"a_at_weight": (1, 7, 3, 8), "a_at_bias": (8,)}, "HWIO"),
    ({"a_at_weight": (3, 3, 3, 8), "a_at_bias": (8,)}, "HWIO"), ({"a_at_weight": (8, 8, 8, 8)}, "OIHW"),
    ({"a_at_weight": (1, 1, 3, 8)}, "HWIO"), ({"a_at_weight": (8, 3)}, "OIHW"),
])  # fmt: skip
def test_biases_tell_how_kernels_lie(shapes, axes):
    assert axes_of(tensors(**shapes)) == axes


@pytest.mark.parametrize("kernel", [(3, 3, 2, 8), (8, 2, 3, 3)])
@pytest.mark.parametrize("rows_first", [True, False])
def test_a_matrix_is_turned_to_go_with_the_kernels(kernel, rows_first):
    w = np.arange(12, dtype="f4").reshape(4, 3)                         # 4 in, 3 out
    arrays = {"conv.weight": Tensor.of(np.zeros(kernel, "f4")), "conv.bias": Tensor.of(np.zeros(8, "f4")),
              "fc.weight": Tensor.of(w if rows_first else w.T.copy()), "fc.bias": Tensor.of(np.zeros(3, "f4"))}
    found, axes = layers_of(arrays)
    np.testing.assert_array_equal(found["fc.weight"].read(), w if axes == "HWIO" else w.T)
    assert found["fc.weight"].shape == ((4, 3) if axes == "HWIO" else (3, 4))


@pytest.mark.parametrize("shape, wanted", [((3, 3, 2, 8), "c.weight"), ((8, 5), "c.weight"), ((8,), "c.0"),
                                           ((2, 3, 4, 5, 6), "c.0")])
def test_an_array_alone_in_its_layer_is_its_weights_if_it_is_a_kernel_or_a_matrix(shape, wanted):
    found, _ = layers_of({"c.0": Tensor.of(np.zeros(shape, "f4"))})
    assert list(found) == [wanted]
