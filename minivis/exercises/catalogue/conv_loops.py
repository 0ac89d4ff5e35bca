"""Convolution by loops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def conv_forward(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    """The feature maps (N, OH, OW, F) of the pictures x (N, H, W, C), with filters w (KH, KW, C, F) and b (F,)."""
    N, H, W, _ = x.shape
    KH, KW, _, F = w.shape
    OH = (H + 2 * padding - KH) // stride + 1
    OW = (W + 2 * padding - KW) // stride + 1
    xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = np.zeros((N, OH, OW, F), dtype=x.dtype)
    for i in range(OH):
        for j in range(OW):
            window = xpad[:, i * stride : i * stride + KH, j * stride : j * stride + KW]
            for f in range(F):
                out[:, i, j, f] = (window * w[..., f]).sum(axis=(1, 2, 3)) + b[f]
    return out


def forward_by_loops(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    OH, OW = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    out = np.zeros((N, OH, OW, F), x.dtype)
    for n, i, j, f in np.ndindex(out.shape):
        total = float(b[f])
        for u, v, c in np.ndindex(KH, KW, C):
            row, column = i * stride + u - padding, j * stride + v - padding
            if 0 <= row < H and 0 <= column < W:
                total += float(x[n, row, column, c]) * float(w[u, v, c, f])
        out[n, i, j, f] = total
    return out


GEOMETRIES = ((5, 6, 3, 2, 1, 0), (5, 4, 3, 3, 1, 1), (7, 6, 3, 3, 2, 0), (6, 7, 2, 3, 2, 1), (4, 4, 1, 1, 1, 0))


def geometries(rng: np.random.Generator) -> Iterator[tuple[str, Array, Array, Array, int, int]]:
    """(label, x, w, b, stride, padding) of several convolutions: rows and columns, C and F all differ."""
    for H, W, KH, KW, stride, padding in GEOMETRIES:
        x, w, b = rng.standard_normal((2, H, W, 2)), rng.standard_normal((KH, KW, 2, 3)), rng.standard_normal(3)
        yield f"{KH} x {KW}, stride {stride}, padding {padding}", x, w, b, stride, padding


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for label, x, w, b, stride, padding in geometries(rng):
        yield case("conv_forward", label, x=x, w=w, b=b, stride=stride, padding=padding)
    x, w, b = (a.astype("f4") for a in (x, w, b))
    yield case("conv_forward", "float32", x=x, w=w, b=b, stride=1, padding=0)


def picture(functions: Functions, scene: Scene) -> Drawn:
    acts = scene.forward(scene.with_convs(forward=functions["conv_forward"], names=("conv1_1",)))
    return {f"conv1_1, map {k}": acts["conv1_1"][0, :, :, k] for k in (0, 5, 9)}


EXERCISE = Exercise(
    name="conv_loops",
    title="Convolution by loops",
    lecture="lecture 7, Convolution layer",
    text="""
A filter slides over the picture; at each place it multiplies what it sees, number by number, and adds everything up,
over all channels. Write it with loops over the places of the output; how many loops more is up to you.
""",
    formula="""
out[n, i, j, f] = b[f] + sum over u, v, c of
                         xpad[n, i * stride + u, j * stride + v, c] * w[u, v, c, f]

OH = (H + 2 * padding - KH) // stride + 1           OW likewise
""",
    shapes="x (N, H, W, C); w (KH, KW, C, F); b (F,); out (N, OH, OW, F). xpad is x with `padding` zeros on each side.",
    functions=(conv_forward,),
    loops={"conv_forward": forward_by_loops},
    cases=cases,
    hints=(
        "np.pad takes a pair (before, after) for each axis. Which axes get zeros here, and which none?",
        "The window of the place (i, j) begins at the row i * stride. Where does it end?",
        "A window is (N, KH, KW, C) and one filter (KH, KW, C): they multiply as they are. Then sum over three axes.",
    ),
    mistakes=(
        Mistake("conv_forward", "((0, 0), (padding, padding), (padding, padding), (0, 0))", "padding",
                "Every axis gets zeros, the batch and the channels too."),
        Mistake("conv_forward", " + b[f]", "", "The bias is missing."),
        Mistake("conv_forward", "xpad[:, i * stride : i * stride + KH, j * stride : j * stride + KW]",
                "xpad[:, i : i + KH, j : j + KW]",
                "The windows move by one place each time, whatever the stride is."),
        Mistake("conv_forward", "w[..., f]", "w[::-1, ::-1, :, f]",
                "The filter is turned round: that is the convolution of mathematics; nets slide the filter as it is."),
        Mistake("conv_forward", ".sum(axis=(1, 2, 3))", ".mean(axis=(1, 2, 3))",
                "A window's products are averaged, not added up."),
        Mistake("conv_forward", "(padding, padding), (0, 0)))", "(padding, padding), (0, 0)), mode='edge')",
                "The padding repeats the border; it should be zeros."),
        Mistake("conv_forward", "(H + 2 * padding - KH) // stride + 1", "(H + 2 * padding - KH) // stride",
                "The output has a row too few: the window that starts at 0 counts, too."),
        Mistake("conv_forward", "H + 2 * padding - KH", "H + padding - KH",
                "The padding is counted on one side only where the number of rows is computed."),
        Mistake("conv_forward", "i * stride + KH, j * stride : j * stride + KW",
                "i * stride + KW, j * stride : j * stride + KH",
                "Height and width of the filter have changed places in the window."),
        Mistake("conv_forward", "out[:, i, j, f] =", "out[0, i, j, f] =",
                "Only one picture of the batch is computed."),
        Mistake("conv_forward", "window * w[..., f]", "window[..., :1] * w[..., :1, f]",
                "Only the first channel is read."),
        Mistake("conv_forward", "xpad = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))",
                "xpad = x",
                "The zeros around the picture are missing: windows at the border see less."),
    ),
    picture=picture,
)
