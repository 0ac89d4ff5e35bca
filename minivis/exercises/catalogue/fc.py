"""A fully connected layer, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def fc_forward(x: Array, w: Array, b: Array) -> Array:
    """The outputs (N, F) of a fully connected layer."""
    return x @ w + b


def fc_backward(dout: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """The gradients dx (N, D), dw (D, F) and db (F,), for the gradient dout (N, F) at the outputs."""
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def forward_by_loops(x: Array, w: Array, b: Array) -> Array:
    out = np.zeros((x.shape[0], w.shape[1]), x.dtype)
    for n, f in np.ndindex(out.shape):
        out[n, f] = b[f]
        for d in range(w.shape[0]):
            out[n, f] += x[n, d] * w[d, f]
    return out


def backward_by_loops(dout: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1], w.dtype)
    for n, f in np.ndindex(dout.shape):
        db[f] += dout[n, f]
        for d in range(w.shape[0]):
            dx[n, d] += dout[n, f] * w[d, f]
            dw[d, f] += dout[n, f] * x[n, d]
    return dx, dw, db


def loss(dout: Array, x: Array, w: Array) -> float:
    return (forward_by_loops(x, w, np.zeros(w.shape[1])) * dout).sum()


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for N, D, F in ((1, 3, 4), (5, 4, 3), (3, 6, 6), (4, 4, 4)):
        x, w, b = rng.standard_normal((N, D)), rng.standard_normal((D, F)), rng.standard_normal(F)
        dout = rng.standard_normal((N, F))
        label = f"{N} x {D} to {N} x {F}"
        yield case("fc_forward", label, x=x, w=w, b=b)
        yield case("fc_backward", label, dout=dout, x=x, w=w)
    x, w, b, dout = (a.astype("f4") for a in (x, w, b, dout))
    yield case("fc_forward", "float32", x=x, w=w, b=b)
    yield case("fc_backward", "float32", dout=dout, x=x, w=w)


def picture(functions: Functions, scene: Scene) -> Drawn:
    net = scene.with_fcs(functions)
    return {"gradient": scene.gradient(net), "guided": scene.gradient(net, "guided")}


EXERCISE = Exercise(
    name="fc",
    title="A fully connected layer",
    lecture="lecture 4, Backpropagation: vectorized operations",
    text="""
Every output is a weighted sum of every input. Backwards, each input collects what arrives at the outputs, weighted as
on its way there; each weight collects, over the batch, input times gradient.
""",
    formula="""
out[n, f] = b[f] + sum over d of  x[n, d] * w[d, f]

dx[n, d]  = sum over f of  dout[n, f] * w[d, f]
dw[d, f]  = sum over n of  x[n, d] * dout[n, f]
db[f]     = sum over n of  dout[n, f]
""",
    shapes="x, dx (N, D); w, dw (D, F); b, db (F,); out, dout (N, F). N: pictures, D: inputs, F: outputs.",
    functions=(fc_forward, fc_backward),
    loops={"fc_forward": forward_by_loops, "fc_backward": backward_by_loops},
    outputs={"fc_backward": ("dx", "dw", "db")},
    losses={"fc_backward": (loss, {"dx": "x", "dw": "w"})},
    cases=cases,
    hints=(
        "All three sums are matrix products or sums along an axis; no loop is needed.",
        "A gradient has the shape of what it is the gradient of. Write down the shapes of dout, x and w, and see in "
        "which order, and with which of them transposed, a product gets that shape.",
        "b is added to each row of the batch: which axis of dout must disappear for db?",
    ),
    mistakes=(
        Mistake("fc_forward", "x @ w + b", "x @ w", "The bias is missing."),
        Mistake("fc_forward", "x @ w + b", "x @ w - b", "The bias has the wrong sign."),
        Mistake("fc_forward", "x @ w", "x @ w.T", "The weights are transposed: an output reads a row of w instead of "
                "a column, which fits only where w is square."),
        Mistake("fc_backward", "dout @ w.T", "dout @ w", "dx: the gradient goes through the weights in the direction "
                "of the forward pass; look at the order of the indices of w in the sum."),
        Mistake("fc_backward", "dout @ w.T", "(dout @ w.T) * (x > 0)", "dx: there is a ReLU's mask in it; this layer "
                "has none."),
        Mistake("fc_backward", "x.T @ dout", "dout.T @ x", "dw: its rows and columns have changed places."),
        Mistake("fc_backward", "x.T @ dout", "x.T @ dout / len(x)", "dw: the batch is averaged; the gradient of a sum "
                "over the batch is a sum."),
        Mistake("fc_backward", "dout.sum(axis=0)", "dout.sum(axis=1)", "db: summed along the wrong axis: one number "
                "for each picture came out, not one for each output."),
        Mistake("fc_backward", "dout.sum(axis=0)", "dout.mean(axis=0)", "db: the batch is averaged; the gradient of a "
                "sum over the batch is a sum."),
        Mistake("fc_backward", "dout.sum(axis=0)", "dout.sum()", "db: everything is summed into one number."),
        Mistake("fc_backward", "dout.sum(axis=0)", "dout", "db: dout itself comes back: the sum over the batch is "
                "missing."),
    ),
    picture=picture,
)
