"""The maps of labelled pictures: whose neighbours agree, and that codes agree better than pixels."""

import numpy as np
import pytest

import minivis as mv
from minivis.data.digits import every_digit
from minivis.errors import BadValue
from minivis.methods.looking.tsne_labelled import COLOURS, LabelledMaps, agreement, key, plane, tsne_labelled


def test_neighbours_are_counted_without_oneself(rng):
    places = np.concatenate([rng.random((20, 2)), 10 + rng.random((20, 2))])
    labels = np.repeat([0, 1], 20)
    assert (agreement(places, labels) == 1).all()
    labels[0] = 1                                               # the only one of its kind there
    found = agreement(places, labels)
    assert found[0] == 0 and (found[20:] == 1).all() and 0.8 <= found[1:20].min() < 1
    assert agreement(np.zeros((7, 2)), np.arange(7)).max() == 0         # of points at one place, too


def test_neighbours_on_a_line_by_hand():
    places = np.array([[0, 0], [1, 0], [3, 0], [7, 0], [15, 0]]) @ np.array([[3, 4], [0, 0]])
    labels = np.array([0, 0, 1, 1, 1])
    assert agreement(places, labels, k=1).tolist() == [1, 1, 0, 1, 1]
    assert agreement(places, labels, k=2).tolist() == [0.5, 0.5, 0, 0.5, 1]


def test_a_picture_stands_at_its_x_and_y_and_ink_covers_as_it_is_strong():
    images = np.full((2, 2, 6, 1), 51, np.uint8)
    sheet = plane(images, np.array([11, 0]), np.array([[1.0, 0.0], [0.5, 1.0]]), 64)
    expected = np.full((64, 64, 3), 255)
    for (top, left), colour in (((0, 40), COLOURS[1]), ((56, 20), COLOURS[0])):      # 8 x 24: four times as large
        expected[top : top + 8, left : left + 24] = np.rint(255 + 0.2 * (np.array(colour) - 255))
    assert len(COLOURS) == 10 and (sheet == expected).all()


@pytest.mark.parametrize("new, of_new, maps", [
    ([1, 0, 0, 1], "; of the 2 new pictures 75.0 %", {"same_label": 0.5, "same_label_new": 0.75}),
    ([0, 0, 0, 0], "", {"same_label": 0.5}), ([1, 1, 1, 1], "", {"same_label": 0.5}),
])
def test_what_is_told_by_hand(new, of_new, maps):
    images, places, shares = np.zeros((4, 8, 8, 1), np.uint8), np.zeros((4, 2)), np.array([1.0, 0.2, 0.3, 0.5])
    found = LabelledMaps(images, np.array([0, 0, 1, 1]), ("a", "b"), {"fc3": places}, {"fc3": shares}, 1 / 3,
                         np.array(new, bool), settings={"perplexity": 2.0, "side": 64})
    assert found.numbers == {"pictures": 4, "neighbours": 5, "chance": 1 / 3, "perplexity": 2.0, "maps": {"fc3": maps}}
    assert str(found).replace("\u202f", " ").splitlines() == [
        "4 pictures of 2 classes; neighbours agree by chance in 33.3 %",
        f"map of fc3: 50.0 % of the 5 nearest have the same label{of_new}"]


def test_eight_pictures_are_enough_and_chance_is_that_of_their_labels(rng):
    images = rng.integers(0, 256, (8, 8, 8, 1), np.uint8)
    found = tsne_labelled(mv.load("digits-net"), images, np.array([0, 0, 0, 0, 0, 1, 1, 1]), side=64)
    assert found.chance == (5 * 4 + 3 * 2) / (8 * 7) and found.names == ("0", "1") and not found.new.any()


def test_twenty_names_stand_in_a_row_and_a_hundred_at_most():
    height = [key(["x"] * count).shape[0] for count in (1, 20, 21, 100, 101)]
    assert height[0] == height[1] < height[2] and height[3] == height[4] and key(["x"] * 20).shape[1] > 20 * 20


def test_a_picture_is_its_ink_in_the_colour_of_its_class():
    images = np.zeros((2, 4, 4, 1), np.uint8)
    images[:, 1:3, 1:3] = 255
    sheet = plane(images, np.array([0, 1]), np.array([[0.0, 0.0], [1.0, 1.0]]), 64)
    assert {tuple(pixel) for pixel in sheet[:32].reshape(-1, 3)} == {(255, 255, 255), COLOURS[0]}
    assert {tuple(pixel) for pixel in sheet[32:].reshape(-1, 3)} == {(255, 255, 255), COLOURS[1]}


def test_codes_part_what_pixels_mix():
    """The first 60 of each: pixels 80.5 %, codes 93.3 to 93.7 %, with two kernels."""
    images, labels, new = every_digit()
    some = np.r_[:60, 1500:1560]
    found = tsne_labelled(mv.load("digits-net"), images[some], labels[some], new=new[some], side=256)
    told = found.numbers
    assert told["pictures"] == 120 and told["chance"] == pytest.approx(0.1, abs=0.02)
    assert list(told["maps"]) == ["pixels", "fc3"]
    pixels, codes = (told["maps"][what]["same_label"] for what in ("pixels", "fc3"))
    assert codes > 0.88 > 0.85 > pixels > 0.7
    assert told["maps"]["fc3"]["same_label_new"] > 0.85
    assert "120 pictures of 10 classes" in str(found) and "of the 60 new pictures" in str(found)
    assert found.picture().shape[1] > 2 * 256
    for where in found.places.values():
        assert where.shape == (120, 2) and where.min() >= 0 and where.max() <= 1


@pytest.mark.slow(seconds=50)
def test_all_digits():
    """98.1 % by pixels and 99.7 % by codes; 99.3 % of the pictures that the net has not learned from."""
    images, labels, new = every_digit()
    maps = tsne_labelled(mv.load("digits-net"), images, labels, new=new).numbers["maps"]
    assert maps["fc3"]["same_label"] > 0.99 > 0.985 > maps["pixels"]["same_label"] > 0.96
    assert maps["fc3"]["same_label_new"] > 0.98


def test_refuses(rng):
    images, labels, _ = (part[:20] for part in every_digit())
    net = mv.load("digits-net")
    with pytest.raises(BadValue, match="at least 8 pictures of one size"):
        tsne_labelled(net, images[:5], labels[:5])
    with pytest.raises(BadValue, match="at least 8 pictures of one size"):
        tsne_labelled(net, images[:7], labels[:7])
    with pytest.raises(BadValue, match="whole numbers from 0, of at least two classes"):
        tsne_labelled(net, images, labels * 0)
    with pytest.raises(BadValue, match="2 names for 10 classes"):
        tsne_labelled(net, images, labels, names=("zero", "one"))
    with pytest.raises(BadValue, match="new says for each of the 20"):
        tsne_labelled(net, images, labels, new=[True])
