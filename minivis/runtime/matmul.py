"""Matrix products beside convolutions, on threads and with OpenBLAS' kernels for small matrices.

`product` shares its columns out to our threads. BLAS could do the same, but its threads then keep spinning for a while
and slow ours down: after a fully connected layer VGG's convolutions took 1.6 times as long.

`multiply` uses OpenBLAS' kernel for small products, which copies nothing, where there is one. Before a product OpenBLAS
packs both matrices into blocks of its own; with few rows, that takes a third of the time. Up to ``small_product``
multiplications (see tuning.py) its AVX-512 kernels do without (its SMALL_MATRIX_OPT). There weights lie in pieces of
some filters, each contiguous, and a product of many rows and filters is made of several. All other kernels pack at
every call, so they get the whole product: cut into pieces, it would pack the same rows again for each of them (with
AVX2 and 512 channels, 47 GFLOP/s instead of 66).
"""

import functools
import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from minivis.runtime import tuning
from minivis.runtime.affinity import cores
from minivis.runtime.backend import get_xp
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.threads import TEAM, even_cuts, share_out
from minivis.runtime.workspace import aligned
from minivis.types import Array

PACK_NOTHING = {"SkylakeX", "Cooperlake", "SapphireRapids"}         # OpenBLAS' kernels with one for small products


@functools.cache
def packs_nothing() -> bool:
    """Whether NumPy's BLAS has a kernel for small products that does not pack its factors."""
    return any(getattr(lib, "architecture", None) in PACK_NOTHING for lib in ONE_BLAS_THREAD.libraries)


def most_rows(C: int, piece: int) -> int | None:
    """The most rows of one product of C channels and a piece of filters; None for no limit."""
    return max(1, tuning.PRODUCTS.small_product // (C * piece)) if packs_nothing() else None


def whole_rows(rows: int) -> int:
    """``rows``, rounded up to a multiple of what the kernel makes at a time: 49 rows take longer than 52."""
    whole = 1 if packs_nothing() else tuning.PRODUCTS.packed_rows
    return -(-rows // whole) * whole


@functools.cache
def locks_to_pack() -> bool:
    """Whether NumPy's BLAS is an OpenBLAS that takes a lock for the memory into which it packs."""
    return any(lib.internal_api == "openblas" and getattr(lib, "threading_layer", "") == "pthreads"
               for lib in ONE_BLAS_THREAD.libraries)


def small_products(columns: int) -> AbstractContextManager[Any]:
    """A context for a stack of products of so few columns that threads would wait for OpenBLAS' lock: one at a time.

    Each that waits for the lock falls asleep and is woken by the system. Of products 6 x 6 x 64 with AVX2 one thread
    made one in 187 ns, two threads at once in 730 ns each.
    """
    alone = columns <= tuning.PRODUCTS.locked_columns and not packs_nothing() and locks_to_pack()
    return TEAM.small_products if alone else nullcontext()


def product(a: Array, b: Array) -> Array:
    """a (..., n, k) @ b (..., k, m), some of the m columns by each thread: the same bits for any number of threads."""
    if get_xp(a) is not np:
        return a @ b
    m = b.shape[-1]
    stacks = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*stacks, a.shape[-2], m)
    if math.prod(shape) * a.shape[-1] <= tuning.PRODUCTS.alone:
        # for 5 float32 numbers times a matrix OpenBLAS reads on, whatever lies there: of that only the flag remains
        with ONE_BLAS_THREAD, np.errstate(invalid="ignore"):
            return a @ b
    out = np.empty(shape, np.result_type(a, b))

    def columns(some: slice) -> None:
        np.matmul(a, b[..., some], out=out[..., some])

    share_out(columns, even_cuts(m, -(-m // cores()), 1))
    return out


def filters_a_piece(C: int, F: int) -> int:
    """The number of filters of one product: the most that divide F and leave room for some tens of rows, or all."""
    if not packs_nothing():
        return F
    most = 64 if C <= 512 else 32
    best = max(n for n in range(1, most + 1) if F % n == 0)
    return best if best >= 8 else F


def in_pieces(w: Array) -> Array:
    """One matrix or several, w (C, F) or (k, C, F), as (k, F/piece, C, piece)."""
    C, F = w.shape[-2:]
    pieces = w.reshape(-1, C, F // (piece := filters_a_piece(C, F)), piece).swapaxes(1, 2)
    out = aligned(pieces.shape, w.dtype)
    out[...] = pieces
    return out


def multiply(x: Array, pieces: Array, out: Array) -> None:
    """out (k, rows, F) = x (k or 1, rows, C) times weights (k or 1, F/piece, C, piece)."""
    (rows, C), (count, piece) = x.shape[1:], pieces.shape[1::2]
    out = out.reshape(len(out), rows, count, piece).swapaxes(1, 2)
    for part in even_cuts(rows, most_rows(C, piece) or max(1, rows), 1):
        np.matmul(x[:, None, part], pieces, out=out[:, :, part])
