"""How far pictures are from each other: by hand, and SSIM and PSNR by what scikit-image gives (stored)."""

import math

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.images.metrics import distances, l0, l2, linf, psnr, ssim


def pair():
    """Two pictures of 24 x 31 pixels with structure and with differences in it."""
    y, x = np.mgrid[:24, :31]
    a = np.stack([(x * 7 + y * 3) % 256, (x * y) % 256, 128 + 100 * np.sin(x / 3 + y / 5)], -1).astype(np.uint8)
    difference = ((x * 5 + y * 11) % 23 - 11)[..., None] * np.array([1, 2, -1])
    return a, np.clip(a.astype(int) + difference, 0, 255).astype(np.uint8)


def test_by_hand():
    a = np.zeros((2, 2, 3), np.uint8)
    b = a.copy()
    b[0, 1], b[1, 1, 2] = (3, 0, 4), 12                 # uint8: differences must not wrap around
    assert (l0(a, b), l2(a, b), linf(a, b)) == (2, 13, 12)
    assert (l0(b, a), l2(b, a), linf(b, a)) == (2, 13, 12)
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / (169 / 12)))


def test_ssim_and_psnr_are_those_of_scikit_image():
    """structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255), 0.26."""
    a, b = pair()
    assert ssim(a, b) == pytest.approx(0.9220390006617339, abs=1e-12)
    assert ssim(a[..., 1:2], b[..., 1:2]) == pytest.approx(0.9067963295531046, abs=1e-12)
    assert psnr(a, b) == pytest.approx(28.94398634955014, abs=1e-12)


def test_equal_pictures():
    a, _ = pair()
    assert distances(a, a) == {"l0": 0, "l2": 0, "linf": 0, "psnr": None, "ssim": 1}
    assert psnr(a, a) == math.inf


def test_a_batch_is_its_pictures():
    a, b = pair()
    batch = np.stack([a, b, a]), np.stack([b, b, a])
    for measure in (l0, l2, linf, psnr, ssim):
        assert measure(*batch).tolist() == [measure(x, y) for x, y in zip(*batch)]


def test_pictures_smaller_than_the_window():
    a = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert ssim(a, a) == 1 and -1 < ssim(a, 255 - a) < 0.9
    assert ssim(a[:1, :1], a[:1, :1]) == 1


def test_shapes_must_agree():
    a, b = pair()
    with pytest.raises(BadValue, match="the same shape"):
        l2(a, b[:-1])
    with pytest.raises(BadValue, match="the same shape"):
        ssim(a[..., 0], b[..., 0])
