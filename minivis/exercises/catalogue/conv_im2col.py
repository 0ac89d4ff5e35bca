"""Convolution as one matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.catalogue.conv_loops import forward_by_loops, geometries
from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def im2col(x: Array, KH: int, KW: int, stride: int, padding: int) -> Array:
    """One row for each output position, in the order n, i, j; in it the window's numbers in the order u, v, c."""
    N, H, W, C = x.shape
    OH = (H + 2 * padding - KH) // stride + 1
    OW = (W + 2 * padding - KW) // stride + 1
    xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    cols = np.zeros((N, OH, OW, KH, KW, C), dtype=x.dtype)
    for u in range(KH):
        for v in range(KW):
            cols[:, :, :, u, v] = xpad[:, u : u + stride * OH : stride, v : v + stride * OW : stride]
    return cols.reshape(N * OH * OW, KH * KW * C)


def conv_forward(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    """The feature maps (N, OH, OW, F), by im2col and one matrix product."""
    N, H, W, _ = x.shape
    KH, KW, _, F = w.shape
    OH = (H + 2 * padding - KH) // stride + 1
    OW = (W + 2 * padding - KW) // stride + 1
    cols = im2col(x, KH, KW, stride, padding)
    out = cols @ w.reshape(-1, F) + b
    return out.reshape(N, OH, OW, F)


def im2col_by_loops(x: Array, KH: int, KW: int, stride: int, padding: int) -> Array:
    N, H, W, C = x.shape
    OH, OW = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    rows = []
    for n, i, j in np.ndindex(N, OH, OW):
        row = []
        for u, v, c in np.ndindex(KH, KW, C):
            r, s = i * stride + u - padding, j * stride + v - padding
            row.append(x[n, r, s, c] if 0 <= r < H and 0 <= s < W else 0)
        rows.append(row)
    return np.array(rows, x.dtype)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for label, x, w, b, stride, padding in geometries(rng):
        yield case("im2col", label, x=x, KH=w.shape[0], KW=w.shape[1], stride=stride, padding=padding)
        yield case("conv_forward", label, x=x, w=w, b=b, stride=stride, padding=padding)
    x, w, b = (a.astype("f4") for a in (x, w, b))
    yield case("im2col", "float32", x=x, KH=2, KW=3, stride=1, padding=1)
    yield case("conv_forward", "float32", x=x, w=w, b=b, stride=1, padding=0)


def picture(functions: Functions, scene: Scene) -> Drawn:
    acts = scene.forward(scene.with_convs(forward=functions["conv_forward"]))
    maps = {f"conv3_1, map {k}": acts["conv3_1"][0, :, :, k] for k in (0, 5)}
    probs = acts["prob"][0]
    return {**maps, "probabilities of 125 classes": np.pad(probs, (0, 3)).reshape(8, 16)}


EXERCISE = Exercise(
    name="conv_im2col",
    title="Convolution as one matrix product",
    lecture="lecture 11, Implementing convolutions: im2col",
    text="""
Written as rows, one for each output position, the windows of a picture become a matrix; the filters, one in each
column, become another; their product is the whole convolution. This is how minivis' plain mode convolves
(layers/conv.py).
""",
    formula="""
cols[(n, i, j), (u, v, c)] = xpad[n, i * stride + u, j * stride + v, c]
out[(n, i, j), f]          = b[f] + sum over (u, v, c) of  cols[(n, i, j), (u, v, c)] * w[(u, v, c), f]
""",
    shapes="""
x (N, H, W, C); w (KH, KW, C, F); b (F,); cols (N*OH*OW, KH*KW*C); out (N, OH, OW, F).
(n, i, j) are the indices of one row, the last one running fastest, as reshape has it.
""",
    functions=(im2col, conv_forward),
    loops={"im2col": im2col_by_loops, "conv_forward": forward_by_loops},
    outputs={"im2col": ("cols",)},
    cases=cases,
    hints=(
        "What do all windows see at their corner (0, 0)? A slice with a step of `stride`. And at (u, v)?",
        "Make cols with six axes (N, OH, OW, KH, KW, C), fill it by two loops over u and v, and reshape at the end.",
        "reshape keeps the order of the numbers; so w.reshape has the order u, v, c too, if F stays the last axis.",
    ),
    mistakes=(
        Mistake("im2col", "((0, 0), (padding, padding), (padding, padding), (0, 0))", "padding",
                "Every axis gets zeros, the batch and the channels too."),
        Mistake("im2col", "u : u + stride * OH : stride, v : v + stride * OW : stride", "u : u + OH, v : v + OW",
                "The windows move by one place each time, whatever the stride is."),
        Mistake("im2col", "xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))", "xpad = x",
                "The zeros around the picture are missing."),
        Mistake("im2col", "cols[:, :, :, u, v]", "cols[:, :, :, KH - 1 - u, KW - 1 - v]",
                "In each row the window's numbers stand in reverse: it is turned round."),
        Mistake("im2col", "cols.reshape(", "cols.transpose(0, 1, 2, 5, 3, 4).reshape(",
                "In each row the channel comes first; the order asked for is u, v, c."),
        Mistake("im2col", "cols.reshape(", "cols.transpose(0, 1, 2, 4, 3, 5).reshape(",
                "In each row the window is read column by column; the order asked for is u, v, c."),
        Mistake("im2col", "cols.reshape(", "cols.transpose(1, 2, 0, 3, 4, 5).reshape(",
                "The rows are in the order i, j, n: the pictures of the batch alternate."),
        Mistake("im2col", "return cols.reshape(N * OH * OW, KH * KW * C)",
                "return cols.reshape(N * OH * OW, KH * KW * C).T",
                "The matrix is transposed: windows stand in its columns."),
        Mistake("conv_forward", " + b", "", "The bias is missing."),
        Mistake("conv_forward", "w.reshape(-1, F)", "w.reshape(F, -1).T",
                "The filters are scrambled: reshape to (F, ...) cuts the numbers up in another order than w has."),
        Mistake("conv_forward", "w.reshape(-1, F)", "w[::-1, ::-1].reshape(-1, F)",
                "The filter is turned round: that is the convolution of mathematics; nets slide the filter as it is."),
        Mistake("conv_forward", "w.reshape(-1, F)", "w.transpose(2, 0, 1, 3).reshape(-1, F)",
                "The filters' numbers are in the order c, u, v, and those of the windows in another."),
        Mistake("conv_forward", "out.reshape(N, OH, OW, F)", "out.reshape(N, OW, OH, F)",
                "Rows and columns of the output have changed places in its shape."),
        Mistake("conv_forward", "out.reshape(N, OH, OW, F)", "out.reshape(N, F, OH, OW)",
                "The last reshape cuts the numbers into channels first; they stand in the matrix with F last."),
    ),
    picture=picture,
)
