"""Max pooling, with switches and ties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def max_pool_forward(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """The maxima out (N, OH, OW, C), and switches: the number, row by row, of the first maximum in each window."""
    _, H, W, _ = x.shape
    OH, OW = (H - size) // stride + 1, (W - size) // stride + 1
    places = [(u, v) for u in range(size) for v in range(size)]
    windows = np.stack([x[:, u : u + stride * OH : stride, v : v + stride * OW : stride] for u, v in places])
    return windows.max(axis=0), windows.argmax(axis=0)


def max_pool_backward(dout: Array, x: Array, switches: Array, size: int, stride: int) -> Array:
    """dx (N, H, W, C) for dout (N, OH, OW, C)."""
    OH, OW = dout.shape[1:3]
    dx = np.zeros_like(x)
    for k in range(size * size):
        u, v = k // size, k % size
        dx[:, u : u + stride * OH : stride, v : v + stride * OW : stride] += dout * (switches == k)
    return dx


def forward_by_loops(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    N, H, W, C = x.shape
    OH, OW = (H - size) // stride + 1, (W - size) // stride + 1
    out, switches = np.zeros((N, OH, OW, C), x.dtype), np.zeros((N, OH, OW, C), int)
    for n, i, j, c in np.ndindex(out.shape):
        best = -np.inf
        for u, v in np.ndindex(size, size):
            if x[n, i * stride + u, j * stride + v, c] > best:
                best, switches[n, i, j, c] = x[n, i * stride + u, j * stride + v, c], u * size + v
        out[n, i, j, c] = best
    return out, switches


def backward_by_loops(dout: Array, x: Array, switches: Array, size: int, stride: int) -> Array:
    dx = np.zeros_like(x)
    for n, i, j, c in np.ndindex(dout.shape):
        u, v = divmod(int(switches[n, i, j, c]), size)
        dx[n, i * stride + u, j * stride + v, c] += dout[n, i, j, c]
    return dx


def loss(dout: Array, x: Array, switches: Array, size: int, stride: int) -> float | None:
    return (forward_by_loops(x, size, stride)[0] * dout).sum() if len(np.unique(x)) == x.size else None


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for H, W, size, stride in ((4, 6, 2, 2), (5, 7, 3, 2), (5, 4, 2, 1), (7, 6, 2, 3)):
        shape = (2, H, W, 2)
        for ties, x in (("", rng.standard_normal(shape)), (", with ties", np.maximum(rng.integers(-3, 3, shape), 0.0))):
            out, switches = forward_by_loops(x, size, stride)
            dout, label = rng.standard_normal(out.shape), f"{size} x {size}, stride {stride}{ties}"
            yield case("max_pool_forward", label, x=x, size=size, stride=stride)
            yield case("max_pool_backward", label, dout=dout, x=x, switches=switches, size=size, stride=stride)
    x, dout = x.astype("f4"), dout.astype("f4")
    yield case("max_pool_forward", "below zero", x=-1 - abs(x), size=2, stride=2)
    yield case("max_pool_backward", "float32", dout=dout, x=x, switches=switches, size=2, stride=3)


def backward_to_all_maxima(dout: Array, x: Array, switches: Array, size: int, stride: int) -> Array:
    dx = np.zeros_like(x)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            window = (slice(None), slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
            largest = x[window].max(axis=(1, 2), keepdims=True)
            dx[window] += (x[window] == largest) * dout[:, i : i + 1, j : j + 1]
    return dx


def backward_to_all_maxima_of_the_last(dout: Array, x: Array, switches: Array, size: int, stride: int) -> Array:
    dx = np.zeros_like(x)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            window = (slice(None), slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
            largest = x[window].max(axis=(1, 2), keepdims=True)
            dx[window] = (x[window] == largest) * dout[:, i : i + 1, j : j + 1]
    return dx


def backward_shared_by_maxima(dout: Array, x: Array, switches: Array, size: int, stride: int) -> Array:
    dx = np.zeros_like(x)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            window = (slice(None), slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
            winners = x[window] == x[window].max(axis=(1, 2), keepdims=True)
            dx[window] += winners * dout[:, i : i + 1, j : j + 1] / winners.sum(axis=(1, 2), keepdims=True)
    return dx


def picture(functions: Functions, scene: Scene) -> Drawn:
    net = scene.with_pools(functions)
    return {rule: scene.gradient(net, rule) for rule in ("normal", "deconv", "guided")}


EXERCISE = Exercise(
    name="max_pool",
    title="Max pooling, its switches and its ties",
    lecture="lecture 7, Pooling layer; Zeiler & Fergus 2014, section 2.1",
    text="""
