"""Operators that only move numbers: the places they leave, against the same NumPy call on the numbers."""

import numpy as np
import pytest
from bare_graphs import bare_graph, node

from minivis.errors import BadFile
from minivis.weights.onnx import moves

OURS = np.arange(2 * 3 * 4).reshape(2, 3, 4)                        # H, W, C
THEIRS = OURS.transpose(2, 0, 1)[None]                              # N, C, H, W


def moved(kind, given, **arrays):
    graph = bare_graph((1, 2, 3, 4), **arrays)
    moves.OPERATORS[kind](graph, node(kind, "x", *arrays), given)
    return graph.values["y"].places[None]


@pytest.mark.parametrize("kind, given, expected", [
    ("Flatten", {"axis": 1}, THEIRS.reshape(1, -1)),
    ("Transpose", {"perm": [0, 2, 3, 1]}, OURS[None]),
    ("Transpose", {"perm": [0, 3, 1, 2]}, THEIRS.transpose(0, 3, 1, 2)),
    ("Reshape", {"shape": [0, -1, 3]}, THEIRS.reshape(1, 8, 3)),
    ("Reshape", {"shape": [1, 0, 6]}, THEIRS.reshape(1, 4, 6)),
    ("Unsqueeze", {"axes": [-1, 1]}, THEIRS[:, None, :, :, :, None]),
    ("Identity", {}, THEIRS),
])  # fmt: skip
def test_numbers_go_where_numpy_puts_them(kind, given, expected):
    found = moved(kind, given)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_axes_come_as_an_attribute_or_as_an_input():
    assert moved("Unsqueeze", {}, axes=np.array([2])).shape == (1, 4, 1, 2, 3)
    graph = bare_graph((1, 1, 3, 4))
    moves.squeeze(graph, node("Squeeze", "x"), {})
    assert graph.values["y"].places.shape == (4, 3)
    moves.squeeze(graph, node("Squeeze", "x"), {"axes": [-2]})
    assert graph.values["y"].places.shape == (4, 3)


@pytest.mark.parametrize("kind, given, message", [
    ("Flatten", {"axis": 2}, "flattens from axis 2"), ("Transpose", {"perm": [1, 0, 2, 3]}, "the axis of the pictures"),
    ("Reshape", {"shape": [2, 12]}, "across pictures"), ("Reshape", {"shape": [1, 25]}, "in another way"),
    ("Squeeze", {"axes": [1]}, "not of one entry each"), ("Squeeze", {"axes": [0]}, "not of one entry each"),
    ("Unsqueeze", {"axes": [0]}, "before that of the pictures"),
])  # fmt: skip
def test_what_would_mix_pictures_is_refused(kind, given, message):
    with pytest.raises(BadFile, match=message):
        moved(kind, given)


def test_a_concat_joins_channels():
    graph = bare_graph((1, 2, 3, 4))
    moves.concat(graph, node("Concat", "x", "x"), {"axis": -3})
    value = graph.values["y"]
    assert graph.shapes[value.layer] == (1, 2, 3, 8)
    ours = np.concatenate([OURS, OURS + 100], axis=2).reshape(-1)
    np.testing.assert_array_equal(ours[value.places], np.concatenate([THEIRS, THEIRS + 100], axis=1)[0])
    with pytest.raises(BadFile, match="joins along axis 0"):
        moves.concat(graph, node("Concat", "x", "x"), {"axis": 0})
