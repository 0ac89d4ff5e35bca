"""The report on a file, and on functions of a notebook."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.exercises import read, student
from minivis.exercises.checking import report
from minivis.exercises.judge import Verdict


def relu_forward(x):
    return np.abs(x)


def test_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(student.solution("relu").replace("dout * (x > 0)\n    if", "dout\n    if"))
    found = mv.exercises.check_file(file)
    assert not found.solved and [v.right for v in found.verdicts] == [True, False]
    assert "the mask is missing" in found.sentence and "not yet: 1 of 2 functions are right" in str(found)
    assert found.as_dict()["functions"][1]["kind"] == "value"


def test_functions_of_a_notebook():
    found = mv.exercises.check("relu", relu_forward)
    assert len(found.verdicts) == 1 and "come out positive" in found.sentence
    assert mv.exercises.check("relu", *read.get("relu").functions).solved


def test_functions_with_other_names_are_refused():
    for functions in ((), (np.abs,), (relu_forward, test_a_file)):
        with pytest.raises(BadValue, match="relu consists of relu_forward, relu_backward"):
            mv.exercises.check("relu", *functions)


def test_what_is_said_of_a_function_stands_below_it():
    assert report(Verdict("f", False, "It is wrong.", "values")) == "f: wrong\n    It is wrong."
    assert report(Verdict("f", False, "It is the gap.", "gap")) == "f: to be written\n    It is the gap."
    assert report(Verdict("f", True, errors={"out": {"loops": 1e-9}})) == (
        "f: right\n    out: relative error 1.0e-09 against the loops")
    partly = Verdict("f", False, "No.", "values", right_cases=("a", "b"), wrong_cases=("b", "c"))
    assert report(partly) == "f: wrong\n    right: a\n    wrong: b; c\n    No."
