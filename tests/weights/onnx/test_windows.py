"""Windows and means: the geometry that each becomes, with numbers by hand."""

import numpy as np
import pytest
from bare_graphs import bare_graph, node

from minivis.errors import BadFile
from minivis.weights.onnx import windows


def test_a_window_has_onnxs_defaults_and_its_order_of_pads():
    graph, pool = bare_graph((1, 9, 8, 3)), node("MaxPool", "x")
    given = {"kernel_shape": [3, 2], "pads": [1, 2, 3, 4], "ceil_mode": 1}
    assert windows.window(graph, pool, given) == {
        "size": (3, 2), "stride": (1, 1), "padding": ((1, 3), (2, 4)), "ceil": True}  # fmt: skip
    assert windows.window(graph, pool, given | {"auto_pad": b"SAME_UPPER"})["padding"] == "same"
    assert windows.window(graph, pool, given | {"auto_pad": b"VALID"})["padding"] == ((0, 0), (0, 0))


def test_same_lower_puts_the_odd_zero_ahead():
    graph, pool = bare_graph((1, 9, 8, 3)), node("MaxPool", "x")
    lower = {"kernel_shape": [4, 2], "auto_pad": b"SAME_LOWER"}
    assert windows.window(graph, pool, lower)["padding"] == ((2, 1), (1, 0))
    # 9 rows by strides of 2 are 5 windows, which end at row 12: 3 zeros; 8 columns by 3 are 3, which end at 8: none
    assert windows.window(graph, pool, lower | {"strides": [2, 3]})["padding"] == ((2, 1), (0, 0))


@pytest.mark.parametrize("given, arrays, shape", [
    ({"axes": [2, 3]}, {}, (4, 1, 1)), ({"axes": [-1, -2], "keepdims": 0}, {}, (4,)),
    ({"keepdims": 0}, {"axes": np.array([2, 3])}, (4,)),
])  # fmt: skip
def test_a_mean_over_positions_is_a_global_pool_however_its_axes_come(given, arrays, shape):
    graph = bare_graph((1, 2, 3, 4), **arrays)
    windows.reduce_mean(graph, node("ReduceMean", "x", *arrays), given)
    value = graph.values["y"]
    assert graph.shapes[value.layer] == (1, 4) and value.places.shape == shape
    assert value.places.reshape(-1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["average", "max"])
def test_a_global_pool_leaves_an_entry_for_each_channel_with_both_axes(kind):
    graph = bare_graph((1, 2, 3, 4))
    getattr(windows, f"global_{kind}_pool")(graph, node("Pool", "x"), {})
    value = graph.values["y"]
    assert graph.shapes[value.layer] == (1, 4) and value.places.tolist() == [[[0]], [[1]], [[2]], [[3]]]


@pytest.mark.parametrize("axes", [[1], [0, 2, 3], [2], [1, 2, 3]])
def test_a_mean_over_anything_else_is_refused(axes):
    with pytest.raises(BadFile, match="here it goes over all positions"):
        windows.reduce_mean(bare_graph((1, 2, 3, 4)), node("ReduceMean", "x"), {"axes": axes})
