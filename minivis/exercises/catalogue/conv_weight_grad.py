"""The gradients at the filters and biases of a convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.catalogue.conv_im2col import conv_forward
from minivis.exercises.catalogue.conv_loops import geometries
from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def conv_weight_grad(dout: Array, x: Array, KH: int, KW: int, stride: int, padding: int) -> tuple[Array, Array]:
    """dw (KH, KW, C, F) and db (F,) of a convolution, for dout (N, OH, OW, F)."""
    OH, OW, F = dout.shape[1:]
    C = x.shape[3]
    xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    dw = np.zeros((KH, KW, C, F), dtype=x.dtype)
    for u in range(KH):
        for v in range(KW):
            seen = xpad[:, u : u + stride * OH : stride, v : v + stride * OW : stride]
            dw[u, v] = seen.reshape(-1, C).T @ dout.reshape(-1, F)
    db = dout.sum(axis=(0, 1, 2))
    return dw, db


def by_loops(dout: Array, x: Array, KH: int, KW: int, stride: int, padding: int) -> tuple[Array, Array]:
    (_, H, W, C), F = x.shape, dout.shape[3]
    dw, db = np.zeros((KH, KW, C, F), x.dtype), np.zeros(F, x.dtype)
    for n, i, j, f in np.ndindex(dout.shape):
        db[f] += dout[n, i, j, f]
        for u, v, c in np.ndindex(KH, KW, C):
            row, column = i * stride + u - padding, j * stride + v - padding
            if 0 <= row < H and 0 <= column < W:
                dw[u, v, c, f] += dout[n, i, j, f] * x[n, row, column, c]
    return dw, db


def start(dout: Array, x: Array, KH: int, KW: int, stride: int, padding: int) -> Array:
    """Any w: the convolution is linear in it."""
    return np.zeros((KH, KW, x.shape[3], dout.shape[3]))


def loss(at: Array, dout: Array, x: Array, KH: int, KW: int, stride: int, padding: int) -> float:
    return (conv_forward(x, at, np.zeros(dout.shape[3]), stride, padding) * dout).sum()


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for label, x, w, b, stride, padding in geometries(rng):
        dout = rng.standard_normal(conv_forward(x, w, b, stride, padding).shape)
        yield case("conv_weight_grad", label, dout=dout, x=x, KH=w.shape[0], KW=w.shape[1], stride=stride,
                   padding=padding)
    x, dout = rng.standard_normal((1, 4, 4, 2)).astype("f4"), rng.standard_normal((1, 2, 2, 2)).astype("f4")
    yield case("conv_weight_grad", "float32", dout=dout, x=x, KH=3, KW=3, stride=1, padding=0)


def picture(functions: Functions, scene: Scene) -> Drawn:
    """The gradients of conv1_1's 24 filters for the best class: four rows of six."""
    dacts = scene.gradients_at("conv1_1")
    dw, _ = functions["conv_weight_grad"](dacts, scene.x, 3, 3, 1, 1)
    sheet = np.zeros((16, 24, 3))
    for f in range(24):
        top, left = 4 * (f // 6), 4 * (f % 6)
        sheet[top : top + 3, left : left + 3] = dw[..., f]
    return {"gradients of conv1_1's filters": sheet}


EXERCISE = Exercise(
    name="conv_weight_grad",
    title="A convolution's weight gradient",
    lecture="lecture 7; lecture 4, Gradients add up at branches",
    text="""
One weight is used at every output position: its gradient is the sum, over all of them and over the batch, of what it
was multiplied with there, times the gradient that arrives there.
""",
    formula="""
dw[u, v, c, f] = sum over n, i, j of  xpad[n, i * stride + u, j * stride + v, c] * dout[n, i, j, f]
db[f]          = sum over n, i, j of  dout[n, i, j, f]
""",
    shapes="x (N, H, W, C); dout (N, OH, OW, F); dw (KH, KW, C, F); db (F,).",
    functions=(conv_weight_grad,),
    loops={"conv_weight_grad": by_loops},
    outputs={"conv_weight_grad": ("dw", "db")},
    losses={"conv_weight_grad": (loss, {"dw": start})},
    cases=cases,
    hints=(
        "Fix u and v. Which numbers of xpad does w[u, v] meet, over all positions? A slice with a step of `stride`.",
        "That slice is (N, OH, OW, C), and dout is (N, OH, OW, F): flatten the first three axes of both; one matrix "
        "product "
        "sums over them.",
    ),
    mistakes=(
        Mistake("conv_weight_grad", "((0, 0), (padding, padding), (padding, padding), (0, 0))", "padding",
                "dw: every axis gets zeros, the batch and the channels too."),
        Mistake("conv_weight_grad", "u : u + stride * OH : stride, v : v + stride * OW : stride",
                "u : u + OH, v : v + OW",
                "dw: the windows move by one place each time, whatever the stride is."),
        Mistake("conv_weight_grad", "seen.reshape(-1, C).T @ dout.reshape(-1, F)",
                "seen[-1, -1, -1][:, None] * dout[-1, -1, -1]",
                "dw: what the last position gave is all that is left: each wipes out what the others have given."),
        Mistake("conv_weight_grad", "dw[u, v] = ", "dw[KH - 1 - u, KW - 1 - v] = ",
                "dw: each filter's gradient is turned round."),
        Mistake("conv_weight_grad", "@ dout.reshape(-1, F)", "@ dout.reshape(-1, F) / len(x)",
                "dw: the batch is averaged; the gradient of a sum over the batch is a sum."),
        Mistake("conv_weight_grad", "@ dout.reshape(-1, F)", "@ dout.reshape(-1, F) / (OH * OW)",
                "dw: the positions are averaged; a weight that is used at many of them collects a sum."),
        Mistake("conv_weight_grad", "xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))",
                "xpad = x",
                "dw: the zeros around the picture are missing, so that the windows are not those of the forward pass."),
        Mistake("conv_weight_grad", "seen.reshape(-1, C).T @ dout.reshape(-1, F)",
                "seen[0].reshape(-1, C).T @ dout[0].reshape(-1, F)", "dw: only the first picture of the batch counts."),
        Mistake("conv_weight_grad", "dout.sum(axis=(0, 1, 2))", "dout.sum(axis=0)",
                "db: the sum over the positions is missing."),
        Mistake("conv_weight_grad", "dout.sum(axis=(0, 1, 2))", "dout.mean(axis=(0, 1, 2))",
                "db: positions and batch are averaged; a bias that is added everywhere collects a sum."),
        Mistake("conv_weight_grad", "dout.sum(axis=(0, 1, 2))", "dout.sum(axis=(1, 2, 3))",
                "db: summed along the wrong axes: one number for each picture came out."),
        Mistake("conv_weight_grad", "db = dout.sum(", "db = (dout * (dout > 0)).sum(",
                "db: there is a ReLU's mask in it; this layer has none."),
    ),
    picture=picture,
)
