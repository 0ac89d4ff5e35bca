"""What tells Keras' layouts apart, and the order in which each lists its layers."""

from types import SimpleNamespace

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.weights.keras.file_layouts import Stored, baraldi_numbers, keras_names, listed, number, stored


def test_layers_are_ordered_by_number_and_not_by_letter():
    assert sorted(["conv2d_10", "conv2d", "conv2d_2", "conv2d_1"], key=number) == [
        "conv2d", "conv2d_1", "conv2d_2", "conv2d_10"]  # fmt: skip
    assert [number(key) for key in ("conv2d", "7", "dense_3", "x_", "block1")] == [0, 7, 3, 0, 0]


def test_baraldis_numbers_count_paddings_and_pools():
    assert baraldi_numbers("VGG16") == [1, 3, 6, 8, 11, 13, 15, 18, 20, 22, 25, 27, 29]
    assert baraldi_numbers("VGG11") == [1, 4, 7, 9, 12, 14, 17, 19]


def test_keras_names_of_the_convolutions():
    assert keras_names("VGG13")[:3] == ["block1_conv1", "block1_conv2", "block2_conv1"]


def test_a_layer_is_a_kernel_and_a_bias_in_either_order():
    kernel, bias = np.zeros((3, 3, 2, 4)), np.zeros(4)
    for pair in ((kernel, bias), (bias, kernel)):
        assert stored("a", [("0", pair[0]), ("1", pair[1])], "f") == [Stored("a", kernel, bias)]
    assert stored("a", [], "f") == []
    for arrays in ((kernel,), (kernel, bias, bias), (np.zeros((2, 2, 2)), bias)):
        with pytest.raises(BadFile, match=r"layer 'a' holds .*, not a kernel and a bias"):
            stored("a", [("w", array) for array in arrays], "f")
    many = [SimpleNamespace(ndim=1, shape=(4,))] * 5
    with pytest.raises(BadFile, match="such a file holds only weights"):
        stored("a", [("w", array) for array in many], "f")
    with pytest.raises(BadFile, match="layer 'a' lacks its 'w'"):
        stored("a", [("w", None)], "f")


def test_a_message_lists_the_first_six():
    assert listed(range(6)) == "0, 1, 2, 3, 4, 5" and listed(range(7)) == "0, 1, 2, 3, 4, 5, ..."
