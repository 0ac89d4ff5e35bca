"""Line charts: lines are where their numbers are, and the legend and labels have room."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.figures.line_chart import COLORS, FRAME, GRID, PALE, line_chart


def test_a_line_is_where_its_numbers_are():
    chart = line_chart({"a": ([0, 1, 2, 4], [0.0, 10, 10, 10])}, width=201, height=101, low=0, high=20, legend=False)
    blue = (abs(chart.astype(int) - COLORS[0]).max(axis=2) < 60)
    rows, columns = np.nonzero(blue)
    left = chart.shape[1] - 201                         # the numbers of the upright axis stand before it
    at_half = rows[columns == left + 100]
    assert len(at_half) and abs(at_half.mean() - 50) <= 1.5
    near_start = rows[(columns >= left + 3) & (columns <= left + 6)]
    assert near_start.mean() > 90, "10 of 20 is half way up, 0 is at the bottom"


def test_a_frame_stands_around_the_curves_and_a_pale_line_at_each_number():
    chart = line_chart({"a": ([0, 1], [0.0, 0.0])}, width=201, height=101, low=0, high=20, legend=False)
    plot = chart[:101, -201:].astype(int)
    for edge in (plot[0, 1:-1], plot[30:40, 0], plot[30:40, -1]):
        assert (edge == FRAME).all()
    assert (plot[30:40, [1, -2]] == 255).all()
    ink = 255 - plot[2:95, 100]                                         # a column between the numbers
    np.testing.assert_allclose(ink[46:51].sum(axis=0), 255 - np.array(GRID), atol=2)        # at 10 of 20, row 50
    assert not ink[:46].any() and not ink[51:].any()


def test_legend_dashes_and_labels():
    curves = {"first": ([0, 1], [0, 1]), "second": ([0, 1], [1, 0])}
    plain = line_chart(curves)
    assert plain.shape[1] > line_chart(curves, legend=False).shape[1]
    assert line_chart(curves, x_label="steps", y_label="loss").shape[0] > plain.shape[0]
    assert line_chart(curves, notes={"": ("area",), "first": ("0.5",)}).shape[1] > plain.shape[1]
    dashed = line_chart(curves, dashed=("first",), legend=False)
    assert (dashed != line_chart(curves, legend=False)).any()
    assert line_chart({"flat": ([0, 1], [3, 3])}).std() > 0


@pytest.mark.parametrize("curves", [{}, {"a": ([1], [1])}, {"a": ([0, 1], [0, np.nan])}, {"a": ([0, 1], [0, 1, 2])}])
def test_what_is_no_curve(curves):
    with pytest.raises(BadValue, match=r"at least one curve|at least two finite numbers"):
        line_chart(curves)


def test_faint_curves_lie_below_and_outside_the_legend():
    x = np.linspace(0, 1, 5)
    curves = {"bold": (x, x), "same": (x, x), "a level": (x, 0 * x + 0.4)}
    faint = ("same", "a level")
    beneath, above = (line_chart(curves, faint=which, legend=False).astype(int) for which in (faint, ()))
    drawn = lambda sheet, color: (abs(sheet - color).max(axis=2) < 40).sum()      # noqa: E731
    assert drawn(beneath, COLORS[0]) > 200 > drawn(above, COLORS[0])
    assert drawn(beneath, PALE) > 200 and drawn(beneath, COLORS[1]) == drawn(beneath, COLORS[2]) == 0
    assert line_chart(curves, faint=faint).shape[1] < line_chart(curves).shape[1]


def test_a_curve_beyond_the_last_colour_is_told_from_the_first_by_its_dashes():
    x = np.linspace(0, 1, 3)
    curves = {str(k): (x, 0 * x + k) for k in range(2 * len(COLORS) + 1)}
    chart = line_chart(curves, height=340, legend=False).astype(int)
    rows = np.nonzero((abs(chart - COLORS[0]).max(axis=2) < 40).sum(axis=1) > 50)[0]
    painted = (abs(chart[rows] - COLORS[0]).max(axis=2) < 40).sum(axis=1)       # of each line, from the top down
    lines = [painted[part].max() for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) > 1) + 1)]
    third, second, first = lines
    assert first > 300 and second < 0.6 * first and third < 0.6 * first
    runs = [np.abs(np.diff((abs(chart[row] - COLORS[0]).max(axis=1) < 40).astype(int))).sum()
            for row in (rows[painted == second][0], rows[painted == third][0])]
    assert runs[0] != runs[1]                           # dashes of two lengths
