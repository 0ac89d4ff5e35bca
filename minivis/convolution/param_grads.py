"""Gradients of a convolution's weights, shared out over threads.

Each thread sums over bands of its own. The shape and the machine determine how the bands are divided, and the sums are
added in order, so the result has the same bits for any number of threads.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minivis.convolution import tuning
from minivis.convolution.bands import ArraySource, bands, padded_rows
from minivis.convolution.window import dilated_size, kernel_views, windows
from minivis.convolution.winograd import F2, F4, Tiles, blocks, input_transform
from minivis.runtime.affinity import cores
from minivis.runtime.threads import even_cuts, scratch, share_out
from minivis.types import HW, Array, Shape

as_strided = np.lib.stride_tricks.as_strided

Add: TypeAlias = Callable[[Array, Array, Array], None]          # (lines of x, lines of dout, dw): adds to dw
WINOGRAD = {"winograd2": F2, "winograd4": F4}


def weight_grad(algorithm: str, x: Array, dout: Array, w_shape: Shape, pad_before: HW, stride: HW,
                dilation: HW) -> Array:
    """dw (KH, KW, C, F), of one group: a fixed number of sums over bands, added in order."""
    if algorithm in WINOGRAD:
        return _winograd_dw(x, dout, pad_before, WINOGRAD[algorithm])
    rows, cost = ADD_UP[algorithm](w_shape, dout.shape, stride, dilation)
    cut = bands(dout.shape, cost * x.itemsize)
    shares = even_cuts(len(cut), -(-len(cut) // cores()), 1)
    sums = np.zeros((len(shares), *w_shape), x.dtype)
    source, kernel = ArraySource(x), w_shape[:2]
    (sh, sw), (rh, rw), (top, left), OW = stride, dilated_size(kernel, dilation), pad_before, dout.shape[2]
    width = (OW - 1) * sw + rw

    def share(s: int) -> None:
        for images, first, last in cut[shares[s]]:
            seen = padded_rows(source, images, first * sh - top, (last - 1) * sh + rh - top, left, width)
            rows(seen, dout[images, first:last], sums[s])

    share_out(share, range(len(shares)))
    return added(sums)


def added(sums: Array) -> Array:
    """The sums of all shares, added in order, into the first."""
    total = sums[0]
    for other in sums[1:]:
        total += other
    return total


def _winograd_dw(x: Array, dout: Array, pad_before: HW, tiles: Tiles) -> Array:
    """dw (3, 3, C, F): every step is linear in U and so goes back transposed, dU = V^T (A dout A^T), dw = G^T dU G.

    There is a fixed number of sums, each over blocks of its own, and they are added in order.
    """
    (N, OH, OW, F), C, m, t = dout.shape, x.shape[3], tiles.m, tiles.t
    rows, columns = -(-OH // m), -(-OW // m)
    BT, AT = tiles.matrices(x.dtype)
    A = np.ascontiguousarray(AT.T)
    cut = blocks(N, rows, max(1, round(tuning.TUNING.block_tiles / columns)))
    shares = even_cuts(len(cut), -(-len(cut) // cores()), 1)
    sums = np.empty((len(shares), t * t, C, F), x.dtype)

    def share(i: int) -> None:
        total = sums[i]
        for at, where in enumerate(cut[shares[i]]):
            n = (where[0].stop - where[0].start) * (where[1].stop - where[1].start) * columns
            V, D = (scratch(name, (t * t, n, size), x.dtype) for name, size in (("V", C), ("D", F)))
            input_transform(ArraySource(x), BT, m, pad_before, where, columns, V)
            input_transform(ArraySource(dout), A, m, (0, 0), where, columns, D)
            part = np.matmul(V.swapaxes(1, 2), D, out=scratch("dU", total.shape, x.dtype) if at else total)
            if at:
                total += part

    share_out(share, range(len(shares)))
    GG = np.kron(tiles.G, tiles.G).astype(x.dtype)                              # (t*t, 9)
    return (GG.T @ added(sums).reshape(t * t, -1)).reshape(3, 3, C, F)


def _blocked_dw(w_shape: Shape, out_shape: Shape, stride: HW, dilation: HW) -> tuple[Add, int]:
    kernel, F = w_shape[:2], w_shape[3]
    row = math.prod(w_shape[:3])

    def add(x: Array, dout: Array, dw: Array) -> None:
        cols = seen = windows(x, kernel, dout.shape[1:3], stride, dilation)
        if kernel != (1, 1):
            cols = scratch("cols", seen.shape, x.dtype)
            np.copyto(cols, seen)
        dw_rows = dw.reshape(row, F)
        part = scratch("dw", dw_rows.shape, dw.dtype)
        dw_rows += np.matmul(cols.reshape(-1, row).T, np.ascontiguousarray(dout).reshape(-1, F), out=part)

    return add, out_shape[2] * (row + F)


def _shifted_dw(w_shape: Shape, out_shape: Shape, stride: HW, dilation: HW) -> tuple[Add, int]:
    """As `shifted`: the picture from each position on, times dout with zeros where windows run over a line's end."""
    KH, KW, C, F = w_shape
    rh, rw = dilated_size((KH, KW), dilation)

    def add(x: Array, dout: Array, dw: Array) -> None:
        x = np.ascontiguousarray(x)
        n, lines, width, _ = x.shape
        spread = scratch("spread", (n, lines, width, F), x.dtype)
        oh, ow = dout.shape[1:3]
        spread[:, :oh, :ow] = dout
        spread[:, :oh, ow:] = 0
        spread[:, oh:] = 0
        count, pixel = n * lines * width - (rh - 1) * width - (rw - 1), C * x.itemsize
        seen = as_strided(x, (KH, KW, count, C), (dilation[0] * width * pixel, dilation[1] * pixel, pixel, x.itemsize))
        part = scratch("dw", dw.shape, dw.dtype)
        dw += np.matmul(seen.swapaxes(2, 3), spread.reshape(-1, F)[:count], out=part)

    return add, (out_shape[2] + rw - 1) * (C + F)


def _depthwise_dw(w_shape: Shape, out_shape: Shape, stride: HW, dilation: HW) -> tuple[Add, int]:
    kernel, C = w_shape[:2], w_shape[3]

    def add(x: Array, dout: Array, dw: Array) -> None:
        term = scratch("term", dout.shape, x.dtype)
        for k, view in enumerate(kernel_views(x, kernel, dout.shape[1:3], stride, dilation)):
            np.multiply(view, dout, out=term)
            dw.reshape(-1, C)[k] += term.reshape(-1, C).sum(axis=0)

    return add, out_shape[2] * C * 3


ADD_UP = {"blocked": _blocked_dw, "shifted": _shifted_dw, "pointwise": _blocked_dw, "depthwise": _depthwise_dw}
