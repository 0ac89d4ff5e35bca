"""Saliency: max over channels of |gradient|, at the pixels, of the score before the softmax."""

from dataclasses import replace

import numpy as np
import pytest
from linear_scores import linear

from minivis.errors import BadValue, UnknownName
from minivis.methods.attribution.backprop import backprop
from minivis.methods.attribution.saliency import KINDS, SIGNED, saliency, saliency_kinds
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_by_hand():
    w = np.array([[[1, -5, 2], [0, 0, 0]], [[3, 3, 3], [-1, 0, -9]]], float)
    result = saliency(linear(w), np.full((2, 2, 3), 7, np.uint8), "a")
    np.testing.assert_allclose(result.maps, [[[0.5, 0], [0.3, 0.9]]])           # class b plays no part
    assert (result.numbers["row"], result.numbers["column"]) == (1, 1)
    assert result.numbers["max"] == pytest.approx(0.9) and result.numbers["unit"] == "fc:a"


def test_is_the_slope_of_the_score(vgg, picture):
    maps = saliency(vgg, picture).maps[0]
    best = vgg.forward(vgg.preprocess(picture))["fc8"][0].argmax()

    def score(pixels):
        return vgg.forward(vgg.preprocess(pixels))["fc8"][0, best]

    for row, column in [(0, 0), (7, 9), (15, 3)]:
        slopes = []
        for c in range(3):
            step = np.zeros(picture.shape)
            step[row, column, c] = 1e-4
            slopes.append((score(picture + step) - score(picture - step)) / 2e-4)
        assert maps[row, column] == pytest.approx(max(map(abs, slopes)), rel=1e-5, abs=1e-12)


def test_batches_grey_and_any_size(vgg, branches, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    together = saliency(vgg, pictures)
    for i, picture in enumerate(pictures):
        np.testing.assert_allclose(together.maps[i], saliency(vgg, picture).maps[0], rtol=1e-9, atol=1e-15)
    assert len(together.numbers["images"]) == 3
    large = rng.integers(0, 256, (40, 30, 3), np.uint8)
    assert saliency(tiny_vgg(channels=1), large).picture().shape[2] == 3
    assert saliency(branches, large[:, :, :1]).maps.shape == (1, 40, 30)


@pytest.mark.parametrize("settings, message", [
    ({"kind": "smoothgrad", "samples": 0}, "samples must be a whole number of at least 1"),
    ({"kind": "smoothgrad", "noise": 1.5}, "noise must be a number from 0 to 1"),
    ({"kind": "integrated", "steps": 0}, "steps must be a whole number of at least 1"),
    ({"kind": "integrated", "baseline": "gray"}, "did you mean 'grey'"),
    ({"kind": "gradcam", "layer": "fc6"}, "needs feature maps from which fc8 is computed"),
    ({"kind": "gradcam", "unit": "conv1_1:0"}, "there are none below conv1_1"),
    ({"kind": "grad-cam"}, "did you mean 'gradcam'"),
])  # fmt: skip
def test_mistakes(vgg, picture, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        saliency(vgg, picture, **settings)
    with pytest.raises(UnknownName, match="no setting named 'sample'; did you mean 'samples'"):
        saliency_kinds(vgg, picture, sample=3)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_takes_a_batch_grey_nets_and_any_size(kind, vgg, branches, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    few = {"samples": 4, "steps": 1} if kind in ("smoothgrad", "integrated") else {}
    together = saliency(vgg, pictures, "cat", kind=kind, **few)
    assert together.maps.shape == (3, 16, 16) and (kind in SIGNED or together.maps.min() >= 0)
    for i, picture in enumerate(pictures):
        alone = saliency(vgg, picture, "cat", kind=kind, **few)
        if kind != "integrated" or alone.settings["steps"] == together.settings["steps"]:
            np.testing.assert_allclose(together.maps[i], alone.maps[0], rtol=1e-5, atol=1e-6 * abs(alone.maps).max())
    large = rng.integers(0, 256, (40, 30, 3), np.uint8)
    for net in (tiny_vgg(channels=1), branches):
        found = saliency(net, large, kind=kind, **few)
        assert found.maps.shape[1:] == found.subject.seen.shape[1:3] and found.picture().shape[2] == 3
        assert str(found) and found.numbers["max"] == found.maps.max()


def test_kinds_side_by_side_are_the_kinds(vgg, picture):
    found = saliency_kinds(vgg, picture, "cat", samples=3)
    assert list(found.kinds) == list(KINDS) and len(str(found).splitlines()) == len(KINDS)
    for kind, one in found.kinds.items():
        np.testing.assert_array_equal(one.maps, saliency(vgg, picture, "cat", kind=kind, samples=3).maps)
        assert found.numbers["kinds"][kind]["max"] == one.numbers["max"]
    assert found.picture().shape[0] > 3 * 200


def test_rules_are_those_of_backprop(vgg, picture):
    for rule in ("deconv", "guided"):
        expected = abs(backprop(vgg, picture, "owl", rules=rule).gradients[rule]).max(axis=3)
        np.testing.assert_array_equal(saliency(vgg, picture, "owl", kind=rule).maps, expected)


# ---- what it says ----

def test_a_map_says_when_nothing_arrives(vgg, picture):
    maps = vgg.forward(vgg.preprocess(picture))["relu1_1"][0]
    row, column, channel = np.argwhere(maps == 0)[0]
    assert saliency(vgg, picture, f"relu1_1:{channel}@{row},{column}").picture().std() > 0


def test_a_map_that_is_zero_everywhere_points_at_no_pixel(vgg):
    found = saliency(vgg, np.full((16, 16, 3), 128, np.uint8))
    lines = str(replace(found, maps=np.zeros_like(found.maps))).splitlines()
    assert len(lines) == 1 and "the map is zero everywhere" in lines[0] and "row 0" not in lines[0]
    assert "the pixel at row" in str(found)
    assert replace(found, maps=np.zeros_like(found.maps)).describe(0)["row"] is None


@pytest.mark.parametrize("kind, said, unit", [
    ("gradient", "moves most with the pixel at row", True), ("smoothgrad", "moves most with the pixel at row", True),
    ("input", "owes most to the pixel at row", False), ("deconv", "points most at the pixel at row", False),
])
def test_what_a_map_says_of_its_strongest_pixel(vgg, picture, kind, said, unit):
    """Only a gradient has a unit: so much of the score for each level of the pixel."""
    text = str(saliency(vgg, picture, "goose", kind=kind, samples=2))
    assert said in text and ("per level of 255" in text) == unit
