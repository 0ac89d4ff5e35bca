"""Line charts: lines are where their numbers are, and the legend and labels have room."""

import numpy as np
import pytest
from letters import block, runs

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


@pytest.fixture
def blocks(monkeypatch):
    monkeypatch.setitem(line_chart.__globals__, "text_picture", block)


def test_numbers_stand_at_their_places_and_none_is_cut(blocks):
    chart = line_chart({"a": ([0, 4], [0.0, 20.0])}, width=201, height=101, legend=False)
    assert chart.shape == (101 + 4 + 13, 12 + 6 + 201, 3)                       # 6 pixels beside a number, 4 above
    black = (chart == 0).all(axis=2)
    assert runs(black[:101, 6:12].any(axis=1)) == [(0, 13), (44, 57), (88, 101)]        # 20, 10 at row 50, and 0
    assert runs(black[50, :18]) == [(0, 12)] and runs(black[95, :18]) == [(6, 12)]      # the 0 ends where the 10 does
    assert runs(black[-1]) == [(18, 24), (18 + 97, 18 + 103), (18 + 195, 18 + 201)]     # 0, 2 at column 100, and 4
    assert runs(black[101:, 18]) == [(4, 17)]


def test_a_flat_curve_runs_along_the_middle():
    chart = line_chart({"flat": ([0, 1], [3, 3])}, width=101, height=101, legend=False)
    blue = (abs(chart[:101, -100:-1].astype(int) - COLORS[0]).max(axis=2) < 60)
    assert set(np.nonzero(blue)[0]) <= {49, 50, 51} and blue.any(axis=0).all()


def test_a_legend_has_a_line_for_each_name_and_columns_of_notes(blocks):
    curves = {"ab": ([0, 1], [0, 1]), "c": ([0, 1], [1, 0])}
    plain = line_chart(curves, width=101, height=101, legend=False)
    notes = {"": ("x", "y"), "ab": ("123", "4"), "c": ("5", "678")}
    legend = line_chart(curves, width=101, height=101, notes=notes)[:, plain.shape[1] + 12:]
    assert legend.shape[1] == 18 + 6 + 12 + 10 + 18 + 10 + 18                   # lines, names, and two columns
    for row, color in ((15, 0), (30, 1)):                                       # below the headings
        assert (legend[row + 5:row + 7, :18] == COLORS[color]).all() and (legend[[row + 4, row + 7], :18] == 255).all()
    black = (legend == 0).all(axis=2)
    assert runs(black[5]) == [(58, 64), (86, 92)]                               # numbers and headings end together
    assert runs(black[15]) == [(24, 36), (46, 64), (86, 92)]
    assert runs(black[30]) == [(24, 30), (58, 64), (74, 92)]
    assert runs(black[:, 90]) == [(0, 13), (15, 28), (30, 43)]
    without = line_chart(curves, width=101, height=101, notes={"c": ("5",)})[:, plain.shape[1] + 12:]
    assert runs((without == 0).all(axis=2)[:, 48]) == [(15, 28)]                # a name without a note has none
