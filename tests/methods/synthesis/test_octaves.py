"""The sizes of a dream, and the picture that it starts from."""

import numpy as np
import pytest

from minivis.engine.surgery import trunk
from minivis.errors import BadValue
from minivis.methods.synthesis.octaves import levels, octave_sizes
from minivis.models.tiny import tiny_vgg


def test_octaves_too_small_for_the_net_are_left_out():
    net = trunk(tiny_vgg(), ["pool2"])
    assert octave_sizes(net, (1, 40, 5, 3), 4, 1.4) == [(29, 4), (40, 5)]   # 3 columns are none after two pools
    with pytest.raises(BadValue, match="pool2"):
        octave_sizes(net, (1, 3, 3, 3), 2, 1.4)


def test_a_net_that_reads_single_pixels_dreams_down_to_one():
    net = trunk(tiny_vgg(), ["relu1_1"])
    assert octave_sizes(net, (1, 4, 2, 3), 3, 2) == [(1, 1), (2, 1), (4, 2)]


def test_a_dream_starts_from_one_picture(rng):
    net, picture = tiny_vgg(), rng.integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_allclose(levels(net, picture)[0], picture, atol=1e-3)
    with pytest.raises(BadValue, match="a dream starts from one picture"):
        levels(net, picture[None])
