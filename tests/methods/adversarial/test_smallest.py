"""DeepFool and Szegedy's L-BFGS: on a linear net both must find the distance to the boundary, known in closed form."""

import numpy as np
import pytest
from linear_nets import MIDDLE, PICTURE, SLOPE, linear, score

from minivis.errors import BadValue
from minivis.methods.adversarial.attacks import answers, as_pixels
from minivis.methods.adversarial.deepfool import deepfool
from minivis.methods.adversarial.szegedy import szegedy
from minivis.models.tiny import tiny_vgg


@pytest.mark.parametrize("attack", [deepfool, szegedy])
@pytest.mark.parametrize("way", [{"label": "a"}, {"target": "b"}, {}])
def test_the_distance_to_a_plane(attack, way):
    net = linear()
    found = attack(net, MIDDLE, **way)[0]
    assert answers(net, found[None]) == [1]
    distance = score(MIDDLE) / np.linalg.norm(SLOPE)
    assert np.linalg.norm(found - MIDDLE) == pytest.approx(distance, rel=0.003)
    np.testing.assert_allclose(found - MIDDLE, -distance * SLOPE / np.linalg.norm(SLOPE), atol=0.01 * distance)


@pytest.mark.parametrize("attack", [deepfool, szegedy])
def test_the_nearest_point_of_the_box(attack):
    """A white pixel gets no whiter: the way must lead along the others, and is that much longer."""
    net, picture = linear(), MIDDLE.copy()
    picture[0, 0, 1] = 255                              # its weight is -5: up would be the way, and the picture is b's
    net.nodes["fc"].layer.set_params(b=np.array([60.0, 0]))
    here = score(picture) + 60
    assert here > 0
    free = SLOPE.copy()
    free[0, 0, 1] = 0
    found = attack(net, picture, label="a")[0]
    assert answers(net, found[None]) == [1] and found.max() <= 255 and found[0, 0, 1] == 255
    assert np.linalg.norm(found - picture) == pytest.approx(here / np.linalg.norm(free), rel=0.003)


@pytest.mark.parametrize("attack", [deepfool, szegedy])
def test_masks(attack):
    mask = np.array([[[1, 0, 1], [1, 1, 0]]])
    found = attack(linear(), MIDDLE, label="a", mask=mask)[0]
    free = SLOPE * mask
    np.testing.assert_allclose(found - MIDDLE, -score(MIDDLE) * free / (free**2).sum(), atol=0.1)
    assert answers(linear(), found[None]) == [1]
    np.testing.assert_array_equal(attack(linear(), MIDDLE, label="a", mask=0), [MIDDLE])


@pytest.mark.parametrize("attack", [deepfool, szegedy])
def test_no_gradient_no_change(attack):
    dark = np.array([[[10, 20, 30], [100, 99, 0]]], np.uint8)           # below the mean: every ReLU is off
    np.testing.assert_array_equal(attack(linear(relu=True), dark, "b"), [dark])


def test_a_picture_that_is_fooled_already_stays(vgg, rng):
    picture = rng.integers(0, 256, (1, 16, 16, 3), np.uint8)
    other = (answers(vgg, picture.astype(float)) + 1) % 5
    np.testing.assert_array_equal(deepfool(vgg, picture, label=other), picture)
    np.testing.assert_array_equal(szegedy(vgg, picture, label=other, steps=3, searches=2), picture)


@pytest.mark.parametrize("away", [0, (1, 2)])
def test_they_find_another_class_and_szegedy_the_nearer(rng, away):
    net = tiny_vgg(seed=5, dtype=np.float64)
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    own = answers(net, pictures.astype(float))
    target = (own + np.array(away)) % 5 if away else None
    lengths = {}
    for attack, settings in ((deepfool, {}), (szegedy, {"steps": 10, "searches": 4})):
        found = attack(net, pictures, target, **settings)
        assert ((answers(net, found) == target) if away else (answers(net, found) != own)).all()
        assert found.min() >= 0 and found.max() <= 255
        lengths[attack] = np.linalg.norm((found - pictures).reshape(2, -1), axis=1)
    assert (lengths[szegedy] < lengths[deepfool]).all()


@pytest.mark.parametrize("attack, settings", [
    (deepfool, {"steps": 0}), (deepfool, {"candidates": 0}), (deepfool, {"overshoot": -1}), (szegedy, {"searches": 0}),
    (szegedy, {"steps": 0}),
])
def test_mistakes(attack, settings):
    with pytest.raises(BadValue, match="at least 1"):
        attack(linear(), PICTURE, **settings)


def test_grey_and_color():
    rng = np.random.default_rng(3)
    for net, channels in ((tiny_vgg(channels=1), 3), (tiny_vgg(), 1)):
        picture = rng.integers(0, 256, (1, 16, 16, channels), np.uint8)
        own = answers(net, as_pixels(net, picture))
        assert (answers(net, deepfool(net, picture)) != own).all()
        assert szegedy(net, picture, steps=5, searches=2).shape == picture.shape
