"""Batch norm (inference, training, folded), LRN of even and odd sizes, dropout."""

import numpy as np
import pytest
import reference
from passes import ATOL, both_ways, check_gradients, check_modes
from tuned import tune

from minivis.errors import BadValue
from minivis.layers import LRN, BackwardMode, BatchNorm, Conv2D, Dropout, ForwardMode, FullyConnected, fold_batch_norm
from minivis.runtime.reductions import sum_positions, wide

SHAPES = [(2, 3, 4, 5), (6, 5)]


@pytest.fixture(params=["one block", "several blocks"])
def blocks(request, monkeypatch):
    """Rows in one block, as all these small arrays are, and two at a time."""
    if request.param == "several blocks":
        tune(monkeypatch, row_numbers=5, block_numbers=10)


def batch_norm(rng, channels=5, eps=1e-3):
    gamma, beta, mean = rng.standard_normal((3, channels))
    return BatchNorm(gamma, beta, mean, rng.uniform(0.5, 2, channels), eps=eps)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_equals_the_loops(rng, xp, blocks, shape, training):
    x, layer = rng.standard_normal(shape), batch_norm(rng)
    p = dict(layer.params)
    out, *_ = both_ways(layer, x, xp=xp, training=training)
    if training:
        p.update(mean=None, var=None)
    np.testing.assert_allclose(out, reference.batch_norm(x, **p, eps=1e-3), rtol=0, atol=ATOL)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_gradients_are_finite_differences(rng, blocks, shape, training):
    layer, x = batch_norm(rng), rng.standard_normal(shape)
    check_gradients(layer, x, training=training)
    check_modes(layer, x, training=training)


