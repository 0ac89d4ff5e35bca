"""Distances between two pictures. Pixels are 0..255, (H, W, C) or (N, H, W, C).

    L0      how many pixels differ in any of their colours
    L2      square root of the sum of squared differences
    Linf    the largest difference
    PSNR    10 log10(255^2 / mean squared difference), decibel
    SSIM    structural similarity (Wang et al. 2004): 1 for equal pictures, lower the more their structure differs

One picture gives numbers, a batch gives arrays (N,).
"""

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from minivis.errors import BadValue
from minivis.runtime.backend import to_cpu

WHITE = 255.0
SIGMA, RADIUS = 1.5, 5                          # Wang et al.: a Gaussian window of 11 x 11
K1, K2 = 0.01, 0.03


def l0(a: Any, b: Any) -> Any:
    """The number of pixels that differ in any colour."""
    a, b = _pair(a, b)
    return _per_picture((a != b).any(axis=-1).sum(axis=(-2, -1)))


def l2(a: Any, b: Any) -> Any:
    """The Euclidean length of a - b."""
    a, b = _pair(a, b)
    return _per_picture(np.sqrt(((a - b) ** 2).sum(axis=(-3, -2, -1))))


def linf(a: Any, b: Any) -> Any:
    """The largest difference in any pixel and colour."""
    a, b = _pair(a, b)
    return _per_picture(abs(a - b).max(axis=(-3, -2, -1)))


def psnr(a: Any, b: Any) -> Any:
    """Peak signal-to-noise ratio in decibel; infinite for equal pictures."""
    a, b = _pair(a, b)
    error = ((a - b) ** 2).mean(axis=(-3, -2, -1))
    with np.errstate(divide="ignore"):
        return _per_picture(10 * np.log10(WHITE**2 / error))


def ssim(a: Any, b: Any) -> Any:
    """The mean structural similarity over pixels and colours (Wang et al. 2004, equations 13 to 17).

    The window at each pixel weights the means, variances and covariance. Pixels whose window would cross the edge do
    not count, if the picture is large enough to have others.
    """
    a, b = _pair(a, b)

    def blur(values: Any) -> Any:
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


def distances(a: Any, b: Any) -> dict[Any, Any]:
    """All distances for one picture (H, W, C), as {"l0", "l2", "linf", "psnr", "ssim"}.

    PSNR is None for equal pictures, because JSON has no infinity.
    """
    found = {measure.__name__: measure(a, b) for measure in (l0, l2, linf, psnr, ssim)}
    return {**found, "psnr": found["psnr"] if np.isfinite(found["psnr"]) else None}


def _pair(a: Any, b: Any) -> tuple[Any, Any]:
    a, b = (np.asarray(to_cpu(x), np.float64) for x in (a, b))
    if a.shape != b.shape or a.ndim not in (3, 4) or a.size == 0:
        raise BadValue(f"two pictures to compare must have the same shape (H, W, C) or (N, H, W, C), not {a.shape} "
                       f"and {b.shape}")
    return a, b


def _per_picture(values: Any) -> Any:
    return values.item() if values.ndim == 0 else values
