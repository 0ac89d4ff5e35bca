"""Max pooling band by band gives the bits of its definition, for any cut and any number of threads."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tuned import tune

from minivis.convolution import bands, max_pool
from minivis.convolution.max_pool import first_largest
from minivis.errors import BadValue
from minivis.layers import BackwardMode, ForwardMode, MaxPool2D
from minivis.layers.pool import max_pool_backward, max_pool_forward
from minivis.runtime.threads import set_threads


@pytest.fixture(autouse=True)
def default_threads(all_shared):
    yield
    set_threads(None)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["f4", "f8"]), st.sampled_from([2**7, 2**10, 2**21]), st.sampled_from([1, 2, 3]))
def test_bands_give_the_bits_of_the_definition(data, dtype, band_bytes, threads):
    whole = st.integers(1, 4)
    size, stride = data.draw(st.tuples(whole, whole)), data.draw(st.tuples(whole, whole))
    ceil = data.draw(st.booleans())
    padding = tuple(data.draw(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))) for k in size)
    side = st.integers(1, 14)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = data.draw(st.integers(1, 3)), data.draw(side), data.draw(side), data.draw(whole)
    x = rng.integers(-2, 2, shape).astype(dtype)                                # most windows have ties
    x[rng.random(shape) < 0.02] = np.nan
    layer = MaxPool2D(size, stride=stride, padding=padding, ceil=ceil)
    try:
        dout = rng.standard_normal(layer.output_shape(shape)).astype(dtype)
    except BadValue:                                                            # the window does not fit
        assume(False)
    out, switches = max_pool_forward(x, size, stride=stride, padding=padding, ceil=ceil)
    dx = max_pool_backward(dout, switches, shape, size, stride=stride, padding=padding)
    x.flags.writeable = dout.flags.writeable = False
    set_threads(threads)
    with pytest.MonkeyPatch.context() as patch:
        tune(patch, scatter_bytes=band_bytes)
        seen, cache = layer.forward(x, mode=ForwardMode())
        alone, nothing = layer.forward(x, mode=ForwardMode(grad=None))
        (found,), _ = layer.backward(dout, (switches, shape), BackwardMode())
    for array in (seen, alone):
        np.testing.assert_array_equal(array, out)
        assert array.dtype == dtype
    assert nothing is None and cache[1] == shape and cache[0].dtype == np.uint8
    np.testing.assert_array_equal(found, dx)
    np.testing.assert_array_equal(np.where(np.isnan(out), 0, cache[0]), np.where(np.isnan(out), 0, switches))


def test_large_windows_have_switches_of_two_bytes(rng):
    x = rng.standard_normal((1, 40, 34, 2))
    layer = MaxPool2D((20, 17), stride=(20, 17))
    out, (switches, _) = layer.forward(x, mode=ForwardMode())
    windows = x.reshape(1, 2, 20, 2, 17, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 2, 2, 2, 340)
    np.testing.assert_array_equal(out, windows.max(-1))
    np.testing.assert_array_equal(switches, windows.argmax(-1))


def test_of_equal_numbers_the_first_place_stays():
    views = [np.array([1.0, 5, 2, 3]), np.array([1.0, 6, 2, 3]), np.array([1.0, 6, 4, 3]), np.array([0.0, 6, 4, 4])]
    out, place = np.empty(4), np.empty(4, np.uint8)
    first_largest(views, [np.uint8(k) for k in (3, 5, 6, 9)], out, place)
    assert out.tolist() == [1, 6, 4, 4] and place.tolist() == [3, 5, 6, 9]


@pytest.mark.parametrize("limit, count", [(2 * 6 * 5 * 3, 2), (2 * 6 * 5 * 3 + 1, 1)])
def test_only_large_inputs_are_cut(monkeypatch, rng, limit, count):
    cuts = []
    monkeypatch.setattr(max_pool, "share_out", lambda band, cut: cuts.append(len(cut)) or list(map(band, cut)))
    tune(monkeypatch, share_pool=limit, scatter_bytes=1)
    monkeypatch.setattr(bands, "cores", lambda: 2)
    layer, x = MaxPool2D(4, stride=2), rng.standard_normal((2, 6, 5, 3))
    out, cache = layer.forward(x, mode=ForwardMode())
    layer.backward(out, cache, BackwardMode())
    assert cuts == [2 * count if count > 1 else 1, 6 if count > 1 else 1]


def test_one_band_holds_all_pictures(monkeypatch, rng):
    tune(monkeypatch, share_pool=10**9)
    layer, x = MaxPool2D(2), rng.standard_normal((5, 2, 4, 3))
    out, cache = layer.forward(x, mode=ForwardMode())
    np.testing.assert_array_equal(out, x.reshape(5, 1, 2, 2, 2, 3).max(axis=(2, 4)))
    (dx,), _ = layer.backward(out, cache, BackwardMode())
    np.testing.assert_array_equal(dx, np.where(x == out.repeat(2, axis=1).repeat(2, axis=2), x, 0))
