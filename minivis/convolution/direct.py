"""Faster algorithms for convolution, shared out over threads; conv.py has the definition, choose.py the choice.

Each fills its result band by band, from a source into a sink: see bands.py. At stride 1 the data gradient is a
convolution too, with the kernel rotated by 180 degrees and its channel axes swapped, so one function serves both; for
other strides see scattered.py.

Rounding in float32, relative to the largest output: 2e-6 for all but winograd2 and 4; for these see winograd.py.
Every algorithm gives the same bits for any number of threads.
"""

import math
from functools import partial
from typing import Any

import numpy as np

from minivis.convolution import tuning
from minivis.convolution import winograd as wg
from minivis.convolution.bands import ArraySink, ArraySource, Band, Sink, Source, bands, flat, padded_rows
from minivis.convolution.choose import worth_sharing
from minivis.convolution.param_grads import WINOGRAD, weight_grad
from minivis.convolution.scattered import GIVE, ready, scattered, way_to_give
from minivis.convolution.window import ConvLayer, dilated_size, windows
from minivis.runtime.matmul import in_pieces, multiply
from minivis.runtime.threads import scratch, share_out, sharing
from minivis.types import HW, Array, Shape

as_strided = np.lib.stride_tricks.as_strided

# ---- each algorithm fills a sink from a source ----
# w (KH, KW, C, F), or as `prepared` gives it; pad_before: zeros before the first line and column (what
# comes after follows from the sizes).


def blocked(source: Source, w: Array, bias: Array | None, sink: Sink, pad_before: HW, stride: HW, dilation: HW) -> None:
    """im2col and a matrix product, band by band; w (F/piece, KH, KW, C, piece)."""
    kernel, pieces = w.shape[1:3], w.reshape(1, len(w), -1, w.shape[4])
    (sh, sw), (rh, rw), (top, left), OW = stride, dilated_size(kernel, dilation), pad_before, sink.shape[2]
    width, length = (OW - 1) * sw + rw, pieces.shape[2]

    def band(where: Band) -> None:
        images, first, last = where
        x = padded_rows(source, images, first * sh - top, (last - 1) * sh + rh - top, left, width)
        seen = windows(x, kernel, (last - first, OW), stride, dilation)         # (n, lines, OW, KH, KW, C)
        cols = scratch("cols", seen.shape, x.dtype)
        np.copyto(cols, seen)
        y = sink.open(images, first, last)
        multiply(cols.reshape(len(x), -1, length), pieces, flat(y))
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, OW * (length + sink.shape[3]) * w.itemsize, sink.lines))


def shifted(source: Source, w: Array, bias: Array | None, sink: Sink, pad_before: HW, stride: HW, dilation: HW) -> None:
    """One product for each kernel position, with the flattened picture from that position on.

    Windows that run over the end of a line into the next give meaningless sums, which are dropped.
    """
    (KH, KW, C, F), (top, left), OW = w.shape, pad_before, sink.shape[2]
    rh, rw = dilated_size((KH, KW), dilation)
    width = OW + rw - 1
    w = np.ascontiguousarray(w)

    def band(where: Band) -> None:
        images, first, last = where
        x = np.ascontiguousarray(padded_rows(source, images, first - top, last + rh - 1 - top, left, width))
        n, lines, pixel = len(x), x.shape[1], C * x.itemsize
        count = n * lines * width - (rh - 1) * width - (rw - 1)                 # windows that begin and end in x
        steps = (dilation[0] * width * pixel, dilation[1] * pixel, pixel, x.itemsize)
        parts = scratch("parts", (KH * KW, count, F), x.dtype)
        met = as_strided(x, (KH, KW, count, C), steps)                          # what each kernel position sees
        np.matmul(met, w, out=parts.reshape(KH, KW, count, F))
        total = scratch("total", (n * lines * width, F), x.dtype)
        np.add.reduce(parts, axis=0, out=total[:count])
        y = sink.open(images, first, last)
        y[...] = total.reshape(n, lines, width, F)[:, : last - first, :OW]
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, width * (KH * KW + 2) * F * w.itemsize, sink.lines))


