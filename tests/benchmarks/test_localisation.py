"""Do maps find the object of the emoji pictures, over all 200: the figures of benchmarks/README.md, with a margin."""

import numpy as np
import pytest
from benchmark_scripts import script

import minivis as mv
from minivis.errors import BadValue


@pytest.fixture(scope="module")
def localisation():
    return script("localisation")


def test_what_is_there_to_find(localisation):
    _, masks, _ = localisation.pictures()
    assert masks.shape == (200, 64, 64) and masks.mean() == pytest.approx(0.325, abs=0.005)
    assert masks[:, 32, 32].mean() == pytest.approx(0.925)              # to point at the middle is hard to beat


@pytest.mark.slow
@pytest.mark.parametrize("kind, ratio, share", [
    ("gradient", 1.8, 0.70),                    # measured 2.05, 77.5 %
    ("deconv", 2.2, 0.78),                      # 2.52, 85.5 %
    ("guided", 3.7, 0.84),                      # 4.25, 90.5 %
    ("input", 2.5, 0.78),                       # 2.95, 85.0 %
    ("gradcam", 5.2, 0.84),                     # 6.19, 90.0 %
    ("guided-gradcam", 10, 0.84),               # 12.27, 90.5 %
    pytest.param("occlusion", 4.6, 0.74, marks=pytest.mark.slow(seconds=70)),       # 5.54, 81.0 %
])  # fmt: skip
def test_maps_of_the_class_lie_on_its_object(localisation, kind, ratio, share):
    found = localisation.measure(mv.load("emoji-vgg"), kind, *localisation.pictures())
    assert found[0] > ratio and found[1] > share


def test_guided_backprop_on_some_of_them(localisation):
    """The fast test: 20 pictures, one rule."""
    images, masks, labels = (part[:20] for part in localisation.pictures())
    ratio, share = localisation.measure(mv.load("emoji-vgg"), "guided", images, masks, labels)
    assert ratio > 3 and share >= 0.75
    shifted = np.roll(masks, 32, axis=(1, 2))                           # the same shapes at the wrong place
    assert localisation.measure(mv.load("emoji-vgg"), "guided", images, shifted, labels)[0] < 1


def test_inside_over_outside_by_hand(localisation):
    maps = np.array([[[3.0, 1], [0, 1]], [[-5, 2], [2, 2]], [[0, 0], [0, 0]], [[4, 0], [0, 0]]])
    masks = np.array([[[True, True], [False, False]]] * 4)
    np.testing.assert_array_equal(localisation.inside_over_outside(maps, masks), [2 / 0.5, 1 / 2, 1, np.inf])


def test_hits_by_hand(localisation):
    maps = np.array([[[3.0, 1], [0, 1]], [[-5, 2], [2, 3]], [[0, 0], [0, 0]]])
    masks = np.array([[[True, False], [True, False]]] * 3)
    np.testing.assert_array_equal(localisation.hits(maps, masks), [True, False, True])


def test_pointing_needs_masks_with_two_sides(localisation):
    for masks in (np.ones((1, 2, 2), bool), np.zeros((1, 2, 2), bool)):
        with pytest.raises(BadValue, match="on the object and beside it"):
            localisation.hits(np.ones((1, 2, 2)), masks)
    with pytest.raises(BadValue, match="of one shape, masks of bool"):
        localisation.inside_over_outside(np.ones((1, 2, 2)), np.ones((1, 2, 2)))
