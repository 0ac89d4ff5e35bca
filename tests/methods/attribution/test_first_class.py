"""Which class is first with a window covered: as when each picture is covered and shown to the net."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.errors import UnknownName
from minivis.methods.attribution.first_class import COLOURS, first_classes
from minivis.methods.attribution.occlusion import covered_at, windows


def test_each_place_is_what_the_net_says_of_that_picture(vgg, rng):
    picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
    found = first_classes(vgg, picture, window=6, stride=5)
    boxes = windows((16, 16), (6, 6), (5, 5))
    grey = np.full_like(picture, 128)
    said = [vgg.forward(vgg.preprocess(covered_at(picture, grey, box)))["fc8"].argmax() for box in boxes]
    np.testing.assert_array_equal(found.first[0].ravel(), said)
    assert found.first.shape == (1, 3, 3) and found.before[0] == vgg.forward(vgg.preprocess(picture))["fc8"].argmax()
    assert sum(found.ranked(0).values()) == pytest.approx(1) and "with a window covered" in str(found)
    assert sum(found.numbers["first"].values()) == pytest.approx(1)


def test_a_batch_and_its_figure(vgg, rng):
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = first_classes(vgg, pictures, window=8, stride=4)
    assert found.first.shape[0] == 2 and found.picture().shape[2] == 3
    many = replace(found, names=tuple("abcdefgh"), before=np.array([0, 0]), first=np.arange(9).reshape(1, 3, 3) % 8)
    assert len(many.ranked(0)) > len(COLOURS) and many.draw(0).ndim == 3    # the others share one colour


def test_a_net_without_classes(branches, rng):
    net = replace(branches, roles={})
    with pytest.raises(UnknownName, match="no classes"):
        first_classes(net, rng.integers(0, 256, (16, 16, 3), np.uint8))


def test_the_most_frequent_class_has_the_first_colour(vgg, rng):
    found = first_classes(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), window=8, stride=4)
    rows = np.array([[5, 5, 5], [5, 2, 2], [2, 7, 5]])
    figure = replace(found, names=tuple("abcdefgh"), first=rows[None]).draw(0)
    sizes = [(figure == colour).all(axis=2).sum() for colour in COLOURS[:4]]
    assert sizes[0] > sizes[1] > sizes[2] > 0 == sizes[3]               # 5, 3 and 1 of nine places; no fourth class
