"""The pictures that a method looks at, and the form of what it hands back."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.methods.looking.activations import activation_grid
from minivis.methods.looking.classify import classify
from minivis.methods.shared.result import Result, Subject
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_subject_keeps_colours_for_the_net_and_shows_what_it_sees(rng):
    net, picture = tiny_vgg(channels=1, dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    subject = Subject.of(net, picture)
    np.testing.assert_array_equal(subject.input(net), net.preprocess(picture))      # luma, not rounded
    assert subject.seen.shape == (1, 16, 16, 1)
    assert abs(subject.seen[0, :, :, 0] - picture @ [0.299, 0.587, 0.114]).max() <= 0.5 + 1e-9


def test_pictures_of_several_sizes_need_a_net_with_a_size(branches, rng):
    pictures = [rng.integers(0, 256, (20, side, 3), np.uint8) for side in (20, 30)]
    with pytest.raises(BadValue, match="any size, but a batch is of one; these pictures are 20 x 20, 30 x 20 pixels"):
        Subject.of(branches, pictures)
    with pytest.raises(BadValue, match="an empty batch"):
        Subject.of(branches, [])
    with pytest.raises(BadValue, match="uint8"):
        Subject.of(branches, np.zeros((4, 4, 3)))


def test_results_share_a_form(vgg, picture):
    for method in (classify, activation_grid):
        result = method(vgg, picture)
        assert isinstance(result, Result) and result.stopped == "done" and isinstance(result.settings, dict)
        with pytest.raises(AttributeError):
            result.stopped = "changed"
