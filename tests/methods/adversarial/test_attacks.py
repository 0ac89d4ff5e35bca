"""FGSM, BIM and PGD: every step by hand on nets of one layer, bounds, masks, and that a loss moves as it should."""

import numpy as np
import pytest
from ended_nets import ended
from linear_nets import PICTURE, W, linear

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network, Node
from minivis.errors import BadValue, UnknownName
from minivis.layers import Sigmoid, cross_entropy
from minivis.methods.adversarial.attacks import (
    answers,
    as_pixels,
    class_gradient,
    fgsm,
    logits_of,
    pgd,
    project,
    random_in_ball,
    steepest,
)  # fmt: skip
from minivis.methods.adversarial.deepfool import deepfool
from minivis.methods.adversarial.few_pixels import jsma, one_pixel
from minivis.methods.adversarial.szegedy import szegedy
from minivis.models.tiny import tiny_vgg
from minivis.runtime.backend import to_cpu


@pytest.mark.parametrize("order, scale", [("RGB", (10.0, 20.0, 40.0)), ("BGR", (0.5, 0.5, 0.5))])
def test_fgsm_by_hand(order, scale):
    net = linear(order=order, scale=scale)
    away = fgsm(net, PICTURE, label="a", eps=4)         # the score of a falls along -w, and 0..255 holds
    np.testing.assert_array_equal(away, [[[[96, 5, 250], [120, 126, 11]]]])
    towards = fgsm(net, PICTURE, "a", eps=4)            # 1 - 4 and 254 + 4 are no pixels
    np.testing.assert_array_equal(towards, [[[[104, 0, 255], [120, 134, 3]]]])


def test_a_negative_scale_turns_the_sign():
    away = fgsm(linear(scale=(-10.0, 20.0, 40.0)), PICTURE, label="a", eps=4)
    np.testing.assert_array_equal(away, [[[[104, 5, 250], [120, 126, 11]]]])


def test_without_label_or_target_it_leaves_the_answer():
    net = linear()
    values = (PICTURE.astype(float) - 100) / [10, 20, 40]
    assert (W * values).sum() > 0 and answers(net, as_pixels(net, PICTURE)) == [0]      # a: 24.75 + 7.7 + ...
    np.testing.assert_array_equal(fgsm(net, PICTURE, eps=4), fgsm(net, PICTURE, label="a", eps=4))
    np.testing.assert_array_equal(fgsm(net, PICTURE, label="b", eps=4), fgsm(net, PICTURE, "a", eps=4))


def test_bim_steps_project_and_clip():
    net = linear()
    three = pgd(net, PICTURE, label="a", eps=4, step=1.5, steps=2, random_start=False)
    np.testing.assert_array_equal(three, [[[[97, 4, 251], [120, 127, 10]]]])
    four = pgd(net, PICTURE, label="a", eps=4, step=1.5, steps=9, random_start=False)   # 13.5, were it not for eps
    np.testing.assert_array_equal(four, fgsm(net, PICTURE, label="a", eps=4))


def test_l2_by_hand():
    net = linear(scale=(1.0, 1.0, 1.0))
    middle = np.full((1, 2, 3), 100, np.uint8)
    length = np.sqrt(1 + 25 + 4 + 9 + 16)
    one = pgd(net, middle, label="a", eps=9, step=2, steps=1, norm="L2", random_start=False)
    np.testing.assert_allclose(one[0], 100 - 2 * W / length, rtol=1e-12)
    many = pgd(net, middle, label="a", eps=9, step=2, steps=7, norm="L2", random_start=False)
    np.testing.assert_allclose(many[0], 100 - 9 * W / length, rtol=1e-12)
    clipped = pgd(net, PICTURE, "a", eps=9, step=9, steps=1, norm="L2", random_start=False)[0]
    raw = W / np.array([1.0, 1.0, 1.0])
    np.testing.assert_allclose(clipped, np.clip(PICTURE + 9 * raw / length, 0, 255), rtol=1e-12)


def test_masks():
    net = linear()
    one = fgsm(net, PICTURE, label="a", eps=4, mask=[[[1], [0]]])
    np.testing.assert_array_equal(one, [[[[96, 5, 250], [120, 130, 7]]]])
    half = fgsm(net, np.stack([PICTURE] * 2), label="a", eps=4, mask=np.array([0.5, 0]).reshape(2, 1, 1, 1))
    np.testing.assert_array_equal(half, [[[[98, 3, 252], [120, 128, 9]]], [PICTURE[0]]])
    still = pgd(net, PICTURE, label="a", eps=4, mask=0)                 # the random start keeps to the mask too
    np.testing.assert_array_equal(still, [PICTURE])


