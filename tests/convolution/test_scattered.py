"""The three ways to scatter a data gradient, against its definition."""

import numpy as np
import pytest
from tuned import tune

from minivis.convolution import scattered as module
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.convolution.scattered import ready, scattered, way_to_give
from minivis.layers.conv import conv2d_input_grad
from minivis.runtime import matmul


@pytest.mark.parametrize("algorithm, channels, way", [
    ("blocked", 15, "planes"), ("blocked", 16, "rows"), ("pointwise", 200, "rows"), ("depthwise", 1, "channels"),
])  # fmt: skip
def test_few_channels_are_planes(algorithm, channels, way):
    assert way_to_give(algorithm, np.empty((3, 3, channels, 7))) == way


@pytest.mark.parametrize("packs_nothing", [True, False])
@pytest.mark.parametrize("height", [1, 2, 100])
@pytest.mark.parametrize("kernel, stride, dilation, pads", [
    ((3, 2), (2, 3), (1, 1), (1, 0)), ((3, 3), (2, 2), (2, 1), (2, 1)), ((1, 1), (2, 2), (1, 1), (0, 0)),
    ((2, 2), (4, 3), (1, 1), (1, 1)), ((3, 3), (1, 1), (1, 1), (1, 1)),
])  # fmt: skip
@pytest.mark.parametrize("way", ["rows", "planes"])
def test_products_equal_the_definition(monkeypatch, rng, way, kernel, stride, dilation, pads, height, packs_nothing):
    monkeypatch.setattr(matmul, "packs_nothing", lambda: packs_nothing)
    tune(monkeypatch, small_product=64 * 24 * 9)                                # several pieces of rows
    w, x_shape, padding = rng.standard_normal((*kernel, 32, 24)), (2, 11, 9, 32), tuple((p, p) for p in pads)
    size = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    out = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(x_shape[1:3], pads, size, stride)]
    dout, dx = rng.standard_normal((2, *out, 24)), np.full(x_shape, np.nan)
    lines = [(first, min(first + height, 11)) for first in range(0, 11, height)]
    monkeypatch.setattr(module, "bands", lambda *_: [(slice(n, n + 1), *some) for n in range(2) for some in lines])
    scattered(ArraySource(dout), ready(way, w), kernel, way, ArraySink(dx), pads, stride, dilation)
    expected = conv2d_input_grad(dout, w, x_shape, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-11)


def test_each_channel_by_itself(rng):
    w, dout, dx = rng.standard_normal((3, 3, 1, 5)), rng.standard_normal((2, 4, 3, 5)), np.full((2, 8, 6, 5), np.nan)
    scattered(ArraySource(dout), ready("channels", w), (3, 3), "channels", ArraySink(dx), (1, 1), (2, 2), (1, 1))
    expected = conv2d_input_grad(dout, w, dx.shape, stride=(2, 2), padding=((1, 0), (1, 0)), groups=5)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-12)


def test_bands_are_large_and_of_whole_strides(monkeypatch, rng):
    """Outputs that reach two bands are multiplied twice, so bands have a size of their own and at least eight lines."""
    asked = []
    monkeypatch.setattr(module, "bands", lambda *cut: asked.append(cut) or [])
    tune(monkeypatch, scatter_bytes=12345)
    for sh in (2, 9):
        dout, dx = np.empty((1, 4, 5, 6)), np.empty((1, 4 * sh, 10, 3))
        scattered(ArraySource(dout), np.empty((9, 3, 6)), (3, 3), "planes", ArraySink(dx), (1, 1), (sh, 2), (1, 1))
    assert asked == [((1, 8, 10, 3), (10 * 3 * 2 + 5 * (27 + 6) // 2) * 8, 8, 12345),
                     ((1, 36, 10, 3), (10 * 3 * 2 + 5 * (27 + 6) // 9) * 8, 9, 12345)]
