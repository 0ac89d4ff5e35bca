"""What `fool` hands back: it says when it failed, and its numbers are plain."""

import numpy as np
import pytest

from minivis.methods.adversarial.fool import fool
from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="module")
def net():
    return tiny_vgg(seed=5)


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_failure_is_said(net, picture):
    result = fool(net, picture, "owl", eps=1, steps=2)
    assert not result.ok and result.stopped == "not fooled" and not result.numbers["fooled"]
    assert str(result).startswith("NOT FOOLED, owl was wanted: ") and result.picture().std() > 10
    sure = fool(net, picture, "owl", sure=0.9999, eps=4)
    assert not sure.ok and "owl with p = 0.9999 was wanted" in str(sure)


def test_numbers_are_json(net, picture):
    import json

    json.dumps({"numbers": fool(net, picture, eps=3).numbers, "settings": fool(net, to=1, start=(1, 2, 3)).settings})
