"""Whatever a student's function does, its outcome is an answer or one sentence."""

import numpy as np
import pytest

from minivis.exercises import calls
from minivis.exercises.calls import message, run_case, run_cases
from minivis.exercises.exercise import case
from minivis.exercises.read import get

ONE = case("f", "a case", x=np.array([1.0, 2.0]))


def outcome(function, outputs=("out",)):
    return run_case(function, ONE, outputs, __file__)


def no_memory(x):
    raise MemoryError


def never_ends(x):
    return never_ends(x)


def leaves(x):
    raise SystemExit(3)


def divides(x):
    return 1 // 0


def gap(x):
    raise NotImplementedError("write f")


class Mute(Exception):
    def __str__(self):
        raise ValueError


def mute(x):
    raise Mute


@pytest.mark.parametrize("function, kind, words", [
    (None, "missing", "there is no function f(x)"),
    (3, "missing", "f is not a function"),
    (lambda: 1, "missing", "it is called as f(x), and takes ()"),
    (lambda x: None, "answer", "returns nothing where out is expected"),
    (lambda x: "a", "answer", "out is not an array of real numbers, but a str"),
    (lambda x: [[1], [2, 3]], "answer", "of different lengths"),
    (lambda x: x * 1j, "answer", "an array of complex128"),
    (lambda x: np.broadcast_to(x, (10**8, 2)), "answer", "far more than is expected"),
    (no_memory, "memory", "asks for more memory"),
    (never_ends, "exception", "calls itself without end"),
    (leaves, "exit", "ends the program"),
    (divides, "exception", "raises ZeroDivisionError: "),
    (gap, "gap", "is the gap"),
    (mute, "exception", "raises Mute"),
])  # fmt: skip
def test_each_thing_that_goes_wrong_is_one_sentence(function, kind, words):
    problem = outcome(function).problem
    assert problem.kind == kind and words in problem.says and "\n" not in problem.says
    if kind in ("memory", "exit", "gap"):
        assert problem.says.startswith(f"line {function.__code__.co_firstlineno + 1} ")


@pytest.mark.parametrize("answer, words", [
    (1.0, "returns one float where dx and dw are expected"),
    ((1, 2, 3), "returns 3 values where"),
    ((1, None), "dw is None"),
])
def test_several_outputs(answer, words):
    assert words in outcome(lambda x: answer, ("dx", "dw")).problem.says


def test_arguments_are_copies_and_a_change_is_noted():
    def spoils(x):
        x[0] = np.nan
        return x

    assert outcome(spoils).changed == ("x",) and ONE.arguments["x"][0] == 1
    assert outcome(lambda x: x + 1).changed == ()


def test_arguments_may_have_other_names():
    assert outcome(lambda y: y + 1).values[0][0] == 2
    assert outcome(lambda *, x: x + 1).values[0][0] == 2
    assert outcome(np.sin).values[0].shape == (2,)


def test_numbers_and_lists_count_as_arrays():
    assert outcome(lambda x: [1, 2]).values[0].shape == (2,)
    assert outcome(lambda x: 3).values[0].shape == ()


def test_a_function_without_memory_is_called_once():
    calls = []

    def greedy(x):
        calls.append(1)
        raise MemoryError

    relu = get("relu")
    cases = [c for c in relu.cases_for() if c.function == "relu_forward"]
    outcomes = run_cases(relu, {"relu_forward": greedy}, cases)
    assert len(calls) == 1 < len(cases) and all(o.problem.kind == "memory" for o in outcomes)


def test_ctrl_c_is_the_users():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcome(stopped)


def test_a_long_message_is_cut():
    assert len(message(ValueError("ab\n" * 1000))) < 210


def test_a_limit_is_the_last_number_that_is_taken(monkeypatch):
    monkeypatch.setattr(calls, "LARGEST", 6)
    assert outcome(lambda x: np.zeros((2, 3))).problem is None
    assert outcome(lambda x: np.zeros((7, 1))).problem.kind == "answer"
    monkeypatch.setattr(calls, "LONGEST", 3)
    assert message(ValueError("abc")) == "abc" and message(ValueError("abcd")) == "abc..."
