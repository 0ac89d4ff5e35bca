"""Bands: some lines of some pictures at a time, as many as fit a core's cache.

A fast convolution fills its result band by band. It reads from a *source* and writes into a *sink*, so that a ReLU or
a pool can process a band while it is in cache (engine/fusion). `ArraySource` and `ArraySink` stand for plain arrays.
"""


from typing import Any, Protocol, TypeAlias

import numpy as np

from minivis.convolution import tuning
from minivis.runtime.affinity import cores
from minivis.runtime.threads import even_cuts, scratch
from minivis.types import Array, Shape

Band: TypeAlias = tuple[slice, int, int]        # images, first line, last line


class Source(Protocol):
    """What a fast convolution reads: lines of an array of ``shape`` (N, H, W, C)."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> Any: ...

    def rows(self, images: slice, first: int, last: int, out: Array | None = None) -> Array: ...


class Sink(Protocol):
    """Where a fast convolution writes: an array of ``shape`` (N, OH, OW, F), band by band."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def lines(self) -> int: ...

    def open(self, images: slice, first: int, last: int) -> Array: ...
    def close(self, images: slice, first: int, last: int, y: Array) -> None: ...


class ArraySource:
    """An array (N, H, W, C) as a source, or some of its channels."""

    def __init__(self, x: Array, channels: slice | None = None) -> None:
        self.x, self.channels, self.dtype = x, channels, x.dtype
        self.shape = x.shape if channels is None else (*x.shape[:3], channels.stop - channels.start)

    def rows(self, images: slice, first: int, last: int, out: Array | None = None) -> Array:
        """Lines ``first`` to ``last`` of some images, written into ``out`` if it is given."""
        x = self.x[images, first:last]
        if self.channels is not None:
            x = x[..., self.channels]
        if out is None:
            return x if self.channels is None else np.ascontiguousarray(x)
        out[...] = x
        return out


class ArraySink:
    """An array (N, OH, OW, F) as a sink, or some of its channels: fill what ``open`` returns, then ``close``."""

    lines = 1                           # every band but the last has a multiple of this number of lines

    def __init__(self, out: Array, channels: slice = slice(None)) -> None:
        self.out = out[..., channels]
        self.shape, self.dtype = self.out.shape, out.dtype

    def open(self, images: slice, first: int, last: int) -> Array:
        """The lines to fill, as a view."""
        return self.out[images, first:last]

    def close(self, images: slice, first: int, last: int, y: Array) -> None:
        """The band is complete."""


def bands(shape: Shape, line_bytes: int, lines: int = 1, band_bytes: int | None = None) -> list[Band]:
    """Cut (N, H, W, C) into bands (images, first line, last line) of about ``band_bytes``; None is that of tuning.py.

    Each but the last has a multiple of ``lines``. Whether one picture is too small to be cut does not depend on
    ``band_bytes``: there is as much to do.
    """
    N, H = shape[:2]
    usual = max(1, tuning.TUNING.band_bytes // max(1, line_bytes))
    most = usual if band_bytes is None else max(1, band_bytes // max(1, line_bytes))
    if holds_pictures(most if N > 1 else usual, H, N):
        return [(images, 0, H) for images in even_cuts(N, max(1, most // H), cores())]
    groups = -(-H // lines)
    parts = even_cuts(groups, max(1, most // lines), cores() if N == 1 else 1)
    return [(slice(n, n + 1), p.start * lines, min(p.stop * lines, H)) for n in range(N) for p in parts]


def holds_pictures(most: int, H: int, N: int) -> bool:
    """Whether a band of ``most`` lines should hold whole pictures, N of H lines; a single one is cut for threads."""
    return most >= (2 if N > 1 else 4) * H


def padded_rows(source: Source, images: slice, first: int, last: int, left: int, width: int,
                value: float = 0.0) -> Array:
    """Lines ``first`` to ``last``, which may lie outside, after ``left`` columns of ``value``, ``width`` in all."""
    n, (_, H, W, C) = images.stop - images.start, source.shape
    low, high = min(max(0, first), H), min(max(0, last), H)
    if (low, high, left, width) == (first, last, 0, W):
        return source.rows(images, low, high)
    high, a, b = max(low, high), max(0, -left), min(W, width - left)            # a to b: the columns inside
    padded = scratch("padded", (n, last - first, width, C), source.dtype)
    top, end = low - first, high - first
    padded[:, :top] = value
    padded[:, end:] = value
    padded[:, top:end, : a + left] = value
    padded[:, top:end, b + left :] = value
    inner = padded[:, top:end, a + left : b + left]
    if (a, b) == (0, W):
        source.rows(images, low, high, out=inner)
    else:
        inner[...] = source.rows(images, low, high)[:, :, a:b]
    return padded


def flat(y: Array) -> Array:
    """(n, lines, columns, channels), whole lines of some array, as (n, positions, channels): a view, always."""
    return y.reshape(len(y), -1, y.shape[3])
