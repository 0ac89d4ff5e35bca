"""The data gradient where it is not computed as a convolution: at a stride, and for a picture's few channels.

Every window gives each kernel position its filter times dout, and what windows give to one place adds up (phases.py).
What they give is made in one of three ways:

    rows        a product for each kernel position, positions as rows
    planes      for few channels: one product for all kernel positions, a plane for each channel
    channels    depthwise: each channel times a number
"""

import math
from collections.abc import Iterable

import numpy as np

from minivis.convolution import tuning
from minivis.convolution.bands import Band, Sink, Source, bands, flat, padded_rows
from minivis.convolution.phases import Phases, reaching
from minivis.convolution.window import dilated_size
from minivis.runtime.matmul import in_pieces, multiply
from minivis.runtime.threads import scratch, share_out
from minivis.types import HW, Array


def way_to_give(algorithm: str, w: Array) -> str:
    """The way for weights w (KH, KW, C, F)."""
    if algorithm == "depthwise":
        return "channels"
    return "planes" if tuning.TUNING.planes_channels > w.shape[2] else "rows"


def ready(way: str, w: Array) -> Array:
    """The weights w (KH, KW, C, F) as ``way`` reads them."""
    if way == "rows":
        return in_pieces(w.reshape(-1, *w.shape[2:]).swapaxes(1, 2))
    return np.ascontiguousarray(w).reshape(-1, *(w.shape[3:] if way == "channels" else w.shape[2:]))


def scattered(source: Source, w: Array, kernel: HW, way: str, sink: Sink, pad_before: HW, stride: HW,
              dilation: HW) -> None:
    """dx: every window that reaches into a band adds its filter times dout there; w as `ready` gives it."""
    sh, rh = stride[0], dilated_size(kernel, dilation)[0]
    (_, OH, OW, F), (_, _, W, C), (top, left) = source.shape, sink.shape, pad_before

    def band(where: Band) -> None:
        images, first, last = where
        y = sink.open(images, first, last)
        low, high = reaching(first + top, last + top, rh, sh, OH)               # in lines of the padded picture
        total = Phases(len(y), (high - low, OW), kernel, stride, dilation, C, w.dtype, planes=way == "planes")
        if high > low:
            GIVE[way](padded_rows(source, images, low, high, 0, total.columns), w, total.views())
        total.write(y, first + top - low * sh, left)
        sink.close(images, first, last, y)

    line = (W * C * 2 + OW * (math.prod(kernel) * C + F) // sh) * w.itemsize
    share_out(band, bands(sink.shape, line, max(sh, 8), tuning.TUNING.scatter_bytes))


def give_rows(dout: Array, w: Array, views: Iterable[Array]) -> None:
    """w (KH*KW, C/piece, F, piece): a product for each kernel position."""
    rows = dout.reshape(1, -1, dout.shape[3])
    parts = scratch("parts", (len(w), rows.shape[1], w.shape[1] * w.shape[3]), dout.dtype)
    multiply(rows, w, parts)
    for part, view in zip(parts, views):
        view += part.reshape(view.shape)


def give_planes(dout: Array, w: Array, views: Iterable[Array]) -> None:
    """w (KH*KW, C, F): one product for all kernel positions, as each alone would be too thin."""
    (count, C, F), n = w.shape, len(dout)
    parts = scratch("parts", (n, count * C, dout.shape[1] * dout.shape[2]), dout.dtype)
    np.matmul(w.reshape(-1, F), flat(dout).swapaxes(1, 2), out=parts)
    for part, view in zip(parts.reshape(n, count, C, -1).swapaxes(0, 1), views):
        view += part


def give_channels(dout: Array, w: Array, views: Iterable[Array]) -> None:
    """w (KH*KW, channels), depthwise: each channel times a number."""
    gradient = flat(dout)
    part = scratch("part", gradient.shape, dout.dtype)
    for w_k, view in zip(w, views):
        view += np.multiply(gradient, w_k, out=part)


GIVE = {"rows": give_rows, "planes": give_planes, "channels": give_channels}
