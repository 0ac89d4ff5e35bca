"""Softmax and cross-entropy: against loops and finite differences, and where exp would overflow."""

import math

import numpy as np
import pytest
import reference
from passes import ATOL, both_ways, check_gradients, check_modes

from minivis.engine.finite_differences import numerical_gradient
from minivis.errors import BadValue
from minivis.layers import LogSoftmax, Softmax, cross_entropy


@pytest.mark.parametrize("shape", [(3, 5), (1, 2, 3, 4), (2, 1)])
def test_equals_the_loops(rng, xp, shape):
    x = 2 * rng.standard_normal(shape)
    out, dout, (dx,), dparams = both_ways(Softmax(), x, xp=xp)
    expected, expected_dx = reference.softmax(x, dout)
    np.testing.assert_allclose(out, expected, rtol=0, atol=ATOL)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=ATOL)
    assert dparams == {}


def test_gradient_is_finite_differences(rng):
    check_gradients(Softmax(), rng.standard_normal((3, 5)))
    check_modes(Softmax(), rng.standard_normal((3, 5)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype):
    x = np.array([[1000, 1000, -1000], [-1e4, -1e4, -1e4]], dtype)
    out, _, (dx,), _ = both_ways(Softmax(), x)
    np.testing.assert_allclose(out, [[0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)
    assert np.isfinite(dx).all() and out.dtype == dtype
    loss, dlogits = cross_entropy(x, np.array([0, 1]))
    assert loss == pytest.approx((math.log(2) + math.log(3)) / 2, rel=1e-6)
    assert np.isfinite(dlogits).all() and dlogits.dtype == dtype


def test_cross_entropy_by_hand():
    """Probabilities 1/4, 3/4 and 1/2, 1/2; the second label is the likelier one."""
    logits = np.log([[1.0, 3.0], [2.0, 2.0]])
    loss, dlogits = cross_entropy(logits, np.array([0, 1]))
    assert loss == pytest.approx(-(math.log(1 / 4) + math.log(1 / 2)) / 2)
    np.testing.assert_allclose(dlogits, np.array([[1 / 4 - 1, 3 / 4], [1 / 2, 1 / 2 - 1]]) / 2)


def test_smoothing_shares_among_all_classes():
    """Szegedy et al. 2016: the label keeps 1 - s + s/F, every other class gets s/F."""
    logits = np.log([[1.0, 1.0, 2.0]])
    loss, dlogits = cross_entropy(logits, np.array([2]), smoothing=0.3)
    p, target = np.array([1 / 4, 1 / 4, 1 / 2]), np.array([0.1, 0.1, 0.8])
    assert loss == pytest.approx(-(target * np.log(p)).sum())
    np.testing.assert_allclose(dlogits, [p - target])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_gradient_is_finite_differences(rng, smoothing):
    logits, labels = rng.standard_normal((4, 6)), np.array([0, 5, 2, 2])
    before = logits.copy()
    _, dlogits = cross_entropy(logits, labels, smoothing=smoothing)
    numeric = numerical_gradient(lambda t: cross_entropy(t, labels, smoothing=smoothing)[0], logits, np.ones(()))
    np.testing.assert_allclose(dlogits, numeric, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("labels", [np.array([0, 3]), np.array([-1, 0]), np.array([0]), np.array([[0], [1]])])
def test_wrong_labels(labels):
    with pytest.raises(BadValue, match="2 labels from 0 to 2 expected"):
        cross_entropy(np.zeros((2, 3)), labels)


def test_log_softmax_is_the_logarithm(xp, rng):
    x = rng.standard_normal((3, 5))
    out, _, _, _ = both_ways(LogSoftmax(), x, xp=xp)
    wanted = [[value - math.log(sum(math.exp(other) for other in row)) for value in row] for row in x.tolist()]
    np.testing.assert_allclose(out, wanted, rtol=0, atol=ATOL)
    far = both_ways(LogSoftmax(), np.array([[1e4, 0.0, -1e4]]))[0]
    np.testing.assert_array_equal(far, [[0, -1e4, -2e4]])
    if xp is np:
        check_gradients(LogSoftmax(), x)
        check_modes(LogSoftmax(), x)
