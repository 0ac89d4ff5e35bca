"""Bands: some lines of some pictures at a time, as much as a core's cache holds.

A fast convolution fills its result band by band. What it reads comes from a *source*, and what it makes goes into a
*sink*, so that a ReLU or a pool can work on a band while it is in cache (engine/fusion). For a plain array:
`ArraySource`, `ArraySink`.
"""


import numpy as np

from minivis.convolution import tuning
from minivis.runtime.affinity import cores
from minivis.runtime.threads import even_cuts, scratch


class ArraySource:
    """An array (N, H, W, C) as a source: lines first to last of some images. Also of some channels of it alone."""

    def __init__(self, x, channels=None):
        self.x, self.channels, self.dtype = x, channels, x.dtype
        self.shape = x.shape if channels is None else (*x.shape[:3], channels.stop - channels.start)

    def rows(self, images, first, last, out=None):
        """Lines first to last of some images; written into ``out``, where one is given."""
        x = self.x[images, first:last]
        if self.channels is not None:
            x = x[..., self.channels]
        if out is None:
            return x if self.channels is None else np.ascontiguousarray(x)
        out[...] = x
        return out


class ArraySink:
    """An array (N, OH, OW, F) as a sink, or some channels of it: fill what ``open`` gives, then ``close``."""

    lines = 1                           # a band has a multiple of so many lines, but for the last

    def __init__(self, out, channels=slice(None)):
        self.out = out[..., channels]
        self.shape, self.dtype = self.out.shape, out.dtype

    def open(self, images, first, last):
        return self.out[images, first:last]

    def close(self, images, first, last, y):
        """The band is complete."""


def bands(shape, line_bytes, lines=1):
    """Cut (N, H, W, C) into bands (images, first line, last line) of about ``band_bytes`` (tuning.py).

    Each has a multiple of ``lines``, but for the last.
    """
    N, H = shape[:2]
    most = max(1, tuning.TUNING.band_bytes // max(1, line_bytes))
    if holds_pictures(most, H, N):
        return [(images, 0, H) for images in even_cuts(N, most // H, cores())]
    groups = -(-H // lines)
    parts = even_cuts(groups, max(1, most // lines), cores() if N == 1 else 1)
    return [(slice(n, n + 1), p.start * lines, min(p.stop * lines, H)) for n in range(N) for p in parts]


def holds_pictures(most, H, N):
    """Whether a band of ``most`` lines is to hold whole pictures, N of H lines: one alone is cut for threads."""
    return most >= (2 if N > 1 else 4) * H


def padded_rows(source, images, first, last, left, width):
    """Lines first to last, which may lie outside, with ``left`` columns of zeros before them and ``width`` in all."""
    n, (_, H, W, C) = images.stop - images.start, source.shape
    low, high = min(max(0, first), H), min(max(0, last), H)
    if (low, high, left, width) == (first, last, 0, W):
        return source.rows(images, low, high)
    high, a, b = max(low, high), max(0, -left), min(W, width - left)            # a to b: the columns that count
    padded = scratch("padded", (n, last - first, width, C), source.dtype)
    top, end = low - first, high - first
    padded[:, :top] = 0
    padded[:, end:] = 0
    padded[:, top:end, : a + left] = 0
    padded[:, top:end, b + left :] = 0
    inner = padded[:, top:end, a + left : b + left]
    if (a, b) == (0, W):
        source.rows(images, low, high, out=inner)
    else:
        inner[...] = source.rows(images, low, high)[:, :, a:b]
    return padded


def flat(y):
    """(n, lines, columns, channels), whole lines of some array, as (n, positions, channels): a view, always."""
    return y.reshape(len(y), -1, y.shape[3])
