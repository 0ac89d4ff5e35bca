"""The loss of an inversion: a code's distance, and total variation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def code_loss(code: Array, target: Array) -> tuple[float, Array]:
    """How far the code is from the target, a number, and its gradient at the code."""
    size = (target**2).sum()
    difference = code - target
    return (difference**2).sum() / size, 2 * difference / size


def total_variation(x: Array) -> tuple[float, Array]:
    """The sum of squared differences of neighbouring pixels of x (H, W, C), and its gradient dx."""
    down = x[1:] - x[:-1]
    right = x[:, 1:] - x[:, :-1]
    dx = np.zeros_like(x)
    dx[1:] += 2 * down
    dx[:-1] -= 2 * down
    dx[:, 1:] += 2 * right
    dx[:, :-1] -= 2 * right
    return (down**2).sum() + (right**2).sum(), dx


def code_loss_by_loops(code: Array, target: Array) -> tuple[float, Array]:
    size = sum(float(t) ** 2 for t in target.ravel())
    loss, dcode = 0.0, np.zeros_like(code)
    for i in np.ndindex(code.shape):
        loss += (float(code[i]) - float(target[i])) ** 2 / size
        dcode[i] = 2 * (code[i] - target[i]) / size
    return np.float64(loss), dcode


def variation_by_loops(x: Array) -> tuple[float, Array]:
    loss, dx = 0.0, np.zeros_like(x)
    H, W, _ = x.shape
    for i, j, c in np.ndindex(x.shape):
        for r, s in ((i + 1, j), (i, j + 1)):
            if r < H and s < W:
                d = x[r, s, c] - x[i, j, c]
                loss += float(d) ** 2
                dx[r, s, c] += 2 * d
                dx[i, j, c] -= 2 * d
    return np.float64(loss), dx


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((7,), (2, 3, 4)):
        code, target = rng.standard_normal((2, *shape))
        yield case("code_loss", f"a code of {shape}", code=code, target=target)
    yield case("code_loss", "float32", code=rng.standard_normal(6).astype("f4"),
               target=rng.standard_normal(6).astype("f4"))
    for shape in ((3, 5, 2), (4, 2, 3), (1, 4, 1)):
        yield case("total_variation", f"a picture of {shape}", x=rng.standard_normal(shape))
    yield case("total_variation", "float32", x=rng.standard_normal((3, 3, 2)).astype("f4"))


def picture(functions: Functions, scene: Scene) -> Drawn:
    """60 steps towards the code of relu2_2 from grey, without total variation and with it."""
    target = scene.forward(scene.net)["relu2_2"]

    def climb(weight: float) -> Picture:
        x, speed = np.zeros_like(scene.x), np.zeros_like(scene.x)
        for _ in range(60):
            acts = scene.net.forward(x, until="relu2_2", algorithm="im2col", fuse=False)
            _, dcode = functions["code_loss"](acts["relu2_2"], target)
            dacts, _ = scene.net.backward(acts, {"relu2_2": np.asarray(dcode, np.float32)})
            _, dx = functions["total_variation"](x[0])
            speed = 0.9 * speed - (40 * dacts["input"] + weight * np.asarray(dx, np.float32)[None])
            x = np.clip(x + speed, -2, 2)
        return scene.as_picture(x)

    return {"from relu2_2": climb(0.0), "and total variation": climb(0.01)}


EXERCISE = Exercise(
    name="invert",
    title="The loss of an inversion",
    lecture="lecture 9, Reconstruct the image; Mahendran & Vedaldi 2015, section 3",
    text="""
Which picture has this code? Make its code's distance small, measured in units of the target's own size; and prefer
pictures whose neighbouring pixels are alike. Write both losses with their gradients.
""",
    formula="""
code_loss       = sum (code - target)^2 / sum target^2
total_variation = sum over i, j, c of  (x[i+1, j, c] - x[i, j, c])^2 + (x[i, j+1, c] - x[i, j, c])^2
                  where both neighbours exist
""",
    shapes="code, target and dcode have one shape, any; x and dx (H, W, C). Each function returns (loss, gradient).",
    functions=(code_loss, total_variation),
    loops={"code_loss": code_loss_by_loops, "total_variation": variation_by_loops},
    outputs={"code_loss": ("loss", "dcode"), "total_variation": ("loss", "dx")},
    losses={"code_loss": (lambda code, target: code_loss_by_loops(code, target)[0], {"dcode": "code"}),
            "total_variation": (lambda x: variation_by_loops(x)[0], {"dx": "x"})},
    cases=cases,
    hints=(
        "The target is fixed: its size is a constant, also for the gradient.",
        "x[1:] - x[:-1] are all differences of rows that exist, without a loop.",
        "Each difference has two pixels. What does it send to the one that is added, and what to the one that is "
        "subtracted?",
    ),
    mistakes=(
        Mistake("code_loss", "size = (target**2).sum()", "size = 1.0",
                "Neither loss nor gradient is divided by the target's size."),
        Mistake("code_loss", "size = (target**2).sum()", "size = (code**2).sum()",
                "It is measured in units of the code itself, which changes; the target's size stays."),
        Mistake("code_loss", "size = (target**2).sum()", "size = np.sqrt((target**2).sum())",
                "It is divided by the target's norm, not by the norm squared."),
        Mistake("code_loss", "size = (target**2).sum()", "size = target.size",
                "It is averaged over the elements; the unit asked for is the target's own size."),
        Mistake("code_loss", "difference = code - target", "difference = target - code",
                "dcode: the sign is wrong: following it leads away from the target."),
        Mistake("code_loss", "2 * difference / size", "difference / size",
                "dcode: a factor of the square's derivative is missing."),
        Mistake("total_variation", "    dx[:-1] -= 2 * down\n", "",
                "dx: the upper one of two pixels gets nothing from their difference."),
        Mistake("total_variation", "    dx[:, 1:] += 2 * right\n", "",
                "dx: the right one of two pixels gets nothing from their difference."),
        Mistake("total_variation", "dx[:-1] -= 2 * down", "dx[:-1] += 2 * down",
                "dx: both rows of a difference are pulled the same way."),
        Mistake("total_variation", "(down**2).sum() + (right**2).sum()", "(down**2).sum()",
                "loss: only differences between rows count."),
        Mistake("total_variation", "(down**2).sum() + (right**2).sum()", "abs(down).sum() + abs(right).sum()",
                "loss: the differences are not squared."),
        Mistake("total_variation", "right = x[:, 1:] - x[:, :-1]", "right = x[:, :-1] - x[:, 1:]",
                "dx: the differences along a row have the wrong sign: neighbours are driven apart."),
        Mistake("total_variation", "(down**2).sum() + (right**2).sum()",
                "((down**2).sum() + (right**2).sum()) / x.size",
                "loss: it is averaged over the pixels; a sum is asked for."),
    ),
    picture=picture,
)