@pytest.mark.parametrize("attack", [fgsm, pgd, deepfool, szegedy, jsma, one_pixel])
@pytest.mark.parametrize("mask, message", [
    (np.ones((3, 1)), r"mask must be numbers that broadcast to the pictures \(1, 1, 2, 3\), as .*, not \(3, 1\)"),
    ("segment", "mask must be an array of finite numbers"), ([[[0], [np.nan]]], "mask must be an array of finite"),
    (np.full((1, 2, 1), 255), "mask must be numbers from 0 to 1"), (-1, "mask must be numbers from 0 to 1"),
])
def test_masks_that_are_none(attack, mask, message):
    with pytest.raises(BadValue, match=message):
        attack(linear(), PICTURE, label="a", mask=mask)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_no_gradient_no_change(norm):
    dead = linear(relu=True)
    dark = np.array([[[10, 20, 30], [100, 99, 0]]], np.uint8)           # below the mean: every ReLU is off
    np.testing.assert_array_equal(pgd(dead, dark, label="a", norm=norm, random_start=False), [dark])
    np.testing.assert_array_equal(fgsm(dead, dark, "b"), [dark])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sure_net_still_has_a_direction(dtype):
    """At a score of 1e4 the softmax is 1 to the last bit, and the true gradient of the loss 0."""
    net = linear(1e4 * W, dtype=dtype)
    logits, dpixels = class_gradient(net, as_pixels(net, PICTURE), np.array([0]))
    assert logits[0, 0] > 1e4
    np.testing.assert_allclose(dpixels[0], -1e4 * W / [10, 20, 40], rtol=1e-6)
    assert pgd(net, PICTURE, label="a", eps=100, norm="L2", random_start=False).dtype == dtype


def test_the_direction_is_that_of_cross_entropy(vgg, rng):
    pixels = rng.uniform(0, 255, (3, 16, 16, 3))
    classes = np.array([4, 0, 2])
    logits, dpixels = class_gradient(vgg, pixels, classes)
    acts = vgg.forward(vgg.preprocess(pixels), until="fc8")
    _, dlogits = cross_entropy(acts["fc8"], classes)
    true = vgg.preprocess_adjoint(vgg.backward(acts, {"fc8": 3 * dlogits})[0]["input"])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose((1 - p[[0, 1, 2], classes])[:, None, None, None] * dpixels, true, rtol=1e-7, atol=1e-12)


def losses(net, pixels, classes):
    logits = net.forward(net.preprocess(pixels.astype(net.dtype)), until="fc8")["fc8"]
    return [cross_entropy(logits[i:i + 1], classes[i:i + 1])[0] for i in range(len(pixels))]


@pytest.mark.parametrize("norm, eps", [("Linf", 8), ("L2", 60)])
def test_the_loss_goes_where_it_should_within_the_bounds(vgg, rng, norm, eps):
    pictures = rng.integers(0, 256, (4, 16, 16, 3), np.uint8)
    pictures[0] = 255                                                   # at the border of what pixels can be
    classes = answers(vgg, pictures.astype(float))
    targets = (classes + 1) % 5
    away, towards = pgd(vgg, pictures, eps=eps, norm=norm, steps=10), pgd(vgg, pictures, targets, eps=eps, norm=norm)
    for found in (away, towards):
        assert found.min() >= 0 and found.max() <= 255 and found.shape == pictures.shape
        difference = (found - pictures).reshape(4, -1)
        size = abs(difference).max(axis=1) if norm == "Linf" else np.linalg.norm(difference, axis=1)
        assert (size <= eps * (1 + 1e-12)).all() and (size > eps / 3).all()
    before, after = losses(vgg, pictures, classes), losses(vgg, away, classes)
    assert all(b > 1.3 * a for a, b in zip(before, after)) and sum(after) > 2 * sum(before)
    before, after = losses(vgg, pictures, targets), losses(vgg, towards, targets)
    assert all(b < a - 0.1 for a, b in zip(before, after))


