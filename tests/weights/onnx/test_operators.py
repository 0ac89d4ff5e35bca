"""Operators that compute: the layer that each becomes, with numbers by hand."""

import numpy as np
import pytest
from bare_graphs import bare_graph, node

from minivis.errors import BadFile
from minivis.weights.onnx import operators


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


def test_a_clip_begins_at_nothing():
    graph = bare_graph((1, 2, 2, 3))
    operators.clip(graph, node("Clip", "x"), {"min": 0.0, "max": 6.0})
    assert graph.net.layers["Clip"].max_value == 6
    with pytest.raises(BadFile, match=r"clips to -1\.0 \.\. 1\.0"):
        operators.clip(graph, node("Clip", "x"), {"min": -1.0, "max": 1.0})
