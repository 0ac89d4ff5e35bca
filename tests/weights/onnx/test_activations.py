"""Activations, ends and larger maps of ONNX, held to onnx's evaluator."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N, check

ACTIVATIONS = {
    "LeakyReLU": lambda m, x: m.op("LeakyRelu", x, alpha=0.2),
    "PReLU": lambda m, x: m.op("PRelu", x, m.w(6, 1, 1)),
    "SiLU": lambda m, x: m.op("Mul", x, m.op("Sigmoid", x)),
    "HardSwish": lambda m, x: m.op("HardSwish", x),
    "Sigmoid": lambda m, x: m.op("Sigmoid", x),
    "Tanh": lambda m, x: m.op("Tanh", x),
    "HardSigmoid": lambda m, x: m.op("HardSigmoid", x, alpha=0.25, beta=0.4),
    "ELU": lambda m, x: m.op("Elu", x, alpha=0.7),
    "GELU": lambda m, x: m.op("Gelu", x, approximate="tanh"),
    "Mish": lambda m, x: m.op("Mish", x),
    "Softplus": lambda m, x: m.op("Softplus", x),
    "Softsign": lambda m, x: m.op("Softsign", x),
    "ThresholdReLU": lambda m, x: m.op("ThresholdedRelu", x, alpha=0.3),
    "GlobalMaxPool": lambda m, x: m.op("GlobalMaxPool", x),
    "Upsample": lambda m, x: m.op("Resize", x, None, np.array([1, 1, 2, 3], "f4"), mode="nearest",
                                  coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "ConvTranspose2D": lambda m, x: m.op("ConvTranspose", x, m.w(6, 4, 3, 3), m.w(4), strides=[2, 2],
                                         pads=[1, 1, 1, 1], output_padding=[1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_each_is_the_layer_of_that_name(tmp_path, kind):
    m = Model(opset=20)
    ACTIVATIONS[kind](m, m.op("Conv", N, 3 * m.w(6, 3, 3, 3), m.w(6)))
    net = check(m, tmp_path)
    assert type(list(net.layers.values())[-1]).__name__ == kind and len(net.nodes) == 2


def test_a_hard_swish_of_two_nodes(tmp_path):
    m = Model()
    x = m.op("Conv", N, 3 * m.w(6, 3, 3, 3))
    m.op("Mul", m.op("HardSigmoid", x, alpha=1 / 6, beta=0.5), x)
    assert "HardSwish" in repr(check(m, tmp_path).layers)


def test_selu_is_a_scaled_elu(tmp_path):
    m = Model()
    m.op("Selu", m.op("Conv", N, 3 * m.w(6, 3, 3, 3)))
    assert list(check(m, tmp_path).layers.values())[-1].scale == pytest.approx(1.0507, rel=1e-4)


def test_a_hard_swish_as_torch_composed_it(tmp_path):
    m = Model(opset=12)
    x = m.op("Conv", N, 3 * m.w(6, 3, 3, 3))
    gate = m.op("Clip", m.op("Add", x, np.array(3, "f4")), np.array(0, "f4"), np.array(6, "f4"))
    m.op("Div", m.op("Mul", x, gate), np.array(6, "f4"))
    check(m, tmp_path)


GATES = {
    "one number a channel": lambda m, x: m.op("Conv", m.op("GlobalAveragePool", x), m.w(6, 6, 1, 1)),
    "one number a position": lambda m, x: m.op("Conv", x, m.w(1, 6, 1, 1)),
    "of all channels": lambda m, x: m.op("Conv", x, m.w(6, 6, 1, 1)),
    "an fc layer, reshaped": lambda m, x: m.op("Reshape", m.op("Gemm", m.op("Flatten", m.op(
        "GlobalAveragePool", x)), m.w(6, 6)), np.array([1, 6, 1, 1])),
    "expanded": lambda m, x: m.op("Expand", m.op("GlobalMaxPool", x), np.array([1, 6, 11, 9])),
}  # fmt: skip


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("first", [True, False])
def test_maps_times_a_gate(tmp_path, kind, first):
    m = Model()
    x = m.op("Relu", m.op("Conv", N, m.w(6, 3, 3, 3)))
    gate = m.op("Sigmoid", GATES[kind](m, x))
    m.op("Conv", m.op("Mul", *((gate, x) if first else (x, gate))), m.w(2, 6, 3, 3))
    assert "Multiply" in repr(check(m, tmp_path).layers)


def test_a_gate_of_channels_last(tmp_path):
    m = Model((1, 12, 10, 3))
    x = m.op("Transpose", m.op("Conv", m.op("Transpose", N, perm=[0, 3, 1, 2]), m.w(6, 3, 3, 3)), perm=[0, 2, 3, 1])
    gate = m.op("MatMul", m.op("ReduceMean", x, axes=[1, 2], keepdims=1), m.w(6, 6))
    m.op("ReduceMean", m.op("Mul", x, gate), axes=[1, 2], keepdims=0)
    check(m, tmp_path)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_small_powers_are_products(tmp_path, exponent):
    m = Model()
    m.op("Pow", m.op("Conv", N, m.w(6, 3, 3, 3)), np.array(exponent, "f4"))
    check(m, tmp_path)


@pytest.mark.parametrize("way, rounding", [
    ("half_pixel", "round_prefer_floor"), ("pytorch_half_pixel", "round_prefer_floor"), ("asymmetric", "floor"),
    ("tf_half_pixel_for_nn", "floor"),
])  # fmt: skip
def test_ways_to_say_that_each_position_is_repeated(tmp_path, way, rounding):
    m = Model(opset=11)
    m.op("Resize", m.op("Conv", N, m.w(6, 3, 3, 3)), np.array([], "f4"), np.array([1, 1, 2, 3], "f4"), mode="nearest",
         coordinate_transformation_mode=way, nearest_mode=rounding)
    net = mv.load(m.save(tmp_path / "a.onnx"))
    assert list(net.layers.values())[-1].factor == (2, 3) and "off by" in net.about["proof"]


def test_an_absolute_value(tmp_path):
    m = Model()
    m.op("Abs", m.op("Conv", N, m.w(6, 3, 3, 3)))
    check(m, tmp_path)


def test_a_sum_over_all_positions_is_right_for_one_size(tmp_path):
    m = Model()
    x = m.op("ReduceSum", m.op("Relu", m.op("Conv", N, m.w(6, 3, 3, 3))), np.array([2, 3]), keepdims=0)
    m.op("Gemm", x, m.w(6, 4))
    assert check(m, tmp_path).input_size == (13, 11)


def test_a_maximum_over_all_positions(tmp_path):
    m = Model()
    m.op("Gemm", m.op("ReduceMax", m.op("Conv", N, m.w(6, 3, 3, 3)), axes=[3, 2], keepdims=0), m.w(6, 4))
    assert "GlobalMaxPool" in repr(check(m, tmp_path).layers)


@pytest.mark.parametrize("kind", ["LogSoftmax", "Sigmoid"])
@pytest.mark.parametrize("units", [1, 4])
def test_an_end_that_squashes_scores_leaves_them_as_logits(tmp_path, kind, units):
    m = Model()
    x = m.op("Gemm", m.op("Flatten", m.op("GlobalAveragePool", m.op("Conv", N, m.w(6, 3, 3, 3)))), m.w(6, units))
    end = m.op(kind, x)
    net = check(m, tmp_path)
    assert net.roles["logits"] == x and net.roles["prob"] == (end if kind == "Sigmoid" else None)


@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("fill", [0.0, -5.0])
def test_padding_ahead_of_a_pool(tmp_path, pool, fill):
    m = Model()
    x = m.op("Pad", m.op("Conv", N, m.w(6, 3, 3, 3)), np.array([0, 0, 1, 0, 0, 0, 0, 2]), np.array(fill, "f4"))
    m.op(pool, x, kernel_shape=[3, 2], strides=[2, 2])
    check(m, tmp_path)


def test_axes_of_a_mean_as_an_input(tmp_path):
    m = Model(opset=18)
    x = m.op("ReduceMean", m.op("Conv", N, m.w(6, 3, 3, 3)), np.array([-1, 2]), keepdims=0)
    m.op("Gemm", x, m.w(6, 4))
    assert "GlobalAvgPool" in repr(check(m, tmp_path).layers)


def test_a_global_pool_ahead_of_a_1x1_convolution(tmp_path):
    m = Model()
    m.op("Flatten", m.op("Conv", m.op("GlobalAveragePool", m.op("Conv", N, m.w(6, 3, 3, 3))), m.w(4, 6, 1, 1), m.w(4)))
    assert "FullyConnected" in repr(check(m, tmp_path).layers)


@pytest.mark.parametrize("make, message", [
    (lambda m, x: m.op("Pow", x, np.array(0.5, "f4")), "to the power of 0.5"),
    (lambda m, x: m.op("Celu", x, alpha=2.0), "a Celu of alpha 2"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 2, 2], "f4"), nearest_mode="ceil",
                       coordinate_transformation_mode="asymmetric"), "nearest position by asymmetric and ceil"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 3, 3], "f4"),
                       coordinate_transformation_mode="align_corners"), "by align_corners and round_prefer_floor"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 2, 2], "f4"), mode="linear"), "larger by linear"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 1.5, 2], "f4")), "whole numbers"),
    (lambda m, x: m.op("ConvTranspose", x, m.w(6, 4, 3, 3), auto_pad="SAME_UPPER"), "padding that follows from"),
])  # fmt: skip
def test_what_is_no_layer_is_named(tmp_path, make, message):
    m = Model()
    make(m, m.op("Conv", N, m.w(6, 3, 3, 3)))
    with pytest.raises(BadFile, match=message):
        mv.load(m.save(tmp_path / "a.onnx"))
