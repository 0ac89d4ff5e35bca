"""PyTorch's local response norm, node by node as its exporters write it."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx import TensorProto, helper
from onnx_models import Model, N, check


def lrn(m, x, size=5, alpha=0.4, beta=0.75, k=2.0, *, around=None, kernel=None, branch=False, power=False):
    """x / (k + alpha * mean of squares) ** beta, of maps (1, 6, 11, 9)."""
    y = m.op("Pow", x, np.array(2, "f4")) if power else m.op("Mul", x, x)
    y = m.op("Reshape", y, np.array([1, 1, 6, 11, -1]))
    before, after = around or (size // 2, (size - 1) // 2)
    y = m.op("Pad", y, np.array([0, 0, before, 0, 0, 0, 0, after, 0, 0]))
    y = m.op("AveragePool", y, kernel_shape=kernel or [size, 1, 1], count_include_pad=1)
    y = either(m, y) if branch else m.op("Squeeze", y, np.array([1]))
    y = m.op("Reshape", y, np.array([1, 6, 11, 9]))
    y = m.op("Add", np.array(k, "f4"), m.op("Mul", y, np.array(alpha, "f4")))
    return m.op("Div", x, m.op("Pow", y, np.array(beta, "f4")))


def lrn_by_an_axis(m, x, axes, scaled):
    """The same, by an axis that is put in and taken out again. ``scaled``: what makes k + alpha * it of a mean."""
    y = m.op("Unsqueeze", m.op("Mul", x, x), np.array(axes))
    y = m.op("AveragePool", m.op("Pad", y, np.array([0, 0, 2, 0, 0, 0, 0, 2, 0, 0])), kernel_shape=[5, 1, 1])
    y = scaled(m, m.op("Squeeze", y, np.array(axes)))
    return m.op("Div", x, m.op("Pow", y, np.array(0.75, "f4")))


def either(m, y):
    """Squeeze, if axis 1 has one entry, as a traced squeeze(1) has it."""
    one = m.op("Equal", m.op("Gather", m.op("Shape", y), np.array([1]), axis=0), np.array([1]))
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("squeezed", "same")]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes = [helper.make_node("Squeeze", [y, "axes"], ["squeezed"]), helper.make_node("Identity", [y], ["same"])]
    then_branch = helper.make_graph(nodes[:1], "then", [], made[:1], [axes])
    else_branch = helper.make_graph(nodes[1:], "else", [], made[1:])
    return m.op("If", one, then_branch=then_branch, else_branch=else_branch)


@pytest.mark.parametrize("settings", [
    {}, {"size": 4}, {"size": 1, "k": 1.0}, {"size": 9, "alpha": 1e-4}, {"branch": True}, {"power": True},
])  # fmt: skip
def test_it_is_one_layer(tmp_path, settings):
    m = Model()
    x = m.op("Conv", N, 3 * m.w(6, 3, 3, 3))
    m.op("Conv", lrn(m, x, **settings), m.w(2, 6, 1, 1))
    net = check(m, tmp_path)
    assert [type(layer).__name__ for layer in net.layers.values()] == ["Conv2D", "LRN", "Conv2D"]
    layer = list(net.layers.values())[1]
    assert layer.size == settings.get("size", 5) and layer.k == settings.get("k", 2) and layer.beta == 0.75


@pytest.mark.parametrize("axes", [[1], [-4]])
@pytest.mark.parametrize("scaled", [
    lambda m, y: m.op("Add", m.op("Mul", np.array(0.4, "f4"), y), np.array(2, "f4")),
    lambda m, y: m.op("Add", np.array(2, "f4"), m.op("Div", y, np.array(2.5, "f4"))),
    lambda m, y: m.op("Mul", m.op("Add", y, np.array(5, "f4")), np.array(0.4, "f4")),
    lambda m, y: m.op("Div", m.op("Add", np.array(5, "f4"), y), np.array(2.5, "f4")),
])
def test_it_is_the_same_layer_however_its_axis_and_its_numbers_are_written(tmp_path, axes, scaled):
    m = Model()
    lrn_by_an_axis(m, m.op("Conv", N, 3 * m.w(6, 3, 3, 3)), axes, scaled)
    _, layer = check(m, tmp_path).layers.values()
    assert (layer.size, layer.beta) == (5, 0.75) and (layer.alpha, layer.k) == pytest.approx((0.4, 2))


@pytest.mark.parametrize("settings, message", [
    ({"around": (1, 3)}, "averages squares in another way"), ({"kernel": [5, 3, 1]}, "averages squares in another way"),
])  # fmt: skip
def test_another_norm_is_refused(tmp_path, settings, message):
    m = Model()
    lrn(m, m.op("Conv", N, m.w(6, 3, 3, 3)), **settings)
    with pytest.raises(BadFile, match=message):
        mv.load(m.save(tmp_path / "a.onnx"))


@pytest.mark.parametrize("step, message", [
    (lambda m, y: m.op("Mul", y, np.ones((6, 1, 1), "f4")), "weighs squares by 6 numbers"),
    (lambda m, y: m.op("Unsqueeze", y, np.array([0])), "adds an axis before that of the pictures"),
    (lambda m, y: m.op("Squeeze", y, np.array([1])), "takes axes .1. away, which are not of one entry each"),
    (lambda m, y: m.op("Add", y, y), "is computed by the net, where a constant was expected"),
    (lambda m, y: m.op("Add", y, np.array(1, "f4")), "divides by squares in another way than a local response norm"),
])
def test_squares_on_another_way_are_refused(tmp_path, step, message):
    m = Model()
    x = m.op("Conv", N, m.w(6, 3, 3, 3))
    m.op("Div", x, step(m, m.op("Mul", x, x)))
    with pytest.raises(BadFile, match=message):
        mv.load(m.save(tmp_path / "a.onnx"))


def test_squares_that_become_no_norm_are_refused(tmp_path):
    m = Model()
    x = m.op("Conv", N, m.w(6, 3, 3, 3))
    m.op("Div", x, m.op("Relu", m.op("Mul", x, x)))
    with pytest.raises(BadFile, match="is a Relu of squares, no layer here"):
        mv.load(m.save(tmp_path / "a.onnx"))


def test_a_square_alone_is_a_product(tmp_path):
    m = Model()
    x = m.op("Conv", N, m.w(6, 3, 3, 3))
    m.op("Mul", x, x)
    assert "Multiply" in repr(check(m, tmp_path).layers)


def test_onnxs_own_norm_of_an_even_size_is_another(tmp_path):
    m = Model()
    m.op("LRN", m.op("Conv", N, m.w(6, 3, 3, 3)), size=4)
    with pytest.raises(BadFile, match="normalises over 4 channels; ONNX puts an even number of them elsewhere"):
        mv.load(m.save(tmp_path / "a.onnx"))
