"""GrabCut from saliency: seeds by hand, and the object of the emoji pictures, whose outline is known."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import minivis as mv
from minivis.errors import BadValue, MissingExtra, UnknownName
from minivis.images.files import write_image
from minivis.images.preprocessing import Box
from minivis.methods.attribution.saliency import saliency
from minivis.methods.attribution.segment import laid_out, seeds_of, segment
from minivis.models.tiny import tiny_vgg

DATA = Path(__file__).parents[2] / "data" / "emoji.npz"


@pytest.fixture
def cv2():
    return pytest.importorskip("cv2", reason="no OpenCV here: GrabCut is not tested")


def test_without_opencv(vgg, rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
    with pytest.raises(MissingExtra, match=r"pip install 'minivis\[segment\]'"):
        segment(vgg, picture, cut="opencv")
    assert segment(vgg, picture).settings["cut"] == "numpy"


def test_seeds_by_hand():
    heat = np.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(seeds_of(heat, 0.85, 0.3), [[0, 0, 0, 85, 170], [170, 170, 170, 255, 255]])
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


def test_grab_cut_reaches_the_foot_of_a_tall_picture(cv2):
    from minivis.methods.attribution.segment import grab_cut

    y, x = np.mgrid[:120, :60]
    disc = (y - 95) ** 2 + (x - 30) ** 2 < 16 ** 2
    noise = np.random.default_rng(0).normal(0, 8, (120, 60, 3))
    picture = (np.where(disc[..., None], [220, 180, 40], [40, 90, 160]) + noise).clip(0, 255).astype(np.uint8)
    heat = np.exp(-((np.mgrid[:40, :20][0] - 31.5) ** 2 + (np.mgrid[:40, :20][1] - 9.5) ** 2) / 20)
    for turned in (False, True):
        turn = (lambda a: a.swapaxes(0, 1)) if turned else (lambda a: a)
        found = grab_cut(cv2, turn(picture), Box(0, 0, *turn(disc).shape), seeds_of(turn(heat), 0.95, 0.3), 5, 0)
        assert (found & turn(disc)).sum() / (found | turn(disc)).sum() > 0.97


def test_opencv_sees_what_the_net_sees_by_itself(cv2, rng):
    net, picture = tiny_vgg(dtype=np.float64), rng.integers(0, 256, (50, 40, 3), np.uint8)
    found = segment(net, picture, kind="guided", high=0.95, low=0.3, cut="opencv")
    heat = gaussian_filter(saliency(net, picture, kind="guided").maps[0], 0.05 * 16)
    np.testing.assert_array_equal(found.seeds[0], seeds_of(heat, 0.95, 0.3))
    assert found.subject.boxes[0] == Box(8, 3, 35, 35) and not found.masks[0][:8].any()


@pytest.fixture
def of_any_size(rng):
    look = mv.Preprocessing(size=(12, 12), crop_fraction=1)
    net = mv.Network(preprocessing=look, roles={"logits": "pool", "prob": "prob"})
    net.add("conv", mv.layers.Conv2D(rng.standard_normal((3, 3, 3, 4)), np.zeros(4), padding=1))
    return net.add("relu", mv.layers.ReLU()).add("pool", mv.layers.GlobalAvgPool()).add("prob", mv.layers.Softmax())


def test_a_net_without_classes_sees_the_whole_picture_too(of_any_size, rng):
    net, picture = replace(of_any_size, roles={}), rng.integers(0, 256, (24, 48, 3), np.uint8)
    found = segment(net, picture, "relu:1", kind="guided")
    assert found.maps[0].shape == (12, 24) and found.masks[0].shape == (24, 48)
    one_size = replace(net, nodes=dict(net.nodes)).add("flat", mv.layers.Flatten(), "relu")     # as many as fit it
    assert segment(one_size, picture, "relu:1", kind="guided").maps[0].shape == (12, 12)


def test_a_net_that_takes_any_size_sees_the_whole_picture(of_any_size, rng):
    net = of_any_size
    picture = rng.integers(0, 256, (24, 48, 3), np.uint8)
    found = segment(net, picture)
    assert found.maps[0].shape == (12, 24) and found.subject.boxes == (Box(0, 0, 24, 48),)
    assert found.masks[0].shape == (24, 48)
    guided = segment(net, picture, kind="guided", high=0.9, low=0.4)
    smooth = gaussian_filter(guided.maps[0], 0.05 * 12)                 # of the height
    np.testing.assert_array_equal(guided.seeds[0], np.kron(seeds_of(smooth, 0.9, 0.4), np.ones((2, 2))))
    assert segment(net, picture, "relu:1@2,2").maps[0].shape == (12, 12)    # a position of the part
    wide = segment(net, picture[:12])                                   # four times the net's side, and no more
    assert wide.maps[0].shape == (12, 48) and wide.seeds[0].shape == (12, 48)
    narrow = segment(net, picture[:11])                                 # 52 x 12: cropped
    assert narrow.maps[0].shape == (12, 12) and narrow.subject.boxes[0] == Box(0, 19, 11, 11)
    narrow = segment(net, picture[:2])                                  # 24 times as wide as high
    assert narrow.maps[0].shape == (12, 12) and narrow.subject.boxes[0].width == 2


def test_what_a_net_of_one_size_does_not_see_is_undecided(rng):
    found = segment(tiny_vgg(dtype=np.float64), rng.integers(0, 256, (50, 40, 3), np.uint8))
    assert found.seeds[0].shape == (50, 40) and (found.seeds[0][:8] == 85).all() and (found.seeds[0][:, :3] == 85).all()
    assert {0, 255} <= set(np.unique(found.seeds[0][8:43, 3:38]))


@pytest.mark.parametrize("box", [Box(1, 2, 3, 4), Box(-2, 0, 9, 6), Box(0, 0, 5, 6)])
def test_hints_laid_out(box):
    marks = np.arange(box.height * box.width).reshape(box.height, box.width).astype(np.uint8)
    laid = laid_out(np.zeros((5, 6, 3), np.uint8), box, marks)
    for i, j in np.ndindex(5, 6):
        inside = box.top <= i < box.top + box.height and box.left <= j < box.left + box.width
        assert laid[i, j] == (marks[i - box.top, j - box.left] if inside else 85)


def test_both_maps_are_added(rng):
    net, picture = tiny_vgg(dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    guided, cam = (saliency(net, picture, kind=kind).maps[0] for kind in ("guided", "gradcam"))
    smooth = gaussian_filter(guided, 0.05 * 16)
    np.testing.assert_allclose(segment(net, picture).maps[0], smooth / smooth.max() + 0.5 * cam / cam.max())


def test_a_unit_without_feature_maps_below_it_has_guided_alone(rng):
    net, picture = tiny_vgg(dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    assert segment(net, picture, "conv1_1:0@3,4").maps[0].max() == 1


def test_cut_out_mask_box_and_figure(rng, tmp_path):
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
    ({"high": 0.3, "low": 0.3}, "low must be below high"), ({"high": 1.2}, "high must be a number from 0 to 1"),
    ({"rounds": 0}, "rounds must be a whole number of at least 1"), ({"show": "cutout"}, "did you mean 'cut-out'"),
    ({"kind": "guide"}, "did you mean 'guided'"), ({"unit": "gose"}, "did you mean 'goose'"),
    ({"cut": "opencl"}, "did you mean 'opencv'"),
])  # fmt: skip
def test_mistakes(vgg, rng, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        segment(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), **settings)


def test_the_objects_of_emoji_pictures():
    """12 of the 200 pictures; README.md and tests/benchmarks/test_localisation.py have the figures over all."""
    with np.load(DATA) as data:
        images, masks = data["images"][:12], data["masks"][:12] > 127
    found = np.stack(segment(mv.load("emoji-vgg"), images).masks)
    overlap = (found & masks).sum(axis=(1, 2)) / (found | masks).sum(axis=(1, 2))
    assert np.median(overlap) > 0.7
