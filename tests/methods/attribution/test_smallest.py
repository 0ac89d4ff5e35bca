"""DeepFool and Szegedy's L-BFGS: on a linear net both must find the distance to the boundary, known in closed form."""

from pathlib import Path

import numpy as np
import pytest
from linear_nets import PICTURE, W, linear

import minivis as mv
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Flatten, FullyConnected
from minivis.methods.adversarial.attacks import aimed, answers, as_pixels, class_gradient, pgd
from minivis.methods.adversarial.deepfool import deepfool, shortened
from minivis.methods.adversarial.szegedy import _log_probs, szegedy
from minivis.models.tiny import tiny_vgg

SLOPE = W / np.array([10.0, 20, 40])                    # of the score of a, at the pixels
MIDDLE = np.array([[[140, 90, 120], [100, 130, 110]]], np.uint8)


def score(picture):
    return ((picture - 100.0) * SLOPE).sum()


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
    for attack, settings in ((deepfool, {}), (szegedy, {"steps": 15, "searches": 6})):
        found = attack(net, pictures, target, **settings)
        assert ((answers(net, found) == target) if away else (answers(net, found) != own)).all()
        assert found.min() >= 0 and found.max() <= 255
        lengths[attack] = np.linalg.norm((found - pictures).reshape(2, -1), axis=1)
    assert (lengths[szegedy] < lengths[deepfool]).all()


def fooled_by_pgd(net, picture, length, **aim):
    """Whether PGD in L2 does it, too, if it may go 2 % farther than ``length``."""
    found = pgd(net, picture, eps=1.02 * length, norm="L2", **aim)
    return (answers(net, found)[0] == aim["target"]) if "target" in aim else (answers(net, found)[0] != aim["label"])


@pytest.mark.parametrize("way", ["target", "label"])
def test_szegedy_is_nearer_than_pgd(way):
    """PGD needs from 1.05 to more than 1.2 times that length, as measured."""
    net = tiny_vgg(seed=1)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    classes = (answers(net, pictures.astype(np.float32)) + (way == "target")) % 5
    found = szegedy(net, pictures, **{way: classes}, steps=15, searches=6)
    assert ((answers(net, found) == classes) == (way == "target")).all()
    for picture, one, k in zip(pictures, found, classes):
        assert not fooled_by_pgd(net, picture, np.linalg.norm(one - picture), **{way: k})


@pytest.mark.slow
def test_szegedy_is_nearer_than_pgd_with_emoji_vgg():
    net = mv.load("emoji-vgg")
    with np.load(Path(__file__).parents[2] / "data" / "emoji.npz") as held:
        right = answers(net, as_pixels(net, held["images"][:30])) == held["labels"][:30]
        pictures, labels = held["images"][:30][right][:5], held["labels"][:30][right][:5]
    target = (labels + 40) % len(net.class_names)
    found = szegedy(net, pictures, target, steps=20, searches=6)
    assert (answers(net, found) == target).all()
    other = [fooled_by_pgd(net, picture, np.linalg.norm(one - picture), target=k)
             for picture, one, k in zip(pictures, found, target)]
    assert np.mean(other) < 0.5


def test_deepfool_looks_at_more_than_one_class():
    """Class b comes second but hardly moves with the pixels; c comes third and moves fast: 2 levels away."""
    w = np.zeros((3, 3))
    w[:, 1], w[:, 2] = 1e-3, [0, 1, 0]
    net = Network(preprocessing=Preprocessing("RGB", (100.0,) * 3, (1.0,) * 3, size=(1, 1)))
    net.roles.update(logits="fc")
    net.add("flatten", Flatten()).add("fc", FullyConnected(w, np.array([0.0, -1, -2])))
    picture = np.full((1, 1, 3), 100, np.uint8)
    np.testing.assert_allclose(deepfool(net, picture, candidates=2)[0, 0, 0], [100, 102, 100], atol=0.01)
    one = deepfool(net, picture, candidates=1)
    np.testing.assert_allclose(one, 102.1, atol=0.1)                            # towards b, all levels rise alike


def test_shortened_goes_back_to_the_boundary_and_not_beyond():
    net, pixels = linear(), as_pixels(linear(), np.stack([MIDDLE, MIDDLE]))
    twice = MIDDLE - 2 * score(MIDDLE) * SLOPE / (SLOPE**2).sum()
    far = np.stack([twice, MIDDLE + 1.0])                                       # the second is still a's
    found = shortened(net, pixels, far, np.array([0, 0]), 1)
    assert 0 >= score(found[0]) > -0.005 * score(MIDDLE)
    np.testing.assert_array_equal(found[1], far[1])


@pytest.mark.parametrize("way", [{"target": 3}, {"label": 3}])
def test_szegedys_loss_has_the_gradient_that_it_says(vgg, rng, way):
    pixels = rng.uniform(0, 255, (1, 16, 16, 3))
    classes, sign = aimed(vgg, pixels, way.get("target"), way.get("label"))

    def loss(at):
        logits, dpixels = class_gradient(vgg, at, classes)
        miss, hit = _log_probs(logits[0], classes[0], sign)
        assert np.exp(miss) + np.exp(hit) == pytest.approx(1)
        return -hit, -sign * np.exp(miss) * dpixels

    direction = rng.standard_normal(pixels.shape)
    slope = (loss(pixels + 1e-4 * direction)[0] - loss(pixels - 1e-4 * direction)[0]) / 2e-4
    assert (loss(pixels)[1] * direction).sum() == pytest.approx(slope, rel=1e-6)
    p = np.exp(class_gradient(vgg, pixels, classes)[0][0])
    p /= p.sum()
    assert loss(pixels)[0] == pytest.approx(-np.log(p[3] if "target" in way else 1 - p[3]))


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
