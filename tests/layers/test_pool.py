"""Pooling against plain loops: floor and ceil sizes, paddings, ties, and what a window at the edge counts."""

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from passes import ATOL, both_ways, check_gradients, check_modes

from minivis.errors import BadValue
from minivis.layers import AvgPool2D, ForwardMode, GlobalAvgPool, MaxPool2D
from minivis.layers.pool import max_pool_forward


@st.composite
def poolings(draw):
    """x, size, stride, pads, ceil; few different values, so that most windows have ties."""
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pads = tuple(draw(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))) for k in size)
    shape = draw(st.integers(1, 2)), draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(1, 2))
    ceil = draw(st.booleans())
    assume(0 not in reference.pool_shape(shape, size, stride, pads, ceil))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.integers(-3, 1, shape).astype(float), size, stride, pads, ceil


@settings(max_examples=100)
@given(poolings())
def test_max_pool_equals_the_loops(case):
    x, size, stride, pads, ceil = case
    layer = MaxPool2D(size, stride=stride, padding=pads, ceil=ceil)
    out, dout, (dx,), _ = both_ways(layer, x)
    expected, expected_dx = reference.max_pool(x, dout, size, stride, pads, ceil)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(layer.forward(x, mode=ForwardMode(grad=None))[0], expected)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=ATOL)


@settings(max_examples=100)
@given(poolings(), st.booleans())
def test_avg_pool_equals_the_loops(case, count_padding):
    x, size, stride, pads, ceil = case
    layer = AvgPool2D(size, stride=stride, padding=pads, ceil=ceil, count_padding=count_padding)
    out, dout, (dx,), _ = both_ways(layer, x)
    expected, expected_dx = reference.avg_pool(x, dout, size, stride, pads, ceil, count_padding)
    np.testing.assert_allclose(out, expected, rtol=0, atol=ATOL)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=ATOL)


GEOMETRIES = {
    "halves": {"size": 2},
    "overlapping": {"size": 3, "stride": 2, "padding": 1},
    "ceil": {"size": (2, 3), "stride": 3, "padding": ((1, 0), (0, 2)), "ceil": True},
    "same": {"size": 3, "stride": 2, "padding": "same"},
}


@pytest.mark.parametrize("how", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("kind", [MaxPool2D, AvgPool2D])
def test_gradients_are_finite_differences(rng, kind, how):
    x = 0.1 * rng.permutation(np.arange(2 * 7 * 6 * 3.0)).reshape(2, 7, 6, 3)
    check_gradients(kind(**how), x)
    check_modes(kind(**how), x)


@pytest.mark.parametrize("how", GEOMETRIES.values(), ids=GEOMETRIES)
def test_both_array_libraries_agree(rng, xp, how):
    x = rng.integers(-3, 1, (2, 7, 6, 3)).astype(float)
    for layer, loops in [(MaxPool2D(**how), reference.max_pool), (AvgPool2D(**how), reference.avg_pool)]:
        out, dout, (dx,), _ = both_ways(layer, x, xp=xp)
        g = layer.geometry(x.shape)
        counts = (True,) if loops is reference.avg_pool else ()
        expected, expected_dx = loops(x, dout, layer.size, g["stride"], g["padding"], layer.ceil, *counts)
        np.testing.assert_allclose(out, expected, rtol=0, atol=ATOL)
        np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=ATOL)


def test_a_tie_goes_to_the_first_maximum():
    """After a ReLU most ties are zeros; one gradient stays one gradient."""
    _, _, (dx,), _ = both_ways(MaxPool2D(2), np.zeros((1, 2, 2, 1)), dout=np.full((1, 1, 1, 1), 5.0))
    assert dx.ravel().tolist() == [5, 0, 0, 0]
    _, _, (dx,), _ = both_ways(MaxPool2D(2), np.array([0.0, 1, 1, 1]).reshape(1, 2, 2, 1), dout=np.ones((1, 1, 1, 1)))
    assert dx.ravel().tolist() == [0, 1, 0, 0]


def test_a_place_that_wins_twice_gets_both_gradients():
    x = np.array([0.0, 9, 0]).reshape(1, 1, 3, 1)
    _, _, (dx,), _ = both_ways(MaxPool2D((1, 2), stride=1), x, dout=np.array([2.0, 3.0]).reshape(1, 1, 2, 1))
    assert dx.ravel().tolist() == [0, 5, 0]


def test_padding_never_wins():
    out, _, (dx,), _ = both_ways(MaxPool2D(3, stride=2, padding=1), np.full((1, 3, 3, 1), -7.0))
    assert (out == -7).all() and (dx != 0).sum() == 4


@pytest.mark.parametrize("size, dtype", [(2, np.uint8), (16, np.uint8), ((1, 257), np.uint16)])
def test_switches_are_as_small_as_they_can_be(size, dtype):
    layer = MaxPool2D(size)
    x = np.arange(34.0 * 257).reshape(1, 34, 257, 1)
    (switches, _) = layer.forward(x, mode=ForwardMode())[1]
    assert switches.dtype == dtype and (switches == layer.size[0] * layer.size[1] - 1).all()
    _, dout, (dx,), _ = both_ways(layer, x)
    np.testing.assert_allclose(dx.sum(), dout.sum())


