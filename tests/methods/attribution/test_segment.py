"""GrabCut from saliency: seeds by hand, and the object of the emoji pictures, whose outline is known."""

import sys
from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, MissingExtra, UnknownName
from minivis.images.files import write_image
from minivis.images.preprocessing import Box
from minivis.methods.attribution.segment import seeds_of, segment
from minivis.models.tiny import tiny_vgg

DATA = Path(__file__).parents[2] / "data" / "emoji.npz"


@pytest.fixture
def cv2():
    return pytest.importorskip("cv2", reason="no OpenCV here: GrabCut is not tested")


def test_without_opencv(vgg, rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'minivis\[segment\]'"):
        segment(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8))


def test_seeds_by_hand():
    heat = np.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(seeds_of(heat, 0.85, 0.3), [[0, 0, 0, 85, 85], [170, 170, 170, 255, 255]])
    assert (seeds_of(np.zeros((2, 2)), 0.95, 0.3) == 0).all()


def test_grab_cut_finds_a_disc_from_a_spot_in_it(cv2):
    from minivis.methods.attribution.segment import grab_cut

    y, x = np.mgrid[:80, :120]
    disc = (y - 40) ** 2 + (x - 50) ** 2 < 20 ** 2
    noise = np.random.default_rng(0).normal(0, 8, (80, 120, 3))
    picture = (np.where(disc[..., None], [220, 180, 40], [40, 90, 160]) + noise).clip(0, 255).astype(np.uint8)
    heat = np.exp(-((np.mgrid[:20, :20][0] - 9.5) ** 2 + (np.mgrid[:20, :20][1] - 9.5) ** 2) / 20)
    box = Box(0, 10, 80, 80)                                            # the net saw columns 10 to 89
    found = grab_cut(cv2, picture, box, seeds_of(heat, 0.95, 0.3), 5, 0)
    assert (found & disc).sum() / (found | disc).sum() > 0.97 and not found[:, :10].any()
    np.testing.assert_array_equal(found, grab_cut(cv2, picture, box, seeds_of(heat, 0.95, 0.3), 5, 0))
    flat = grab_cut(cv2, picture, box, np.zeros((20, 20), np.uint8), 5, 0)
    assert flat.shape == (80, 120) and not flat.any()
    padded = grab_cut(cv2, picture, Box(-20, 0, 120, 120), seeds_of(heat, 0.95, 0.3), 5, 0)
    assert (padded & disc).sum() / (padded | disc).sum() > 0.9                  # the seeds lie ten pixels off


def test_cut_out_mask_box_and_figure(cv2, rng, tmp_path):
    net, picture = tiny_vgg(dtype=np.float64), rng.integers(0, 256, (50, 40, 3), np.uint8)
    result = segment(net, picture, show="cut-out")
    mask, cut = result.masks[0], result.picture()
    assert mask.shape == (50, 40) and cut.shape == (50, 40, 4)
    np.testing.assert_array_equal(cut[..., :3], picture)
    np.testing.assert_array_equal(cut[..., 3] == 255, mask)
    if mask.any():
        top, left, bottom, right = result.box(0)
        assert mask[top:bottom, left:right].sum() == mask.sum() and mask[top].any() and mask[:, right - 1].any()
        assert result.numbers["box"] == (top, left, bottom, right)
    assert segment(net, picture, show="mask").picture()[..., 0].tolist() == np.where(mask, 255, 0).tolist()
    assert segment(net, picture).picture().shape[1] > 4 * 200
    write_image(tmp_path / "cut.png", cut)
    with pytest.raises(BadValue, match="a JPEG cannot be transparent"):
        write_image(tmp_path / "cut.jpg", cut)
    assert segment(tiny_vgg(channels=1), picture, kind="gradcam").picture().shape[2] == 3
    assert len(segment(net, np.stack([picture] * 2)).masks) == 2


@pytest.mark.parametrize("settings, message", [
    ({"high": 0.3, "low": 0.3}, "low below high"), ({"high": 1.2}, "quantiles from 0 to 1"),
    ({"rounds": 0}, "rounds must be at least 1"), ({"show": "cutout"}, "did you mean 'cut-out'"),
    ({"kind": "guide"}, "did you mean 'guided'"), ({"unit": "gose"}, "did you mean 'goose'"),
])  # fmt: skip
def test_mistakes(cv2, vgg, rng, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        segment(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), **settings)


def test_the_objects_of_emoji_pictures(cv2):
    """12 of the 200 pictures; README.md and tests/benchmarks/test_localisation.py have the figures over all."""
    with np.load(DATA) as data:
        images, masks = data["images"][:12], data["masks"][:12] > 127
    found = np.stack(segment(mv.load("emoji-vgg"), images).masks)
    overlap = (found & masks).sum(axis=(1, 2)) / (found | masks).sum(axis=(1, 2))
    assert np.median(overlap) > 0.5
