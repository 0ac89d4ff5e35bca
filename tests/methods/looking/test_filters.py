"""Filters: what is shown are the weights."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected
from minivis.methods.looking.filters import FilterGrid, filter_grid


def test_filters_of_the_first_layer_are_pictures(vgg):
    result = filter_grid(vgg)
    w = vgg.layers["conv1_1"].params["w"]
    assert result.layer == "conv1_1" and result.reads_picture
    np.testing.assert_array_equal(result.filters[4], w[..., 4])
    assert result.numbers["largest"] == pytest.approx(abs(w).max()) and result.picture().ndim == 3
    bgr = replace(vgg, preprocessing=Preprocessing("BGR", (0,) * 3, (1,) * 3, size=(16, 16)))
    np.testing.assert_array_equal(filter_grid(bgr).filters[4], w[:, :, ::-1, 4])


def test_filters_of_a_deep_layer_are_a_square_a_channel(vgg):
    result = filter_grid(vgg, "conv2_1", rows=5, columns=4)
    assert not result.reads_picture and result.filters.shape == (8, 3, 3, 6)
    assert filter_grid(vgg, "conv2_1").picture().shape > result.picture().shape
    with pytest.raises(UnknownName, match="no convolution named 'fc6'"):
        filter_grid(vgg, "fc6")
    with pytest.raises(BadValue, match="at least 1"):
        filter_grid(vgg, rows=0)


@pytest.mark.parametrize("count, size, reads, rows, columns, scale", [
    (18, (5, 4), True, None, 6, 24), (18, (5, 40), True, None, 6, 4), (50, (3, 8), True, None, 10, 8),
    (3, (5, 4), False, 3, 2, 16), (3, (4, 50), False, 3, 4, 3), (9, (5, 8), False, 4, 8, 10),
])  # fmt: skip
def test_filters_are_as_large_as_640_pixels_allow_and_a_deep_one_is_a_row(
        rng, calls_of, count, size, reads, rows, columns, scale):
    channels = 3 if reads else columns + 1
    filters = rng.choice([-1, 1], (count, *size, channels)) * rng.uniform(0.5, 1, (count, *size, channels))
    sheets = calls_of("minivis.methods.looking.filters.contact_sheet")
    FilterGrid("conv", filters, reads, settings={"rows": rows, "columns": columns}).picture()
    ((tiles, across), how), = sheets
    assert (across, how["scale"]) == (columns, scale) and len(tiles) == (count if reads else rows * columns)
    assert (how["gap"], how.get("background")) == ((3, None) if reads else (2, 200))
    if not reads:                                               # each filter's own channels, from left to right
        sign = np.array([tile[..., 0] < tile[..., 2] for tile in tiles]).reshape(rows, columns, *size)
        np.testing.assert_array_equal(sign, np.moveaxis(filters[:rows, ..., :columns], 3, 1) < 0)


@pytest.mark.parametrize("count, shown, columns", [(32, 32, 8), (300, 200, 20)])
def test_filters_of_one_channel_each_fill_a_sheet(rng, calls_of, count, shown, columns):
    filters = rng.choice([-1, 1], (count, 3, 3, 1)) * rng.uniform(0.5, 1, (count, 3, 3, 1))
    sheets, figures = (calls_of(f"minivis.methods.looking.filters.{name}") for name in ("contact_sheet", "panels"))
    FilterGrid("depthwise", filters, False, settings={"rows": 10, "columns": 20}).picture()
    ((tiles, across), how), = sheets
    assert (len(tiles), across, how["scale"]) == (shown, columns, min(16, 640 // (columns * 3)))
    sign = np.array([tile[..., 0] < tile[..., 2] for tile in tiles])
    np.testing.assert_array_equal(sign, filters[:shown, ..., 0] < 0)
    (((_,), (title,)), _), = figures
    first = "" if shown == count else " (the first 200)"
    assert title == f"depthwise\n{count} filters of 3 x 3 x 1{first}, each reads one channel"


def test_a_net_without_convolutions_has_no_filters():
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,), size=(1, 1)))
    net.add("flatten", Flatten()).add("fc", FullyConnected(np.ones((1, 2)), np.zeros(2)))
    with pytest.raises(UnknownName, match="no convolution"):
        filter_grid(net)


def test_convolution_on_the_picture_only_counts_as_one_that_reads_it(rng):
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,)))
    net.add("a", Conv2D(rng.standard_normal((5, 3, 1, 4)), None))
    net.add("b", Conv2D(rng.standard_normal((1, 1, 4, 2)), None))
    assert filter_grid(net).reads_picture and not filter_grid(net, "b").reads_picture
    assert filter_grid(net).picture().shape[2] == filter_grid(net, "b").picture().shape[2] == 3
