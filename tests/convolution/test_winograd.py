"""Winograd's matrices, tiles and blocks in numbers; test_direct.py has the whole convolution in any shape."""

import contextlib

import numpy as np
import pytest
import reference
from tuned import tune

from minivis.convolution import winograd as module
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.convolution.winograd import F2, F4, blocks, edges, in_phases, transform_weights, whole_and_rest, winograd
from minivis.runtime import matmul
from minivis.runtime.threads import scratch, threads

NO_PADDING = (1, 1), ((0, 0), (0, 0)), (1, 1), 1


@pytest.mark.parametrize("tiles, m", [(F2, 2), (F4, 4)])
def test_one_tile_as_the_paper_has_it(tiles, m, rng):
    """y = A^T [(G w G^T) * (B^T d B)] A, against each window's sum of products."""
    assert (tiles.m, tiles.t) == (m, m + 2) and tiles.BT.shape == (m + 2, m + 2) and tiles.AT.shape == (m, m + 2)
    d, w = rng.integers(-5, 6, (m + 2, m + 2)), rng.integers(-5, 6, (3, 3))
    M = (tiles.G @ w @ tiles.G.T) * (tiles.BT @ d @ tiles.BT.T)
    direct = [[(d[i : i + 3, j : j + 3] * w).sum() for j in range(m)] for i in range(m)]
    np.testing.assert_allclose(tiles.AT @ M @ tiles.AT.T, direct, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tiles", [F2, F4])
def test_the_bias_goes_to_element_1_1(tiles):
    """Since that column of A^T is all ones, it reaches each output of the tile once."""
    M = np.zeros((tiles.t, tiles.t))
    M[1, 1] = 3
    assert (tiles.AT @ M @ tiles.AT.T == 3).all()


def test_transformed_weights_by_hand():
    """U = G w G^T of ones: G's rows summed are 1, 3/2, 1/2, 1 for F(2)."""
    w = np.ones((3, 3, 2, 8))
    w[..., 1, 5] = 2
    U = transform_weights(w, F2)
    assert U.shape == (16, 1, 2, 8) and U.flags.c_contiguous
    sums = np.array([1, 1.5, 0.5, 1])
    np.testing.assert_allclose(U[:, 0, 0, 0].reshape(4, 4), np.outer(sums, sums), rtol=1e-12)
    np.testing.assert_allclose(U[:, 0, 1, 5], 2 * U[:, 0, 1, 4], rtol=1e-12)


@pytest.mark.parametrize("begin, k, m, t, H, expected", [
    (-1, 3, 2, 4, 5, [(0, 1, 1, 0), (1, 2, 0, 0), (2, 3, 0, 2)]),
    (0, 3, 4, 6, 14, [(0, 3, 0, 0)]),                           # just fits
    (0, 3, 4, 6, 13, [(0, 2, 0, 0), (2, 3, 0, 1)]),
    (-1, 1, 2, 4, 2, [(0, 1, 1, 1)]),                           # outside on both sides
    (-6, 2, 4, 4, 9, [(0, 1, 4, 0), (1, 2, 2, 0)]),             # the first is wholly above
    (8, 2, 4, 6, 9, [(0, 1, 0, 5), (1, 2, 0, 6)]),              # the last is wholly below
])  # fmt: skip
def test_how_much_of_each_row_of_tiles_lies_outside(begin, k, m, t, H, expected):
    assert list(edges(begin, k, m, t, H)) == expected


@pytest.mark.parametrize("size, m, expected", [
    (8, 4, [(0, 2, 4)]), (9, 4, [(0, 2, 4), (2, 3, 1)]), (3, 4, [(0, 1, 3)]), (1, 2, [(0, 1, 1)]), (2, 2, [(0, 1, 2)]),
])  # fmt: skip
def test_whole_tiles_and_what_is_left(size, m, expected):
    assert whole_and_rest(size, m) == expected


def test_blocks_of_tile_rows(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 2)
    one = slice(0, 1)
    assert blocks(1, 10, 4) == [(one, slice(*cut)) for cut in ((0, 3), (3, 5), (5, 8), (8, 10))]
    assert blocks(2, 5, 3) == [(slice(n, n + 1), slice(*cut)) for n in (0, 1) for cut in ((0, 3), (3, 5))]
    assert blocks(4, 5, 10) == [(slice(0, 2), slice(0, 5)), (slice(2, 4), slice(0, 5))]
    assert blocks(8, 5, 10) == [(slice(n, n + 2), slice(0, 5)) for n in (0, 2, 4, 6)]           # two pictures at most


@pytest.mark.parametrize("packs_nothing, most", [(True, 128), (False, 512)])
def test_phases_are_for_large_weights_and_few_tiles(packs_nothing, most, monkeypatch):
    """36 * 512 * 512 weights; a tile has 36 * (512 + 512) numbers: half as many weigh 128 tiles, twice as many 512."""
    monkeypatch.setattr(matmul, "packs_nothing", lambda: packs_nothing)
    U = np.empty((36, 8, 512, 64), "f4")
    assert in_phases(1, most - 1, U, 512) and not in_phases(1, most, U, 512)
    assert in_phases(2, most // 2 - 1, U, 512) and not in_phases(2, most // 2, U, 512)


@pytest.mark.parametrize("tiles", [F2, F4])
@pytest.mark.parametrize("pad_before, pads", [((0, 0), 0), ((1, 2), 1), ((2, 0), 2)])
def test_a_whole_convolution_against_the_loops(tiles, pad_before, pads, rng):
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 7, 9, 3), (3, 3, 3, 4), (4,)))
    top, left = pad_before
    out = np.full((2, 5 + top, 7 + left, 4), np.nan)
    winograd(ArraySource(x), transform_weights(w, tiles), b, ArraySink(out), pad_before, tiles)
    wanted = reference.conv(x, w, b, (1, 1), ((top, 0), (left, 0)), (1, 1), 1)
    np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("packs_nothing, most", [(True, 2), (False, 4)])
