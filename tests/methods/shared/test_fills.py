"""What is put where a part of a picture is covered."""

import numpy as np
import pytest

from minivis.methods.shared.fills import filled


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_fills(picture):
    assert (filled(picture[None], "grey", (4, 4), 0) == 128).all()
    mean = filled(picture[None], "mean", (4, 4), 0)
    np.testing.assert_array_equal(mean[0, 3, 5], np.rint(picture.mean(axis=(0, 1))))
    blur = filled(picture[None], "blur", (8, 8), 0)[0].astype(float)
    assert abs(np.diff(blur, axis=1)).mean() < 0.3 * abs(np.diff(picture.astype(float), axis=1)).mean()
    noise = [filled(picture[None], "noise", (4, 4), seed) for seed in (0, 0, 1)]
    assert (noise[0] == noise[1]).all() and (noise[0] != noise[2]).any()
    assert filled(picture[None, :, :, :1], "blur", (4, 4), 0).shape == (1, 16, 16, 1)
