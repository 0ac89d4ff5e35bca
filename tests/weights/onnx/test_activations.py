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
    "GlobalMaxPool": lambda m, x: m.op("GlobalMaxPool", x),
    "Upsample": lambda m, x: m.op("Resize", x, None, np.array([1, 1, 2, 3], "f4"), mode="nearest",
                                  coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "ConvTranspose2D": lambda m, x: m.op("ConvTranspose", x, m.w(6, 4, 3, 3), m.w(4), strides=[2, 2],
                                         pads=[1, 1, 1, 1], output_padding=[1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_each_is_the_layer_of_that_name(tmp_path, kind):
    m = Model()
    ACTIVATIONS[kind](m, m.op("Conv", N, 3 * m.w(6, 3, 3, 3), m.w(6)))
    net = check(m, tmp_path)
    assert type(list(net.layers.values())[-1]).__name__ == kind and len(net.nodes) == 2


def test_a_hard_swish_of_two_nodes(tmp_path):
    m = Model()
    x = m.op("Conv", N, 3 * m.w(6, 3, 3, 3))
    m.op("Mul", m.op("HardSigmoid", x, alpha=1 / 6, beta=0.5), x)
    assert "HardSwish" in repr(check(m, tmp_path).layers)


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
    (lambda m, x: m.op("Mul", x, m.op("Relu", x)), "a Mul of two layers"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 2, 2], "f4"), mode="linear"), "larger by linear"),
    (lambda m, x: m.op("Resize", x, None, np.array([1, 1, 1.5, 2], "f4")), "whole numbers"),
    (lambda m, x: m.op("ConvTranspose", x, m.w(6, 4, 3, 3), auto_pad="SAME_UPPER"), "padding that follows from"),
])  # fmt: skip
def test_what_is_no_layer_is_named(tmp_path, make, message):
    m = Model()
    make(m, m.op("Conv", N, m.w(6, 3, 3, 3)))
    with pytest.raises(BadFile, match=message):
        mv.load(m.save(tmp_path / "a.onnx"))
