"""How a picture is cut into bands, and what a band reads, in numbers."""

import numpy as np
import pytest
from tuned import tune

from minivis.convolution import bands as module
from minivis.convolution.bands import ArraySink, ArraySource, bands, flat, holds_pictures, padded_rows


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 2)


ONE = slice(0, 1)


@pytest.mark.parametrize("height, lines, expected", [
    (10, 1, [(0, 3), (3, 5), (5, 8), (8, 10)]),                 # 4 lines at most, an even number of bands
    (10, 2, [(0, 4), (4, 6), (6, 8), (8, 10)]),
    (9, 2, [(0, 4), (4, 6), (6, 8), (8, 9)]),                   # but for the last
    (3, 8, [(0, 3)]),
])  # fmt: skip
def test_a_picture_alone_is_cut_for_the_cores(monkeypatch, height, lines, expected):
    tune(monkeypatch, band_bytes=400)
    assert bands((1, height, 5, 3), 100, lines) == [(ONE, *cut) for cut in expected]


def test_several_pictures_are_cut_one_by_one_or_taken_together(monkeypatch):
    tune(monkeypatch, band_bytes=2000)
    assert bands((5, 10, 5, 3), 100) == [(slice(*cut), 0, 10) for cut in ((0, 2), (2, 3), (3, 4), (4, 5))]
    assert bands((2, 11, 5, 3), 100) == [(slice(n, n + 1), 0, 11) for n in (0, 1)]
    tune(monkeypatch, band_bytes=600)
    assert bands((2, 11, 5, 3), 100) == [(slice(n, n + 1), *cut) for n in (0, 1) for cut in ((0, 6), (6, 11))]
    assert bands((1, 2, 5, 3), 10**9) == [(ONE, 0, 1), (ONE, 1, 2)]         # never less than a line


@pytest.mark.parametrize("most, N, whole", [(19, 2, False), (20, 2, True), (39, 1, False), (40, 1, True)])
def test_whole_pictures_of_ten_lines(most, N, whole):
    assert holds_pictures(most, 10, N) == whole


def test_a_source_gives_lines_and_channels():
    x = np.arange(2 * 3 * 2 * 4).reshape(2, 3, 2, 4)
    source, part = ArraySource(x), ArraySource(x, slice(1, 3))
    assert source.shape == (2, 3, 2, 4) and part.shape == (2, 3, 2, 2)
    assert np.shares_memory(source.rows(slice(1, 2), 1, 3), x)
    np.testing.assert_array_equal(part.rows(slice(1, 2), 1, 3), x[1:2, 1:3, :, 1:3])
    assert part.rows(slice(1, 2), 1, 3).flags.c_contiguous
    out = np.zeros((1, 2, 2, 2), int)
    assert part.rows(slice(0, 1), 0, 2, out=out) is out and out.tolist() == x[:1, :2, :, 1:3].tolist()


def test_a_sink_is_filled_in_place():
    out = np.zeros((2, 3, 2, 4))
    sink = ArraySink(out, slice(2, 4))
    assert sink.shape == (2, 3, 2, 2) and sink.dtype == out.dtype and sink.lines == 1
    y = sink.open(slice(1, 2), 1, 3)
    y[...] = 7
    sink.close(slice(1, 2), 1, 3, y)
    assert out.sum() == 7 * 2 * 2 * 2 and (out[1, 1:, :, 2:] == 7).all()


@pytest.mark.parametrize("first, last, left, width, expected", [
    (0, 2, 0, 3, [[1, 2, 3], [4, 5, 6]]),
    (-1, 2, 1, 5, [[0, 0, 0, 0, 0], [0, 1, 2, 3, 0], [0, 4, 5, 6, 0]]),
    (1, 4, 2, 6, [[0, 0, 4, 5, 6, 0], [0] * 6, [0] * 6]),
    (0, 2, -1, 2, [[2, 3], [5, 6]]),                            # a column is skipped
    (0, 1, 1, 3, [[0, 1, 2]]),                                  # and the last one left out
    (-3, -1, 0, 3, [[0] * 3] * 2),                              # wholly above
    (3, 5, 0, 3, [[0] * 3] * 2),                                # and wholly below
])  # fmt: skip
def test_lines_with_zeros_around_them(first, last, left, width, expected):
    source = ArraySource(np.arange(1.0, 7).reshape(1, 2, 3, 1))
    for _ in range(2):                                          # the second time in memory that has been written to
        found = padded_rows(source, ONE, first, last, left, width)
        assert found[0, :, :, 0].tolist() == expected
        padded_rows(ArraySource(np.full((1, 9, 9, 1), 8.0)), ONE, -1, 9, 1, 11)


def test_flat_is_a_view():
    y = np.zeros((2, 5, 4, 3))[:, 1:3]
    flat(y)[1, 7] = 1
    assert flat(y).shape == (2, 8, 3) and y[1, 1, 3].tolist() == [1, 1, 1] and y.sum() == 3
