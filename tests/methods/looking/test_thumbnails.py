"""Small copies: their size, and grey tiles for pictures that are gone."""

import hashlib

import numpy as np
import pytest

from minivis.images.files import write_image
from minivis.methods.looking.thumbnails import shrunk, thumbnails
from minivis.sweeps.codes_file import held


@pytest.mark.parametrize("shape, expected", [
    ((40, 20, 3), (10, 5, 3)), ((20, 40, 1), (5, 10, 3)), ((3, 2, 3), (9, 6, 3)), ((10, 10, 3), (10, 10, 3)),
])
def test_the_longer_side_is_as_asked(rng, shape, expected):
    assert shrunk(rng.integers(0, 256, shape, dtype=np.uint8), 10).shape == expected


def test_a_small_picture_is_enlarged_by_whole_pixels(rng):
    image = rng.integers(0, 256, (3, 2, 3), dtype=np.uint8)
    np.testing.assert_array_equal(shrunk(image, 10)[::3, ::3], image)
    np.testing.assert_array_equal(shrunk(image, 10)[2::3, 2::3], image)


def test_what_is_gone_or_has_changed(tmp_path, rng):
    images = [rng.integers(0, 256, (4, 4, 3), dtype=np.uint8) for _ in range(3)]
    for i, image in enumerate(images[:2]):
        write_image(tmp_path / f"{i}.png", image)
    first = hashlib.sha256((tmp_path / "0.png").read_bytes()).hexdigest()
    file = held(tmp_path / "codes.h5", np.eye(3), [f"{i}.png" for i in range(3)], [first, first, ""])
    tiles, notes = thumbnails(file, [0, 1, 2], 4)
    for tile, image in zip(tiles, images[:2]):
        np.testing.assert_array_equal(tile, image)
    assert (tiles[2] == 205).all()
    since = f"since {tmp_path / 'codes.h5'} was made, such as"
    assert notes == [f"1 pictures can no longer be read {since} {tmp_path / '2.png'}",
                     f"1 pictures have changed {since} {tmp_path / '1.png'}"]


@pytest.mark.parametrize("side", [4, 24, 64])
def test_codes_without_pictures_are_numbered(side):
    tiles, notes = thumbnails(held("these codes", np.eye(3)), [0, 2], side)
    assert [tile.shape for tile in tiles] == [(side, side, 3)] * 2 and notes == []
    assert (tiles[0] != tiles[1]).any() or side < 24


def test_a_number_stands_in_the_middle_of_its_tile(monkeypatch):
    ink = np.zeros((6, 10, 3), np.uint8)
    monkeypatch.setattr("minivis.methods.looking.thumbnails.text_picture", lambda *text, **how: ink)
    (tile,), _ = thumbnails(held("these codes", np.eye(3)), [1], 40)
    wanted = np.full((40, 40, 3), 225)
    wanted[17:23, 15:25] = 0
    np.testing.assert_array_equal(tile, wanted)
