"""Masks: from pictures, rectangles and segmentations; and what is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadFile, BadValue
from minivis.images.files import write_image
from minivis.images.masks import mask_over, read_mask

HALF = np.repeat([[0, 0, 1, 1]], 3, axis=0)     # (3, 4), the right half


@pytest.mark.parametrize("mask", [
    HALF, HALF.astype(bool), HALF.astype(np.float32), (255 * HALF).astype(np.uint8), HALF[..., None],
    (255 * HALF[..., None].repeat(3, 2)).astype(np.uint8), (2, 0, 4, 3), "2,0,4,3", " 2, 0, 4, 3",
    SimpleNamespace(masks=(HALF.astype(bool),)),
])
def test_all_ways_to_give_one_mask(mask):
    found = mask_over(mask, (3, 4))
    np.testing.assert_array_equal(found, HALF)
    assert found.dtype == np.float32


@pytest.mark.parametrize("channels, wanted", [((90,), 90), ((90, 0), 90), ((90, 0, 30), 40), ((90, 0, 30, 0), 40)])
def test_colours_count_as_their_mean_and_alpha_does_not(channels, wanted):
    mask = np.full((3, 4, len(channels)), channels, np.uint8)
    np.testing.assert_allclose(mask_over(mask, (3, 4)), wanted / 255, rtol=1e-6)


def test_from_a_file_of_another_size(tmp_path):
    write_image(tmp_path / "m.png", (255 * HALF.repeat(4, 0).repeat(4, 1)).astype(np.uint8))
    for path in (tmp_path / "m.png", str(tmp_path / "m.png")):
        found = mask_over(path, (3, 4))
        assert (found[:, 0] == 0).all() and (found[:, 3] == 1).all()


def test_a_name_with_commas_is_a_file(tmp_path, monkeypatch):
    """Of numbers too, if there is such a file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFile, match=r"there is no file left,half\.png"):
        mask_over("left,half.png", (3, 4))
    write_image("half.png", (255 * HALF).astype(np.uint8))
    for name in ("left,half.png", "0,0,1,1"):
        (tmp_path / "half.png").rename(tmp_path / name)
        np.testing.assert_array_equal(mask_over(name, (3, 4)), HALF)
        (tmp_path / name).rename(tmp_path / "half.png")


@pytest.mark.parametrize("mask", [(2, 0, 4, 3), "2,0,4,3", "nowhere.png", HALF, SimpleNamespace(masks=())])
def test_a_setting_stays_as_it_is_and_no_file_is_opened(mask):
    assert read_mask(mask) is mask


@pytest.mark.parametrize("mask", [np.ones(4), (0, 1, 2), HALF - 3])
def test_a_setting_that_is_no_mask_is_refused_before_anything_is_computed(mask):
    with pytest.raises(BadValue, match=r"mask|rectangle"):
        read_mask(mask)


def test_the_bytes_of_a_file_and_pillows_picture(tmp_path):
    path = tmp_path / "m.png"
    write_image(path, (255 * HALF).astype(np.uint8))
    for mask in (path.read_bytes(), Image.open(path)):
        np.testing.assert_allclose(mask_over(mask, (3, 4)), mask_over(path, (3, 4)))


def test_a_rectangle_of_the_picture_before_it_was_shrunk():
    """In a picture of half the size, a pixel that is half within the rectangle is half as bright."""
    found = mask_over((3, 2, 8, 6), (4, 5), full_size=(8, 10))
    np.testing.assert_allclose(found, np.outer([0, 1, 1, 0], [0, 0.5, 1, 1, 0]))


def test_a_feather_blurs_the_edge_and_leaves_the_middle():
    found = mask_over((0, 0, 20, 40), (40, 40), feather=2)
    assert found[20, 0] == pytest.approx(1, abs=1e-6) and found[20, 39] < 1e-6
    assert (np.diff(found[20]) <= 0).all() and 0.3 < found[20, 20] < 0.5 < found[20, 19] < 0.7


@pytest.mark.parametrize("mask, message", [
    ((0, 0, 5, 3), "must be left,top,right,bottom within the picture, which is 4 pixels wide and 3 high"),
    ("0,1,2", "the rectangle 0,1,2 must be left,top,right,bottom: four whole numbers"),
    ("0, 1.5, 2, 3", "0,1.5,2,3 must be .* four whole numbers"), ("1,2,3,4,5", "four whole numbers"),
    ((0, 1, 2), "four whole numbers"), ((0, 1, 2.5, 3), "four whole numbers"), ([], "four whole numbers"),
    ("2,0,2,3", "within the picture"), ((-1, 0, 2, 3), "within the picture"),
    (np.zeros((3, 4)), "black everywhere"), (HALF * 300, "goes from 0 to 300"), (-HALF, "goes from -1 to 0"),
    (HALF.T, "3 x 4 pixels and the picture 4 x 3"), (np.ones(4), "a mask is a picture"),
    (HALF * np.nan, "a mask is a picture"), (np.array(["a"]), "a mask is a picture"),
])
def test_what_is_no_mask(mask, message):
    with pytest.raises(BadValue, match=message):
        mask_over(mask, (3, 4))
