"""Directions: a linear net on which the answer is known, and emoji-vgg, which a step finds and noise does not."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.layers import Flatten, FullyConnected, Softmax
from minivis.methods.adversarial.directions import Directions, directions, ratios_of

EMOJI = Path(__file__).parents[2] / "data" / "emoji.npz"


def linear(w, side=4):
    """A net of one layer: the score of class 0 is w x, the other is 0."""
    net = mv.Network(preprocessing=mv.Preprocessing("grey", (0.0,), (1.0,), size=(side, side)))
    w = np.stack([w, np.zeros_like(w)], axis=1).astype(np.float32)
    net.add("flatten", Flatten()).add("fc", FullyConnected(w, np.array([1, 0], np.float32))).add("prob", Softmax())
    net.roles["logits"], net.roles["prob"] = "fc", "prob"
    return net


def test_of_a_linear_net_each_line_is_straight_and_the_gradients_falls_by_the_sum_of_the_weights():
    w = np.linspace(-0.02, 0.04, 16)
    w[w == 0] = 0.01
    found = directions(linear(w), np.full((4, 4, 1), 128, np.uint8), count=5, eps=8, points=5)
    start = 128 * w.sum() + 1
    np.testing.assert_allclose(found.eps, [0, 2, 4, 6, 8])
    np.testing.assert_allclose(found.scores[0], start - found.eps * abs(w).sum(), rtol=1e-4)
    np.testing.assert_allclose(np.diff(found.scores, 2, axis=1), 0, atol=1e-4)
    assert (found.scores[1:, -1] > found.scores[0, -1]).all() and found.numbers["random_changed"] == found.changed
    np.testing.assert_allclose(found.ratios[16], abs(w).sum() / np.linalg.norm(w))
    np.testing.assert_allclose(found.probs, 1 / (1 + np.exp(-found.scores)), rtol=1e-5)


def test_numbers_of_one_size_gain_the_root_of_how_many_they_are():
    g = np.where(np.arange(5000) % 3, 0.25, -0.25)
    found = ratios_of(g, np.random.default_rng(0))
    assert list(found) == [10, 100, 1000, 5000]
    np.testing.assert_allclose(list(found.values()), np.sqrt(list(found)))


def test_a_direction_that_changes_the_answer_anywhere_counts():
    """At its end, in the middle alone, all the way; the first line is the gradient's and counts apart."""
    says = ("abb", "aab", "aba", "bbb", "aaa"), ("bbb",), ("aaa", "aaa", "aaa"), ("aab", "aaa", "aaa")
    found = [Directions(None, "a", np.array([0.0, 4, 8]), None, None, tuple(map(tuple, line)), {}) for line in says]
    assert [one.changed for one in found] == [3, 0, 0, 0]
    assert [one.first for one in found] == [4, 0, None, 8]


def test_a_step_finds_what_noise_does_not():
    """emoji-vgg's first ten: at most 10 levels along the gradient; no random direction of 20 changes one up to 16."""
    with np.load(EMOJI) as data:
        images, names = data["images"][:40:20], data["names"][data["labels"][:40:20]]
    for image, name in zip(images, names):
        found = directions(mv.load("emoji-vgg"), image, count=6, points=3)
        assert found.name == name and found.changed == 0
        assert found.scores[1:].min() > found.scores[0, -1] + 5
        ten, *_, every = found.ratios.values()
        assert 2 < ten < np.sqrt(10) and 40 < every < np.sqrt(64 * 64 * 3)
        assert f"If 10 numbers move, a step along the gradient moves the score {ten:.3g} times" in str(found)
    assert found.picture().std() > 10


@pytest.mark.parametrize("change, message", [
    ({"count": 0}, "count"), ({"eps": 0}, "eps"), ({"points": 1}, "points"),
    ({"image": np.zeros((2, 4, 4, 1), np.uint8)}, "one picture at a time"),
])
def test_refuses(change, message):
    settings = {"image": np.zeros((4, 4, 1), np.uint8), **change}
    with pytest.raises(BadValue, match=message):
        directions(linear(np.ones(16)), **settings)
