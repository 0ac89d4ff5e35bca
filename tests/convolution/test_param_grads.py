"""Gradients of weights: by hand, and against the loops with stride, dilation and one-sided padding."""

import numpy as np
import pytest
import reference
from tuned import tune

from minivis.convolution import param_grads
from minivis.convolution.param_grads import weight_grad
from minivis.runtime.threads import scratch, threads

ALGORITHMS = ("blocked", "shifted", "pointwise", "depthwise", "winograd2", "winograd4")


@pytest.mark.parametrize("algorithm", ["blocked", "shifted"])
def test_by_hand(algorithm):
    """One channel, one filter, 2 x 2 over 3 lines of 3: each weight met the four numbers that its position sees."""
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    dout = np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1)
    dw = weight_grad(algorithm, x, dout, (2, 2, 1, 1), (0, 0), (1, 1), (1, 1))
    assert dw[:, :, 0, 0].tolist() == [[5421, 6532], [8754, 9865]]


def test_depthwise_by_hand():
    x = np.stack([np.arange(1.0, 10).reshape(3, 3), np.ones((3, 3))], axis=-1)[None]
    dout = np.stack([np.array([[1.0, 10], [100, 1000]]), np.full((2, 2), 2.0)], axis=-1)[None]
    dw = weight_grad("depthwise", x, dout, (2, 2, 1, 2), (0, 0), (1, 1), (1, 1))
    assert dw[:, :, 0, 0].tolist() == [[5421, 6532], [8754, 9865]] and dw[:, :, 0, 1].tolist() == [[8, 8], [8, 8]]


SETTINGS = {
    "blocked": ((3, 2, 4, 5), (2, 1), (1, 2)), "shifted": ((3, 2, 4, 5), (1, 1), (2, 1)),
    "pointwise": ((1, 1, 4, 5), (2, 3), (1, 1)), "depthwise": ((3, 2, 1, 4), (1, 2), (2, 1)),
    "winograd2": ((3, 3, 4, 5), (1, 1), (1, 1)), "winograd4": ((3, 3, 4, 5), (1, 1), (1, 1)),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("cores", [1, 3])
def test_each_algorithm_against_the_loops_and_the_same_bits_on_any_threads(algorithm, cores, rng, monkeypatch):
    w_shape, stride, dilation = SETTINGS[algorithm]
    tune(monkeypatch, band_bytes=1000)
    monkeypatch.setattr(param_grads, "cores", lambda: cores)
    pads, groups = ((1, 0), (2, 1)) if algorithm != "pointwise" else ((0, 0), (0, 0)), 4 if w_shape[2] == 1 else 1
    x = rng.standard_normal((3, 9, 11, 4))
    shape = reference.conv_output_shape(x.shape, w_shape, stride, pads, dilation)
    dout = rng.standard_normal(shape)
    wanted = reference.conv_gradients(dout, x, np.zeros(w_shape), stride, pads, dilation, groups)[1]
    found = []
    for count in (1, 2):
        for name in ("padded", "spread", "cols", "term", "V", "M"):      # memory that others have written to
            scratch(name, (20_000,), np.float64)[...] = np.nan
        with threads(count):
            found.append(weight_grad(algorithm, x, dout, w_shape, (pads[0][0], pads[1][0]), stride, dilation))
    np.testing.assert_allclose(found[0], wanted, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("algorithm, w_shape, numbers", [
    ("blocked", (3, 2, 4, 5), 9 * (3 * 2 * 4 + 5)), ("shifted", (3, 2, 4, 5), 10 * (4 + 5)),
    ("depthwise", (3, 2, 1, 4), 9 * 4 * 3),
])  # fmt: skip
def test_what_a_line_takes(algorithm, w_shape, numbers):
    """Columns and dout; dout with zeros behind it, and the picture; what is read, dout and their products."""
    assert param_grads.ADD_UP[algorithm](w_shape, (2, 7, 9, 5), (1, 1), (2, 1))[1] == numbers
