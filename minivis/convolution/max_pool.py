"""Max pooling band by band and on several threads; layers/pool.py has the definition, which gives the same bits."""

import numpy as np

from minivis.convolution import tuning
from minivis.convolution.bands import ArraySource, Band, bands, flat, padded_rows
from minivis.convolution.phases import Phases, reaching
from minivis.runtime.threads import scratch, share_out
from minivis.types import HW, Array, Pads, Shape


def forward(x: Array, size: HW, stride: HW, padding: Pads, out: Array, switches: Array | None) -> None:
    """Fill ``out`` (N, OH, OW, C), and ``switches`` if they are wanted, from x (N, H, W, C).

    Columns come before rows, so that of equal numbers the first of the window, row by row, is the one that stays.
    """
    (KH, KW), (sh, sw), ((top, _), (left, _)), (OW, C) = size, stride, padding, out.shape[2:]
    width, source = (OW - 1) * sw + KW, ArraySource(x)

    def band(where: Band) -> None:
        images, first, last = where
        seen = padded_rows(source, images, first * sh - top, (last - 1) * sh + KH - top, left, width, -np.inf)
        columns = [slice(v, v + (OW - 1) * sw + 1, sw) for v in range(KW)]
        rows = [slice(u, u + (last - first - 1) * sh + 1, sh) for u in range(KH)]
        y = out[images, first:last]
        if switches is None:                                                    # whole lines first: the longer runs
            lines = scratch("lines", (*y.shape[:2], width, C), x.dtype)
            largest([seen[:, some, :width] for some in rows], lines)
            largest([lines[:, :, some] for some in columns], y)
            return
        code, shape = switches.dtype.type, (*seen.shape[:2], OW, C)
        side, v_of = scratch("side", shape, x.dtype), scratch("columns", shape, code)
        first_largest([seen[:, :, some] for some in columns], [code(v) for v in range(KW)], side, v_of)
        places = [v_of[:, some] + code(u * KW) for u, some in enumerate(rows)]
        first_largest([side[:, some] for some in rows], places, y, switches[images, first:last])

    share_out(band, cut(out.shape, x.size, (sh * x.shape[2] + OW) * C * x.itemsize))


def cut(shape: Shape, numbers: int, line_bytes: int, lines: int = 1) -> list[Band]:
    """Bands of (N, H, W, C), as large as those of gradients at a stride; a single one for an input of few numbers."""
    if numbers < tuning.TUNING.share_pool:
        return [(slice(0, shape[0]), 0, shape[1])]
    return bands(shape, line_bytes, lines, tuning.TUNING.scatter_bytes)


def largest(views: list[Array], out: Array) -> None:
    """The largest of the views at each place."""
    np.maximum(views[0], views[-1], out=out)
    for view in views[1:-1]:
        np.maximum(out, view, out=out)


def first_largest(views: list[Array], places: list, out: Array, place: Array) -> None:
    """The largest of the views, and from ``places``, which rise, the entry of the first that is as large."""
    better, won = scratch("better", out.shape, bool), scratch("won", out.shape, place.dtype)
    place[...] = places[0]
    so_far = views[0]
    for view, name in zip(views[1:], places[1:]):
        np.greater(view, so_far, out=better)
        so_far = np.maximum(so_far, view, out=out)
        np.maximum(place, np.multiply(better, name, out=won), out=place)
    if so_far is not out:
        out[...] = so_far


def backward(dout: Array, switches: Array, size: HW, stride: HW, padding: Pads, dx: Array) -> None:
    """Fill dx (N, H, W, C): each number of ``dout`` (N, OH, OW, C) is added where its switch points."""
    (KH, KW), (sh, _), ((top, _), (left, _)), (OH, OW) = size, stride, padding, dout.shape[1:3]
    numbers = np.arange(KH * KW, dtype=switches.dtype)

    def band(where: Band) -> None:
        images, first, last = where
        low, high = reaching(first + top, last + top, KH, sh, OH)
        gradient, chosen = dout[images, low:high], switches[images, low:high]
        total = Phases(len(gradient), (high - low, OW), size, stride, (1, 1), dx.shape[3], dx.dtype)
        here = scratch("here", (KW, *gradient.shape), bool)
        part = scratch("part", (KW, len(gradient), high - low, total.columns, dx.shape[3]), dx.dtype)
        part[..., OW:, :] = 0
        views = total.views()
        for row in numbers.reshape(KH, KW, 1, 1, 1, 1):                         # a window's row in one call
            np.multiply(gradient, np.equal(chosen, row, out=here), out=part[..., :OW, :])
            for given, view in zip(part, views):
                view += flat(given)
        total.write(dx[images, first:last], first + top - low * sh, left)

    line = (2 * dx.shape[2] + KW * OW // sh) * dx.shape[3] * dx.itemsize
    share_out(band, cut(dx.shape, dx.size, line, sh))