def test_a_block_is_as_large_as_its_kernel_needs(packs_nothing, most, monkeypatch, rng):
    """Of 13 tiles in a row: 26 for small products, and for others what has room in packed_block_bytes."""
    monkeypatch.setattr(matmul, "packs_nothing", lambda: packs_nothing)
    tune(monkeypatch, block_tiles=26, packed_block_bytes=4 * 13 * 16 * (3 + 8) * 8, small_product=10**6,
         weights_a_block=10**6, packed_weights_a_block=10**6)
    wanted, real = [], module.blocks
    monkeypatch.setattr(module, "blocks", lambda *sizes: wanted.append(sizes) or real(*sizes))
    out, w = np.empty((1, 14, 26, 8)), rng.standard_normal((3, 3, 3, 8))
    winograd(ArraySource(np.ones((1, 16, 28, 3))), transform_weights(w, F2), None, ArraySink(out), (0, 0), F2)
    assert wanted == [(1, 7, most)]


@pytest.mark.parametrize("whole", [False, True])
def test_what_lay_in_memory_meets_no_product(monkeypatch, rng, whole):
    """The rows that fill up a product, six tiles to eight rows, hold zeros and not what was there."""
    monkeypatch.setattr(matmul, "packs_nothing", lambda: False)
    monkeypatch.setattr(module, "in_phases", lambda *sizes: whole)
    out, w = np.empty((1, 4, 6, 8)), np.ones((3, 3, 3, 8))
    w[:, :, 1] = -1                                                         # infinity less infinity would be told
    with threads(1), np.errstate(all="raise"):
        for name in ("V", "M", "whole V", "whole M"):
            scratch(name, (2**16,), np.float64)[...] = np.inf
        winograd(ArraySource(np.ones((1, 6, 8, 3))), transform_weights(w, F2), None, ArraySink(out), (0, 0), F2)
    np.testing.assert_allclose(out, 9, rtol=1e-12)


def test_small_products_are_made_under_their_lock(monkeypatch, rng):
    """The horizontal halves, of as many columns as there are channels and filters."""
    asked = []
    monkeypatch.setattr(module, "small_products", lambda columns: asked.append(columns) or contextlib.nullcontext())
    out = np.empty((1, 4, 4, 8))
    winograd(ArraySource(np.ones((1, 6, 6, 3))), transform_weights(np.ones((3, 3, 3, 8)), F4), None, ArraySink(out),
             (0, 0), F4)  # fmt: skip
    assert asked == [3, 8]
