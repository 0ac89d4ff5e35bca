"""Winograd's convolution: 3 x 3 at stride 1 with a quarter of the multiplications (Lavin & Gray, arXiv:1509.09308).

F(m): a tile of m x m outputs sees t x t inputs, t = m + 2. All three matrices below are determined by m:

    U = G w G^T          the weights, once                       (t, t) for each pair of channels
    V = B^T d B          each tile d of the input                (t, t) for each channel
    M = U * V            elementwise, summed over channels: t*t matrix products, and all of the multiplying
    y = A^T M A          the tile of outputs                     (m, m) for each filter

Direct convolution takes 9*m*m products per tile and pair of channels, Winograd t*t: 16 instead of 36 for m = 2, and 36
instead of 144 for m = 4.

Why it is fast in NumPy: a *block* is some rows of tiles, few enough for V and M to stay in cache, but enough for large
calls, of which there are six. Nothing is gathered first:

    vertical half of V      B^T (t, t) times whole picture rows; the windows overlap, as views do. Rows of padding are
                            zero, so a tile at the edge leaves out the columns of B^T that would meet them
    horizontal half of V    the same along the rows, on overlapping windows of the result
    products                np.matmul of stacks of small matrices; where OpenBLAS has a kernel that packs nothing,
                            weights lie in pieces of so many filters that each product stays under its limit
                            (runtime/matmul.py)
    memory                  two pieces: a step reads one and writes the other, V's and y's halves lie where M and V do,
                            so that more stays in cache (VGG16's forward with AVX2: 3 % less time)
    bias                    added to element (1, 1) of M only, since that column of A^T is all ones
    vertical half of y, horizontal half of y, written straight into the output's rows

Rounding, relative to the largest output, float32: F(2) 2e-6, F(4) 2e-5 (float64: 1e-13): the larger m, the larger the
numbers that cancel. F(6) was tried: VGG16's forward takes 2 % less with AVX2, and errors double.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from minivis.convolution import tuning
from minivis.convolution.bands import Sink, Source, holds_pictures
from minivis.runtime.affinity import cores
from minivis.runtime.matmul import filters_a_piece, most_rows, multiply, small_products, whole_rows
from minivis.runtime.threads import even_cuts, scratch, share_out
from minivis.runtime.workspace import aligned
from minivis.types import HW, Array, Shape

Block: TypeAlias = tuple[slice, slice]          # images, rows of tiles


class Tiles:
    """The matrices of F(m) for 3 x 3 kernels."""

    def __init__(self, m: int, BT: Any, G: Any, AT: Any) -> None:
        self.m, self.t = m, m + 2
        self.BT, self.AT, self.G = np.array(BT, float), np.array(AT, float), np.array(G, float)

    @functools.cache  # noqa: B019  (two instances, two dtypes)
    def matrices(self, dtype: Any) -> tuple[Array, Array]:
        """B^T and A^T in ``dtype``."""
        return self.BT.astype(dtype), self.AT.astype(dtype)


F2 = Tiles(
    2,
    BT=[[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]],
    G=[[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    AT=[[1, 1, 1, 0], [0, 1, -1, 1]],
)
F4 = Tiles(
    4,
    BT=[[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
    G=[[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
       [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
    AT=[[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
)  # fmt: skip


def transform_weights(w: Array, tiles: Tiles) -> Array:
    """U (t*t, F/piece, C, piece) of w (3, 3, C, F): every product reads one contiguous piece."""
    _, _, C, F = w.shape
    piece = filters_a_piece(C, F)
    GG = np.kron(tiles.G, tiles.G).astype(w.dtype)                              # (t*t, 9)
    U = aligned((tiles.t**2, F // piece, C, piece), w.dtype)

    def make(part: tuple[int, slice]) -> None:
        j, channels = part
        w_piece = np.ascontiguousarray(w[:, :, channels, j * piece : (j + 1) * piece]).reshape(9, -1)
        np.matmul(GG, w_piece, out=U[:, j, channels].reshape(tiles.t**2, -1))              # a view

    parts = even_cuts(C, -(-C // cores()), 1) if piece == F else [slice(None)]
    share_out(make, list(itertools.product(range(F // piece), parts)))
    return U


def winograd(source: Source, U: Array, bias: Array | None, sink: Sink, pad_before: HW, tiles: Tiles) -> None:
    """Fill ``sink`` (N, OH, OW, F) with the convolution of ``source`` (N, H, W, C), transformed weights U, plus bias.

    pad_before: zeros before the first row and column (negative: that many are skipped); the sizes determine the rest.
    """
    N, OH, OW, _ = sink.shape
    C = source.shape[3]
    rows, columns = -(-OH // tiles.m), -(-OW // tiles.m)        # of tiles
    job = Job(source, U, bias, sink, pad_before, tiles, columns)
    if in_phases(N, rows * columns, U, C):
        for images in even_cuts(N, max(1, tuning.TUNING.phase_bytes // (rows * columns * bytes_a_tile(U))), 1):
            phases(job, images, rows)
        return
    rows_a_product, numbers = most_rows(C, U.shape[3]), tuning.TUNING
    if rows_a_product:
        wanted = min(numbers.block_tiles // (1 if C <= 128 else 2), rows_a_product)
    else:
        wanted = numbers.packed_block_bytes // bytes_a_tile(U)

    def block(where: Block) -> None:
        n, V, M = job.empty("", where)
        job.input_transform(where, V[:, :n])
        job.products(V, M)
        job.output_transform(where, M[:, :n])

    share_out(block, blocks(N, rows, max(1, round(wanted / columns))))


def bytes_a_tile(U: Array) -> int:
    """The bytes that V and M need for one tile."""
    return U.shape[0] * (U.shape[2] + U.shape[1] * U.shape[3]) * U.itemsize


def in_phases(N: int, tiles_an_image: int, U: Array, C: int) -> bool:
    """Whether each thread takes some of the t*t elements of all tiles, as for few tiles and large weights."""
    numbers = tuning.TUNING
    times = numbers.weights_a_block if most_rows(C, U.shape[3]) else numbers.packed_weights_a_block
    return U.nbytes > times * N * tiles_an_image * bytes_a_tile(U)


def phases(job: "Job", images: slice, rows: int) -> None:
    """The three steps one after the other, each shared out, on whole pictures."""
    _, V, M = job.empty("whole ", (images, slice(0, rows)))
    count = images.stop - images.start

    def shared(step: Callable[[Block, Array], None], array: Array) -> None:
        """``step`` for some contiguous tiles of ``array`` at a time: those of several pictures, or of a part of one."""
        workers = 1 if array.nbytes < tuning.TUNING.small_phase else cores()
        if count > 1:
            cut = [(some, slice(0, rows)) for some in even_cuts(count, -(-count // workers), 1)]
        else:
            cut = [(slice(0, 1), part) for part in even_cuts(rows, -(-rows // workers), 1)]

        def one(where: Block) -> None:
            (i, j), (first, last) = ((part.start, part.stop) for part in where)
            tiles = slice((i * rows + first) * job.columns, ((j - 1) * rows + last) * job.columns)
            step((slice(images.start + i, images.start + j), where[1]), array[:, tiles])

        share_out(one, cut)

    shared(job.input_transform, V)
    together = max(2, tuning.TUNING.phase_products // (V.shape[1] * job.C * job.F))           # elements of t*t
    share_out(lambda f: job.products(V, M, slice(f, f + together)), range(0, len(V), together))
    shared(job.output_transform, M)


class Job:
    """One convolution's arrays and sizes, and its steps for a block, ``where`` = (slice of images, of tile rows)."""

    def __init__(self, source: Source, U: Array, bias: Array | None, sink: Sink, pad_before: HW, tiles: Tiles,
                 columns: int) -> None:
        self.source, self.U, self.bias, self.sink = source, U, bias, sink
        self.pad_before, self.columns = pad_before, columns
        self.m, self.t = tiles.m, tiles.t
        self.BT, self.AT = tiles.matrices(U.dtype)
        self.C, self.F = U.shape[2], U.shape[1] * U.shape[3]

    def empty(self, name: str, where: Block) -> tuple[int, Array, Array]:
        """The number of a block's tiles, and room for V and M, whose last rows may be zeros (`whole_rows`)."""
        n = (where[0].stop - where[0].start) * (where[1].stop - where[1].start) * self.columns
        V, M = (scratch(name + which, (self.t**2, whole_rows(n), size), self.U.dtype)
                for which, size in (("V", self.C), ("M", self.F)))
        V[:, n:] = 0
        return n, V, M

    def input_transform(self, where: Block, V: Array) -> None:
        """The block's tiles of the input, transformed, into V (t*t, tiles, C), whose tiles are contiguous."""
        input_transform(self.source, self.BT, self.m, self.pad_before, where, self.columns, V)

    def products(self, V: Array, M: Array, some: slice = slice(None)) -> None:
        """M (t*t, rows, F) = V (t*t, rows, C) U, for ``some`` of the t*t elements."""
        multiply(V[some], self.U[some], M[some])

    def output_transform(self, where: Block, M: Array) -> None:
        """The block's outputs from M (t*t, tiles, F), whose tiles are contiguous, into the sink's rows."""
        images, tile_rows = where
        n, k, m, t, F = images.stop - images.start, tile_rows.stop - tile_rows.start, self.m, self.t, self.F
        _, OH, OW, _ = self.sink.shape
        if self.bias is not None:
            M[t + 1] += self.bias
        half = scratch("V", (m, t, n, k, self.columns, F), M.dtype)             # where V was
        np.matmul(self.AT, M.reshape(t, t, -1).swapaxes(0, 1), out=half.reshape(m, t, -1).swapaxes(0, 1))
        first, last = m * tile_rows.start, min(m * tile_rows.stop, OH)
        y = self.sink.open(images, first, last)                                 # (n, last - first, OW, F)
        for r0, r1, rows in whole_and_rest(last - first, m):                    # an odd size ends in parts of tiles
            for c0, c1, columns in whole_and_rest(OW, m):
                part = half[:rows, :, :, r0:r1, c0:c1].transpose(0, 2, 3, 4, 1, 5)
                place = y[:, m * r0 : m * r0 + (r1 - r0) * rows, m * c0 : m * c0 + (c1 - c0) * columns]
                place = place.reshape(n, r1 - r0, rows, c1 - c0, columns, F).transpose(2, 0, 1, 3, 4, 5)     # a view
                with small_products(F):
                    np.matmul(self.AT[:columns], part, out=place)
        self.sink.close(images, first, last, y)


