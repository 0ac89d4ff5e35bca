"""Numbers in a file, read where they lie and as they are stored."""

import io

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.weights.containers import tensor
from minivis.weights.containers.tensor import Tensor, check_finite

NUMBERS = np.arange(12, dtype="<f4")


def stored(shape, dtype="float32", data=NUMBERS, **kw):
    return Tensor(shape, dtype, io.BytesIO(b"12345678" + data.tobytes()), 8, **kw)


def test_numbers_begin_at_their_byte_and_come_as_asked():
    found = stored((3, 4)).read(np.float64)
    assert found.dtype == np.float64 and found.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_strides_count_numbers_and_not_bytes():
    assert stored((4, 3), strides=(1, 4)).read().tolist() == [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]


def test_bfloat16_is_the_upper_half_of_a_float32():
    halves = np.array([0x3F80, 0xC000, 0x3E80], "<u2")
    assert stored((3,), "bfloat16", halves).read().tolist() == [1, -2, 0.25]


def test_blocks_together_are_the_whole(monkeypatch):
    monkeypatch.setattr(tensor, "BLOCK_BYTES", 2 * 2 * 4)           # two rows of two numbers
    found = list(stored((5, 2), data=np.arange(10, dtype="<f4")).blocks())
    assert [(start, stop) for start, stop, _ in found] == [(0, 2), (2, 4), (4, 5)]
    assert np.concatenate([rows for *_, rows in found]).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    strided = list(stored((2, 3), strides=(1, 2)).blocks())
    assert len(strided) == 1 and strided[0][2].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_size_counts_numbers_and_an_array_in_memory_is_a_tensor_too():
    assert (stored((3, 4)).size, stored((3, 4)).itemsize, Tensor((), "float16").size) == (12, 4, 1)
    assert Tensor.of(np.ones((2, 2), "f8")).read().dtype == np.float32


def test_whole_numbers_and_a_file_that_ends_too_early_are_refused():
    with pytest.raises(BadFile, match="holds int64, not floats"):
        stored((1,), "int64").read()
    with pytest.raises(BadFile, match="ends before its numbers do"):
        stored((13,)).read()


def test_a_nan_is_counted_and_a_sum_that_overflows_is_none():
    large = np.full(4, 3e38, np.float32)
    assert check_finite(large) is large
    with pytest.raises(BadFile, match="holds 1 number that is NaN or infinite"):
        check_finite(np.array([1, np.nan]))
    with pytest.raises(BadFile, match="holds 2 numbers that are"):
        check_finite(np.array([np.inf, -np.inf]))
