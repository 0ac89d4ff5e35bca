"""The spectrogram is scipy's, and its adjoint is its derivative."""

import numpy as np
from scipy.signal import stft

from minivis.data.spectrogram import FRAME, HIGH, HOP, LOW, WINDOW, levels, levels_backward


def test_is_scipys(rng):
    sounds = 0.3 * rng.standard_normal((2, 1000))
    _, _, Z = stft(sounds, window=WINDOW, nperseg=FRAME, noverlap=FRAME - HOP, boundary=None, padded=False)
    power = abs(Z * WINDOW.sum()) ** 2 + 1e-5
    expected = (255 * (np.log10(power) - LOW) / (HIGH - LOW)).clip(0, 255).swapaxes(1, 2)[:, :, :-1]
    np.testing.assert_allclose(levels(sounds)[0][..., 0], expected, rtol=1e-6)


def test_the_adjoint_is_the_derivative(rng):
    sounds = 0.3 * rng.standard_normal((2, 700))
    out, cache = levels(sounds)
    dout, move = rng.standard_normal(out.shape), rng.standard_normal(sounds.shape)
    assert (out.min(), out.max()) > (0, 50) and out.max() < 255         # nothing is clipped
    found = (levels_backward(dout, cache) * move).sum()
    more, less = (levels(sounds + step * move)[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(found, ((more - less) * dout).sum() / 2e-6, rtol=1e-5)


def test_what_is_clipped_has_no_gradient():
    out, cache = levels(np.full((1, 600), 300.0))
    assert out[0, :, 0].min() == 255
    loud = np.zeros_like(out)
    loud[:, :, 0] = 1
    assert not levels_backward(loud, cache).any()