def input_transform(source: Source, matrix: Array, m: int, pad_before: HW, where: Block, columns: int,
                    V: Array) -> None:
    """V (t*t, tiles, C) = matrix d matrix^T for every tile d of ``source``, s lines high and wide and m apart.

    Lines outside the source are zero: a tile that reaches there leaves out the columns of the matrix that meet them.
    """
    (images, tile_rows), (t, s) = where, matrix.shape
    (top, left), (_, H, W, C) = pad_before, source.shape
    n, k, width = images.stop - images.start, tile_rows.stop - tile_rows.start, m * (columns - 1) + s
    half = scratch("M", (t, n, k, width, C), V.dtype)                           # where M will be
    first, last = max(0, -left), min(W, width - left)                           # the source's columns inside
    half[..., : first + left, :] = 0
    half[..., last + left :, :] = 0

    begin = m * tile_rows.start - top                                           # the line where the block begins
    low, high = min(H, max(0, begin)), max(0, min(H, begin + m * (k - 1) + s))
    x = np.ascontiguousarray(source.rows(images, low, high)[:, :, first:last])
    line, image = (last - first) * C, (high - low) * (last - first) * C
    for i, j, above, below in edges(begin, k, m, s, H):
        start, rows = begin + i * m + above - low, s - above - below
        seen = strided(x, (n, j - i, rows, line), (image, m * line, line, 1), start * line)
        steps = (k * width * C, width * C, n * k * width * C, 1)
        place = strided(half, (n, j - i, t, line), steps, (i * width + first + left) * C)
        np.matmul(matrix[:, above : s - below], seen, out=place)

    windows = strided(half, (t, n * k, columns, s, C), (n * k * width * C, width * C, m * C, C, 1))
    with small_products(C):
        np.matmul(matrix, windows, out=V.reshape(t, t, n * k, columns, C).transpose(0, 2, 3, 1, 4))


