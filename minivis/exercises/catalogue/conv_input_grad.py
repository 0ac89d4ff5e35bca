"""The gradient at the input of a convolution, which is a convolution with flipped filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def conv(x: Array, w: Array, rows: int, columns: int) -> Array:
    """A convolution of stride 1 without a bias, with so many zeros above and below, and on the left and right."""
    xpad = np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    OH, OW = xpad.shape[1] - w.shape[0] + 1, xpad.shape[2] - w.shape[1] + 1
    out = np.zeros((x.shape[0], OH, OW, w.shape[3]), dtype=x.dtype)
    for u in range(w.shape[0]):
        for v in range(w.shape[1]):
            out += xpad[:, u : u + OH, v : v + OW] @ w[u, v]
    return out


def conv_input_grad(dout: Array, w: Array, padding: int) -> Array:
    """dx (N, H, W, C) of a convolution of stride 1 with this padding, for dout (N, OH, OW, F): one call of conv."""
    KH, KW = w.shape[:2]
    flipped = w[::-1, ::-1].transpose(0, 1, 3, 2)
    return conv(dout, flipped, KH - 1 - padding, KW - 1 - padding)


def by_loops(dout: Array, w: Array, padding: int) -> Array:
    (N, OH, OW, _), (KH, KW, C, _) = dout.shape, w.shape
    H, W = OH + KH - 1 - 2 * padding, OW + KW - 1 - 2 * padding
    dx = np.zeros((N, H, W, C), dout.dtype)
    for n, i, j, f in np.ndindex(dout.shape):
        for u, v, c in np.ndindex(KH, KW, C):
            row, column = i + u - padding, j + v - padding
            if 0 <= row < H and 0 <= column < W:
                dx[n, row, column, c] += dout[n, i, j, f] * w[u, v, c, f]
    return dx


def start(dout: Array, w: Array, padding: int) -> Array:
    """Any x: the convolution is linear in it."""
    KH, KW, C, _ = w.shape
    return np.zeros((len(dout), dout.shape[1] + KH - 1 - 2 * padding, dout.shape[2] + KW - 1 - 2 * padding, C))


def loss(at: Array, dout: Array, w: Array, padding: int) -> float:
    return (conv(at, w, padding, padding) * dout).sum()


SHAPES = ((3, 4, 3, 3, 0), (4, 3, 3, 3, 1), (3, 3, 2, 3, 0), (5, 4, 3, 2, 1), (3, 4, 1, 1, 0))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for OH, OW, KH, KW, padding in SHAPES:
        dout, w = rng.standard_normal((2, OH, OW, 3)), rng.standard_normal((KH, KW, 2, 3))
        yield case("conv_input_grad", f"{KH} x {KW}, padding {padding}", dout=dout, w=w, padding=padding)
    w = rng.standard_normal((3, 3, 3, 3))
    yield case("conv_input_grad", "as many channels as filters", dout=dout, w=w, padding=1)
    yield case("conv_input_grad", "float32", dout=dout.astype("f4"), w=w.astype("f4"), padding=1)


def picture(functions: Functions, scene: Scene) -> Drawn:
    def backward(dout: Array, w: Array, x_shape: Shape, padding: int) -> Array:
        return functions["conv_input_grad"](dout, w, padding)

    net = scene.with_convs(backward=backward)
    return {"gradient": scene.gradient(net), "guided": scene.gradient(net, "guided")}


EXERCISE = Exercise(
    name="conv_input_grad",
    title="A convolution's input gradient: flipped filters",
    lecture="lecture 9, Deconv approaches: the transposed convolution",
    text="""
The pixel (r, s) is seen through w[u, v] by the output at (r + padding - u, s + padding - v). So its gradient collects
dout there, times w[u, v], for all u, v and f: a convolution of dout in which the filter runs backwards, and in which
filters and channels have changed roles. Write dx as one call of conv, at stride 1.
""",
    formula="""
dx[n, r, s, c] = sum over u, v, f of  dout[n, r + padding - u, s + padding - v, f] * w[u, v, c, f]
""",
    shapes="dout (N, OH, OW, F); w (KH, KW, C, F); dx (N, H, W, C) with H = OH + KH - 1 - 2*padding, and W likewise.",
    given=(conv,),
    functions=(conv_input_grad,),
    loops={"conv_input_grad": by_loops},
    outputs={"conv_input_grad": ("dx",)},
    losses={"conv_input_grad": (loss, {"dx": start})},
    cases=cases,
    hints=(
        "In the sum the index of dout falls where that of w grows. Put u' = KH - 1 - u: now both grow.",
        "conv sums over the third axis of its filter; here the sum runs over f.",
        "How many zeros around dout give an output of H rows? Solve H = OH + 2 * zeros - KH + 1.",
    ),
    mistakes=(
        Mistake("conv_input_grad", "w[::-1, ::-1]", "w", "The filter runs forwards, as in the forward pass."),
        Mistake("conv_input_grad", "w[::-1, ::-1]", "w[::-1]", "The filter is turned round only from top to bottom."),
        Mistake("conv_input_grad", "w[::-1, ::-1]", "w[:, ::-1]",
                "The filter is turned round only from left to right."),
        Mistake("conv_input_grad", "w[::-1, ::-1]", "w[::-1, ::-1, ::-1]",
                "The order of the channels is turned round, too; only the places within a filter run backwards."),
        Mistake("conv_input_grad", ".transpose(0, 1, 3, 2)", "",
                "Filters and channels have kept their roles: the sum runs over c where it should run over something "
                "else."),
        Mistake("conv_input_grad", "KH - 1 - padding, KW - 1 - padding", "padding, padding",
                "The zeros around dout are those of the forward pass; count how many make dx as large as x."),
        Mistake("conv_input_grad", "KH - 1 - padding, KW - 1 - padding", "KH - 1, KW - 1",
                "The gradient of the padding is still there: it has to be cropped away."),
        Mistake("conv_input_grad", "KH - 1 - padding, KW - 1 - padding", "KW - 1 - padding, KH - 1 - padding",
                "Height and width of the filter have changed places where zeros are added."),
        Mistake("conv_input_grad", "transpose(0, 1, 3, 2)", "transpose(1, 0, 3, 2)",
                "Rows and columns of the filter have changed places: transposing is not turning round."),
    ),
    picture=picture,
)
