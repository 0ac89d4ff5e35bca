"""Szegedy's L-BFGS: the gradient of its loss, and that PGD needs a longer way."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.methods.adversarial import szegedy as module
from minivis.methods.adversarial.attacks import aimed, answers, as_pixels, class_gradient, pgd
from minivis.methods.adversarial.szegedy import _log_probs, szegedy
from minivis.models.tiny import tiny_vgg


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


@pytest.mark.parametrize("largest", [0.003, 0.3, 7.0, 40.0])
def test_the_largest_c_that_works_is_bracketed_and_then_bisected_by_its_logarithm(monkeypatch, largest):
    tried = []

    def minimum(net, pixels, start, classes, sign, free, c, steps):
        tried.append(c)
        return pixels + (1 if c < largest else 0)

    monkeypatch.setattr(module, "_minimum", minimum)
    monkeypatch.setattr(module, "logits_of", lambda net, pixels: pixels)
    monkeypatch.setattr(module, "fools", lambda net, logits, *aim: [logits.max() > 0])
    monkeypatch.setattr(module, "shortened", lambda net, pixels, found, *aim: found)
    x = np.zeros((1, 4, 4, 3), np.float32)
    module._search(None, x, None, 1, x > 0, 5, 40, np.random.default_rng(0), False)
    works, fails = max(c for c in tried if c < largest), min(c for c in tried if c >= largest)
    assert works < largest <= fails < module.CLOSE * works and len(tried) < 15
    between = next(n for n in range(len(tried)) if min(tried[:n], default=9) < largest <= max(tried[:n], default=0))
    assert tried[between] == pytest.approx((tried[between - 2] * tried[between - 1]) ** 0.5)


@pytest.mark.slow(seconds=40)
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


@pytest.mark.parametrize("way", [{"target": 3}, {"label": 3}])
def test_szegedys_loss_has_the_gradient_that_it_says(vgg, rng, way):
    pixels = rng.uniform(0, 255, (1, 16, 16, 3))
    classes, sign = aimed(vgg, pixels, way.get("target"), way.get("label"))

    def loss(at):
        logits, dpixels = class_gradient(vgg, at, classes)
        miss, hit = _log_probs(vgg, logits[0], classes[0], sign)
        assert np.exp(miss) + np.exp(hit) == pytest.approx(1)
        return -hit, -sign * np.exp(miss) * dpixels

    direction = rng.standard_normal(pixels.shape)
    slope = (loss(pixels + 1e-4 * direction)[0] - loss(pixels - 1e-4 * direction)[0]) / 2e-4
    assert (loss(pixels)[1] * direction).sum() == pytest.approx(slope, rel=1e-6)
    p = np.exp(class_gradient(vgg, pixels, classes)[0][0])
    p /= p.sum()
    assert loss(pixels)[0] == pytest.approx(-np.log(p[3] if "target" in way else 1 - p[3]))


def test_every_search_is_a_step_of_a_bar(vgg, rng):
    rounds = []
    szegedy(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), steps=1, searches=3,
            progress=lambda items: rounds.append(len(items)) or items)
    assert rounds == [3]
