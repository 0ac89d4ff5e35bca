"""Winograd's matrices, tiles and blocks in numbers; test_direct.py has the whole convolution in any shape."""

import numpy as np
import pytest
import reference

from minivis.convolution import winograd as module
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.convolution.winograd import F2, F4, blocks, edges, in_phases, transform_weights, whole_and_rest, winograd
from minivis.runtime import matmul

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


@pytest.mark.parametrize("tiles", [F2, F4])
def test_the_weights_gradient_against_the_loops(tiles, rng):
    x, dout = rng.standard_normal((2, 7, 9, 3)), rng.standard_normal((2, 6, 9, 4))
    wanted = reference.conv_gradients(dout, x, np.zeros((3, 3, 3, 4)), (1, 1), ((0, 1), (2, 0)), (1, 1), 1)[1]
    np.testing.assert_allclose(module.weight_grad(x, dout, (0, 2), tiles), wanted, rtol=0, atol=1e-10)
