"""Layers that have shapes and no memory behind them."""

import numpy as np

from minivis.models.blank import batch_norm, blank, conv, depthwise, fc


def shapes(layer):
    return {key: array.shape for key, array in layer.params.items()}


def test_a_blank_array_has_a_shape_and_four_bytes():
    array = blank(3, 3, 512, 512)
    assert array.shape == (3, 3, 512, 512) and array.dtype == np.float32
    assert array.strides == (0, 0, 0, 0) and not array.any()


def test_a_kernel_sees_only_the_channels_of_its_own_group():
    assert shapes(conv(5, 6, 8)) == {"w": (5, 5, 6, 8), "b": (8,)}
    grouped = conv(5, 6, 8, groups=2, bias=False, stride=3)
    assert shapes(grouped) == {"w": (5, 5, 3, 8)}
    assert grouped.groups == 2 and grouped.output_shape((1, 11, 8, 6)) == (1, 3, 2, 8)      # (11 - 5) // 3 + 1 rows


def test_a_depthwise_convolution_has_one_filter_a_channel_and_no_bias():
    layer = depthwise(3, 7)
    assert shapes(layer) == {"w": (3, 3, 1, 7)} and layer.groups == 7


def test_a_dense_layer_and_a_batch_norm_have_the_shapes_of_their_parameters():
    assert shapes(fc(10, 4)) == {"w": (10, 4), "b": (4,)}
    norm = batch_norm(6, eps=1e-3)
    assert shapes(norm) == dict.fromkeys(("gamma", "beta", "mean", "var"), (6,)) and norm.eps == 1e-3
