"""What wrong cases have in common, and where the wrong numbers are."""

import numpy as np
import pytest

from minivis.exercises.checking import check
from minivis.exercises.pattern import common, where
from minivis.exercises.read import get


@pytest.mark.parametrize("wrong, sentence", [
    ((0, 0, 1, 1), "Wrong are all cases where padding is 1, and no others."),
    ((1, 0, 0, 0), "Wrong are all cases where stride is 1, and no others."),
    ((0, 1, 1, 1), "Wrong are all cases where stride is above 1, and no others."),
    ((1, 1, 1, 0), "Wrong are all cases where stride is below 4, and no others."),
    ((1, 0, 0, 1), ""), ((1, 1, 1, 1), ""), ((0, 0, 0, 0), ""),
])  # fmt: skip
def test_one_number_tells_the_wrong_cases(wrong, sentence):
    arguments = [{"x": np.ones(3), "stride": stride, "padding": padding}
                 for stride, padding in ((1, 0), (2, 0), (3, 1), (4, 1))]
    assert common(arguments, [bool(one) for one in wrong]) == sentence


def test_one_right_case_among_several():
    arguments = [{"window": 1}, {"window": 3}, {"window": 5}]
    assert common(arguments, [True, False, True]) == "Right are only the cases where window is 3."


def mask_of(shape, *places):
    mask = np.zeros(shape, bool)
    for place in places:
        mask[place] = True
    return mask


@pytest.mark.parametrize("mask, sentence", [
    (mask_of((2, 4, 5, 3), (0, 0, 2), (1, 3, 1)), "in the outermost lines and columns"),
    (mask_of((2, 4, 5, 3), (0, 3, 2), (1, 3, 1)), "at the last index of axis 1"),
    (mask_of((2, 4, 5, 3), (0, 2, 2, 0), (0, 1, 1, 0)), "at the first index of axis 0"),
    (mask_of((4, 5), (0, 2), (2, 4)), "in the outermost lines and columns"),
])  # fmt: skip
def test_the_place_is_named(mask, sentence):
    assert where("out", [({}, mask)]) == f"Wrong are only numbers of out {sentence}."


@pytest.mark.parametrize("mask", [mask_of((2, 4, 5, 3), (0, 0, 2), (0, 2, 2), (1, 1, 1)), np.ones((2, 4, 5, 3), bool),
                                  np.array(True), None])
def test_no_place_is_named_where_there_is_none(mask):
    assert where("out", [({}, mask)]) == ""


def test_a_place_must_hold_in_every_wrong_case():
    first, last = mask_of((3, 4), 0), mask_of((3, 4), -1)
    assert "first index of axis 0" in where("out", [({}, first), ({}, first)])
    assert "index" not in where("out", [({}, first), ({}, last)])


@pytest.mark.parametrize("wrong, words", [("below", "below zero"), ("above", "above zero")])
def test_the_sign_of_an_argument(wrong, words, rng):
    x = rng.standard_normal((3, 4))
    mask = (x < 0) if wrong == "below" else (x > 0)
    found = where("dx", [({"dout": np.ones((3, 4)), "x": x}, mask)])
    assert found == f"Wrong are only numbers of dx where x is {words}."


def test_a_student_reads_it():
    """Padding with ones is in no list of mistakes."""
    right = get("conv_loops").solutions["conv_forward"]

    def conv_forward(x, w, b, stride, padding):
        pads = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        return right(np.pad(x, pads, constant_values=1), w, b, stride, 0)

    (found,) = check("conv_loops", conv_forward).verdicts
    assert "Wrong are all cases where padding is 1, and no others." in found.says
    assert "Wrong are only numbers of out in the outermost lines and columns." in found.says
