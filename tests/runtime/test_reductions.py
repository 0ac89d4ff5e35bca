"""Sums over positions, and rows of several positions: the sizes by hand, the sums against NumPy's."""

import numpy as np
import pytest
from tuned import tune

from minivis.runtime.reductions import row_blocks, sum_positions, sum_products, wide


@pytest.mark.parametrize("shape, rows", [
    ((4, 6, 3), (3, 24)),               # 24 positions, at most 512 of them a row: 8 divide 24
    ((1, 2048, 1), (1, 2048)), ((3, 1024, 2), (3, 2048)), ((5, 7), (5, 7)), ((2, 4096), (2, 4096)),
    ((2, 2049), (2, 2049)), ((6, 100), (3, 200)),
])  # fmt: skip
def test_how_many_positions_stand_in_a_row(shape, rows):
    array = np.arange(np.prod(shape)).reshape(shape)
    (found,) = wide(array)
    assert found.shape == rows and found.ravel().tolist() == array.ravel().tolist()
    assert np.shares_memory(found, array)


def test_what_belongs_to_a_channel_is_repeated(xp):
    rows, scale, shift = wide(xp.zeros((4, 6, 3)), xp.asarray([1, 2, 3]), xp.asarray([4, 5, 6]))
    assert scale.tolist() == [1, 2, 3] * 8 and shift.tolist() == [4, 5, 6] * 8 and rows.shape == (3, 24)


def test_rows_are_no_longer_than_the_number_says(monkeypatch):
    tune(monkeypatch, row_numbers=12)
    assert wide(np.zeros((4, 6, 3)))[0].shape == (6, 12)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (7, 3), (1, 1), (3, 50, 16), (1, 1, 1, 3)])
def test_sums_over_all_axes_but_the_last(shape, rng, xp):
    array = rng.standard_normal(shape)
    found = sum_positions(xp.asarray(array))
    assert found.shape == shape[-1:] and found.dtype == np.float64
    np.testing.assert_allclose([float(v) for v in found], array.reshape(-1, shape[-1]).sum(axis=0), rtol=0, atol=1e-12)


def test_a_sum_by_hand():
    assert sum_positions(np.array([[[1.0, 10], [2, 20]], [[3, 30], [4, 40]]], "f4")).tolist() == [10, 100]


def test_products_are_summed_over_all_axes_but_the_last(monkeypatch, rng, xp):
    a, b = rng.standard_normal((2, 3, 4, 5, 6))
    tune(monkeypatch, row_numbers=12, block_numbers=24)                 # four rows of two positions, in blocks of two
    found = sum_products(xp.asarray(a), xp.asarray(b))
    np.testing.assert_allclose([float(v) for v in found], (a * b).sum(axis=(0, 1, 2)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("count, blocks", [
    (0, [(0, 2)]), (1, [(0, 2)]), (4, [(0, 2), (2, 4)]), (5, [(0, 2), (2, 4), (4, 6)]),
])  # fmt: skip
def test_blocks_of_rows_hold_so_many_numbers(monkeypatch, count, blocks):
    tune(monkeypatch, block_numbers=25)
    rows = np.arange(count * 12).reshape(count, 12)
    assert [(some.start, some.stop) for some in row_blocks(rows)] == blocks
    assert np.concatenate([rows[some] for some in row_blocks(rows)]).tolist() == rows.tolist()
    tune(monkeypatch, block_numbers=5)
    assert len(row_blocks(rows)) == max(1, count)                       # never less than a row
