"""What a wrong answer is said to look like."""

import numpy as np
import pytest

from minivis.exercises.checking import check
from minivis.exercises.exercise import Exercise, Mistake, case
from minivis.exercises.read import get


def scale(x, s):
    """x times s, plus 1."""
    y = x * s
    return y + 1


def scale_by_loops(x, s):
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        out[i] = x[i] * s + 1
    return out


def cases(rng):
    yield case("scale", "a matrix", x=rng.standard_normal((3, 3)), s=2.0)
    yield case("scale", "another", x=rng.standard_normal((2, 2)), s=-3.0)
    yield case("scale", "float32", x=rng.standard_normal((2, 2)).astype("f4"), s=0.5)


TOY = Exercise(
    name="toy", title="A toy", lecture="none", text="", formula="", shapes="", functions=(scale,),
    loops={"scale": scale_by_loops}, cases=cases, hints=("a", "b"), mistakes=(
        Mistake("scale", "x * s", "x / s", "It divides."),
        Mistake("scale", "y + 1", "y", "The one is missing."),
        Mistake("scale", "y + 1", "np.zeros(x.shape) @ np.zeros(5)", "The matrices do not fit."),
    ),
)  # fmt: skip


def verdict(function):
    function.__name__ = "scale"
    return check(TOY, function).verdicts[0]


@pytest.mark.parametrize("function, kind, words", [
    (lambda x, s: x * s + 1, "right", ""),
    (lambda x, s: x / s + 1, "value", "It looks like this: It divides."),
    (lambda x, s: x * s, "value", "It looks like this: The one is missing."),
    (lambda x, s: x / s, "value", "It looks like two things at once: It divides. The one is missing."),
    (lambda x, s: np.zeros(x.shape) @ np.zeros(5), "exception", "The matrices do not fit."),
    (lambda x, s: -(x * s + 1), "value", "the opposite sign"),
    (lambda x, s: (x * s + 1) / 4, "value", "the right answer times a number: 0.25"),
    (lambda x, s: (x * s + 1) / x.size, "value", "times numbers that depend on the case: 0.111, 0.25"),
    (lambda x, s: (x * s + 1).T, "value", "rows and columns have changed places"),
    (lambda x, s: np.zeros_like(x), "value", "zero everywhere"),
    (lambda x, s: x * s + x**3, "value", "is not what the loops give (a matrix): at [0, 0] stands"),
    (lambda x, s: x[:1] * s + 1, "shape", "out has the shape (1, 3), and (3, 3) is expected (a matrix)"),
    (lambda x, s: x > 0, "value", "is not what the loops give"),
    (lambda x, s: (x * s).astype(int), "value", "is not what the loops give"),
    (lambda x, s: (x * s + 1) * 1e300, "nan", "infinity"),
    (lambda x, s: (x * s + 1).tolist(), "dtype", "float64"),
    (lambda x, s: x * np.nan, "nan", "holds NaN or infinity 9 times"),
    (lambda x, s: (x * s + 1).astype("f8"), "dtype", "out is float64 where the arguments are float32"),
])  # fmt: skip
def test_the_sentence_fits(function, kind, words):
    found = verdict(function)
    assert found.kind == kind and found.right is (kind == "right") and words in found.says, found


def test_a_changed_argument_is_found_though_the_answer_is_right():
    def in_place(x, s):
        x *= s
        return x + 1

    assert verdict(in_place).kind == "changed" and "its argument x in place" in verdict(in_place).says


def test_it_says_where_the_answer_is_right():
    found = verdict(lambda x, s: x * s + (1 if len(x) == 2 else 2))
    assert (found.right_cases, found.wrong_cases) == (("another", "float32"), ("a matrix",))


def test_mistakes_in_two_outputs_are_named_separately():
    def fc_backward(dout, x, w):
        return dout @ w.T, x.T @ dout / len(x), dout.mean(axis=0)

    (found,) = check("fc", fc_backward).verdicts
    assert len(found.mistakes) == 2 and "dw:" in found.says and "db:" in found.says and "dx:" not in found.says


def test_another_exception_for_the_same_reason_is_the_same_mistake():
    """np.dot and @ complain in other words where the matrices do not fit."""
    def fc_backward(dout, x, w):
        return np.dot(dout, w), np.dot(x.T, dout), dout.sum(axis=0)

    (found,) = check("fc", fc_backward).verdicts
    assert found.kind == "exception" and "in the direction of the forward pass" in found.says and found.line


def test_a_right_gradient_is_measured_twice():
    (found,) = check("relu", get("relu").solutions["relu_backward"]).verdicts
    assert found.errors["dx"]["loops"] == 0 and found.errors["dx"]["differences"] < 1e-6
