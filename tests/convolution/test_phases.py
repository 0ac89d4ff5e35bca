"""Sums over overlapping windows, against a loop over windows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minivis.convolution.phases import Phases, met, reaching

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731


def by_loops(given, windows, kernel, stride, dilation, picture, first, left):
    """A picture (n, lines, W, C) from ``given`` (KH*KW, n, rows, columns, C)."""
    out = np.zeros(picture)
    for n in range(picture[0]):
        for i, j, u, v in np.ndindex(*windows, *kernel):
            line = i * stride[0] + u * dilation[0] - first
            column = j * stride[1] + v * dilation[1] - left
            if 0 <= line < picture[1] and 0 <= column < picture[2]:
                out[n, line, column] += given[u * kernel[1] + v, n, i, j]
    return out


@settings(max_examples=150)
@given(st.integers(1, 2), pairs(1, 4), pairs(1, 4), pairs(1, 4), pairs(1, 3), st.integers(1, 3), st.booleans(),
       pairs(1, 12), pairs(-3, 5))
def test_sums_equal_the_loops(n, windows, kernel, stride, dilation, C, planes, picture, begin):
    given_ = np.random.default_rng(0).standard_normal((kernel[0] * kernel[1], n, *windows, C))
    total = Phases(n, windows, kernel, stride, dilation, C, np.dtype(float), planes=planes)
    lines = np.zeros((n, windows[0], total.columns, C))             # as long as the sums', with zeros at the end
    count = 0
    for part, view in zip(given_, total.views()):
        lines[:, :, : windows[1]] = part
        flat = lines.reshape(n, -1, C)
        view += flat.swapaxes(1, 2) if planes else flat
        count += 1
    assert count == len(given_)
    y = np.full((n, *picture, C), np.nan)
    total.write(y, *begin)
    expected = by_loops(given_, windows, kernel, stride, dilation, y.shape, *begin)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


def test_a_picture_need_not_be_reached_by_any_window():
    y = np.full((1, 3, 4, 2), np.nan)
    Phases(1, (0, 2), (3, 2), (2, 2), (1, 1), 2, y.dtype).write(y, -1, 0)
    assert not y.any()


@settings(max_examples=200)
@given(st.integers(0, 9), st.integers(-5, 9), st.integers(1, 4), st.integers(0, 3), st.integers(0, 5))
def test_lines_of_a_phase_are_found(length, first, s, r, count):
    assume(r < s)
    to, of = met(length, first, s, r, count)
    expected = [(i, line) for i in range(length) for line in range(count) if i + first == line * s + r]
    assert list(zip(range(count + length + 9)[to] if expected else [], range(count)[of])) == expected
    assert of.stop - of.start == len(expected)


@pytest.mark.parametrize("stride, kernel, phases", [
    ((2, 3), (3, 2), (2, 2)), ((2, 2), (1, 1), (1, 1)), ((1, 1), (3, 3), (1, 1)),
])  # fmt: skip
def test_phases_that_no_window_reaches_take_no_memory(stride, kernel, phases):
    assert Phases(1, (2, 2), kernel, stride, (1, 1), 1, np.dtype(float)).sums.shape[:2] == phases


@settings(max_examples=200)
@given(st.integers(-3, 12), st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 5))
def test_windows_that_reach_some_lines(first, height, size, s, count):
    low, high = reaching(first, first + height, size, s, count)
    reach = [i for i in range(count) if i * s < first + height and i * s + size > first]
    assert 0 <= low <= high <= count and set(reach) <= set(range(low, high))
    if size >= s:                                                       # without gaps none is taken for nothing
        assert list(range(low, high)) == reach
