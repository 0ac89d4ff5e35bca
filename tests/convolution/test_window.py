"""Where windows stand: every number here was worked out by hand, with height and width apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from minivis.convolution import window as w
from minivis.errors import BadValue

NONE = ((0, 0), (0, 0))


@pytest.mark.parametrize("value, found", [(3, (3, 3)), ((3, 5), (3, 5)), ([1, 2], (1, 2)), (np.int64(2), (2, 2))])
def test_a_pair(value, found):
    assert w.pair(value, "stride") == found and all(type(v) is int for v in w.pair(value, "stride"))


@pytest.mark.parametrize("value", [2.0, (1,), (1, 2, 3), (1, 2.5), "3", None])
def test_what_is_not_a_pair(value):
    with pytest.raises(BadValue, match="stride must be an int or a pair of ints, got"):
        w.pair(value, "stride")


@pytest.mark.parametrize("value, least", [(0, 1), ((1, 0), 1), ((-1, 5), 0)])
def test_a_pair_below_the_least(value, least):
    with pytest.raises(BadValue, match=f"stride must be at least {least}, got"):
        w.pair(value, "stride", least=least)


@pytest.mark.parametrize("value", [2**31, (1, 2**62), 10**30])
def test_a_pair_beyond_every_input(value):
    with pytest.raises(BadValue, match="stride must be at most 2147483647, got"):
        w.pair(value, "stride")
    assert w.pair(2**31 - 1, "stride") == (2**31 - 1,) * 2


@pytest.mark.parametrize("size, kernel, stride, pads, ceil", [
    (7, 10**6, 1, (500_000, 499_999), False), (7, 3, 10**6, (10**6, 0), False), (7, 10**6, 10**6, (0, 0), True),
    (7, 300, 1, (0, 293), False),
])
def test_mostly_padding_is_refused_before_it_is_made(size, kernel, stride, pads, ceil):
    with pytest.raises(BadValue, match="of padding: mostly padding"):
        w.output_size((size, 9), (kernel, 3), (stride, 1), (pads, (1, 1)), ceil=ceil)


def test_much_padding_is_fine():
    """A pool of 7 on a map of 1, a wide dilation, and the 100 of FCN."""
    assert w.output_size((1, 1), (7, 7), (1, 1), ((3, 3), (3, 3))) == (1, 1)
    assert w.output_size((7, 7), (3, 3), (1, 1), ((36, 36), (36, 36)), (36, 36)) == (7, 7)
    assert w.output_size((64, 64), (3, 3), (1, 1), ((100, 100), (100, 100))) == (262, 262)


@pytest.mark.parametrize("padding, found", [
    (0, NONE), (2, ((2, 2), (2, 2))), ((1, 3), ((1, 1), (3, 3))), (((1, 2), (3, 4)), ((1, 2), (3, 4))),
    ([[1, 2], [3, 4]], ((1, 2), (3, 4))), ("same", "same"),
])  # fmt: skip
def test_every_form_of_padding(padding, found):
    assert w.normal_padding(padding) == found


def test_wrong_paddings():
    with pytest.raises(BadValue, match='or "same", not \'valid\''):
        w.normal_padding("valid")
    with pytest.raises(BadValue, match="padding must be at least 0"):
        w.normal_padding(((0, 0), (0, -1)))
    for mixed in (((1, 1), 2), (2, [1, 1])):                # no pair of pairs, and no pair of numbers
        with pytest.raises(BadValue, match="padding must be an int or a pair of ints, got "):
            w.normal_padding(mixed)


def test_the_size_of_a_dilated_kernel():
    assert w.dilated_size((3, 5), (2, 3)) == (5, 13)
    assert w.dilated_size((1, 4), (7, 1)) == (1, 4)


@pytest.mark.parametrize("size, kernel, stride, dilation, pads", [
    ((5, 6), (3, 2), (2, 3), (1, 1), ((1, 1), (0, 0))),         # 3 and 2 outputs: 7 lines are needed, 5 columns
    ((6, 7), (4, 4), (1, 1), (1, 1), ((1, 2), (1, 2))),         # the odd zero goes after
    ((9, 9), (3, 3), (1, 1), (2, 1), ((2, 2), (1, 1))),
    ((9, 9), (3, 3), (1, 1), (1, 2), ((1, 1), (2, 2))),
    ((4, 12), (1, 3), (2, 5), (1, 1), ((0, 0), (0, 1))),
])  # fmt: skip
def test_same_is_tensorflows_padding(size, kernel, stride, dilation, pads):
    assert w.resolve_padding("same", size, kernel, stride, dilation) == pads


def test_without_a_dilation_none_is_meant():
    """As a pool asks. A dilation of 2 along either axis would give 2 or 3 zeros there."""
    assert w.resolve_padding("same", (6, 6), (3, 3), (2, 2)) == ((0, 1), (0, 1))
    assert w.output_size((7, 7), (3, 3), (2, 2), NONE) == (3, 3)
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    assert w.windows(x, (2, 2), (1, 1), (1, 1)).ravel().tolist() == [0, 1, 4, 5]
    assert [view.item() for view in w.kernel_views(x, (2, 2), (1, 1), (1, 1))] == [0, 1, 4, 5]


def test_padding_in_numbers_stays():
    assert w.resolve_padding(((1, 2), (3, 4)), (5, 5), (3, 3), (2, 2)) == ((1, 2), (3, 4))


@pytest.mark.parametrize("size, kernel, stride, pads, dilation, found, rounded_up", [
    ((8, 9), (3, 3), (2, 2), NONE, (1, 1), (3, 4), (4, 4)),
    ((8, 9), (3, 2), (2, 3), ((1, 0), (0, 2)), (1, 1), (4, 4), (4, 3)),     # the last column of windows sees padding
    ((11, 10), (3, 3), (1, 2), NONE, (2, 3), (7, 2), (7, 3)),
    ((3, 3), (2, 2), (3, 3), ((0, 1), (1, 0)), (1, 1), (1, 1), (1, 2)),     # a window would begin after the last line
])  # fmt: skip
def test_output_sizes(size, kernel, stride, pads, dilation, found, rounded_up):
    assert w.output_size(size, kernel, stride, pads, dilation) == found
    assert w.output_size(size, kernel, stride, pads, dilation, ceil=True) == rounded_up


def test_a_window_larger_than_the_input():
    with pytest.raises(BadValue, match="a window of 5 does not fit into an input of 3 with 1 of padding"):
        w.output_size((9, 3), (3, 3), (1, 1), ((0, 0), (1, 0)), (1, 2))


def test_pad_and_crop(xp):
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    padded = w.pad(x, ((1, 0), (0, 2)), value=-5)
    assert padded[0, :, :, 0].tolist() == [[-5, -5, -5, -5], [1, 2, -5, -5], [3, 4, -5, -5]]
    assert w.pad(x, ((0, 1), (1, 0)))[0, :, :, 0].tolist() == [[0, 1, 2], [0, 3, 4], [0, 0, 0]]
    assert w.padded_shape(x.shape, ((1, 0), (0, 2))) == padded.shape == (1, 3, 4, 1)
    assert w.crop(padded, ((1, 0), (0, 2))).tolist() == x.tolist()
    assert w.pad(x, NONE) is x


def test_windows_and_kernel_views_with_stride_and_dilation(xp):
    """Lines of 10 numbers, so that a number's digits are its line and column."""
    x = xp.arange(60.0).reshape(1, 6, 10, 1)
    seen = w.windows(x, (2, 3), (2, 2), (2, 4), (3, 2))
    assert seen.shape == (1, 2, 2, 2, 3, 1)
    assert seen[0, 0, 0, :, :, 0].tolist() == [[0, 2, 4], [30, 32, 34]]
    assert seen[0, 1, 1, :, :, 0].tolist() == [[24, 26, 28], [54, 56, 58]]
    views = [view[0, :, :, 0].tolist() for view in w.kernel_views(x, (2, 3), (2, 2), (2, 4), (3, 2))]
    assert views[0] == [[0, 4], [20, 24]] and views[2] == [[4, 8], [24, 28]] and views[3] == [[30, 34], [50, 54]]
    assert len(views) == 6


def test_groups_are_neighbours():
    assert w.group_slices((3, 3, 2, 9), 3) == [
        (slice(0, 2), slice(0, 3)), (slice(2, 4), slice(3, 6)), (slice(4, 6), slice(6, 9)),
    ]  # fmt: skip


def test_the_placement_of_a_convolution():
    layer = SimpleNamespace(params={"w": np.zeros((3, 5, 4, 7))}, stride=(2, 1), dilation=(1, 2), padding="same")
    assert w.placement(layer, (6, 10, 11, 4)) == (((0, 1), (4, 4)), (6, 5, 11, 7))
    layer.padding = ((1, 0), (2, 3))
    assert w.placement(layer, (6, 10, 11, 4)) == (((1, 0), (2, 3)), (6, 5, 8, 7))
