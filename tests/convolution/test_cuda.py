"""The CUDA kernels, compiled with a C++ compiler and run thread by thread, where there is one.

tests/runtime/test_device.py has whole layers and nets on a device.
"""

import numpy as np
import pytest
import stand_in
from tuned import tune

from minivis.convolution import cuda
from minivis.engine.fusion.conv_relu_pool import FusedConv
from minivis.layers import Conv2D, ForwardMode, ReLU


@pytest.mark.parametrize("w_shape, stride, dilation, groups, suits", [
    ((3, 3, 16, 16), (1, 1), (1, 1), 1, True), ((3, 3, 15, 16), (1, 1), (1, 1), 1, False),
    ((3, 3, 16, 15), (1, 1), (1, 1), 1, False), ((3, 3, 16, 16), (1, 2), (1, 1), 1, False),
    ((3, 3, 16, 16), (1, 1), (1, 2), 1, False), ((3, 3, 16, 16), (1, 1), (1, 1), 2, False),
    ((3, 1, 16, 16), (1, 1), (1, 1), 1, False),
])  # fmt: skip
def test_winograd_is_for_3x3_at_stride_1_with_channels_enough(w_shape, stride, dilation, groups, suits):
    assert cuda.suits_winograd(w_shape, stride, dilation, groups) == suits


def test_pieces_cover_the_output_once_and_stay_below_the_limit(monkeypatch):
    tune(monkeypatch, device_rows_bytes=3 * 6 * 9 * 8)                      # 3 lines of 6 windows of 9 float64 numbers
    found = list(cuda.pieces((2, 7, 6, 4), 9, 8))
    assert found == [(slice(n, n + 1), slice(a, b)) for n in (0, 1) for a, b in ((0, 3), (3, 6), (6, 7))]
    tune(monkeypatch, device_rows_bytes=2 * 7 * 6 * 9 * 8)                  # two pictures
    assert list(cuda.pieces((3, 7, 6, 4), 9, 8)) == [(slice(0, 2), slice(0, 7)), (slice(2, 3), slice(0, 7))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_value", [None, 6])
@pytest.mark.parametrize("w_shape, biased", [((3, 3, 16, 18), True), ((3, 3, 16, 18), False), ((3, 2, 5, 4), True),
                                             ((3, 2, 5, 4), False)])
def test_bias_and_relu_come_on_with_the_sums(w_shape, biased, max_value, dtype, rng, monkeypatch):
    """Beside the NumPy lines on what the convolution gives alone: the same bits, at 0, at max_value and for NaN too."""
    if not stand_in.COMPILER:
        pytest.skip("no g++ here: the CUDA kernels are not tested")
    tune(monkeypatch, device_rows_bytes=20_000)                  # in several pieces
    whole = lambda *shape: rng.integers(-2, 3, shape).astype(dtype)         # noqa: E731    sums that are 0 and 6
    with stand_in.installed(kernels=True) as cupy:
        conv = Conv2D(cupy.asarray(whole(*w_shape)), cupy.asarray(whole(w_shape[3])) if biased else None)
        values = whole(2, 11, 14, w_shape[2])
        values[1, 5, 5] = np.nan
        x = cupy.asarray(values)
        for grad in ("image", None):
            y = conv.forward(x, mode=ForwardMode(grad))[0].get()
            stand_in.launched.clear()
            fused = FusedConv(("conv", "relu"), (conv, ReLU(max_value)))
            out, caches = fused.forward(x, mode=ForwardMode(grad))
            filed = {name: (shape, cache) for name, shape, cache in caches}
            assert ("finish" in stand_in.launched) == (w_shape[2] < 16), "with Winograd, in its own last kernel"
            np.testing.assert_array_equal(out.get(), np.clip(y, 0, np.inf if max_value is None else max_value))
            if grad is None:
                assert filed["relu"] == (out.shape, None)
                continue
            mask = filed["relu"][1]
            assert mask.dtype == bool and 0.02 < mask.get().mean() < 0.9
            np.testing.assert_array_equal(mask.get(), (y > 0) & (y < (np.inf if max_value is None else max_value)))
    assert np.isnan(y).any() and (((y == 0).any() and (y == 6).any()) or w_shape[2] == 16)
