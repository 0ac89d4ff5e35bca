"""One step of DeepDream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def dream_step(
    x: Array, forward: Callable[[Array], Any], backward: Callable[[Array], Array], rate: float, shift: tuple[int, int],
    low: float, high: float,
) -> Array:  # fmt: skip
    """The picture x (N, H, W, C) after one step that amplifies what a layer sees.

    forward(x) gives the layer's activations, backward(dacts) the gradient at x. shift: (rows, columns) of the jitter.
    """
    rolled = np.roll(x, shift, axis=(1, 2))
    acts = forward(rolled)
    g = backward(acts)
    rolled = rolled + rate / abs(g).mean() * g
    x = np.roll(rolled, (-shift[0], -shift[1]), axis=(1, 2))
    return np.clip(x, low, high)


def by_loops(
    x: Array, forward: Callable[[Array], Any], backward: Callable[[Array], Array], rate: float, shift: tuple[int, int],
    low: float, high: float,
) -> Array:  # fmt: skip
    _, H, W, _ = x.shape
    rolled = np.zeros_like(x)
    for i, j in np.ndindex(H, W):
        rolled[:, (i + shift[0]) % H, (j + shift[1]) % W] = x[:, i, j]
    g = backward(forward(rolled))
    mean = np.mean([abs(v) for v in g.ravel()])
    out = np.zeros_like(x)
    for n, i, j, c in np.ndindex(x.shape):
        at = (n, (i + shift[0]) % H, (j + shift[1]) % W, c)
        out[n, i, j, c] = min(max(rolled[at] + rate / mean * g[at], low), high)
    return out


class Layer:
    """tanh of a weighted picture: a layer for which every position counts in another way."""

    def __init__(self, w: Array) -> None:
        self.w = w

    def forward(self, x: Array) -> Array:
        self.acts = np.tanh(self.w * x)
        return self.acts

    def backward(self, dacts: Array) -> Array:
        return dacts * (1 - self.acts**2) * self.w


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, shift in (((1, 4, 5, 3), (1, 2)), ((2, 3, 6, 2), (-1, 3)), ((1, 5, 5, 1), (0, 0))):
        layer, x = Layer(rng.standard_normal(shape)), rng.uniform(-1, 1, shape)
        yield case("dream_step", f"jitter {shift}", x=x, forward=layer.forward, backward=layer.backward, rate=0.3,
                   shift=shift, low=-1.0, high=0.9)
    layer = Layer(layer.w.astype("f4"))
    yield case("dream_step", "float32", x=x.astype("f4"), forward=layer.forward, backward=layer.backward, rate=0.1,
               shift=(1, 1), low=-2.0, high=2.0)


def picture(functions: Functions, scene: Scene) -> Drawn:
    x, rng, seen = scene.x, np.random.default_rng(0), {}

    def forward(x: Array) -> Array:
        seen["acts"] = scene.net.forward(np.asarray(x, np.float32), until="relu3_2", algorithm="im2col", fuse=False)
        return seen["acts"]["relu3_2"]

    def backward(dacts: Array) -> Array:
        return scene.net.backward(seen["acts"], {"relu3_2": np.asarray(dacts, np.float32)})[0]["input"]

    for _ in range(15):
        shift = tuple(int(s) for s in rng.integers(-8, 9, 2))
        x = functions["dream_step"](x, forward, backward, 0.04, shift, -2.0, 2.0)
    return {"15 steps at relu3_2": scene.as_picture(x)}


EXERCISE = Exercise(
    name="dream_step",
    title="DreamStep",
    lecture="lecture 9, DeepDream: make_step",
    text="""
DeepDream amplifies whatever a layer sees: the seed is the layer's own activations ("dst.diff = dst.data"). One step:
move the picture a little (jitter, round the edges), forward, backward, a step along the gradient in units of its mean
size, move the picture back, and keep it within what pixels can be.
""",
    formula="""
rolled[i + shift[0], j + shift[1]] = x[i, j]            round the edges
g       = gradient at rolled, for the seed acts = forward(rolled)
rolled <- rolled + rate / mean(|g|) * g
x       = rolled, moved back; then from low to high
""",
    shapes="x, g (N, H, W, C); shift: two whole numbers, also negative.",
    functions=(dream_step,),
    loops={"dream_step": by_loops},
    outputs={"dream_step": ("x",)},
    cases=cases,
    hints=(
        "np.roll takes several shifts and axes at once; rows and columns are the axes 1 and 2.",
        "Half the sum of squares of acts has the gradient acts: that is the seed.",
        "The order matters: what is moved must be moved back before it is clipped and returned.",
    ),
    mistakes=(
        Mistake("dream_step", "g = backward(acts)", "g = backward(np.ones_like(acts))",
                "The seed is 1 everywhere: what the layer sees strongly is amplified no more than the rest."),
        Mistake("dream_step", "(-shift[0], -shift[1])", "(shift[0], shift[1])",
                "The picture is moved on, not back: it wanders from step to step."),
        Mistake("dream_step", "x = np.roll(rolled, (-shift[0], -shift[1]), axis=(1, 2))", "x = rolled",
                "The picture is not moved back: it wanders from step to step."),
        Mistake("dream_step", "rolled = np.roll(x, shift, axis=(1, 2))", "rolled = x",
                "The picture is moved back without having been moved."),
        Mistake("dream_step", "rate / abs(g).mean() * g", "rate * g",
                "The step is not measured in units of the gradient's mean size."),
        Mistake("dream_step", "abs(g).mean()", "abs(g).max()",
                "The step is measured in units of the largest gradient."),
        Mistake("dream_step", "abs(g).mean()", "np.sqrt((g**2).mean())",
                "The step is measured in units of the root of the mean square; the mean of the sizes is asked for."),
        Mistake("dream_step", "abs(g).mean()", "g.mean()",
                "The mean is taken with signs: it is near zero, and the step huge or turned round."),
        Mistake("dream_step", "return np.clip(x, low, high)", "return x",
                "Pixels leave their range: nothing is clipped."),
        Mistake("dream_step", "rolled = rolled + rate", "rolled = rolled - rate",
                "It goes downhill: what the layer sees fades."),
        Mistake("dream_step", "rate / abs(g).mean() * g", "rate * np.sign(g)",
                "Only the gradient's sign is used, not its size."),
        Mistake("dream_step", "acts = forward(rolled)", "acts = forward(x)",
                "The layer sees the picture that was not moved, and its gradient is added to the one that was."),
    ),
    picture=picture,
)