def strided(memory: Array, shape: Shape, strides: Sequence[int], start: int = 0) -> Array:
    """A view of contiguous memory, which may overlap itself; strides and start in elements."""
    size = memory.itemsize
    if 0 in shape:
        return np.empty(shape, memory.dtype)
    return np.ndarray(shape, memory.dtype, memory, start * size, tuple(s * size for s in strides))


def edges(begin: int, k: int, m: int, t: int, H: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut k rows of tiles, t lines high, of which the first begins at line ``begin``, by how much of each lies outside.

    Yield (i, j, above, below): tiles i to j have ``above`` rows above the input and ``below`` below it. For a tile that
    lies entirely outside, above + below == t.
    """
    inside = min(k, max(0, -(begin // m)))                              # the first tile that begins in the input
    outside = max(inside, min(k, (H - t - begin) // m + 1))             # the first that does not end in it
    for i in range(inside):
        above = min(t, -begin - i * m)
        yield i, i + 1, above, min(t - above, max(0, begin + i * m + t - H))
    if outside > inside:
        yield inside, outside, 0, 0
    for i in range(outside, k):
        yield i, i + 1, 0, min(t, begin + i * m + t - H)


def whole_and_rest(size: int, m: int) -> list[tuple[int, int, int]]:
    """(first tile, last tile, outputs per tile): the whole tiles in ``size`` outputs, and the partial one."""
    whole, rest = divmod(size, m)
    return [cut for cut in ((0, whole, m), (whole, whole + 1, rest)) if cut[1] > cut[0] and cut[2]]


def blocks(N: int, rows: int, most: int) -> list[Block]:
    """Blocks of at most about ``most`` tile rows: parts of a picture, or several pictures where they are small."""
    if holds_pictures(most, rows, N):
        return [(images, slice(0, rows)) for images in even_cuts(N, most // rows, cores())]
    parts = even_cuts(rows, most, cores() if N == 1 else 1)
    return [(slice(n, n + 1), part) for n in range(N) for part in parts]
