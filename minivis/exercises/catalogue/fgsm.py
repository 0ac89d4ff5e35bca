"""FGSM, and a step of PGD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def fgsm(x: Array, dx: Array, eps: float, low: float, high: float) -> Array:
    """The picture x, changed by eps at each pixel so that the loss rises; dx: the loss's gradient at x."""
    moved = x + eps * np.sign(dx)
    return np.clip(moved, low, high)


def pgd_step(x: Array, start: Array, dx: Array, rate: float, eps: float, low: float, high: float) -> Array:
    """One step from x along the gradient's sign, no pixel further than eps from `start`."""
    x = x + rate * np.sign(dx)
    x = np.clip(x, start - eps, start + eps)
    return np.clip(x, low, high)


def sign(number: Any) -> int:
    return 1 if number > 0 else -1 if number < 0 else 0


def fgsm_by_loops(x: Array, dx: Array, eps: float, low: float, high: float) -> Array:
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        out[i] = min(max(x[i] + eps * sign(dx[i]), low), high)
    return out


def pgd_by_loops(x: Array, start: Array, dx: Array, rate: float, eps: float, low: float, high: float) -> Array:
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        moved = x[i] + rate * sign(dx[i])
        out[i] = min(max(min(max(moved, start[i] - eps), start[i] + eps), low), high)
    return out


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (2, 3, 3, 2)):
        x, dx = rng.uniform(-1, 1, shape), rng.standard_normal(shape)
        start = x + rng.uniform(-0.3, 0.3, shape)
        dx.flat[0] = 0
        yield case("fgsm", "random numbers", x=x, dx=dx, eps=0.3, low=-1.0, high=0.8)
        yield case("pgd_step", "random numbers", x=x, start=start, dx=dx, rate=0.2, eps=0.3, low=-1.0, high=0.8)
        yield case("pgd_step", "far from the bounds", x=x, start=start, dx=dx, rate=0.1, eps=0.25, low=-9.0, high=9.0)
    x, dx = x.astype("f4"), dx.astype("f4")
    yield case("fgsm", "float32", x=x, dx=dx, eps=0.1, low=-1.0, high=1.0)
    yield case("pgd_step", "float32", x=x, start=x + np.float32(0.1), dx=dx, rate=0.1, eps=0.2, low=-1.0, high=1.0)


def picture(functions: Functions, scene: Scene) -> Drawn:
    """The goose with 8 levels of FGSM, and with 10 steps of PGD, and what the net says then."""
    eps = 8 / 64                                        # levels of 255 in the net's units
    first = functions["fgsm"](scene.x, -scene.slope(scene.x), eps, -2.0, 2.0)
    x = scene.x
    for _ in range(10):
        x = np.asarray(functions["pgd_step"](x, scene.x, -scene.slope(x), eps / 4, eps, -2.0, 2.0), np.float32)
    return {"FGSM's change": np.asarray(first - scene.x)[0], "with FGSM": scene.as_picture(first),
            "with PGD": scene.as_picture(x)}


EXERCISE = Exercise(
    name="fgsm",
    title="FGSM and PGD",
    lecture="lecture 9, Adversarial examples; Goodfellow et al. 2015; Madry et al. 2018",
    text="""
Change each pixel by the same small amount, in the direction in which the loss rises: that is all it takes to fool a
net. PGD takes several smaller steps, and after each one comes back to within eps of the picture that it began with.
""",
    formula="""
fgsm      x + eps * sign(dx),      then from low to high
pgd_step  x + rate * sign(dx),     then from start - eps to start + eps,     then from low to high
""",
    shapes="x, dx, start have one shape, any; eps, rate, low, high are numbers. sign(0) is 0.",
    functions=(fgsm, pgd_step),
    loops={"fgsm": fgsm_by_loops, "pgd_step": pgd_by_loops},
    cases=cases,
    hints=(
        "np.sign gives -1, 0 or 1, element by element.",
        "np.clip takes arrays as bounds, too.",
        "Which picture is the middle of the box of width 2 * eps: the one of this step, or the first one?",
    ),
    mistakes=(
        Mistake("fgsm", "x + eps", "x - eps", "It goes downhill: the loss falls, and the net gets surer."),
        Mistake("fgsm", "np.sign(dx)", "dx",
                "The gradient's size is used, not only its sign: most pixels hardly move."),
        Mistake("fgsm", "np.sign(dx)", "dx / abs(dx).max()",
                "The gradient is scaled: only the largest one moves by eps."),
        Mistake("fgsm", "np.clip(moved, low, high)", "moved",
                "Pixels leave their range: nothing is clipped."),
        Mistake("fgsm", "np.clip(moved, low, high)", "np.clip(x, low, high) + (moved - x)",
                "It is clipped before the step, so that the step leads out of the range again."),
        Mistake("fgsm", "np.sign(dx)", "np.where(dx >= 0, 1, -1)",
                "Where the gradient is 0, the pixel moves all the same."),
        Mistake("pgd_step", "x + rate *", "x - rate *", "It goes downhill: the loss falls."),
        Mistake("pgd_step", "x + rate *", "start + rate *", "Each step begins at the first picture again."),
        Mistake("pgd_step", "    x = np.clip(x, start - eps, start + eps)\n", "",
                "Nothing holds it near the first picture: after some steps it is far away."),
        Mistake("pgd_step", "np.clip(x, start - eps, start + eps)", "np.clip(x, -eps, eps)",
                "The box of width 2 * eps lies around zero, not around the first picture."),
        Mistake("pgd_step", "x + rate *", "x + eps *", "The step is as long as the whole box allows."),
        Mistake("pgd_step", "return np.clip(x, low, high)", "return x",
                "Pixels leave their range: the last clip is missing."),
    ),
    picture=picture,
)