def test_a_batch_is_cut_as_one_likes(vgg, rng):
    pictures = rng.integers(0, 256, (5, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(pgd(vgg, pictures, steps=3, batch=2), pgd(vgg, pictures, steps=3), rtol=1e-9, atol=1e-9)
    alone = pgd(vgg, pictures[2], steps=3, random_start=False)
    np.testing.assert_allclose(alone[0], pgd(vgg, pictures, steps=3, random_start=False)[2], rtol=1e-9, atol=1e-9)


def test_the_seed_is_that_of_the_start(vgg, rng):
    picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
    one, two, again = (pgd(vgg, picture, steps=1, step=0.01, seed=seed) for seed in (1, 2, 1))
    assert (one == again).all() and (one != two).mean() > 0.9


def test_random_starts_fill_the_ball(rng):
    far = abs(random_in_ball((50, 8, 8, 3), 3, "Linf", rng)).max(axis=(1, 2, 3))
    assert (far <= 3).all() and (far > 2.7).all()
    lengths = np.linalg.norm(random_in_ball((4000, 1, 2, 1), 3, "L2", rng).reshape(4000, -1), axis=1)
    assert lengths.max() <= 3 and np.mean(lengths < 1.5) == pytest.approx(0.25, abs=0.03)      # a disc: by its area


def test_steps_and_projections_by_hand(xp):
    g = xp.asarray([3.0, 0, -4]).reshape(1, 1, 1, 3)
    np.testing.assert_array_equal(to_cpu(steepest(g, "Linf")).ravel(), [1, 0, -1])
    np.testing.assert_allclose(to_cpu(steepest(g, "L2")).ravel(), [0.6, 0, -0.8])
    small = (1e-25 * g).astype(xp.float32)                              # whose squares are 0 in float32
    np.testing.assert_allclose(to_cpu(steepest(small, "L2")).ravel(), [0.6, 0, -0.8], rtol=1e-6)
    np.testing.assert_array_equal(to_cpu(project(g, 3.5, "Linf")).ravel(), [3, 0, -3.5])
    np.testing.assert_allclose(to_cpu(project(g, 2.5, "L2")).ravel(), [1.5, 0, -2])
    np.testing.assert_allclose(to_cpu(project(g, 6, "L2")).ravel(), [3, 0, -4])


def test_grey_nets_and_grey_pictures(rng):
    grey, color = tiny_vgg(channels=1), tiny_vgg()
    for net, channels in ((grey, 3), (grey, 1), (color, 1)):
        picture = rng.integers(0, 256, (16, 16, channels), np.uint8)
        found = pgd(net, picture, eps=40)
        assert found.shape == (1, 16, 16, channels)
        classes = answers(net, as_pixels(net, picture))
        assert losses(net, found, classes)[0] > losses(net, picture[None], classes)[0] + 0.1


@pytest.mark.parametrize("settings, message", [
    ({"eps": 0}, "eps must be a number of levels above 0"), ({"eps": -1}, "eps must be"),
    ({"eps": np.inf}, "eps must be"), ({"eps": np.nan}, "eps must be"), ({"step": 0}, "step must be"),
    ({"steps": 0}, "steps must be"), ({"steps": 2.5}, "steps must be"),
    ({"norm": "L1"}, "no norm named 'L1'"), ({"target": "gose"}, "did you mean 'goose'"), ({"target": 5}, "5 classes"),
    ({"target": "cat", "label": "owl"}, "not both"), ({"label": ["cat", "owl"]}, "2 classes for 1 pictures"),
])
def test_mistakes(vgg, rng, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        pgd(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), **settings)


@pytest.mark.parametrize("image, message", [
    (np.zeros((16, 16), np.uint8), "pixels must be numbers"),
    (np.zeros((16, 16, 4), np.uint8), "reads pictures of 3 channels, and this one has 4"),
    (np.full((16, 16, 3), 256.0), "0..255"), (np.full((16, 16, 3), np.nan), "NaN"),
    (np.zeros((15, 16, 3), np.uint8), "this net reads 16 x 16 pixels, not 15 x 16"),
])
def test_what_is_no_picture(vgg, image, message):
    with pytest.raises(BadValue, match=message):
        fgsm(vgg, image)


def test_nets_that_cannot_be_fooled(branches, rng):
    plain = Network(preprocessing=branches.preprocessing, nodes=branches.nodes)
    with pytest.raises(UnknownName, match="no classes"):
        pgd(plain, rng.integers(0, 256, (20, 20, 3), np.uint8))
    assert pgd(branches, rng.integers(0, 256, (20, 24, 3), np.uint8), 2).shape == (1, 20, 24, 3)


@pytest.mark.parametrize("end", ["logits", "sigmoids", "one logit"])
@pytest.mark.parametrize("method", [pgd, deepfool, szegedy])
def test_every_end_can_be_fooled(end, method, rng):
    net = ended(end, dtype=np.float64)
    picture = rng.integers(0, 256, (1, 16, 16, 3)).astype(float)
    full = answering(net)
    ending, before = Ending.of(full), logits_of(net, picture)
    own = before.argmax(axis=1)
    if not ending.says(before, own)[0]:                 # of sigmoids none may be over one half
        own = None
    settings = {pgd: {"eps": 64.0}, deepfool: {}, szegedy: {"steps": 8, "searches": 2}}[method]
    if own is not None:
        after = logits_of(net, method(net, picture, label=own, **settings))
        assert not ending.says(after, own)[0]
    other = np.array([int(before[0].argmin())])
    after = logits_of(net, method(net, picture, other, **settings))
    assert ending.says(after, other)[0] and not ending.says(before, other)[0]


def test_a_step_against_a_sigmoid_hangs_on_its_own_score_alone(rng):
    """Of two linear scores w . pixels, one by itself: the other does not pull, as it would in a softmax."""
    net = linear()
    net.nodes["prob"] = Node(Sigmoid(), ("fc",))
    moved = fgsm(net, PICTURE, label="b", eps=4)        # the score of b is 0 everywhere: nothing lowers it
    np.testing.assert_array_equal(moved, PICTURE[None])
    away = fgsm(net, PICTURE, label="a", eps=4)
    np.testing.assert_array_equal(away, [[[[96, 5, 250], [120, 126, 11]]]])
