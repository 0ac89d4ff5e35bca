"""Convolution against plain loops, over every geometry; and by hand, so that a reader can follow one number.

An exercise: break one line of a backward in layers/conv.py and see which test notices.
"""

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from passes import ATOL, both_ways, check_gradients, check_modes
from tuned import tune

from minivis.errors import BadValue
from minivis.layers import BackwardMode, Conv2D, ForwardMode, conv

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
edges = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def convolutions(draw):
    """x, w, b and the settings of one convolution. Sizes are drawn beyond the least that fits, for both axes apart."""
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    pads, groups = draw(st.tuples(edges, edges)), draw(st.integers(1, 3))
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    size = [max(1, r - sum(p)) + draw(st.integers(0, 4)) for r, p in zip(span, pads)]
    per_group, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2)) * groups
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.standard_normal((draw(st.integers(1, 3)), *size, per_group * groups))
    w = rng.standard_normal((*kernel, per_group, filters))
    b = draw(st.sampled_from([None, rng.standard_normal(filters)]))
    return x, w, b, {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}


@settings(max_examples=100)
@given(convolutions(), st.sampled_from([1, 300, 1000, 2**21]))
def test_forward_and_all_gradients_equal_the_loops(case, block_bytes):
    x, w, b, how = case
    loops = how["stride"], how["padding"], how["dilation"], how["groups"]
    assume(np.prod(reference.conv_output_shape(x.shape, w.shape, *loops[:3])) * w[..., 0].size < 3000)
    with pytest.MonkeyPatch.context() as patch:
        tune(patch, block_bytes=block_bytes)
        out, dout, (dx,), dparams = both_ways(Conv2D(w, b, **how), x)
    np.testing.assert_allclose(out, reference.conv(x, w, b, *loops), rtol=0, atol=ATOL)
    expected = dict(zip("xwb", reference.conv_gradients(dout, x, w, *loops)))
    np.testing.assert_allclose(dx, expected["x"], rtol=0, atol=ATOL)
    assert set(dparams) == ({"w"} if b is None else {"w", "b"})
    for key, grad in dparams.items():
        np.testing.assert_allclose(grad, expected[key], rtol=0, atol=ATOL)


GEOMETRIES = {
    "plain": {},
    "stride 3": {"stride": 3, "padding": 1},
    "one-sided padding": {"padding": ((2, 0), (0, 1)), "stride": (1, 2)},
    "dilated": {"dilation": (2, 1), "padding": (1, 2)},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4, "padding": "same", "stride": 2},
}


