"""Masks that take a bit an element."""

import numpy as np
import pytest

from minivis.runtime.bits import Bits


@pytest.mark.parametrize("channels, bytes_each", [(1, 1), (8, 1), (9, 2), (13, 2), (16, 2), (17, 3)])
def test_what_is_written_is_read_and_takes_an_eighth(rng, channels, bytes_each):
    values = rng.random((2, 3, 4, channels)) < 0.5
    bits = Bits(values.shape)
    bits[:, :] = values
    assert bits.packed.dtype == np.uint8 and bits.packed.nbytes == 2 * 3 * 4 * bytes_each
    found = bits[...]
    assert found.dtype == bool and found.shape == values.shape
    np.testing.assert_array_equal(found, values)


def test_slices_of_every_axis_but_the_last(rng):
    values = rng.random((2, 5, 4, 11)) < 0.5
    bits = Bits(values.shape)
    for n in range(2):
        bits[n : n + 1, 0:2], bits[n : n + 1, 2:5] = values[n : n + 1, 0:2], values[n : n + 1, 2:5]
    np.testing.assert_array_equal(bits[1:2, 1:4], values[1:2, 1:4])


def test_lines_share_the_memory(rng):
    values = rng.random((1, 6, 3, 10)) < 0.5
    bits = Bits(values.shape)
    bits[:, :] = np.zeros(values.shape, bool)
    part = bits.lines(2, 5)
    assert part.shape == (1, 3, 3, 10)
    part[:, :] = values[:, 2:5]
    np.testing.assert_array_equal(bits[:, 2:5], values[:, 2:5])
    assert not bits[:, :2].any() and not bits[:, 5:].any()


def test_memory_comes_from_whoever_lends_it():
    asked = []

    def empty(shape, dtype):
        asked.append((shape, dtype))
        return np.empty(shape, dtype)

    assert Bits((1, 2, 3, 20), empty).shape == (1, 2, 3, 20) and asked == [((1, 2, 3, 3), np.uint8)]
