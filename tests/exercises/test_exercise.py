"""What an exercise makes of its functions: the student's file, the solution's, and wrong ones."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.exercises import read
from minivis.exercises.exercise import Mistake, source, with_gap


def double(x):
    """Twice x."""
    y = x + x
    return y


def test_a_gap_keeps_signature_and_docstring():
    assert with_gap(double) == 'def double(x):\n    """Twice x."""\n    raise NotImplementedError("write double")'


def test_a_students_file_has_no_types_which_it_would_have_to_import():
    def scaled(x: np.ndarray, by: "Nowhere | None" = None, *rest: "Nowhere") -> "Nowhere":  # noqa: F821
        y = x                                   # not: y: Nowhere
        return y * (by or 1)

    assert source(scaled) == ("def scaled(x, by=None, *rest):\n    y = x                                   "
                              "# not: y: Nowhere\n    return y * (by or 1)\n")
    assert source(Mistake).startswith("@dataclass(frozen=True)\nclass Mistake:")


def test_a_gap_needs_a_docstring():
    def bare(x):
        return x

    with pytest.raises(BadValue, match="needs a docstring"):
        with_gap(bare)


def test_a_mistake_changes_its_own_function_and_no_other():
    relu = read.get("relu")
    mistake = next(m for m in relu.mistakes if m.new == "return dout")
    wrong = relu.wrong(mistake)
    assert wrong["relu_forward"] is relu.solutions["relu_forward"]
    dout, x = np.array([1.0, 2.0]), np.array([-1.0, 1.0])
    assert list(wrong["relu_backward"](dout, x, "normal")) == [1, 2]
    assert list(relu.solutions["relu_backward"](dout, x, "normal")) == [0, 2]


def test_a_mistake_that_changes_nothing_is_refused():
    with pytest.raises(BadValue, match="must hold 'nowhere' once"):
        read.get("relu").wrong(Mistake("relu_backward", "nowhere", "x", "Nothing."))


def test_a_mistake_may_replace_the_whole_function():
    relu = read.get("relu")
    assert relu.wrong(Mistake("relu_forward", by=double, says="Doubled."))["relu_forward"] is double


def test_cases_are_the_same_for_the_same_seed():
    relu = read.get("relu")
    first, again, other = (relu.cases_for(seed)[0].arguments["x"] for seed in (0, 0, 1))
    assert (first == again).all() and not (first == other).all()
