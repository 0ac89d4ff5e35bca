"""A small net and a picture of its size, for every attack."""

import numpy as np
import pytest

from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="session")
def net():
    return tiny_vgg(seed=5)


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)
