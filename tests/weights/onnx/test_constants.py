"""Arithmetic on constants: what traced exports compute of shapes and weights."""

import numpy as np
import pytest

from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx import helper

from minivis.weights.onnx import constants


def folded(kind, *arrays, **attributes):
    names = [f"x{i}" for i in range(len(arrays))]
    return constants.fold(helper.make_node(kind, names, ["y"], **attributes), arrays, 17)


def test_shapes_are_put_together():
    batch = folded("Gather", np.array([4, 6, 2, 2]), np.array(0), axis=0)[0]
    (row,) = folded("Unsqueeze", batch, np.array([0]))
    assert folded("Concat", row, np.array([-1]), axis=0)[0].tolist() == [4, -1]
    assert folded("Mul", np.array([2, 3]), np.array([2, 2]))[0].tolist() == [4, 6]
    assert folded("Cast", np.array([1.5]), to=7)[0].dtype == np.int64
    (part,) = folded("Slice", np.arange(5), np.array([2]), np.array([4]))
    assert part.tolist() == [2, 3]


def test_every_form_of_a_constant():
    for given, wanted in [({"value_float": 2.0}, 2), ({"value_ints": [1, 2]}, [1, 2]),
                          ({"value": helper.make_tensor("", 1, [2], [1.0, 3.0])}, [1, 3])]:  # fmt: skip
        assert constants.constant(helper.make_node("Constant", [], ["c"]), given).tolist() == wanted
    with pytest.raises(BadFile, match="holds no numbers"):
        constants.constant(helper.make_node("Constant", [], ["c"]), {})


@pytest.mark.parametrize("kind, arrays, made", [
    ("ConstantOfShape", [np.array([2, 2])], np.zeros((2, 2))),
    ("Range", [np.array(1), np.array(6), np.array(2)], [1, 3, 5]),
    ("Expand", [np.array([[1.0], [2]]), np.array([1, 3])], [[1, 1, 1], [2, 2, 2]]),
    ("Tile", [np.array([1.0, 2]), np.array([2])], [1, 2, 1, 2]),
    ("Mul", [np.array([2**20]), np.array([2**25])], [2**45]),
])  # fmt: skip
def test_what_asks_for_little_is_made_however_large_its_numbers(kind, arrays, made):
    np.testing.assert_array_equal(folded(kind, *arrays)[0], made)


def test_a_constant_may_have_as_many_numbers_as_the_limit(monkeypatch):
    monkeypatch.setattr(constants, "MOST", 6)
    sixes = [("ConstantOfShape", np.array([2, 3])), ("Range", np.array(0), np.array(12), np.array(2)),
             ("Tile", np.ones((1, 3)), np.array([2, 1])), ("Expand", np.ones((2, 3)), np.array([3]))]
    assert [folded(*six)[0].size for six in sixes] == [6] * 4
    monkeypatch.setattr(constants, "MOST", 5)
    for kind, *arrays in sixes:
        with pytest.raises(BadFile, match="makes a constant of more than 5 numbers"):
            folded(kind, *arrays)


@pytest.mark.parametrize("kind, arrays", [
    ("ConstantOfShape", [np.array([2**20, 2**20])]), ("Expand", [np.ones(1, "f4"), np.array([2**40])]),
    ("Tile", [np.ones(2**10), np.array([2**20])]), ("Range", [np.array(0), np.array(2**40), np.array(1)]),
    ("Range", [np.array(0.0), np.array(1.0), np.array(0.0)]),
])  # fmt: skip
def test_a_few_numbers_do_not_get_all_memory(kind, arrays):
    with pytest.raises(BadFile, match="makes a constant of more than"):
        folded(kind, *arrays)
