"""Graphs as they are exported: whatever stands between a Flatten and an FC layer, open sizes, NHWC, shapes computed."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N, check

ONES = np.array([0, -1])


def start(m, name=N):
    """Feature maps (1, 6, 6, 5)."""
    return m.op("MaxPool", m.op("Relu", m.op("Conv", name, m.w(6, m.shape[1], 3, 3), m.w(6), pads=[1, 1, 1, 1])),
                kernel_shape=[2, 2], strides=[2, 2])  # fmt: skip


def normed(m, x):
    return m.op("BatchNormalization", x, m.w(180) + 1, m.w(180), m.w(180), abs(m.w(180)) + 0.5)


BETWEEN = {
    "nothing": lambda m, x: x,
    "relu": lambda m, x: m.op("Relu", x),
    "dropout and identity": lambda m, x: m.op("Identity", m.op("Dropout", x)),
    "clip": lambda m, x: m.op("Clip", x, np.array(0, "f4"), np.array(0.5, "f4")),
    "batch norm": normed,
    "sum": lambda m, x: m.op("Add", x, m.op("Relu", x)),
    "a number for each": lambda m, x: m.op("Mul", m.op("Add", x, m.w(180)), m.w(1, 180)),
    "softmax": lambda m, x: m.op("Softmax", x, axis=1),
    "concat with itself": lambda m, x: m.op("Concat", x, m.op("Relu", x), axis=1),
    "concat with an fc": lambda m, x: m.op("Concat", x, m.op("Gemm", x, m.w(180, 7)), axis=-1),
    "sum with an fc": lambda m, x: m.op("Add", m.op("Gemm", x, m.w(180, 180)), x),
    "there and back": lambda m, x: m.op("Reshape", m.op("Reshape", x, np.array([1, 6, 30])), np.array([1, -1])),
    "transposed": lambda m, x: m.op("Flatten", m.op("Transpose", m.op("Reshape", x, np.array([1, 6, 30])),
                                                    perm=[0, 2, 1])),
}  # fmt: skip


@pytest.mark.parametrize("kind", BETWEEN)
def test_between_flatten_and_the_first_fc_layer_every_number_keeps_its_row(tmp_path, kind):
    m = Model()
    x = BETWEEN[kind](m, m.op("Flatten", start(m)))
    rows = {"concat with itself": 360, "concat with an fc": 187}.get(kind, 180)
    m.op("Gemm", m.op("Relu", m.op("Gemm", x, m.w(rows, 9), m.w(9))), m.w(9, 4))
    check(m, tmp_path)


@pytest.mark.parametrize("kind", sorted(set(BETWEEN) - {"transposed"}))
def test_a_net_that_ends_in_a_row_of_maps_answers_in_the_files_order(tmp_path, kind):
    m = Model()
    BETWEEN[kind](m, m.op("Flatten", start(m)))
    check(m, tmp_path)


def test_two_branches_of_which_one_is_transposed(tmp_path):
    m = Model()
    x = start(m)
    a, b = m.op("Flatten", x), m.op("Flatten", m.op("Transpose", x, perm=[0, 2, 3, 1]))
    m.op("Gemm", m.op("Add", a, b), m.w(180, 4))
    check(m, tmp_path)


def test_shapes_that_the_graph_computes(tmp_path):
    m = Model(sides=("batch", 3, 13, 11))
    x = start(m)
    batch = m.op("Gather", m.op("Shape", x), np.array(0), axis=0)
    shape = m.op("Concat", m.op("Unsqueeze", batch, np.array([0])), np.array([-1]), axis=0)
    m.op("Gemm", m.op("Reshape", x, shape), m.w(180, 4))
    check(m, tmp_path)


def test_an_open_size_is_the_one_that_the_fc_layer_fits(tmp_path):
    m = Model((1, 3, 28, 28), sides=("n", 3, "h", "w"))
    m.op("Gemm", m.op("Flatten", start(m)), m.w(6 * 14 * 14, 4))
    assert check(m, tmp_path).input_size == (28, 28)


def test_one_open_side(tmp_path):
    m = Model((1, 3, 13, 11), sides=(1, 3, 13, "w"))
    m.op("Gemm", m.op("Flatten", m.op("GlobalAveragePool", start(m))), m.w(6, 4))
    assert check(m, tmp_path).input_size is None


def test_channels_last_as_tensorflow_exports_it(tmp_path):
    m = Model((1, 12, 10, 3))
    x = m.op("Transpose", N, perm=[0, 3, 1, 2])
    x = m.op("Relu", m.op("Conv", x, m.w(6, 3, 3, 3)))
    x = m.op("Transpose", x, perm=[0, 2, 3, 1])
    x = m.op("Add", x, m.w(6))
    x = m.op("MatMul", x, m.w(6, 5))
    m.op("MatMul", m.op("Reshape", x, np.array([-1, 10 * 8 * 5])), m.w(400, 4))
    net = check(m, tmp_path)
    assert net.input_size == (12, 10)


def test_a_mean_and_scale_in_the_graph_are_the_preprocessing(tmp_path):
    m = Model()
    mean, std = (np.array(v, "f4").reshape(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x = m.op("Div", m.op("Sub", N, mean), std)
    m.op("Gemm", m.op("Flatten", start(m, x)), m.w(180, 4))
    net = mv.load(m.save(tmp_path / "a.onnx"))
    assert "Div" not in str(list(net.nodes)) and next(iter(net.layers.values())).params["w"].shape == (3, 3, 3, 6)
    np.testing.assert_allclose(net.preprocessing.mean, [255 * v for v in (0.485, 0.456, 0.406)], rtol=1e-5)
    np.testing.assert_allclose(net.preprocessing.scale, [255 * v for v in (0.229, 0.224, 0.225)], rtol=1e-5)
    assert "in the graph, of pixels in 0..1" in net.about["preprocessing"] and "off by" in net.about["proof"]
    asked = mv.load(tmp_path / "a.onnx", preprocess="none")             # the file reads pixels as they are
    np.testing.assert_allclose(asked.preprocessing.mean, (0.485, 0.456, 0.406), rtol=1e-5)


def test_pixels_that_the_graph_scales_down(tmp_path):
    m = Model()
    x = m.op("Sub", m.op("Mul", N, np.array(1 / 127.5, "f4")), np.array([1.0], "f4"))
    m.op("Gemm", m.op("Flatten", start(m, x)), m.w(180, 4))
    net = mv.load(m.save(tmp_path / "a.onnx"))
    np.testing.assert_allclose([net.preprocessing.mean, net.preprocessing.scale], np.full((2, 3), 127.5), rtol=1e-5)
    assert net.about["preprocessing"] == "in the graph, of pixels in 0..255"


def test_a_picture_that_is_read_twice_is_not_scaled_for_both(tmp_path):
    m = Model()
    x = m.op("Concat", m.op("Mul", N, np.array(3.0, "f4")), N, axis=1)
    m.op("Conv", x, m.w(2, 6, 3, 3))
    check(m, tmp_path)


def test_a_shuffle_of_channels(tmp_path):
    m = Model()
    x = m.op("Reshape", start(m), np.array([1, 2, 3, 6, 5]))
    x = m.op("Reshape", m.op("Transpose", x, perm=[0, 2, 1, 3, 4]), np.array([1, 6, 6, 5]))
    m.op("Conv", x, m.w(6, 1, 3, 3), group=6)
    check(m, tmp_path)


def test_channels_last_padded_ahead_of_a_transpose(tmp_path):
    m = Model((1, 12, 10, 3))
    x = m.op("Transpose", m.op("Pad", N, np.array([0, 0, 1, 0, 0, 2, 0, 0])), perm=[0, 3, 1, 2])
    x = m.op("Transpose", m.op("Conv", x, m.w(4, 3, 3, 3), strides=[2, 2]), perm=[0, 2, 3, 1])
    x = m.op("Pad", m.op("Relu", x), np.array([0, 1, 0, 0, 0, 0, 0, 0]))
    m.op("MatMul", m.op("Reshape", x, np.array([1, -1])), m.w(140, 4))
    check(m, tmp_path)


def test_the_odd_zero_ahead(tmp_path):
    m = Model()
    x = m.op("Conv", N, m.w(4, 3, 4, 3), auto_pad="SAME_LOWER", strides=[2, 3], dilations=[1, 2])
    x = m.op("MaxPool", x, auto_pad="SAME_LOWER", kernel_shape=[2, 2], strides=[1, 1])
    m.op("Gemm", m.op("Flatten", x), m.w(112, 4))
    check(m, tmp_path)
    m = Model(sides=(1, 3, "height", "width"))
    m.op("Conv", N, m.w(4, 3, 4, 3), auto_pad="SAME_LOWER", strides=[2, 3])
    refused(m, tmp_path, "SAME_LOWER depends on the size of the picture")


def test_gemm_with_alpha_and_beta(tmp_path):
    m = Model()
    m.op("Gemm", m.op("Flatten", start(m)), m.w(4, 180), m.w(4), transB=1, alpha=0.5, beta=-2.0)
    check(m, tmp_path)
    m = Model()
    m.op("Gemm", m.op("Flatten", start(m)), m.w(1, 4), transA=1)
    refused(m, tmp_path, "transposes what the net computes")


@pytest.mark.parametrize("opset", [9, 13, 17])
def test_batch_norm_of_a_row_by_its_own_mean_and_variance(tmp_path, opset):
    m = Model(opset=opset)
    arrays = m.w(180) + 1, m.w(180), m.w(180), abs(m.w(180)) + 0.5
    x = m.op("BatchNormalization", m.op("Flatten", start(m)), *arrays, momentum=0.9)
    m.op("Gemm", x, m.w(180, 4), m.w(4))
    assert "off by" in mv.load(m.save(tmp_path / "a.onnx")).about["proof"]


@pytest.mark.parametrize("opset, attributes", [(13, {"outputs": 5}), (13, {"outputs": 2}), (17, {"training_mode": 1})])
def test_an_export_in_training_is_refused(tmp_path, opset, attributes):
    m = Model(opset=opset)
    m.op("BatchNormalization", start(m), m.w(6), m.w(6), m.w(6), abs(m.w(6)), **attributes)
    refused(m, tmp_path, r"as in training: call eval\(\)")


def refused(m, tmp_path, message):
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(m.save(tmp_path / "a.onnx"))
    assert "\n" not in str(caught.value)


def test_what_cannot_be_is_named(tmp_path):
    m = Model()
    m.op("Conv", m.op("Transpose", start(m), perm=[0, 1, 3, 2]), m.w(2, 6, 3, 3))
    refused(m, tmp_path, "axes are not in an order that a layer here reads")
    m = Model()
    m.op("Reshape", start(m), np.array([6, 30]))
    refused(m, tmp_path, "across pictures")
    m = Model()
    m.op("Transpose", start(m), perm=[1, 0, 2, 3])
    refused(m, tmp_path, "is part of a Turned, of which no layer came about")
    m = Model()
    m.op("Add", start(m), m.w(6, 5))
    refused(m, tmp_path, "differs from position to position")
    m = Model()
    m.op("Relu", m.op("Pad", N, np.array([0, 0, 2**15, 2**15, 0, 0, 2**15, 2**15])))
    refused(m, tmp_path, "more than the 67108864 numbers")
