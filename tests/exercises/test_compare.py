"""When two answers count as equal."""

import numpy as np
import pytest

from minivis.exercises.compare import first_difference, relative_error, same, too_far


def test_errors_are_cs231ns():
    assert relative_error([1.0, 2.0], [1.0, 2.0]) == 0
    assert relative_error([1.0, 3.0], [1.0, 1.0]) == 0.5                # |3 - 1| / (3 + 1)
    assert relative_error([0.0], [1e-10]) == pytest.approx(1e-2)        # 1e-10 / 1e-8
    assert relative_error([], []) == 0
    with np.errstate(all="ignore"):                                     # as those who ask have it
        assert relative_error([1.0, np.inf], [1.0, 2.0]) == relative_error([1e308], [-1e308]) == 1


def test_the_last_number_that_is_equal():
    right = np.array([1.0, 0.0])
    assert too_far(np.array([1.0, 1e-7]), right).tolist() == [False, False]
    assert too_far(np.array([1.0, 1.0000001e-7]), right).tolist() == [False, True]
    assert too_far(np.array([1e-7, 1.1e-7]), np.zeros(2)).tolist() == [False, True]     # of 1, where all are zero


@pytest.mark.parametrize("dtype, allowed", [("f8", 1e-7), ("f4", 2e-4)])
def test_equal_is_up_to_rounding_of_the_largest_number(dtype, allowed):
    right = np.array([100.0, 0.5], dtype)
    assert same(right + np.array([0, 90 * allowed], dtype), right)
    assert not same(right.astype("f8") + np.array([0, 110 * allowed]), right)
    assert not same(right[:1], right) and not same(-right, right)


def test_what_is_not_finite_is_expected_in_its_place():
    right = np.array([1.0, np.inf, 2.0])
    assert same(right, right)
    assert too_far(np.array([1.0, 5.0, np.nan]), right).tolist() == [False, True, True]


def test_whole_numbers_are_equal_or_not():
    assert too_far(np.array([1, 2]), np.array([1, 3])).tolist() == [False, True]


def test_the_first_difference_is_named_however_small():
    assert first_difference(np.array([1.0, 1 + 5e-7]), np.array([1.0, 1.0])).startswith("at [1] stands")
    assert first_difference(np.array(2.0), np.array(3.0)) == "2 where 3 is expected"