def pointwise(source: Source, w: Array, bias: Array | None, sink: Sink, pad_before: HW, stride: HW,
              dilation: HW) -> None:
    """Every pixel's channels times one matrix, w (1, F/piece, C, piece)."""
    _, count, C, piece = w.shape
    (sh, sw), top, F = stride, pad_before[0], count * piece

    def band(where: Band) -> None:
        images, first, last = where
        x = source.rows(images, first * sh - top, (last - 1) * sh + 1 - top)
        if stride != (1, 1):
            x = np.ascontiguousarray(x[:, ::sh, ::sw])
        y = sink.open(images, first, last)
        multiply(flat(x), w, flat(y))
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, sink.shape[2] * (C + F) * w.itemsize, sink.lines))


def depthwise(source: Source, w: Array, bias: Array | None, sink: Sink, pad_before: HW, stride: HW,
              dilation: HW) -> None:
    """out[c] = sum over kernel positions of the shifted channel c times one number: a sum of products along lines.

    w (KH, KW, k, C) holds the filters k times, so that k pixels of a line are filtered in one inner loop.
    """
    (KH, KW, together, _), (top, left), OW = w.shape, pad_before, sink.shape[2]
    (sh, sw), (dh, dw), (rh, rw) = stride, dilation, dilated_size((KH, KW), dilation)
    width = (OW - 1) * sw + rw
    w = w.reshape(KH, KW, -1)

    def band(where: Band) -> None:
        images, first, last = where
        x = padded_rows(source, images, first * sh - top, (last - 1) * sh + rh - top, left, width)
        y = sink.open(images, first, last)
        n, line, pixel, number = x.strides
        shape = (len(x), last - first, OW // together, KH, KW, w.shape[2])
        seen = as_strided(x, shape, (n, sh * line, together * sw * pixel, dh * line, dw * pixel, number))
        np.einsum("nlpuvc,uvc->nlpc", seen, w, out=y.reshape(*shape[:3], -1))   # a view: whole lines of an array
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, OW * sink.shape[3] * w.itemsize * (1 + sh * sw), sink.lines))


def pixels_together(OW: int, C: int, stride: HW) -> int:
    """The number of pixels of a line to filter together: some thousand numbers, or else the whole line."""
    if stride[1] > 1:
        return 1
    most = max(n for n in range(1, OW + 1) if OW % n == 0 and n * C <= max(C, 4096))
    return most if most * C >= 256 else OW


DIRECT = {"blocked": blocked, "shifted": shifted, "pointwise": pointwise, "depthwise": depthwise}


def forward(layer: ConvLayer, algorithm: str, source: Source, sink: Sink, *, pad_before: HW,
            keep_weights: bool = True) -> None:
    """Fill ``sink`` with the layer's convolution of ``source``."""
    for g, part, into in group_parts(layer, algorithm, source, sink):
        w, b = group_weights(layer, algorithm, g), layer.params.get("b")
        if b is not None and algorithm != "depthwise":
            b = b[g * w.shape[3] : (g + 1) * w.shape[3]]
        run(layer, algorithm, ("forward", g), w, b, part, into, pad_before, keep_weights)