Forwards, the largest number of each window; and the switches, which say where it stood. Backwards, the gradient goes
back only to that place. After a ReLU many windows hold nothing but zeros: of several equal maxima the first counts,
row by row, so that no gradient is invented.
""",
    formula="""
out[n, i, j, c]      = max over u, v of  x[n, i * stride + u, j * stride + v, c]
switches[n, i, j, c] = u * size + v  of the first maximum
dx[n, r, s, c]       = sum of  dout[n, i, j, c]  over the windows whose switch names (r, s)
""",
    shapes="""
x, dx (N, H, W, C); out, dout, switches (N, OH, OW, C), OH = (H - size) // stride + 1. Windows may overlap (stride <
size) or leave gaps.
""",
    functions=(max_pool_forward, max_pool_backward),
    loops={"max_pool_forward": forward_by_loops, "max_pool_backward": backward_by_loops},
    outputs={"max_pool_forward": ("out", "switches"), "max_pool_backward": ("dx",)},
    losses={"max_pool_backward": (loss, {"dx": "x"})},
    cases=cases,
    hints=(
        "The numbers at the place (u, v) of all windows are a slice with a step of `stride`. Stack size * size such "
        "slices.",
        "np.argmax gives the first of several equal maxima.",
        "Backwards, take one place k of the window after another: only the windows whose switch is k send something "
        "there. "
        "A pixel may have won in several windows.",
    ),
    mistakes=(
        Mistake("max_pool_forward", "windows.max(axis=0), ", "windows.mean(axis=0), ",
                "out: it is the mean of each window: average pooling."),
        Mistake("max_pool_forward", "windows.max(axis=0), ", "abs(windows).max(axis=0), ",
                "out: the largest size is taken, whatever the sign."),
        Mistake("max_pool_forward", "windows.max(axis=0), ", "np.maximum(windows.max(axis=0), 0), ",
                "out: nothing below zero comes out, as if the search began at 0."),
        Mistake("max_pool_forward", "windows.argmax(axis=0)", "len(windows) - 1 - windows[::-1].argmax(axis=0)",
                "switches: of several equal maxima the last one is named."),
        Mistake("max_pool_forward", "for u in range(size) for v in range(size)",
                "for v in range(size) for u in range(size)",
                "switches: the places of a window are numbered column by column."),
        Mistake("max_pool_forward", "windows.argmax(axis=0)", "windows.argmax(axis=0) + 1",
                "switches: they count from 1."),
        Mistake("max_pool_backward", "dout * (switches == k)", "dout",
                "The gradient goes to every place of a window: the switches are not asked."),
        Mistake("max_pool_backward", "dout * (switches == k)", "dout / size**2",
                "The gradient is shared out over the window: that is average pooling."),
        Mistake("max_pool_backward", "+= dout * (switches == k)", "= dout * (switches == k)",
                "Where windows overlap, a later one wipes out what an earlier one has sent."),
        Mistake("max_pool_backward", "u, v = k // size, k % size", "u, v = k % size, k // size",
                "A switch is read column by column: row and column have changed places."),
        Mistake("max_pool_backward", by=backward_to_all_maxima,
                says="Where a window has several equal maxima, each gets the whole gradient: more comes out than went "
                     "in."),
        Mistake("max_pool_backward", by=backward_to_all_maxima_of_the_last,
                says="Each of several equal maxima gets the whole gradient; and where windows overlap, a later one "
                     "wipes "
                     "out what an earlier one has sent."),
        Mistake("max_pool_backward", by=backward_shared_by_maxima,
                says="Where a window has several equal maxima, they share the gradient; the switch names one of them."),
        Mistake("max_pool_backward", "(switches == k)", "(switches == k) * (dout > 0)",
                "Only positive gradients come through: there is a deconvnet's mask in it, and this layer has none."),
    ),
    picture=picture,
)
