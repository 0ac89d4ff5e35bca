"""What is put right in onnx's reference evaluator, by hand and against our layers."""

import numpy as np
import pytest

import minivis as mv

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N

from minivis.weights.onnx import proof


@pytest.mark.parametrize("settings, expected", [
    ({"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1}, [[5, 6, 6], [8, 9, 9], [8, 9, 9]]),
    ({"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, [[5, 6], [8, 9]]),
    ({"kernel_shape": [2, 2], "strides": [2, 2]}, [[5]]),
    ({"kernel_shape": [2, 1], "auto_pad": "SAME_LOWER"}, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
    ({"kernel_shape": [1, 2], "auto_pad": "SAME_UPPER", "strides": [2, 1]}, [[2, 3, 3], [8, 9, 9]]),
    ({"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 1, 0, 0], "ceil_mode": 1}, [[4, 6], [7, 9]]),
])  # fmt: skip
def test_max_pools_as_onnx_defines_them(settings, expected):
    m = Model((1, 1, 3, 3))
    m.op("MaxPool", N, **settings)
    x = np.arange(1.0, 10, dtype="f4").reshape(1, 1, 3, 3)
    (out,) = proof.evaluate(m.proto(), N, x, [m.nodes[-1].output[0]])
    assert out[0, 0].tolist() == expected


@pytest.mark.parametrize("included, expected", [
    (0, [[1, 2.5], [5.5, 7]]),                      # 1; (2 + 3) / 2; (4 + 7) / 2; (5 + 6 + 8 + 9) / 4
    (1, [[0.25, 1.25], [2.75, 7]]),
])  # fmt: skip
def test_average_pools_as_onnx_defines_them(included, expected):
    m = Model((1, 1, 3, 3))
    m.op("AveragePool", N, kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0], count_include_pad=included)
    x = np.arange(1.0, 10, dtype="f4").reshape(1, 1, 3, 3)
    (out,) = proof.evaluate(m.proto(), N, x, [m.nodes[-1].output[0]])
    assert out[0, 0].tolist() == expected


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("pads", [[1, 1, 1, 1], [0, 1, 1, 0]])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_pool_that_rounds_up_is_proved(tmp_path, op, pads, stride):
    m = Model()
    x = m.op("Conv", N, m.w(4, 3, 3, 3))
    m.op(op, x, kernel_shape=[3, 3], strides=[stride, stride], ceil_mode=1, pads=pads)
    assert "off by" in mv.load(m.save(tmp_path / "a.onnx")).about["proof"]


@pytest.mark.parametrize("opset", [9, 13, 17])
def test_a_batch_norm_takes_its_own_mean_and_variance(opset):
    m = Model((2, 1, 1, 2), opset=opset)
    m.op("BatchNormalization", N, *(np.array([n], "f4") for n in (2, 3, 1, 4)), epsilon=0.0, momentum=0.9)
    x = np.array([1.0, 3, 5, 7], "f4").reshape(2, 1, 1, 2)
    (out,) = proof.evaluate(m.proto(), N, x, [m.nodes[-1].output[0]])
    assert out.reshape(-1).tolist() == [3, 5, 7, 9]


def test_an_lrn_of_one_picture():
    m = Model((1, 3, 1, 1))
    m.op("LRN", N, size=3, alpha=3.0, beta=1.0, bias=1.0)
    (out,) = proof.evaluate(m.proto(), N, np.array([1.0, 2, 3], "f4").reshape(1, 3, 1, 1), [m.nodes[-1].output[0]])
    np.testing.assert_allclose(out.reshape(-1), [1 / 6, 2 / 15, 3 / 14], rtol=1e-6)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
def test_constants_that_begin_at_an_axis(tmp_path, kind):
    """As files of 2017 have a bias a channel; here there are as many channels as columns, so an axis less is seen."""
    m = Model((1, 3, 4, 6), opset=6)
    x = m.op(kind, m.op("Conv", N, m.w(4, 3, 1, 3)), m.w(4) + 2, broadcast=1, axis=1)
    m.op("Gemm", m.op("Flatten", m.op("Dropout", x, is_test=1)), m.w(64, 3), m.w(3), broadcast=1)
    net = mv.load(m.save(tmp_path / "a.onnx"))
    assert "off by" in net.about["proof"]
