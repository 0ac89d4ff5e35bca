"""Line charts: lines are where their numbers are, and the legend and labels have room."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.figures.line_chart import COLORS, line_chart


def test_a_line_is_where_its_numbers_are():
    chart = line_chart({"a": ([0, 1, 2, 4], [0.0, 10, 10, 10])}, width=201, height=101, low=0, high=20, legend=False)
    blue = (abs(chart.astype(int) - COLORS[0]).max(axis=2) < 60)
    rows, columns = np.nonzero(blue)
    left = chart.shape[1] - 201                         # the numbers of the upright axis stand before it
    at_half = rows[columns == left + 100]
    assert len(at_half) and abs(at_half.mean() - 50) <= 1.5
    near_start = rows[(columns >= left + 3) & (columns <= left + 6)]
    assert near_start.mean() > 90, "10 of 20 is half way up, 0 is at the bottom"


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
