"""Every fast algorithm against the plain loops and against im2col, which test_conv.py holds against them."""

import itertools

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tuned import tune

from minivis.convolution import choose, direct, winograd
from minivis.convolution.window import pad_before
from minivis.layers import BackwardMode, Conv2D, ForwardMode
from minivis.runtime import matmul
from minivis.runtime.threads import set_threads

FAST = [algorithm for algorithm in choose.NEEDS if algorithm != "im2col"]
# of the largest output: what the docstrings of direct.py and winograd.py state
BOUNDS = {"winograd2": {"f4": 2e-6, "f8": 1e-13}, "winograd4": {"f4": 2e-5, "f8": 1e-13}}
BOUND = {"f4": 2e-6, "f8": 1e-13}

sides = st.integers(1, 3)
kernels = st.sampled_from([1, 2, 3, 4, 5, 7, 11])
pads = st.tuples(st.integers(0, 3), st.integers(0, 3))


@pytest.fixture(autouse=True)
def default_threads(all_shared):
    yield
    set_threads(None)


@st.composite
def layers(draw, algorithm, dtype):
    """A layer that the algorithm fits, and an input for it."""
    kernel = draw(st.tuples(kernels, kernels))
    stride, dilation = draw(st.tuples(sides, sides)), draw(st.tuples(sides, sides))
    padding, groups = draw(st.tuples(pads, pads)), draw(st.integers(1, 3))
    C, F = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    if max(kernel) > 5:                                                 # a first layer's
        C, F = min(C, 3), min(F, 6)
    if algorithm == "depthwise":
        C = F = 1
        groups = draw(st.integers(2, 20))
    elif groups > 1:
        C += 1
    if algorithm == "pointwise":
        kernel, padding = (1, 1), ((0, 0), (0, 0))
    if algorithm.startswith("winograd"):
        kernel, stride, dilation = (3, 3), (1, 1), (1, 1)
    if algorithm == "shifted":
        stride = 1, 1
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    size = [max(1, r - sum(p)) + draw(st.integers(0, 14)) for r, p in zip(span, padding)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    w = rng.standard_normal((*kernel, C, groups * F)).astype(dtype)
    b = draw(st.sampled_from([None, rng.standard_normal(groups * F).astype(dtype)]))
    x = rng.standard_normal((draw(st.integers(1, 3)), *size, groups * C)).astype(dtype)
    return Conv2D(w, b, stride=stride, padding=padding, dilation=dilation, groups=groups), x


def three_results(layer, x, dout, algorithm):
    """out, dx, dw: of those that the algorithm can do."""
    out = layer.forward(x, mode=ForwardMode(None, algorithm=algorithm))[0]
    results = {"out": out}
    if choose.NEEDS[algorithm][0](choose.case("input", layer, x.shape)):
        results["dx"] = layer.backward(dout, x.shape, BackwardMode(algorithm=algorithm))[0][0]
    if algorithm == "im2col":
        results["dw"] = layer.backward(dout, x, BackwardMode(param_grads=True, algorithm=algorithm))[1]["w"]
    elif choose.NEEDS[algorithm][0](choose.case("params", layer, x.shape)):
        results["dw"] = direct.param_grads(layer, algorithm, x, dout, pad_before=pad_before(layer, x.shape))
    return results


@pytest.mark.parametrize("algorithm", FAST)
def test_every_way_equals_im2col(algorithm):
    reached = set()

    @settings(max_examples=50)
    @given(st.data(), st.sampled_from(["f4", "f8"]), st.sampled_from([2**8, 2**12, 2**19]), st.sampled_from([1, 2, 3]))
    def check(data, dtype, band_bytes, threads):
        layer, x = data.draw(layers(algorithm, dtype))
        set_threads(threads)
        dout = np.random.default_rng(1).standard_normal(layer.output_shape(x.shape)).astype(dtype)
        exact = layer.with_params(**{key: p.astype("f8") for key, p in layer.params.items()})
        wanted = three_results(exact, x.astype("f8"), dout.astype("f8"), "im2col")
        x.flags.writeable = dout.flags.writeable = False
        with pytest.MonkeyPatch.context() as patch:
            tune(patch, band_bytes=band_bytes, scatter_bytes=4 * band_bytes)
            found = three_results(layer, x, dout, algorithm)
        for name, array in found.items():
            reached.add((name, dtype))
            assert array.shape == wanted[name].shape and array.dtype == dtype
            worst = np.abs(array - wanted[name]).max()
            assert worst <= BOUNDS.get(algorithm, BOUND)[dtype] * max(1.0, np.abs(wanted[name]).max()), (name, worst)

    check()
    assert reached >= set(itertools.product(["out", "dx"], ["f4", "f8"]))


@settings(max_examples=40)
@given(st.sampled_from(FAST), st.data())
def test_forward_and_data_gradient_equal_the_loops(algorithm, data):
    layer, x = data.draw(layers(algorithm, "f8"))
    loops = [layer.geometry(x.shape)[key] for key in ("stride", "padding", "dilation", "groups")]
    shape = layer.output_shape(x.shape)
    assume(np.prod(shape) * layer.params["w"][..., 0].size < 20000)
    dout = np.random.default_rng(1).standard_normal(shape)
    found = three_results(layer, x, dout, algorithm)
    w, b = layer.params["w"], layer.params.get("b")
    np.testing.assert_allclose(found["out"], reference.conv(x, w, b, *loops), rtol=0, atol=1e-10)
    dx, dw = reference.conv_gradients(dout, x, w, *loops)[:2]
    for name, wanted in (("dx", dx), ("dw", dw)):
        if name in found:
            np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("algorithm", ["winograd2", "winograd4"])
def test_large_weights_go_in_phases_and_give_the_same(rng, algorithm):
    """By frequency where weights are large, by block where pictures are: both from the same pieces, also mixed."""
    x = rng.standard_normal((5, 9, 7, 24)).astype("f4")
    layer = Conv2D(rng.standard_normal((3, 3, 24, 40)).astype("f4"), rng.standard_normal(40).astype("f4"), padding=1)
    wanted = layer.forward(x.astype("f4"), mode=ForwardMode(None, algorithm="im2col"))[0]
    rules = (lambda *a: True, 2**24), (lambda *a: True, 1), (lambda *a: False, 1)
    for (rule, whole), pieces in itertools.product(rules, (True, False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(matmul, "packs_nothing", lambda: pieces)  # noqa: B023
            patch.setattr(winograd, "in_phases", rule)
            tune(patch, phase_bytes=whole, small_phase=0, phase_products=0, small_product=24 * 40 * 7)
            out = layer.forward(x, mode=ForwardMode(None, algorithm=algorithm))[0]
        np.testing.assert_allclose(out, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("C, F, piece", [(3, 96, 48), (520, 70, 14), (96, 131, 131)])
def test_pointwise_weights_in_pieces(rng, monkeypatch, C, F, piece):
    """Forward and back, with rows enough for several products of each piece."""
    monkeypatch.setattr(matmul, "packs_nothing", lambda: True)
    assert matmul.in_pieces(np.ones((C, F))).shape == (1, F // piece, C, piece)
    layer, x = Conv2D(rng.standard_normal((1, 1, C, F)), rng.standard_normal(F)), rng.standard_normal((2, 30, 25, C))
    dout = rng.standard_normal((2, 30, 25, F))
    wanted, found = (three_results(layer, x, dout, algorithm) for algorithm in ("im2col", "pointwise"))
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=0, atol=1e-13 * np.abs(wanted[name]).max())


def test_shapes_that_alternate_do_not_soil_each_other(rng):
    """Scratch memory is shared by all layers: a border that another shape has written to is not zero any more."""
    set_threads(2)
    cases = []
    for algorithm in FAST:
        for size in [(3, 17), (16, 4), (9, 9), (1, 2)]:
            for C in (3, 8):
                kernel = {"pointwise": 1, "depthwise": 5}.get(algorithm, 3)
                w = rng.standard_normal((kernel, kernel, 1 if algorithm == "depthwise" else C, C))
                groups = C if algorithm == "depthwise" else 1
                layer = Conv2D(w, padding=kernel // 2, groups=groups)
                x = 100 * rng.standard_normal((2, *size, C))
                dout = 100 * rng.standard_normal(x.shape)
                cases.append((layer, x, dout, algorithm, three_results(layer, x, dout, "im2col")))
    for i in rng.permutation(np.repeat(np.arange(len(cases)), 3)):
        layer, x, dout, algorithm, wanted = cases[i]
        for name, array in three_results(layer, x, dout, algorithm).items():
            np.testing.assert_allclose(array, wanted[name], rtol=0, atol=1e-8)


@pytest.mark.parametrize("algorithm", FAST)
def test_the_same_bits_for_any_number_of_threads(rng, algorithm):
    kernel = {"pointwise": 1, "depthwise": 5}.get(algorithm, 3)
    C = 32
    w = rng.standard_normal((kernel, kernel, 1 if algorithm == "depthwise" else C, C)).astype("f4")
    layer = Conv2D(w, padding=kernel // 2, groups=C if algorithm == "depthwise" else 1)
    x = rng.standard_normal((2, 60, 70, C)).astype("f4")
    dout = rng.standard_normal(x.shape).astype("f4")
    set_threads(1)
    wanted = three_results(layer, x, dout, algorithm)
    for threads in (2, 3):
        set_threads(threads)
        for name, array in three_results(layer, x, dout, algorithm).items():
            np.testing.assert_array_equal(array, wanted[name])


def test_weights_are_transformed_once_and_anew_when_they_change(rng):
    layer = Conv2D(rng.standard_normal((3, 3, 16, 16)), padding=1)
    x = rng.standard_normal((1, 12, 12, 16))
    mode = ForwardMode(None, algorithm="winograd4")
    layer.forward(x, mode=mode)
    (kept,) = layer.derived.values()
    layer.forward(x, mode=mode)
    assert next(iter(layer.derived.values())) is kept
    layer.set_params(w=2 * layer.params["w"])
    wanted = layer.forward(x, mode=ForwardMode(None, algorithm="im2col"))[0]
    np.testing.assert_allclose(layer.forward(x, mode=mode)[0], wanted, rtol=0, atol=1e-10)
    layer.set_params(w=layer.params["w"].copy())
    layer.forward(x, mode=ForwardMode("params", training=True, algorithm="winograd4"))
    layer.backward(x, x, BackwardMode(param_grads=True, algorithm="winograd4"))
    assert not layer.derived                                            # in training they would be stale at once


@pytest.mark.parametrize("algorithm, kernel, stride, groups, numbers", [
    ("blocked", (3, 2), 1, 1, 6 * (3 * 2 * 4 + 6)),             # a line's columns, and its outputs
    ("shifted", (3, 2), 1, 1, 7 * (3 * 2 + 2) * 6),             # over the padded width: parts, sum, outputs
    ("pointwise", (1, 1), 2, 1, 4 * (4 + 6)),
    ("depthwise", (3, 2), 2, 4, 3 * 4 * (1 + 2 * 2)),           # outputs, and what they are read from
])  # fmt: skip
def test_a_band_is_cut_by_what_a_line_takes(algorithm, kernel, stride, groups, numbers, calls_of, rng):
    calls = calls_of("minivis.convolution.direct.bands")
    w = rng.standard_normal((*kernel, 4 // groups, 4 if groups > 1 else 6))
    layer = Conv2D(w, None, stride=stride, groups=groups)
    layer.forward(rng.standard_normal((1, 9, 7, 4)), mode=ForwardMode(None, algorithm=algorithm))
    assert [args[1] for args, _ in calls] == [8 * numbers]
