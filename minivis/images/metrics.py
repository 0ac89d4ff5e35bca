"""How far two pictures are from each other, in several senses of far. Pixels are 0..255, (H, W, C) or (N, H, W, C).

    L0      how many pixels differ in any of their colours
    L2      square root of the sum of squared differences
    Linf    the largest difference
    PSNR    10 log10(255^2 / mean squared difference), decibel
    SSIM    structural similarity (Wang et al. 2004): 1 for equal pictures, lower the more their structure differs

Numbers for one picture, arrays (N,) for a batch.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from minivis.errors import BadValue
from minivis.runtime.backend import to_cpu

WHITE = 255.0
SIGMA, RADIUS = 1.5, 5                          # Wang et al.: a Gaussian window of 11 x 11
K1, K2 = 0.01, 0.03


def l0(a, b):
    """The number of pixels that differ; a pixel is all its colours."""
    a, b = _pair(a, b)
    return _per_picture((a != b).any(axis=-1).sum(axis=(-2, -1)))


def l2(a, b):
    """The Euclidean length of a - b."""
    a, b = _pair(a, b)
    return _per_picture(np.sqrt(((a - b) ** 2).sum(axis=(-3, -2, -1))))


def linf(a, b):
    """The largest difference of any pixel in any colour."""
    a, b = _pair(a, b)
    return _per_picture(abs(a - b).max(axis=(-3, -2, -1)))


def psnr(a, b):
    """Peak signal-to-noise ratio in decibel; infinite for equal pictures."""
    a, b = _pair(a, b)
    error = ((a - b) ** 2).mean(axis=(-3, -2, -1))
    with np.errstate(divide="ignore"):
        return _per_picture(10 * np.log10(WHITE**2 / error))


def ssim(a, b):
    """The mean structural similarity (Wang et al. 2004, equations 13 to 17), the mean over colours too.

    Means, variances and covariance are weighed by the window at each pixel; pixels whose window would reach over the
    edge do not count, where the picture is large enough to have others.
    """
    a, b = _pair(a, b)

    def blur(values):
        sigmas = [0.0] * values.ndim
        sigmas[-3:-1] = [SIGMA, SIGMA]
        return gaussian_filter(values, sigmas, truncate=RADIUS / SIGMA)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (K1 * WHITE) ** 2, (K2 * WHITE) ** 2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    rows, columns = (slice(RADIUS, -RADIUS) if side > 2 * RADIUS else slice(None) for side in a.shape[-3:-1])
    return _per_picture(similarity[..., rows, columns, :].mean(axis=(-3, -2, -1)))


def distances(a, b):
    """All of them, for people and for JSON: {"l0", "l2", "linf", "psnr", "ssim"} of one picture (H, W, C).

    PSNR is None for equal pictures, as JSON has no infinity.
    """
    found = {measure.__name__: measure(a, b) for measure in (l0, l2, linf, psnr, ssim)}
    return {**found, "psnr": found["psnr"] if np.isfinite(found["psnr"]) else None}


def _pair(a, b):
    a, b = (np.asarray(to_cpu(x), np.float64) for x in (a, b))
    if a.shape != b.shape or a.ndim not in (3, 4) or a.size == 0:
        raise BadValue(f"two pictures of one shape (H, W, C) or (N, H, W, C) are compared, not {a.shape} and {b.shape}")
    return a, b


def _per_picture(values):
    return values.item() if values.ndim == 0 else values
