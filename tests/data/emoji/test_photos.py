"""The photographs behind emoji."""

import pytest
from PIL import Image

from minivis.data.emoji import photos
from minivis.errors import MissingExtra


def test_no_photograph_is_trained_on_and_held_out():
    trained = {name for _, trained, _ in photos.PHOTOS for name in trained}
    assert trained and photos.HELD_OUT_PHOTOS and not trained & set(photos.HELD_OUT_PHOTOS)


def test_photographs_are_cut_to_one_size_in_order(tmp_path, monkeypatch):
    Image.new("RGB", (900, 300), (255, 0, 0)).save(tmp_path / "wide.png")
    Image.new("RGB", (300, 900), (0, 0, 255)).save(tmp_path / "high.png")
    monkeypatch.setattr(photos, "PHOTOS", ((tmp_path, ("wide.png",), ("high.png",)),))
    names, found = photos.load_photos()
    assert names == ["wide.png", "high.png"] and found.shape == (2, photos.SIZE[1], photos.SIZE[0], 3)
    assert found[0].reshape(-1, 3).mean(axis=0).tolist() == [255, 0, 0] and found[1, 0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("where, install", [("no_such_package.data", "pip install minivis"), (None, "apt install")])
def test_a_missing_photograph_says_what_to_install(tmp_path, where, install):
    with pytest.raises(MissingExtra, match=rf"meadow\.jpg is missing: {install}"):
        photos.find_photo(where or tmp_path, "meadow.jpg")


def test_a_photograph_comes_from_a_folder_or_from_a_package(tmp_path):
    (tmp_path / "a.png").touch()
    assert photos.find_photo(tmp_path, "a.png") == photos.find_photo(str(tmp_path), "a.png") == tmp_path / "a.png"
    assert photos.find_photo("minivis.data", "strokes.png").read_bytes().startswith(b"\x89PNG")
