"""SmoothGrad (Smilkov et al. 2017): the gradient, averaged over noisy copies of the picture.

    g = mean over n of  d s(x + noise_n) / d x          noise_n ~ N(0, sigma^2), sigma a part of the range of the pixels

A gradient holds at one point only and varies strongly between neighbouring points; the mean keeps what the copies have
in common.
"""

from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.methods.attribution.settings import SaliencySettings
from minivis.methods.shared.gradient import mean_gradient
from minivis.methods.shared.result import Subject, input_of
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Progress


def smoothgrad(net: Network, subject: Subject, target: Any, *, samples: Any = SaliencySettings.samples,
               noise: Any = SaliencySettings.noise, seed: Any = 0, progress: Progress = False) -> Array:
    """The averaged gradient at the pixels, (N, H, W, C). ``noise``: sigma, as a fraction of each picture's range.

    Every picture of a batch gets the same noise, so that the result does not depend on the other pictures.
    """
    if samples < 1 or not 0 <= noise <= 1:
        raise BadValue(f"samples must be at least 1 and noise from 0 to 1, not {samples} and {noise}")
    rng = np.random.default_rng(seed)
    pixels = subject.fitted.astype(net.dtype)
    span = pixels.max(axis=(1, 2, 3), keepdims=True) - pixels.min(axis=(1, 2, 3), keepdims=True)
    draws = [rng.standard_normal((1, *pixels.shape[1:])).astype(net.dtype) for _ in range(samples)]
    mean = mean_gradient(net, lambda k: input_of(net, pixels + noise * span * draws[k]), samples, target.units,
                         progress=progress, title="SmoothGrad")
    return to_cpu(net.preprocess_adjoint(mean))
