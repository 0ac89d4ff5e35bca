"""ReLU and its three rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def relu_forward(x: Array) -> Array:
    """max(x, 0) of each number; x of any shape."""
    return np.maximum(x, 0)


def relu_backward(dout: Array, x: Array, rule: str) -> Array:
    """The gradient at x, in the shape of x. rule: "normal", "deconv" or "guided"."""
    if rule == "normal":
        return dout * (x > 0)
    if rule == "deconv":
        return dout * (dout > 0)
    return dout * (dout > 0) * (x > 0)


def forward_by_loops(x: Array) -> Array:
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        out[i] = x[i] if x[i] > 0 else 0
    return out


def backward_by_loops(dout: Array, x: Array, rule: str) -> Array:
    dx = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        passes = {"normal": x[i] > 0, "deconv": dout[i] > 0, "guided": x[i] > 0 and dout[i] > 0}[rule]
        dx[i] = dout[i] if passes else 0
    return dx


def loss(dout: Array, x: Array, rule: str) -> float | None:
    return (forward_by_loops(x) * dout).sum() if rule == "normal" and x.all() else None


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 5), (2, 3, 4, 3)):
        yield case("relu_forward", "random numbers", x=rng.standard_normal(shape))
    yield case("relu_forward", "float32", x=rng.standard_normal((3, 4)).astype("f4"))
    for rule in ("normal", "deconv", "guided"):
        for shape in ((4, 5), (2, 3, 4, 3)):
            x, dout = rng.standard_normal(shape), rng.standard_normal(shape)
            yield case("relu_backward", rule, dout=dout, x=x, rule=rule)
            yield case("relu_backward", f"{rule} where x is 0", dout=dout, x=np.maximum(x, 0), rule=rule)
        x, dout = rng.standard_normal((2, 3, 4)).astype("f4")
        yield case("relu_backward", f"{rule} in float32", dout=dout, x=x, rule=rule)


def picture(functions: Functions, scene: Scene) -> Drawn:
    net = scene.with_relus(functions)
    return {rule: scene.gradient(net, rule) for rule in ("normal", "deconv", "guided")}


EXERCISE = Exercise(
    name="relu",
    title="ReLU, and three ways back through it",
    lecture="lecture 9, Deconv approaches; Springenberg et al. 2015, figure 1",
    text="""
The ReLU lets positive numbers pass. Backwards, the chain rule lets the gradient pass where the number passed. Two other
rules make clearer pictures, and are not derivatives: the deconvnet keeps what is positive in the gradient, not in x;
guided backpropagation does both.
""",
    formula="""
out    = max(x, 0)
normal   dx = dout * [x > 0]
deconv   dx = dout * [dout > 0]
guided   dx = dout * [x > 0] * [dout > 0]
""",
    shapes="x, out, dout and dx have one shape, any. [...] is 1 where the condition holds, else 0.",
    functions=(relu_forward, relu_backward),
    loops={"relu_forward": forward_by_loops, "relu_backward": backward_by_loops},
    outputs={"relu_backward": ("dx",)},
    losses={"relu_backward": (loss, {"dx": "x"})},
    cases=cases,
    hints=(
        "x > 0 is an array of True and False; times a number, they count as 1 and 0.",
        "Which array does each rule ask: x, dout, or both? Write one line for each rule.",
        "np.maximum compares two arrays element by element; np.max looks for one number.",
    ),
    mistakes=(
        Mistake("relu_forward", "np.maximum(x, 0)", "np.abs(x)",
                "Negative numbers come out positive: they are turned round instead of stopped."),
        Mistake("relu_forward", "np.maximum(x, 0)", "np.minimum(x, 0)",
                "The wrong half passes: what should be stopped comes through."),
        Mistake("relu_forward", "np.maximum(x, 0)", "(x > 0) * 1.0",
                "What comes out is the mask itself, 0 or 1, and not the numbers that it lets through."),
        Mistake("relu_backward", "return dout * (x > 0)", "return dout",
                "Under the normal rule the gradient passes everywhere: the mask is missing."),
        Mistake("relu_backward", "return dout * (x > 0)", "return dout * (x >= 0)",
                "Under the normal rule the gradient also passes where x is exactly 0, as it often is after another "
                "ReLU."),
        Mistake("relu_backward", "return dout * (x > 0)", "return x * (x > 0)",
                "Under the normal rule x itself comes back; what should come back is the gradient that arrived."),
        Mistake("relu_backward", "return dout * (x > 0)", "return (x > 0) * 1.0",
                "Under the normal rule the local slope comes back alone: the chain rule multiplies it by what arrives "
                "from above."),
        Mistake("relu_backward", "return dout * (x > 0)", "return dout * (dout > 0)",
                "Under the normal rule the mask is that of the gradient: the wrong array is asked whether it is "
                "positive."),
        Mistake("relu_backward", "return dout * (dout > 0)\n", "return dout * (x > 0)\n",
                "Under deconv the mask still depends on x, which a deconvnet does not look at."),
        Mistake("relu_backward", "return dout * (dout > 0)\n", "return np.abs(dout)\n",
                "Under deconv negative gradients come back positive: they are turned round instead of stopped."),
        Mistake("relu_backward", "return dout * (dout > 0) * (x > 0)", "return dout * (dout > 0) * (x >= 0)",
                "Under guided the gradient also passes where x is exactly 0, as it often is after another ReLU."),
        Mistake("relu_backward", "return dout * (dout > 0) * (x > 0)", "return dout * (x > 0)",
                "Under guided only one of the two conditions is asked: negative gradients still pass."),
        Mistake("relu_backward", "return dout * (dout > 0) * (x > 0)", "return dout * (dout > 0)",
                "Under guided only one of the two conditions is asked: where x was negative, gradients still pass."),
    ),
    picture=picture,
)
