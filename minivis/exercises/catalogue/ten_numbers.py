"""The lecture's ten numbers: a linear classifier is fooled too."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case
from minivis.types import Array

X = np.array([2.0, -1, 3, -2, 2, 2, 1, -4, 5, 1])
W = np.array([-1.0, -1, 1, -1, 1, -1, 1, 1, -1, 1])


def probability(x: Array, w: Array) -> Any:
    """Of class 1, for x (D,) and the weights w (D,) of a logistic regression: a number."""
    return 1 / (1 + np.exp(-(x @ w)))


def fooled(x: Array, w: Array, eps: float) -> Array:
    """x, changed by eps in each number so that the probability of class 1 rises most."""
    return x + eps * np.sign(w)


def gain(w: Array, eps: float) -> Any:
    """By how much the score w . x rises when x is changed so: a number."""
    return eps * abs(w).sum()


def probability_by_loops(x: Array, w: Array) -> float:
    return np.float64(1 / (1 + math.exp(-sum(float(a) * float(b) for a, b in zip(x, w)))))


def fooled_by_loops(x: Array, w: Array, eps: float) -> Array:
    return np.array([a + eps * (1 if b > 0 else -1 if b < 0 else 0) for a, b in zip(x, w)], x.dtype)


def gain_by_loops(w: Array, eps: float) -> float:
    return np.float64(sum(eps * (b if b > 0 else -b) for b in w))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for label, x, w, eps in (("the lecture's ten numbers", X, W, 0.5),
                             ("random numbers", rng.standard_normal(7), rng.standard_normal(7), 0.2),
                             ("a weight of zero", rng.standard_normal(4), np.array([0.0, 2.0, -0.5, 0.1]), 0.3)):
        yield case("probability", label, x=x, w=w)
        yield case("fooled", label, x=x, w=w, eps=eps)
        yield case("gain", label, w=w, eps=eps)
    yield case("fooled", "float32", x=x.astype("f4"), w=w.astype("f4"), eps=0.5)


EXERCISE = Exercise(
    name="ten_numbers",
    title="The ten numbers of the linear classifier",
    lecture="lecture 9, Let's fool a binary linear classifier",
    text="""
x = [2, -1, 3, -2, 2, 2, 1, -4, 5, 1] and w = [-1, -1, 1, -1, 1, -1, 1, 1, -1, 1] give class 1 a probability of 5 %.
Change no number by more than 0.5, and it is 88 %. Many small changes add up: with D numbers, the score moves by eps
times the sum of D sizes; a picture has 150,528 of them.
""",
    formula="""
probability = 1 / (1 + exp(-w . x))
fooled      = x + eps * sign(w)
gain        = w . fooled - w . x = eps * sum over i of |w[i]|
""",
    shapes="x, w, fooled (D,); eps, probability, gain: numbers.",
    functions=(probability, fooled, gain),
    loops={"probability": probability_by_loops, "fooled": fooled_by_loops, "gain": gain_by_loops},
    outputs={"probability": ("p",), "fooled": ("x",), "gain": ("gain",)},
    cases=cases,
    hints=(
        "Which way must a number move so that the score rises? That depends only on its weight.",
        "Put fooled into w . x, and see what is left when w . x is taken off.",
    ),
    mistakes=(
        Mistake("probability", "np.exp(-(x @ w))", "np.exp(x @ w)", "It is the probability of the other class."),
        Mistake("probability", "1 / (1 + np.exp(-(x @ w)))", "x @ w",
                "It is the score, without the logistic function."),
        Mistake("probability", "1 / (1 + np.exp(-(x @ w)))", "np.exp(x @ w)",
                "exp alone is not a probability: it exceeds 1."),
        Mistake("fooled", "x + eps", "x - eps", "The score falls: class 1 becomes less likely."),
        Mistake("fooled", "np.sign(w)", "w", "A number with a small weight moves less than it may."),
        Mistake("fooled", "np.sign(w)", "np.sign(x)",
                "The sign of x is taken: what counts is in which way the score rises."),
        Mistake("fooled", "np.sign(w)", "np.sign(w * x)",
                "The sign of the product is taken: a number that lowers the score is only made smaller."),
        Mistake("fooled", "np.sign(w)", "1.0", "All numbers rise, also those with a negative weight."),
        Mistake("gain", "abs(w).sum()", "w.sum()", "Positive and negative weights cancel; each moves its own number."),
        Mistake("gain", "abs(w).sum()", "np.sqrt((w**2).sum())",
                "It is the length of w: the gain of a step of length eps "
                "along w, not of one by eps in each number."),
        Mistake("gain", "abs(w).sum()", "abs(w).max()", "Only the largest weight counts; all changes add up."),
        Mistake("gain", "eps * abs(w).sum()", "eps * len(w)", "All weights are taken for 1."),
    ),
)