def test_batch_norm_in_training_tells_its_statistics_and_changes_nothing(rng):
    layer, x = batch_norm(rng), rng.standard_normal((4, 2, 3, 5))
    before = {k: p.copy() for k, p in layer.params.items()}
    _, cache = layer.forward(x, mode=ForwardMode("params", training=True))
    np.testing.assert_allclose(cache[1], x.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(cache[2], x.var(axis=(0, 1, 2)))
    for key, old in before.items():
        np.testing.assert_array_equal(layer.params[key], old)


def test_batch_norm_at_inference_remembers_no_picture(rng):
    _, cache = batch_norm(rng).forward(rng.standard_normal((4, 2, 3, 5)), mode=ForwardMode("image"))
    assert cache[0] is None


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_folding_into_a_convolution_is_exact(rng, bias, groups):
    how = {"stride": 2, "padding": ((1, 0), (0, 2)), "dilation": (1, 2), "groups": groups}
    conv = Conv2D(rng.standard_normal((3, 2, 4 // groups, 6)), rng.standard_normal(6) if bias else None, **how)
    norm, x = batch_norm(rng, 6), rng.standard_normal((2, 7, 6, 4))
    folded = fold_batch_norm(conv, norm)
    assert type(folded) is Conv2D and folded.config() == conv.config()
    mode = ForwardMode(None)
    expected = norm.forward(conv.forward(x, mode=mode)[0], mode=mode)[0]
    np.testing.assert_allclose(folded.forward(x, mode=mode)[0], expected, rtol=0, atol=1e-12)


def test_folding_into_a_fully_connected_layer_is_exact(rng):
    fc, norm = FullyConnected(rng.standard_normal((4, 6)), rng.standard_normal(6)), batch_norm(rng, 6)
    x, mode = rng.standard_normal((3, 4)), ForwardMode(None)
    expected = norm.forward(fc.forward(x, mode=mode)[0], mode=mode)[0]
    np.testing.assert_allclose(fold_batch_norm(fc, norm).forward(x, mode=mode)[0], expected, rtol=0, atol=1e-12)


LRNS = [(5, 0.5, 0.75, 2.0), (4, 0.5, 0.75, 1.0), (3, 2.0, 0.5, 1.0), (2, 1.0, 1.5, 0.5), (1, 1.0, 0.75, 1.0),
        (15, 0.5, 0.75, 2.0)]      # the last one is wider than the channels


@pytest.mark.parametrize("size, alpha, beta, k", LRNS)
@pytest.mark.parametrize("shape", [(2, 3, 2, 6), (2, 7)])
def test_lrn_equals_the_loops(rng, xp, shape, size, alpha, beta, k):
    x = rng.standard_normal(shape)
    out, dout, (dx,), _ = both_ways(LRN(size, alpha, beta, k), x, xp=xp)
    expected, expected_dx = reference.lrn(x, dout, size, alpha, beta, k)
    np.testing.assert_allclose(out, expected, rtol=0, atol=ATOL)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=ATOL)


@pytest.mark.parametrize("size", [1, 4, 5])
def test_lrn_gradient_is_finite_differences(rng, size):
    layer, x = LRN(size, 0.8, 0.75, 1.5), rng.standard_normal((2, 3, 2, 6))
    check_gradients(layer, x)
    check_modes(layer, x)


def test_lrn_defaults_are_caffes():
    assert LRN().config() == {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0}


def test_an_even_lrn_looks_one_further_back():
    """Channel 2 alone is not zero: with size 2 it damps itself and channel 3, which has it before it."""
    x = np.array([[1e-9, 1e-9, 1.0, 1e-9]])
    out = both_ways(LRN(2, 2.0, 1.0, 1.0), x)[0]
    np.testing.assert_allclose(out / x, [[1, 1, 0.5, 0.5]])


def test_dropout_at_inference_is_nothing(rng):
    x = rng.standard_normal((2, 3))
    out, dout, (dx,), _ = both_ways(Dropout(0.9), x)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, dout)


def test_dropout_in_training_keeps_the_mean(rng, xp):
    """Each input survives with probability 1 - rate, and is divided by it; the gradient takes the same way."""
    x = np.ones((100, 200))
    out, dout, (dx,), _ = both_ways(Dropout(0.2), x, training=True, xp=xp)
    assert set(np.unique(out)) == {0, 1.25}
    assert (out == 0).mean() == pytest.approx(0.2, abs=0.01)        # standard deviation 0.003
    np.testing.assert_array_equal(dx, dout * out)


def test_dropout_draws_from_the_rng_of_the_pass():
    x = np.ones((4, 50))

    def run(seed):
        return Dropout(0.5).forward(x, mode=ForwardMode("image", True, np.random.default_rng(seed)))[0]

    np.testing.assert_array_equal(run(1), run(1))
    assert (run(1) != run(2)).any()


def test_dropout_gradients_are_finite_differences(rng):
    for rate in (0.0, 0.5):
        check_gradients(Dropout(rate), rng.standard_normal((3, 4)), training=True)
        check_modes(Dropout(rate), rng.standard_normal((3, 4)), training=True)


def test_float32_stays_float32(rng):
    x = rng.standard_normal((2, 3, 4, 5), np.float32)
    norm = BatchNorm(*(a.astype(np.float32) for a in batch_norm(rng).params.values()))
    for layer in (norm, LRN(), Dropout()):
        for training in (False, True):
            both_ways(layer, x, training=training)                  # compares every dtype
    conv = Conv2D(np.ones((1, 1, 2, 5), np.float32))
    assert {p.dtype for p in fold_batch_norm(conv, norm).params.values()} == {np.dtype("float32")}


FIVE = np.ones(5)


@pytest.mark.parametrize("make, message", [
    (lambda: BatchNorm(FIVE, FIVE, FIVE, np.ones(4)), r"must have the same shape \(C,\), got .*'var': \(4,\)"),
    (lambda: BatchNorm(*[np.ones((1, 5))] * 4), r"must have the same shape \(C,\)"),
    (lambda: BatchNorm(*[FIVE] * 4).output_shape((1, 2, 2, 4)), r"an input of 4 axes ending in 5, got \(1, 2, 2, 4\)"),
    (lambda: BatchNorm(*[FIVE] * 4).forward(np.ones((1, 4)), mode=ForwardMode()), "an input of 2 axes ending in 5"),
    (lambda: BatchNorm(*[FIVE] * 4, eps=-1), "eps must be a number of at least 0, not -1"),
    (lambda: BatchNorm(*[FIVE] * 4, eps=float("nan")), "eps must be a number of at least 0, not nan"),
    (lambda: BatchNorm(FIVE, FIVE, FIVE, -FIVE), "var must not be negative"),
    (lambda: LRN(0), "size must be a whole number of at least 1, not 0"),
    (lambda: LRN(5, k=0), "k must be a number above 0, not 0"),
    (lambda: LRN(5, alpha=-1), "alpha must be a number of at least 0, not -1"),
    (lambda: Dropout(1), r"Dropout: rate must be in \[0, 1\), got 1"),
    (lambda: Dropout(-0.1), r"rate must be in \[0, 1\), got -0.1"),
    (lambda: Dropout().forward(np.ones((1, 4)), mode=ForwardMode(training=True)),
     r"a training pass through Dropout needs rng=numpy.random.default_rng\(seed\)"),
])  # fmt: skip
def test_every_mistake_gets_its_sentence(make, message):
    with pytest.raises(BadValue, match=message):
        make()


def test_backward_asks_only_for_what_was_kept(rng):
    layer, x = batch_norm(rng), rng.standard_normal((2, 3, 4, 5))
    out, cache = layer.forward(x, mode=ForwardMode("params"))
    assert layer.backward(out, cache, BackwardMode())[1] == {}
    assert set(layer.backward(out, cache, BackwardMode(param_grads=True))[1]) == {"gamma", "beta"}


@pytest.mark.parametrize("shape", [(6, 5, 3), (4, 700), (1, 1, 3000), (0, 5), (64, 16)])
def test_rows_of_several_positions_are_the_same_numbers(shape, rng):
    x, v = rng.standard_normal(shape), rng.standard_normal(shape[-1:])
    rows, repeated = wide(x, v)
    np.testing.assert_array_equal((rows * repeated).reshape(shape), x * v)
    np.testing.assert_allclose(sum_positions(x), x.reshape(-1, shape[-1]).sum(axis=0), rtol=1e-12, atol=1e-12)
    assert shape != (64, 16) or rows.shape == (1, 1024), "as wide as it can be"
