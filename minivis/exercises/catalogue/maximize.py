"""Class maximisation with L2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def objective(score: float, x: Array, weight: float) -> float:
    """What is maximised: the score, a number, minus the L2 penalty of the picture x."""
    return score - weight * (x**2).sum()


def maximize(gradient: Callable[[Array], Array], x: Array, steps: int, rate: float, weight: float) -> Array:
    """The picture after `steps` steps of gradient ascent from x. gradient(x): that of the score, in the shape of x."""
    for _ in range(steps):
        x = x + rate * (gradient(x) - 2 * weight * x)
    return x


def objective_by_loops(score: float, x: Array, weight: float) -> float:
    return np.float64(score - weight * sum(float(v) * float(v) for v in x.ravel()))


def maximize_by_loops(gradient: Callable[[Array], Array], x: Array, steps: int, rate: float, weight: float) -> Array:
    x = np.array(x)
    for _ in range(steps):
        slope, moved = gradient(np.array(x)), np.zeros_like(x)
        for i in np.ndindex(x.shape):
            moved[i] = x[i] + rate * (slope[i] - weight * (x[i] + x[i]))
        x = moved
    return x


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, weight in (((3, 3, 2), 0.1), ((2, 4, 3), 0.02)):
        x, w = rng.standard_normal(shape), rng.standard_normal(shape)
        yield case("objective", f"weight {weight:g}", score=float(rng.standard_normal()), x=x, weight=weight)
        for steps in (1, 4):
            yield case("maximize", f"{steps} steps, weight {weight:g}",
                       gradient=lambda x, w=w: w * (1 - np.tanh(x * w) ** 2), x=x, steps=steps, rate=0.3, weight=weight)
    x = x.astype("f4")
    yield case("maximize", "float32", gradient=lambda x: np.cos(x), x=x, steps=2, rate=0.5, weight=0.1)


def never_updated(gradient: Callable[[Array], Array], x: Array, steps: int, rate: float, weight: float) -> Array:
    slope = gradient(x)
    for _ in range(steps):
        x = x + rate * (slope - 2 * weight * x)
    return x


def picture(functions: Functions, scene: Scene) -> Drawn:
    rate, x = 1.0, np.zeros_like(scene.x)
    return {f"goose, weight {weight:g}": scene.as_picture(
        functions["maximize"](scene.slope, x, 25, rate, weight)) for weight in (0, 0.02, 0.1)}


EXERCISE = Exercise(
    name="maximize",
    title="The picture that excites a class most, with L2",
    lecture="lecture 9, Optimization to image; Simonyan et al. 2014, section 2",
    text="""
Which picture gives a class the largest score? Begin anywhere and climb along the gradient at the pixels. Without a
penalty the pixels grow without end; the penalty is the sum of their squares, times a weight.
""",
    formula="""
objective = score - weight * sum of x^2
x        <- x + rate * d objective / d x            `steps` times, each from where the last one has led
""",
    shapes="x (any shape) and gradient(x) have one shape; score, weight and rate are numbers.",
    functions=(objective, maximize),
    loops={"objective": objective_by_loops, "maximize": maximize_by_loops},
    outputs={"maximize": ("x",)},
    cases=cases,
    hints=(
        "The penalty is a number: a sum over all elements.",
        "The derivative of weight * x^2 has a factor that is easily forgotten.",
        "gradient(x) has to be asked again after each step, as x is another picture then.",
    ),
    mistakes=(
        Mistake("objective", "score - weight", "score + weight",
                "The penalty has the wrong sign: it rewards large pixels."),
        Mistake("objective", ".sum()", ".mean()", "The squares are averaged; the penalty is their sum."),
        Mistake("objective", "(x**2).sum()", "np.sqrt((x**2).sum())",
                "It is the norm: the penalty is the norm squared, without a root."),
        Mistake("objective", "(x**2).sum()", "abs(x).sum()", "The sizes are added up, not the squares: that is L1."),
        Mistake("maximize", "gradient(x) - 2 * weight * x", "gradient(x)",
                "The penalty is missing: pixels grow freely."),
        Mistake("maximize", "2 * weight * x", "weight * x",
                "The penalty's gradient is half as large as it should be."),
        Mistake("maximize", "gradient(x) - 2 * weight * x", "gradient(x) + 2 * weight * x",
                "The penalty has the wrong sign: it pushes pixels outwards."),
        Mistake("maximize", "x = x + rate *", "x = x - rate *", "It goes downhill: the score falls."),
        Mistake("maximize", "rate * (gradient(x) - 2 * weight * x)", "rate * gradient(x) - 2 * weight * x",
                "The penalty is not scaled by the rate."),
        Mistake("maximize", "range(steps)", "range(1)", "It takes one step only."),
        Mistake("maximize", by=never_updated, says="The gradient of the first picture is used for all steps."),
        Mistake("maximize", "2 * weight * x", "2 * weight",
                "The penalty's gradient is the same for all pixels; a larger one should be pulled back more."),
    ),
    picture=picture,
)