def input_grad(layer: ConvLayer, algorithm: str, source: Source, sink: Sink, *, pad_before: HW,
               keep_weights: bool = True) -> None:
    """Fill ``sink`` with dx; ``source`` is dout."""
    size = dilated_size(layer.params["w"].shape[:2], layer.dilation)
    turned = size[0] - 1 - pad_before[0], size[1] - 1 - pad_before[1]
    for g, part, into in group_parts(layer, algorithm, source, sink):
        w = group_weights(layer, algorithm, g)
        if algorithm == "blocked" or layer.stride != (1, 1):
            with sharing(worth_sharing(algorithm, math.prod(part.shape) * w.size // w.shape[3])):
                way = way_to_give(algorithm, w)
                weights = prepared(layer, way, ("input", g), w, part.shape, keep_weights)
                scattered(part, weights, w.shape[:2], way, into, pad_before, layer.stride, layer.dilation)
        else:
            w = w[::-1, ::-1] if algorithm == "depthwise" else w[::-1, ::-1].swapaxes(2, 3)
            run(layer, algorithm, ("input", g), w, None, part, into, turned, keep_weights)


def param_grads(layer: ConvLayer, algorithm: str, x: Array, dout: Array, *, pad_before: HW) -> Array:
    """dw (KH, KW, C/groups, F)."""
    if layer.groups == 1 or algorithm == "depthwise":
        return weight_grad(algorithm, x, dout, layer.params["w"].shape, pad_before, layer.stride, layer.dilation)
    parts = []
    for g in range(layer.groups):
        shape = group_weights(layer, algorithm, g).shape
        cs, fs = (slice(g * size, (g + 1) * size) for size in shape[2:])
        x_g, dout_g = (np.ascontiguousarray(a[..., some]) for a, some in ((x, cs), (dout, fs)))
        parts.append(weight_grad(algorithm, x_g, dout_g, shape, pad_before, layer.stride, layer.dilation))
    return np.concatenate(parts, axis=3)


def run(layer: ConvLayer, algorithm: str, key: tuple[str, int], w: Array, b: Array | None, source: Source, sink: Sink,
        pad_before: HW, keep_weights: bool) -> None:
    with sharing(worth_sharing(algorithm, math.prod(sink.shape) * w.size // w.shape[3])):
        w = prepared(layer, algorithm, key, w, sink.shape, keep_weights)
        if algorithm in WINOGRAD:
            wg.winograd(source, w, b, sink, pad_before, WINOGRAD[algorithm])
        else:
            DIRECT[algorithm](source, w, b, sink, pad_before, layer.stride, layer.dilation)


def prepared(layer: ConvLayer, algorithm: str, key: tuple[Any, ...], w: Array, out_shape: Shape,
             keep: bool = True) -> Array:
    """The weights w, all or one group's, as the algorithm reads them; the layer caches them if that pays.

    The ways of scattered.py count as algorithms here.
    """
    N, OH, OW, _ = out_shape
    rows: float = N * OH * OW
    key = (algorithm, *key, w.dtype.char)
    if algorithm in WINOGRAD:
        tiles = WINOGRAD[algorithm]
        rows /= tiles.m**2
        make = partial(wg.transform_weights, w, tiles)
    elif algorithm == "blocked":
        make = partial(blocked_weights, w)
    elif algorithm == "pointwise":
        make = partial(in_pieces, w[0, 0])
    elif algorithm == "depthwise":
        key, rows = (*key, k := pixels_together(OW, w.shape[3], layer.stride)), 0
        make = partial(np.repeat, w, k, axis=2)
    elif algorithm in GIVE:
        make = partial(ready, algorithm, w)
    else:
        return w
    return layer.derive(key, make) if keep and rows <= tuning.TUNING.keep_rows else make()


def blocked_weights(w: Array) -> Array:
    """w (KH, KW, C, F) as (F/piece, KH, KW, C, piece)."""
    pieces = in_pieces(w.reshape(-1, w.shape[3]))[0]
    return pieces.reshape(len(pieces), *w.shape[:3], -1)


def group_parts(layer: ConvLayer, algorithm: str, source: Any, sink: Any) -> list[tuple[int, Source, Sink]]:
    """(number, source, sink) of each group; depthwise handles all its groups at once."""
    if layer.groups == 1 or algorithm == "depthwise":
        return [(0, source, sink)]
    size, made = source.shape[3] // layer.groups, sink.shape[3] // layer.groups
    return [
        (
            g,
            ArraySource(source.x, slice(g * size, (g + 1) * size)),
            ArraySink(sink.out, slice(g * made, (g + 1) * made)),
        )
        for g in range(layer.groups)
    ]


def group_weights(layer: ConvLayer, algorithm: str, g: int) -> Array:
    w = layer.params["w"]
    if layer.groups == 1 or algorithm == "depthwise":
        return w
    F = w.shape[3] // layer.groups
    return w[..., g * F : (g + 1) * F]
