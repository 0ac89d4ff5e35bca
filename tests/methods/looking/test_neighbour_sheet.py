"""Neighbours by code and by pixels: which they are, how many show the same, and what pictures are called."""

import numpy as np
import pytest

import minivis as mv
from minivis.data.samples import Samples
from minivis.errors import BadFile, BadValue
from minivis.methods.looking.codes import Codes, codes
from minivis.methods.looking.neighbour_sheet import FRAME, TILE, NeighbourSheet, labels_of, neighbour_sheet
from minivis.models.tiny import tiny_vgg


def test_codes_find_the_class_and_pixels_do_not():
    """What demo 04, README and the figure claim."""
    families, net = Samples("families"), mv.load("emoji-vgg")
    found = neighbour_sheet(net, codes(net, families.images), labels=families.names, pictures=families.images)
    assert found.same["fc7"] > 0.93 and found.same["pixels"] < 0.15     # measured: 0.963, 0.106 with three BLAS kernels
    assert found.chance == pytest.approx(9 / 199) and len(found.names) == 20
    assert len({found.labels[i] for i in found.shown}) == len(found.shown) == 8


def test_the_nearest_are_those_at_the_smallest_distance(rng):
    pictures = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    values = rng.standard_normal((5, 7))
    values[3] = 2.5 * values[0] + 0.01                                          # the angle counts, not the length
    coded = Codes(values, tuple("abcde"), "fc7")
    found = neighbour_sheet(tiny_vgg(), coded, labels=[0, 1, 1, 0, 1], pictures=pictures, k=4)
    assert found.near["fc7"][0, 0] == 3 and found.near["fc7"][3, 0] == 0
    for i in range(5):
        assert sorted(found.near["pixels"][i]) == [j for j in range(5) if j != i]
        apart = [((pictures[i].astype(float) - pictures[j]) ** 2).sum() for j in found.near["pixels"][i]]
        assert apart == sorted(apart)
    assert found.same["pixels"] == pytest.approx(found.chance)                  # of all others
    assert found.chance == pytest.approx((2 * 1 + 3 * 2) / (5 * 4))


def test_a_neighbour_of_the_same_label_has_a_green_frame(rng):
    pictures = np.zeros((4, 16, 16, 3), np.uint8)
    found = neighbour_sheet(tiny_vgg(), Codes(rng.standard_normal((4, 3)), tuple("abcd"), "fc7"), labels="aabb",
                            pictures=pictures, k=1)
    assert tuple(found.framed(1, 0)[0, 0]) == (44, 160, 44)
    assert tuple(found.framed(2, 0)[0, 0]) == (255, 255, 255) == tuple(found.framed(0)[0, 0])


def test_what_a_sheet_shows_and_says(calls_of):
    near = {"fc7": np.array([[1, 2], [0, 3], [3, 0], [0, 1]]), "pixels": np.array([[2, 3], [3, 2], [0, 1], [1, 0]])}
    tiles = tuple(np.full((TILE, TILE, 3), 50 * k, np.uint8) for k in range(4))
    found = NeighbourSheet(tiles, np.array([0, 0, 1, 1]), ("a", "b"), near, (0, 2), settings={"k": 2, "rows": 2})
    assert found.numbers == {"pictures": 4, "classes": 2, "neighbours": 2, "chance": pytest.approx(1 / 3),
                             "same_label": {"fc7": 3 / 8, "pixels": 0}}
    assert str(found).splitlines() == ["4 pictures of 2 classes; of the 2 nearest of each are of its class",
                                       "  by fc7        37.5 %", "  by pixels      0.0 %", "  by chance     33.3 %"]
    drawn = calls_of("minivis.methods.looking.neighbour_sheet.panels")
    found.picture()
    [((sheets, titles), how)] = drawn
    side = TILE + 2 * FRAME + 1
    shades = [[[int(sheet[y + side // 2, x + side // 2, 0]) // 50 for x in range(0, sheet.shape[1] - 1, side)]
               for y in range(0, sheet.shape[0] - 1, side)] for sheet in sheets]
    assert shades == [[[0], [2]], [[1, 2], [3, 0]], [[2, 3], [0, 1]]]           # a row for each picture that is shown
    assert titles == ["picture\n", "nearest codes, fc7\nover all pictures 37.5 % are of its class",
                      "nearest pixels\nover all pictures 0.0 % are of its class"]
    assert how["footer"] == ("4 pictures of 2 classes; in green frames: of the same class. By chance it would be "
                             "33.3 %.")


@pytest.mark.parametrize("shape", [(TILE, TILE // 3), (TILE // 3, TILE)])
def test_a_picture_stands_in_the_middle_of_its_frame(shape, rng):
    found = neighbour_sheet(tiny_vgg(), Codes(rng.standard_normal((4, 3)), tuple("abcd"), "fc7"), labels="aabb",
                            pictures=np.zeros((4, *shape, 3), np.uint8), k=1)
    framed, tile = found.framed(0), found.tiles[0]
    before, last = np.argwhere((framed == 0).all(axis=2))[[0, -1]]
    assert tile.shape[0] > 2 * tile.shape[1] or tile.shape[1] > 2 * tile.shape[0]
    assert (last + 1 - before == tile.shape[:2]).all()
    assert (abs(before - (framed.shape[:2] - (last + 1))) <= 1).all()
    assert min(before) == FRAME and framed.shape == (TILE + 2 * FRAME, TILE + 2 * FRAME, 3)


def test_what_pictures_show():
    assert labels_of(["p/012 tropical fish.png", "p/3-cat.jpg", "p/cat_07.png", "p/19.png"]) == [
        "tropical fish", "cat", "cat", "19.png"]
    assert labels_of(["p/cat/1.png", "p/dog/2.png"]) == ["cat", "dog"]


def test_refusals(rng):
    pictures = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    coded = Codes(rng.standard_normal((4, 3)), tuple("abcd"), "fc7")
    with pytest.raises(BadValue, match="4 pictures: a sheet with 4 neighbours of each takes 5 to 4096"):
        neighbour_sheet(tiny_vgg(), coded, pictures=pictures, k=4)
    with pytest.raises(BadValue, match="3 labels for 4 pictures"):
        neighbour_sheet(tiny_vgg(), coded, labels="abc", pictures=pictures, k=2)
    with pytest.raises(BadFile, match="names no pictures, so there are no pixels to compare"):
        neighbour_sheet(tiny_vgg(), rng.standard_normal((4, 3)), labels="aabb", k=2)
