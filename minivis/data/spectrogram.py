"""A spectrogram as a picture, and its adjoint by hand, which takes a gradient from the picture back to the sound.

    X = rfft(window * frame)        P = |X|^2        level = 255 * (log10(P + FLOOR) - low) / (high - low), clipped

Backward, for each frame: d P = d level * 255 / (ln(10) (high - low) (P + FLOOR)) inside the clip;  d X = 2 X dP;
d frame = window * (the transpose of rfft) d X; and frames that overlap add up.
"""

from typing import Any

import numpy as np
from scipy.fft import irfft, rfft
from scipy.signal import get_window

from minivis.types import Array

FRAME, HOP = 256, 64                                    # samples: 32 ms, every 8 ms
LOW, HIGH = -4.0, 3.0                                   # log10 of the power that is black, and white
FLOOR = 1e-5                                            # power, so that silence has a logarithm
WINDOW = get_window("hann", FRAME)


def levels(sounds: Array) -> tuple[Array, Any]:
    """Sounds (N, L) -> pictures (N, T, FRAME / 2, 1) of 0..255, time down and frequency to the right; and a cache."""
    count = 1 + (sounds.shape[1] - FRAME) // HOP
    places = HOP * np.arange(count)[:, None] + np.arange(FRAME)
    X = rfft(sounds[:, places] * WINDOW, axis=2)[:, :, : FRAME // 2]        # the highest frequency is left out
    P = X.real**2 + X.imag**2 + FLOOR
    raw = 255 * (np.log10(P) - LOW) / (HIGH - LOW)
    return raw.clip(0, 255)[..., None], (X, P, (raw > 0) & (raw < 255), places, sounds.shape)


def levels_backward(dlevels: Array, cache: Any) -> Array:
    """The gradient (N, L) with respect to the sounds, from the one with respect to the pictures."""
    X, P, inside, places, shape = cache
    dP = dlevels[..., 0] * inside * 255 / (np.log(10) * (HIGH - LOW) * P)
    dX = np.zeros((*X.shape[:2], FRAME // 2 + 1), X.dtype)
    dX[:, :, : FRAME // 2] = 2 * X * dP
    dX[:, :, 1:] /= 2                                   # irfft counts every frequency but 0 twice
    dframes = irfft(dX, FRAME, axis=2) * FRAME * WINDOW
    dsounds = np.zeros(shape)
    for k, row in enumerate(places):                    # where frames overlap, gradients add up
        dsounds[:, row] += dframes[:, k]
    return dsounds