@pytest.mark.parametrize("how", GEOMETRIES.values(), ids=GEOMETRIES)
def test_gradients_are_finite_differences(rng, how):
    x = rng.standard_normal((2, 6, 7, 4))
    w = rng.standard_normal((3, 2, 4 // how.get("groups", 1), 4))
    check_gradients(Conv2D(w, rng.standard_normal(4), **how), x)


@pytest.mark.parametrize("how", GEOMETRIES.values(), ids=GEOMETRIES)
def test_both_array_libraries_agree(rng, xp, how):
    x = rng.standard_normal((2, 6, 7, 4))
    layer = Conv2D(rng.standard_normal((3, 2, 4 // how.get("groups", 1), 4)), rng.standard_normal(4), **how)
    out, dout, (dx,), dparams = both_ways(layer, x, xp=xp)
    loops = [layer.geometry(x.shape)[k] for k in ("stride", "padding", "dilation", "groups")]
    w, b = layer.params["w"], layer.params["b"]
    np.testing.assert_allclose(out, reference.conv(x, w, b, *loops), rtol=0, atol=ATOL)
    found = dx, dparams["w"], dparams["b"]
    for got, expected in zip(found, reference.conv_gradients(dout, x, w, *loops), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL)


def test_by_hand():
    """One row of pixels, a filter (1, 10): cross-correlation, so the filter is not turned round."""
    layer = Conv2D(np.array([[[[1.0]], [[10.0]]]]), np.array([0.5]))
    out, _, (dx,), dparams = both_ways(layer, np.array([[[[1.0], [2.0], [3.0]]]]), dout=np.array([[[[1.0], [2.0]]]]))
    assert out.ravel().tolist() == [21.5, 32.5]
    assert dx.ravel().tolist() == [1, 12, 20]
    assert dparams["w"].ravel().tolist() == [1 * 1 + 2 * 2, 1 * 2 + 2 * 3] and dparams["b"].tolist() == [3]


def test_groups_read_their_own_channels_alone():
    """Filters 0, 1 read channels 0, 1; filters 2, 3 read channels 2, 3."""
    w = np.ones((1, 1, 2, 4)) * [1, 10, 100, 1000]
    out = both_ways(Conv2D(w, groups=2), np.array([[[[1.0, 2.0, 3.0, 4.0]]]]))[0]
    assert out.ravel().tolist() == [3, 30, 700, 7000]


def test_what_is_remembered_never_changes_a_number(rng):
    layer = Conv2D(rng.standard_normal((3, 3, 2, 4)), rng.standard_normal(4), padding=1, stride=2)
    x = rng.standard_normal((2, 5, 6, 2))
    check_modes(layer, x)
    assert layer.forward(x, mode=ForwardMode("image"))[1] == x.shape        # not x itself: that is the point
    out, cache = layer.forward(x, mode=ForwardMode("params"))
    (dx,), dparams = layer.backward(out, cache, BackwardMode(param_grads=True, input_grads=False))
    assert dx is None and set(dparams) == {"w", "b"}


@pytest.mark.parametrize("block_bytes, count", [(1, 2 * 5), (4 * 6 * 18 * 2, 2 * 3), (4 * 6 * 18 * 5, 2), (2**21, 1)])
def test_blocks_cover_the_output_once(block_bytes, count):
    """2 pictures of 5 lines of 6 windows of 18 numbers: line by line, two lines at a time, by picture, at once."""
    covered = np.zeros((2, 5, 6, 1), int)
    with pytest.MonkeyPatch.context() as patch:
        tune(patch, block_bytes=block_bytes)
        pieces = list(conv.blocks(covered.shape, 18, (3, 3), (2, 1), (1, 1)))
    for here, seen in pieces:
        covered[here] += 1
        assert seen[1].start == 2 * here[1].start and seen[1].stop == 2 * (here[1].stop - 1) + 3
    assert len(pieces) == count and (covered == 1).all()


@pytest.mark.parametrize("n, kernel, stride, dilation, expected", [         # tf.nn.conv2d(padding="SAME")
    (5, 3, 1, 1, (1, 1)), (5, 2, 1, 1, (0, 1)), (5, 3, 2, 1, (1, 1)), (6, 3, 2, 1, (0, 1)), (7, 1, 3, 1, (0, 0)),
    (224, 7, 2, 1, (2, 3)), (5, 3, 1, 2, (2, 2)), (4, 2, 3, 1, (0, 1)), (1, 5, 2, 1, (2, 2)),
])  # fmt: skip
def test_same_padding_is_tensorflows(n, kernel, stride, dilation, expected):
    layer = Conv2D(np.ones((kernel, 1, 1, 1)), stride=(stride, 1), dilation=(dilation, 1), padding="same")
    assert layer.geometry((1, n, 4, 1))["padding"] == (expected, (0, 0))
    assert layer.output_shape((1, n, 4, 1)) == (1, -(-n // stride), 4, 1)


@pytest.mark.parametrize("padding, normal", [
    (0, ((0, 0), (0, 0))), (2, ((2, 2), (2, 2))), ((1, 2), ((1, 1), (2, 2))), ([1, 2], ((1, 1), (2, 2))),
    (((1, 0), (2, 3)), ((1, 0), (2, 3))), ([[1, 0], [2, 3]], ((1, 0), (2, 3))), (np.int64(1), ((1, 1), (1, 1))),
    ("same", "same"),
])  # fmt: skip
def test_every_way_to_write_a_padding(padding, normal):
    assert Conv2D(np.ones((1, 1, 1, 1)), padding=padding).padding == normal


def test_float32_stays_float32(rng):
    w, b = rng.standard_normal((3, 3, 2, 4), np.float32), rng.standard_normal(4, np.float32)
    out, _, (dx,), dparams = both_ways(Conv2D(w, b, padding=1), rng.standard_normal((1, 4, 4, 2), np.float32))
    assert {a.dtype for a in (out, dx, *dparams.values())} == {np.dtype("float32")}
    assert out.flags.c_contiguous


def test_parameters_are_read_only_and_replaced_by_set_params(rng):
    w = rng.standard_normal((1, 1, 2, 3))
    layer = Conv2D(w)
    with pytest.raises(ValueError, match="read-only"):
        layer.params["w"][:] = 0
    layer.derive("twice", lambda: 2 * layer.params["w"])
    assert layer.derived
    layer.set_params(w=w + 1)
    assert not layer.derived
    np.testing.assert_array_equal(layer.params["w"], w + 1)
    with pytest.raises(BadValue, match=r"w has shape \(1, 1, 2, 3\), got \(1, 1, 2, 4\)"):
        layer.set_params(w=np.zeros((1, 1, 2, 4)))


def test_derived_weights_are_made_once(rng):
    layer, made = Conv2D(rng.standard_normal((1, 1, 2, 3))), []
    for _ in range(3):
        assert layer.derive(("algorithm", "forward"), lambda: made.append(1) or 5) == 5
    assert made == [1]


ONE = np.ones((3, 3, 4, 6))


@pytest.mark.parametrize("make, message", [
    (lambda: Conv2D(np.ones((3, 3, 4))), r"w must have the shape \(KH, .*, F\), with no side of 0, got \(3, 3, 4\)"),
    (lambda: Conv2D(np.ones((3, 0, 4, 6))), "with no side of 0"),
    (lambda: Conv2D(ONE, np.ones(5)), r"b must have the shape \(6,\) for w \(3, 3, 4, 6\), got \(5,\)"),
    (lambda: Conv2D(ONE, groups=4), "6 filters cannot be divided into 4 groups"),
    (lambda: Conv2D(ONE, groups=0), "groups must be a whole number of at least 1, not 0"),
    (lambda: Conv2D(ONE, groups=2.0), "groups must be a whole number of at least 1, not 2.0"),
    (lambda: Conv2D(ONE, stride=0), "stride must be at least 1, got 0"),
    (lambda: Conv2D(ONE, stride=(1, 2, 3)), r"stride must be an int or a pair of ints, got \(1, 2, 3\)"),
    (lambda: Conv2D(ONE, stride=1.5), "stride must be an int or a pair of ints, got 1.5"),
    (lambda: Conv2D(ONE, dilation=(0, 1)), "dilation must be at least 1"),
    (lambda: Conv2D(ONE, padding=-1), "padding must be at least 0, got -1"),
    (lambda: Conv2D(ONE, padding=((0, 1), (0, -1))), "padding must be at least 0"),
    (lambda: Conv2D(ONE, padding="valid"), r'padding must be an int, .* or "same", not \'valid\''),
    (lambda: Conv2D(ONE).output_shape((1, 8, 8, 3)), r"Conv2D expects an input of 4 axes ending in 4, got \(1,"),
    (lambda: Conv2D(ONE).output_shape((1, 8)), r"an input of 4 axes ending in 4, got \(1, 8\)"),
    (lambda: Conv2D(ONE).output_shape((1, 8, 2, 4)), "a window of 3 does not fit into an input of 2 with 0 of padding"),
    (lambda: Conv2D(ONE, dilation=4).output_shape((1, 8, 8, 4)), "a window of 9 does not fit into an input of 8"),
    (lambda: Conv2D(ONE).forward(np.ones((1, 8, 8, 5)), mode=ForwardMode()), "ending in 4"),
])  # fmt: skip
def test_every_mistake_gets_its_sentence(make, message):
    with pytest.raises(BadValue, match=message):
        make()


def test_window_and_cost():
    layer = Conv2D(np.ones((3, 2, 2, 6)), stride=(2, 1), padding=((1, 0), (2, 0)), dilation=(2, 3), groups=2)
    assert layer.window((1, 9, 9, 4)) == ((5, 4), (2, 1), (-1, -2), ((1, 0), (2, 0)))
    out_shape = layer.output_shape((1, 9, 9, 4))
    terms = reference.conv_terms((1, 9, 9, 4), (3, 2, 2, 6), (2, 1), ((0, 0), (0, 0)), (2, 3), 2)
    assert layer.multiply_adds((1, 9, 9, 4), out_shape) == 3 * 8 * 72 and out_shape == (1, 3, 8, 6)
    unpadded = Conv2D(np.ones((3, 2, 2, 6)), stride=(2, 1), dilation=(2, 3), groups=2)
    assert unpadded.multiply_adds((1, 9, 9, 4), unpadded.output_shape((1, 9, 9, 4))) == len(list(terms))
    assert repr(unpadded).startswith("Conv2D(w=(3, 2, 2, 6), stride=(2, 1)")


def test_without_settings_the_three_functions_move_by_one_pixel_and_pad_nothing(rng):
    x, w, plain = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((2, 3, 3, 4)), {"stride": (1, 1)}
    said = {**plain, "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    dout = rng.standard_normal((2, 4, 4, 4))
    np.testing.assert_array_equal(conv.conv2d_forward(x, w), conv.conv2d_forward(x, w, None, **said))
    np.testing.assert_array_equal(conv.conv2d_input_grad(dout, w, x.shape),
                                  conv.conv2d_input_grad(dout, w, x.shape, **said))
    for one, other in zip(conv.conv2d_param_grads(dout, x, w.shape), conv.conv2d_param_grads(dout, x, w.shape, **said)):
        np.testing.assert_array_equal(one, other)
