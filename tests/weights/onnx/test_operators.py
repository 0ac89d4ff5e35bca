"""Operators that compute: the layer that each becomes, with numbers by hand."""

import numpy as np
import pytest
from bare_graphs import bare_graph, node

from minivis.errors import BadFile
from minivis.weights.onnx import operators


def test_a_window_has_onnxs_defaults_and_its_order_of_pads():
    graph, pool = bare_graph((1, 9, 8, 3)), node("MaxPool", "x")
    given = {"kernel_shape": [3, 2], "pads": [1, 2, 3, 4], "ceil_mode": 1}
    assert operators.window(graph, pool, given) == {
        "size": (3, 2), "stride": (1, 1), "padding": ((1, 3), (2, 4)), "ceil": True}  # fmt: skip
    assert operators.window(graph, pool, given | {"auto_pad": b"SAME_UPPER"})["padding"] == "same"
    assert operators.window(graph, pool, given | {"auto_pad": b"VALID"})["padding"] == ((0, 0), (0, 0))


def test_same_lower_puts_the_odd_zero_ahead():
    graph, pool = bare_graph((1, 9, 8, 3)), node("MaxPool", "x")
    lower = {"kernel_shape": [4, 2], "auto_pad": b"SAME_LOWER"}
    assert operators.window(graph, pool, lower)["padding"] == ((2, 1), (1, 0))
    # 9 rows by strides of 2 are 5 windows, which end at row 12: 3 zeros; 8 columns by 3 are 3, which end at 8: none
    assert operators.window(graph, pool, lower | {"strides": [2, 3]})["padding"] == ((2, 1), (0, 0))


def test_a_kernel_moves_its_axes():
    kernel = np.arange(2 * 3 * 4 * 5, dtype="f4").reshape(2, 3, 4, 5)
    graph = bare_graph((1, 9, 8, 3), w=kernel, b=np.array([1.0, 2.0]))
    operators.conv(graph, node("Conv", "x", "w", "b"), {"strides": [2, 1], "pads": [1, 0, 0, 2]})
    layer = graph.net.layers["Conv"]
    assert layer.params["w"][3, 4, 2, 1] == kernel[1, 2, 3, 4] and layer.params["b"].tolist() == [1, 2]
    assert graph.shapes["Conv"] == (1, 4, 6, 2)         # (9 + 1 - 4) // 2 + 1 rows, 8 + 2 - 5 + 1 columns


@pytest.mark.parametrize("kind, inputs, scale, shift", [
    ("Mul", ("x", "c"), 4, 0), ("Div", ("x", "c"), 0.25, 0), ("Add", ("c", "x"), 1, 4), ("Sub", ("x", "c"), 1, -4),
    ("Sub", ("c", "x"), -1, 4),
])  # fmt: skip
def test_a_constant_ahead_of_everything_is_preprocessing(kind, inputs, scale, shift):
    graph = bare_graph((1, 2, 2, 1), c=np.array(4.0))
    operators.arithmetic(graph, node(kind, *inputs), {})
    assert graph.scale.tolist() == [scale] and graph.shift.tolist() == [shift] and not graph.net.nodes


def test_a_constant_is_divided_by_nothing():
    with pytest.raises(BadFile, match="divides a constant"):
        operators.arithmetic(bare_graph((1, 2, 2, 1), c=np.array(4.0)), node("Div", "c", "x"), {})


@pytest.mark.parametrize("given, arrays, shape", [
    ({"axes": [2, 3]}, {}, (4, 1, 1)), ({"axes": [-1, -2], "keepdims": 0}, {}, (4,)),
    ({"keepdims": 0}, {"axes": np.array([2, 3])}, (4,)),
])  # fmt: skip
def test_a_mean_over_positions_is_a_global_pool_however_its_axes_come(given, arrays, shape):
    graph = bare_graph((1, 2, 3, 4), **arrays)
    operators.reduce_mean(graph, node("ReduceMean", "x", *arrays), given)
    value = graph.values["y"]
    assert graph.shapes[value.layer] == (1, 4) and value.places.shape == shape
    assert value.places.reshape(-1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("axes", [[1], [0, 2, 3], [2], [1, 2, 3]])
def test_a_mean_over_anything_else_is_refused(axes):
    with pytest.raises(BadFile, match="here it goes over all positions"):
        operators.reduce_mean(bare_graph((1, 2, 3, 4)), node("ReduceMean", "x"), {"axes": axes})


def test_a_clip_begins_at_nothing():
    graph = bare_graph((1, 2, 2, 3))
    operators.clip(graph, node("Clip", "x"), {"min": 0.0, "max": 6.0})
    assert graph.net.layers["Clip"].max_value == 6
    with pytest.raises(BadFile, match=r"clips to -1\.0 \.\. 1\.0"):
        operators.clip(graph, node("Clip", "x"), {"min": -1.0, "max": 1.0})
