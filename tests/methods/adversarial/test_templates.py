"""A bit of another class's weights: what emoji-linear sees in a goose, and that it is linear."""

import numpy as np
import pytest
from commandline import scene

import minivis as mv
from minivis.data.samples import upright
from minivis.errors import BadValue
from minivis.methods.adversarial.templates import Mixed, fooled_net, linear_templates, mixed_in, weights_of
from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="module")
def net():
    return mv.load("emoji-linear")


@pytest.fixture(scope="module")
def pictures(net):
    found = upright()
    return np.stack(list(found.values())), np.array([net.class_names.index(name) for name in found])


def test_its_scores_are_sums_of_pixels_times_weights(net, rng):
    w, b = weights_of(net)
    assert w.shape == (64 * 64 * 3, 125)
    some = rng.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    scores = net.forward(net.preprocess(some), grad=None)["fc1"]
    np.testing.assert_allclose(some.reshape(3, -1) @ w + b, scores, rtol=1e-3, atol=1e-3)


def test_a_bit_of_goldfish_makes_the_goose_a_goldfish(net, pictures):
    images, labels = pictures
    w, b = weights_of(net)
    names, goal = net.class_names, net.class_names.index("tropical fish")
    assert ((images.reshape(2, -1) @ w + b).argmax(axis=1) == labels).all()
    found = mixed_in(w, b, names, images[0], goal)
    assert found.said[0] == "goose" and found.says[0] == "tropical fish" and found.says[1] >= 0.99
    assert found.after.dtype == np.uint8 and 0 < found.numbers["mean"] < 8 and found.numbers["largest"] < 45
    moved = images[0].reshape(1, -1) + found.by_sign * np.sign(w[:, goal] - w.mean(axis=1))
    assert found.by_sign <= 14 and (moved.clip(0, 255) @ w + b).argmax() == goal
    template = w[:, goal] - w.mean(axis=1)
    assert np.corrcoef(found.change.ravel(), template)[0, 1] > 0.8      # it is the template, in whole levels


def test_a_convnet_is_fooled_by_pgd_from_the_same_picture():
    net, picture = tiny_vgg(), scene(16, 16)
    found, wanted = fooled_net(net, picture, "cat"), mv.fool(net, picture, "cat")
    assert found.classifier == "convnet" and found.says == ("cat", pytest.approx(wanted.after[0].max()))
    assert found.said == (net.class_names[wanted.before[0].argmax()], pytest.approx(wanted.before[0].max()))
    np.testing.assert_array_equal(found.before, picture)
    np.testing.assert_array_equal(found.after, wanted.made[0])


def test_one_class_after_the_other(net, pictures):
    found = linear_templates(net, *pictures, most=2)
    said, says = zip(*((one.said[0], one.says[0]) for one in found.mixes))
    assert said == ("goose", "tropical fish") and says == ("tropical fish", "blossom")
    assert found.accuracy["held out"] == 1 and np.median(found.nudges) < 2       # levels
    assert found.numbers["mixes"][0]["classifier"] == "linear" and "linear: goose" in str(found)
    assert found.picture().shape[1] > 16 * 64


def test_two_pixels_by_hand():
    """Scores: a has the first pixel, b always 100. Of 90, 110 and 120, the first is b."""
    net = mv.Network(preprocessing=mv.Preprocessing("grey", (0.0,), (1.0,), size=(1, 2)), class_names=("a", "b"))
    w, b = np.array([[1.0, 0], [0, 0]]), np.array([0, 100.0])
    net.add("flatten", mv.layers.Flatten()).add("fc", mv.layers.FullyConnected(w, b)).add("prob", mv.layers.Softmax())
    net.roles.update(logits="fc", prob="prob")
    pixels = np.array([[90, 7], [110, 7], [120, 7]], np.uint8).reshape(3, 1, 2, 1)
    found = linear_templates(net, pixels, [1, 0, 1], chain=("a", "b"))
    assert found.accuracy["held out"] == 2 / 3
    assert found.labels.tolist() == [1, 0] and found.x[:, 0].tolist() == [90, 110]
    np.testing.assert_allclose(found.nudges, [10, 10], rtol=1e-5)       # of 24 halvings of 255
    np.testing.assert_allclose(found.amounts, [0, 10 + np.log(99)], rtol=1e-4, atol=1e-4)
    (one,) = found.mixes
    assert one.said == ("a", pytest.approx(1 / (1 + np.exp(-10))))
    assert one.says == ("b", pytest.approx(1 / (1 + np.exp(-5))))
    assert one.after.ravel().tolist() == [95, 7] and one.by_sign == 15  # 14.6 for p = 0.99, in whole levels


@pytest.mark.parametrize("change, factor", [(30, 3), (45, 2), (120, 1), (0, 90)])
def test_a_change_is_drawn_with_90_levels_or_as_it_is(calls_of, change, factor):
    """A larger change is not made smaller, and none is drawn grey."""
    before = np.full((8, 8, 3), 60, np.uint8)
    after = before.copy()
    after[2, 3] += np.uint8(change)
    calls = calls_of("minivis.methods.adversarial.templates.panels")
    Mixed("linear", before, after, ("goose", 0.9), ("daisy", 0.8)).picture()
    (shown, titles), _ = calls[0]
    assert (shown[0] == before).all() and (shown[2] == after).all()
    assert shown[1][2, 3].tolist() == [128 + factor * change] * 3 and (np.delete(shown[1], 2, axis=0) == 128).all()
    assert titles[1] == f"the change, times {factor}\nat most {change} of 255, mean {change / 64:.1f}"


def test_refuses(net, pictures):
    images, labels = pictures
    with pytest.raises(BadValue, match="a net of one fully connected layer"):
        weights_of(tiny_vgg())
    with pytest.raises(BadValue, match="none of the pictures of daisy"):
        linear_templates(net, images, labels, chain=("daisy", "goose"))
    with pytest.raises(BadValue, match="at least two classes"):
        linear_templates(net, images, labels, chain=("goose",))
    with pytest.raises(BadValue, match="of the size that the net reads"):
        linear_templates(net, images[:, :32], labels)