@pytest.mark.parametrize("n, size, stride, padding, floor, ceil", [     # torch.nn.functional.max_pool2d, ceil_mode
    (112, 3, 2, 0, 55, 56), (6, 3, 2, 0, 2, 3), (7, 3, 2, 0, 3, 3), (6, 2, 2, 0, 3, 3), (5, 2, 2, 0, 2, 3),
    (5, 2, 4, 1, 2, 2), (4, 2, 3, 1, 2, 2), (3, 3, 3, 1, 1, 2), (2, 2, 3, 1, 1, 1),    # the last would begin beyond
    (1, 2, 2, 0, None, 1), (2, 3, 2, 0, None, 1), (2, 5, 3, 1, None, 1), (1, 3, 2, 0, None, None),
    (1, 3, 3, 0, None, 1),
])  # fmt: skip
@pytest.mark.parametrize("kind", [MaxPool2D, AvgPool2D])
def test_sizes_with_floor_and_ceil(kind, n, size, stride, padding, floor, ceil):
    for up, expected in ((False, floor), (True, ceil)):
        layer = kind(size, stride=stride, padding=padding, ceil=up)
        if expected is None:
            with pytest.raises(BadValue, match=f"a window of {size} does not fit into an input of {n}"):
                layer.output_shape((1, n, n, 1))
        else:
            assert layer.output_shape((1, n, n, 1)) == (1, expected, expected, 1)


def test_what_an_average_counts():
    """A corner window of 3 with padding 1 holds 4 real ones and 5 of padding."""
    ones = np.ones((1, 3, 3, 1))
    how = {"stride": 2, "padding": 1}
    assert both_ways(AvgPool2D(3, **how), ones)[0][0, 0, 0, 0] == pytest.approx(4 / 9)
    assert both_ways(AvgPool2D(3, **how, count_padding=False), ones)[0][0, 0, 0, 0] == 1
    beyond = both_ways(AvgPool2D(2, stride=2, ceil=True), ones)[0]     # what lies beyond the padding never counts
    np.testing.assert_array_equal(beyond, np.ones((1, 2, 2, 1)))


def test_global_average(rng, xp):
    x = rng.standard_normal((2, 3, 4, 5))
    out, dout, (dx,), dparams = both_ways(GlobalAvgPool(), x, xp=xp)
    for n, c in np.ndindex(2, 5):
        assert out[n, c] == pytest.approx(sum(x[n, :, :, c].ravel()) / 12)
        np.testing.assert_allclose(dx[n, :, :, c], dout[n, c] / 12)
    assert dparams == {}
    if xp is np:
        check_gradients(GlobalAvgPool(), x)
        check_modes(GlobalAvgPool(), x)
        dx[0] = 0                                   # an array of its own, not a view that repeats memory


def test_float32_stays_float32(rng):
    x = rng.standard_normal((1, 5, 5, 2), np.float32)
    for layer in (MaxPool2D(3, padding=1), AvgPool2D(3, padding=1), GlobalAvgPool()):
        both_ways(layer, x)                         # compares every dtype


@pytest.mark.parametrize("make, message", [
    (lambda: MaxPool2D(0), "size must be at least 1, got 0"),
    (lambda: MaxPool2D(2, stride=0), "stride must be at least 1, got 0"),
    (lambda: AvgPool2D("2"), "size must be an int or a pair of ints, got '2'"),
    (lambda: MaxPool2D(2, padding=2), r"MaxPool2D: with padding 2, a window of \(2, 2\) would see nothing but padding"),
    (lambda: AvgPool2D((3, 2), padding=((0, 0), (0, 2))), r"a window of \(3, 2\) would see nothing but padding"),
    (lambda: MaxPool2D(2).output_shape((1, 8)), r"MaxPool2D expects an input \(N, H, W, C\), got \(1, 8\)"),
    (lambda: GlobalAvgPool().output_shape((1, 8)), r"GlobalAvgPool expects an input \(N, H, W, C\), got \(1, 8\)"),
    (lambda: AvgPool2D(2).forward(np.ones((1, 8)), mode=ForwardMode()), r"AvgPool2D expects an input \(N, H, W, C\)"),
    (lambda: MaxPool2D(2).forward(np.ones((1, 8)), mode=ForwardMode()), r"MaxPool2D expects an input \(N, H, W, C\)"),
    (lambda: GlobalAvgPool().forward(np.ones((1, 8)), mode=ForwardMode()), r"GlobalAvgPool expects an input"),
])  # fmt: skip
def test_every_mistake_gets_its_sentence(make, message):
    with pytest.raises(BadValue, match=message):
        make()


def test_window_and_stride():
    assert MaxPool2D((3, 2)).window((1, 9, 9, 1)) == ((3, 2), (3, 2), (0, 0), ((0, 0), (0, 0)))
    padding = ((1, 0), (2, 0))
    assert AvgPool2D(3, stride=2, padding=padding).window((1, 9, 9, 1)) == ((3, 3), (2, 2), (-1, -2), padding)
    assert GlobalAvgPool().window((1, 9, 8, 1)) == ((9, 8), (0, 0), (0, 0), ((0, 0), (0, 0)))
    assert MaxPool2D(2).multiply_adds((1, 9, 9, 1), (1, 4, 4, 1)) == 0


def test_what_is_no_number_stays_seen(xp):
    """A NaN anywhere in a window is its maximum, wherever it stands: a broken net must not look whole."""
    for at in range(4):
        x = np.array([[3.0, 1.0], [2.0, 4.0]]).reshape(1, 2, 2, 1)
        x[0, at // 2, at % 2] = np.nan
        out, _ = max_pool_forward(xp.asarray(x), (2, 2), stride=(2, 2))
        assert bool(xp.isnan(out).all())
