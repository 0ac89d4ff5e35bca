"""A gradient checker: central differences, and CS231n's relative error."""

from collections.abc import Callable, Iterator

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case
from minivis.types import Array


def numerical_gradient(f: Callable[[Array], float], x: Array, step: float) -> Array:
    """The gradient of f at x, in the shape of x; f(x) is a number. Leave x as it was."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = step
        grad[i] = (f(x + e) - f(x - e)) / (2 * step)
    return grad


def relative_error(a: Array, b: Array) -> float:
    """CS231n's: the largest |a - b| / max(1e-8, |a| + |b|) of all elements, a number."""
    return (abs(a - b) / np.maximum(1e-8, abs(a) + abs(b))).max()


def gradient_by_loops(f: Callable[[Array], float], x: Array, step: float) -> Array:
    grad, flat = np.zeros(x.size), x.ravel()
    for k in range(x.size):
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[k] += sign * step
            ends.append(f(moved.reshape(x.shape)))
        grad[k] = (ends[0] - ends[1]) / (2 * step)
    return grad.reshape(x.shape)


def error_by_loops(a: Array, b: Array) -> float:
    return np.float64(max(abs(p - q) / max(1e-8, abs(p) + abs(q)) for p, q in zip(a.ravel(), b.ravel())))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    functions = {"a sum of cubes": lambda x: (x**3).sum(), "a product": lambda x: np.prod(x + 2),
                 "a square of a sum": lambda x: x.sum() ** 2}
    for (label, f), shape in zip(functions.items(), ((4,), (2, 3), (2, 2, 2))):
        for step in (1e-2, 0.1):
            yield case("numerical_gradient", f"{label}, step {step:g}", f=f, x=rng.standard_normal(shape), step=step)
    for shape in ((5,), (3, 4)):
        a = rng.standard_normal(shape)
        yield case("relative_error", "random numbers", a=a, b=a * (1 + 1e-3 * rng.standard_normal(shape)))
        yield case("relative_error", "opposite signs", a=a, b=-a + 0.1)
    yield case("relative_error", "zeros", a=np.array([0.0, 0.0, 3.0]), b=np.array([0.0, 1e-10, 3.0]))
    yield case("relative_error", "equal", a=a, b=a.copy())


EXERCISE = Exercise(
    name="gradient_check",
    title="A gradient checker",
    lecture="lecture 4, Gradient checks; CS231n's assignments",
    text="""
Is a backward pass right? Move one number of x a little up and a little down, and see how the loss changes: that is the
derivative, up to an error that falls with the square of the step. Do that for each number, and compare.
""",
    formula="""
grad[i] = (f(x + step * e_i) - f(x - step * e_i)) / (2 * step)          e_i is 1 at i, and 0 elsewhere
error   = max over i of  |a[i] - b[i]| / max(1e-8, |a[i]| + |b[i]|)
""",
    shapes="x and grad have one shape, any; so have a and b. f(x) and the error are numbers.",
    functions=(numerical_gradient, relative_error),
    loops={"numerical_gradient": gradient_by_loops, "relative_error": error_by_loops},
    outputs={"numerical_gradient": ("grad",), "relative_error": ("error",)},
    cases=cases,
    hints=(
        "np.ndindex(x.shape) runs over the indices of all elements, whatever the shape.",
        "If you change x itself, change it back before the next element: f must see one moved number at a time.",
        "np.maximum(1e-8, ...) keeps 0 / 0 from becoming NaN.",
    ),
    mistakes=(
        Mistake("numerical_gradient", "(f(x + e) - f(x - e)) / (2 * step)", "(f(x + e) - f(x)) / step",
                "The difference is taken on one side only: its error is much larger than that of a central one."),
        Mistake("numerical_gradient", "(f(x + e) - f(x - e)) / (2 * step)", "(f(x) - f(x - e)) / step",
                "The difference is taken on the lower side only: its error is much larger than that of a central one."),
        Mistake("numerical_gradient", "/ (2 * step)", "/ step",
                "The two points are further apart than the number by which the difference is divided."),
        Mistake("numerical_gradient", "/ (2 * step)", "",
                "The difference is not divided by the distance of the two points."),
        Mistake("numerical_gradient", "e[i] = step", "e[...] = step",
                "All numbers are moved at once: that is one slope along the diagonal, everywhere."),
        Mistake("numerical_gradient", "        e = np.zeros_like(x)\n        e[i] = step",
                "        e = (np.arange(x.size) <= np.ravel_multi_index(i, x.shape)).reshape(x.shape) * step",
                "Numbers that were moved stay moved: the later ones see an x that is no longer the one that was "
                "given."),
        Mistake("numerical_gradient", "f(x + e) - f(x - e)", "f(x - e) - f(x + e)",
                "The two points have changed places: the sign is wrong."),
        Mistake("relative_error", ".max()", ".mean()",
                "The errors are averaged: one wrong number hides among many right ones."),
        Mistake("relative_error", "abs(a) + abs(b)", "abs(a + b)",
                "Where a and b have opposite signs, they cancel in the denominator."),
        Mistake("relative_error", "np.maximum(1e-8, abs(a) + abs(b))", "(abs(a) + abs(b))",
                "Where both are 0, it divides 0 by 0."),
        Mistake("relative_error", "abs(a - b)", "(a - b)", "Only errors upwards count: a sign is not removed."),
        Mistake("relative_error", "abs(a - b) / np.maximum(1e-8, abs(a) + abs(b))", "abs(a - b)",
                "It is the absolute error: what is large or small depends on how large the numbers are."),
    ),
)
