"""Matrix products by OpenBLAS' kernel for small ones, which copies nothing.

Before a product OpenBLAS packs both matrices into blocks of its own; with few rows, that takes a third of the time. Up
to SMALL_PRODUCT multiplications its AVX-512 kernels do without (its SMALL_MATRIX_OPT). So weights lie in pieces of some
filters, each contiguous, and a product of many rows and filters is made of several.
"""

import numpy as np

from minivis.convolution.bands import even_cuts
from minivis.runtime.workspace import aligned

SMALL_PRODUCT = 1_000_000               # rows * channels * filters


def filters_a_piece(C, F):
    """How many filters one product makes: the most that divide F and leave room for some tens of rows."""
    most = 64 if C <= 512 else 32
    best = max(n for n in range(1, most + 1) if F % n == 0)
    return best if best >= 8 else F


def in_pieces(w):
    """w (C, F) as (1, F/piece, C, piece)."""
    C, F = w.shape
    pieces = w.reshape(1, C, -1, filters_a_piece(C, F)).swapaxes(1, 2)
    out = aligned(pieces.shape, w.dtype)
    out[...] = pieces
    return out


def multiply(x, pieces, out):
    """out (k, rows, F) = x (k, rows, C) times weights (k or 1, F/piece, C, piece)."""
    (k, rows, C), (count, piece) = x.shape, pieces.shape[1::2]
    out = out.reshape(k, rows, count, piece).swapaxes(1, 2)
    for part in even_cuts(rows, max(1, SMALL_PRODUCT // (C * piece)), 1):
        np.matmul(x[:, None, part], pieces, out=out[:, :, part])
