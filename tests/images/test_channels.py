"""Which channels are drawn."""

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadValue
from minivis.images.channels import by_channels, check_names, check_show, default_show, rgb, shown


@pytest.mark.parametrize("channels, drawn", [(1, [0]), (2, [0, 1, 1]), (3, [0, 1, 2]), (4, [0, 1, 2]), (13, [0, 1, 2])])
def test_the_default(channels, drawn):
    values = np.arange(channels)[None, None]
    assert shown(values)[0, 0].tolist() == drawn
    assert [number - 1 for number in default_show(channels)] == drawn


def test_a_choice_of_three_or_of_one_counts_from_1():
    values = np.arange(4)[None]
    assert shown(values, (4, 1, 1)).tolist() == [[3, 0, 0]] and shown(values, 2).tolist() == [[1]]
    assert shown(np.arange(3)[None], (3, 2, 1)).tolist() == [[2, 1, 0]]
    for wrong in ((1, 2), (0, 1, 2), (1, 2, 5), "abc", None, (1, 2, 3, 4)):
        with pytest.raises(BadValue, match="three numbers from 1 to 4"):
            check_show(wrong, 4)


def test_grey_becomes_three_channels_and_three_stay_three():
    assert rgb(np.array([[7]])).tolist() == [[7, 7, 7]] and rgb(np.arange(3)[None]).tolist() == [[0, 1, 2]]
    assert rgb(np.arange(4)[None]).tolist() == [[0, 1, 2]] and rgb(np.arange(4)[None], 2).tolist() == [[1, 1, 1]]


def test_channels_by_their_names():
    assert default_show(4, ("NIR", "Red", "Green", "Blue")) == (2, 3, 4)
    assert default_show(4, ("a", "b", "c", "d")) == (1, 2, 3)
    assert check_names(["a", "b"], 2) == ("a", "b") and check_names((), 5) == ()
    with pytest.raises(BadValue, match="names of channels are 2 strings, one for each channel, not"):
        check_names(["a"], 2)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_each_channel_by_itself(rng, channels):
    image = rng.integers(0, 256, (6, 5, channels), np.uint8)
    turned = by_channels(image, lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    np.testing.assert_array_equal(turned, image[:, ::-1])
