"""Operators that compute: the layer that each becomes, with numbers by hand."""

import numpy as np
import pytest
from bare_graphs import bare_graph, node

from minivis.errors import BadFile
from minivis.layers import GlobalAvgPool, Permute, ReLU, Softmax
from minivis.weights.layout import Value
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


def test_a_clip_from_0_is_a_relu_alone():
    graph = bare_graph((1, 2, 2, 3))
    operators.clip(graph, node("Clip", "x"), {"min": 0.0, "max": 6.0})
    assert list(graph.net.nodes) == ["Clip"] and graph.net.layers["Clip"].max_value == 6


@pytest.mark.parametrize("kind, inputs, given", [
    ("Clip", ("x",), {"min": -1.0, "max": 2.0}), ("Clip", ("x",), {"min": 1.0, "max": 2.0}),
    ("Clip", ("x",), {"max": 1.0}), ("Clip", ("x",), {"min": -0.5}), ("Clip", ("x",), {"min": -3.4e38}),
    ("Clip", ("x", "", "c"), {}), ("Max", ("x", "c"), {}), ("Min", ("c", "x"), {}), ("Neg", ("x",), {}),
    ("Sub", ("x", "x"), {}), ("Sub", ("relu", "x"), {}), ("Max", ("relu", "x"), {}), ("Max", ("x", "relu"), {}),
    ("Min", ("x", "relu"), {}), ("Min", ("relu", "x"), {}),
])  # fmt: skip
def test_arithmetic_by_relus_and_scales(kind, inputs, given):
    graph = bare_graph((1, 2, 2, 3), c=np.array(0.5))
    graph.net.add("before", Permute((3, 1), (0, 1))).add("relu", ReLU())
    graph.shapes.update(dict.fromkeys(("before", "relu"), (1, 2, 2, 3)))
    graph.values.update(x=Value("before", graph.values["x"].places), relu=Value("relu", graph.values["x"].places))
    operators.OPERATORS[kind](graph, node(kind, *inputs), given)
    x = np.random.default_rng(0).uniform(-3, 3, (1, 2, 2, 3)).astype("f4")
    expected = {"Clip": lambda: np.clip(x, given.get("min"), given.get("max", 0.5 if "c" in inputs else None)),
                "Max": lambda: np.maximum(x, 0.5 if "c" in inputs else np.maximum(x, 0)),
                "Min": lambda: np.minimum(x, 0.5 if "c" in inputs else np.maximum(x, 0)), "Neg": lambda: -x,
                "Sub": lambda: x - x if inputs[0] == "x" else np.maximum(x, 0) - x}[kind]()  # fmt: skip
    acts = graph.net.forward(x, grad=None)
    np.testing.assert_allclose(acts[graph.values["y"].layer], expected, atol=1e-6)


@pytest.mark.parametrize("kind, inputs", [("Max", ("x", "x", "x")), ("Min", ("x", "many")), ("Max", ("x", "c", "c"))])
def test_an_extreme_of_more_is_refused(kind, inputs):
    with pytest.raises(BadFile, match="here it is one of two, or of a value and a number"):
        operators.extreme(bare_graph((1, 2, 2, 3), c=np.array(1.0), many=np.ones(3)), node(kind, *inputs), {})


def test_maps_and_one_position_are_added():
    graph = bare_graph((1, 2, 4, 3))
    graph.shapes["one"] = (1, 3)
    graph.net.add("one", GlobalAvgPool())
    graph.values["one"] = Value("one", np.arange(3).reshape(3, 1, 1))
    operators.arithmetic(graph, node("Sub", "x", "one"), {})
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 3)).astype("f4")
    value = graph.values["y"]
    out = graph.net.forward(x, grad=None)[value.layer]
    np.testing.assert_allclose(out, x - x.mean((1, 2), keepdims=True), atol=1e-6)
    graph.values["row"] = Value("one", np.arange(3))
    with pytest.raises(BadFile, match="here they agree but for positions"):
        operators.arithmetic(graph, node("Add", "x", "row"), {})


@pytest.mark.parametrize("opset, axis, refused", [
    (12, 1, True), (13, 1, False), (14, 1, False), (17, 1, False), (13, 0, True), (13, 2, True), (13, -1, True),
    (13, -3, False),
])  # fmt: skip
def test_a_softmax_over_the_channels_of_maps_is_one_since_opset_13(opset, axis, refused):
    """Before, it was one of all numbers from its axis on; the other axes are no classes."""
    graph = bare_graph((1, 2, 2, 3))
    graph.opset = opset
    graph.net.add("before", ReLU())
    graph.shapes["before"] = (1, 2, 2, 3)
    graph.values["x"] = Value("before", graph.values["x"].places)
    if refused:
        with pytest.raises(BadFile, match="is a softmax of feature maps; here it is one of classes"):
            operators.softmax(graph, node("Softmax", "x"), {"axis": axis})
    else:
        operators.softmax(graph, node("Softmax", "x"), {"axis": axis})
        assert isinstance(graph.net.layers["Softmax"], Softmax)
