"""Photographs of a folder, and parts cut from them."""

import numpy as np
import pytest
from PIL import Image

from minivis.data import folder
from minivis.data.folder import crops, photos
from minivis.errors import BadFile
from minivis.images.files import write_image


def test_pictures_come_by_name_no_larger_than_the_side_and_the_rest_is_listed(tmp_path):
    Image.new("RGB", (80, 40), (255, 0, 0)).save(tmp_path / "b.png")
    Image.new("RGB", (20, 10), (0, 255, 0)).save(tmp_path / "a.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    found, unreadable = photos(tmp_path, side=40)
    assert [picture.shape for picture in found] == [(10, 20, 3), (20, 40, 3)]
    assert found[0][0, 0].tolist() == [0, 255, 0] and found[1][0, 0].tolist() == [255, 0, 0]
    assert [str(name).endswith("c.png") for name, _ in unreadable] == [True]


def test_of_many_pictures_some_are_taken_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MOST", 3)
    for i in range(5):
        Image.new("L", (4, 4), 10 * i).save(tmp_path / f"{i}.png")
    found, _ = photos(tmp_path)
    assert [int(picture[0, 0, 0]) for picture in found] == [0, 20, 40]


def test_a_folder_without_a_readable_picture_is_refused(tmp_path):
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(BadFile, match=r"none of the 1 pictures in .* can be read"):
        photos(tmp_path)


def test_without_a_folder_there_are_scikit_learns_two():
    found, unreadable = photos(side=64)
    assert [max(picture.shape) for picture in found] == [64, 64] and not unreadable


def test_crops_lie_inside_and_go_round_the_pictures(rng):
    numbers = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8, 1)
    pictures = [numbers, np.full((5, 4, 3), 200, np.uint8), np.zeros((2, 9, 3), np.uint8)]        # the last is too low
    found = crops(pictures, (3, 2), 200, rng)
    assert found.shape == (200, 3, 2, 3) and (found[1::2] == 200).all()
    corners = {tuple(divmod(int(crop[0, 0, 0]), 8)) for crop in found[::2]}
    for crop in found[::2]:
        top, left = divmod(int(crop[0, 0, 0]), 8)
        np.testing.assert_array_equal(crop, np.repeat(numbers[top:top + 3, left:left + 2], 3, axis=2))
    assert {row for row, _ in corners} == set(range(4)) and {column for _, column in corners} == set(range(7))
    with pytest.raises(BadFile, match="none of the pictures has 9 x 3 pixels"):
        crops(pictures[:2], (3, 9), 1, rng)


def test_photos_of_a_folder(tmp_path, rng):
    for k in range(3):
        write_image(tmp_path / f"{k}.png", rng.integers(0, 256, (30, 40 - 10 * k, 3), np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("left alone")
    pictures, unreadable = photos(tmp_path)
    assert [p.shape for p in pictures] == [(30, 40, 3), (30, 30, 3), (30, 20, 3)]
    assert len(unreadable) == 1 and unreadable[0][0].endswith("bad.jpg")
    cut = crops(pictures, (5, 25), 6, rng)
    assert cut.shape == (6, 5, 25, 3)
    rows = [p[i : i + 5, j : j + 25] for p in pictures[:2] for i in range(26) for j in range(p.shape[1] - 24)]
    assert all(any((one == row).all() for row in rows) for one in cut)
    with pytest.raises(BadFile, match="none of the pictures has 50 x 5 pixels"):
        crops(pictures, (5, 50), 1, rng)


def test_folders_without_pictures(tmp_path):
    with pytest.raises(BadFile, match="there is no picture in the folder"):
        photos(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(BadFile, match="none of the 1 pictures"):
        photos(tmp_path)
    with pytest.raises(BadFile, match="there is no folder"):
        photos(tmp_path / "nowhere")


def test_scikit_learns_two_keep_their_size():
    pictures, unreadable = photos()
    assert [p.shape for p in pictures] == [(427, 640, 3)] * 2 and not unreadable


def test_pictures_of_any_number_of_channels_are_cut_and_others_refused(tmp_path, rng):
    np.save(tmp_path / "a.npy", np.full((6, 7, 4), 9, np.uint8))
    found, _ = photos(tmp_path, channels=4)
    assert crops(found, (3, 3), 2, rng, 4).shape == (2, 3, 3, 4)
    with pytest.raises(BadFile, match="the net reads pictures of 13 channels, and these have 4: name a folder of "
                       "pictures with 13 channels"):
        crops(found, (3, 3), 2, rng, 13)
