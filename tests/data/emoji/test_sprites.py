"""Sprites: collected from archives and fonts, kept in one file, refused when damaged."""

import dataclasses
import io
import json
import tarfile

import numpy as np
import pytest
from emoji_sprites import box_of, sprites_of, square_sprite
from PIL import Image

from minivis.data.emoji import photos
from minivis.data.emoji import sprites as emoji
from minivis.data.emoji.classes import CLASSES
from minivis.errors import BadFile, MissingExtra


def test_sprites_come_back_from_their_file_with_the_same_fingerprint(tmp_path):
    sprites = sprites_of(square_sprite((200, 30, 40)))
    sprites.save(tmp_path / "sprites.npz")
    again = emoji.load(tmp_path / "sprites.npz")
    np.testing.assert_array_equal(again.images, sprites.images)
    assert again.fingerprint == sprites.fingerprint
    other = dataclasses.replace(sprites, photos=255 - sprites.photos)
    renamed = dataclasses.replace(sprites, sets=sprites.sets[::-1])
    assert len({sprites.fingerprint, other.fingerprint, renamed.fingerprint}) == 3


def test_a_file_that_holds_no_sprites_is_refused(tmp_path):
    path = tmp_path / "sprites.npz"
    path.write_bytes(b"not a zip file")
    with pytest.raises(BadFile, match="not a file of emoji sprites"):
        emoji.load(path)
    np.savez(path, images=np.zeros(3))
    with pytest.raises(BadFile, match="not a file of emoji sprites"):
        emoji.load(path)
    sprites = sprites_of(square_sprite((1, 2, 3)))
    dataclasses.replace(sprites, class_names=sprites.class_names[::-1]).save(path)
    with pytest.raises(BadFile, match="other classes"):
        emoji.load(path)


def test_a_damaged_file_of_sprites_is_refused(tmp_path):
    """Wherever a byte is wrong, whether zip, zlib or NumPy notices it."""
    path = tmp_path / "sprites.npz"
    sprites_of(square_sprite((1, 2, 3))).save(path)
    whole = path.read_bytes()
    for at in range(60, 160):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises(BadFile, match=r"not a file of emoji sprites|other classes"):
            emoji.load(path)


def test_cut_out_crops_scales_and_centres():
    image = Image.new("RGBA", (300, 200))
    image.paste((10, 200, 30, 255), (250, 10, 290, 30))  # 40 x 20 in a corner
    sprite = np.asarray(emoji.cut_out(image))
    assert sprite.shape == (128, 128, 4)
    assert box_of(sprite[..., 3]) == (36, 8, 92, 120)
    np.testing.assert_array_equal(sprite[64, 64], [10, 200, 30, 255])


def test_missing_font_npm_and_photographs_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(emoji, "FONT", tmp_path / "none.ttf")
    with pytest.raises(MissingExtra, match="apt install fonts-noto-color-emoji"):
        emoji.font_drawer()
    monkeypatch.setattr(emoji.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match="needs npm"):
        emoji.read_npm("@iconify-json/twemoji@1.2.5", tmp_path)
    with pytest.raises(MissingExtra, match="apt install lomiri"):
        photos.find_photo(tmp_path, "meadow.jpg")
    with pytest.raises(MissingExtra, match="pip install"):
        photos.find_photo("no_such_package.data", "meadow.jpg")


def npm_archive(path, icons):
    data = json.dumps(icons).encode()
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("package/icons.json")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def test_svg_drawings_are_found_by_name_alias_and_old_name(tmp_path):
    pytest.importorskip("resvg_py")

    def square(colour):
        return {"body": f'<path fill="{colour}" d="M0 0h10v10H0z"/>'}

    drawings = {"goose": square("red"), "pup": square("#00f"), "bunny": square("#0f0")}
    icons = {"width": 10, "height": 10, "icons": drawings, "aliases": {"dog-face": {"parent": "pup"}}}
    for archive in ("iconify-json-twemoji-1.2.5.tgz", "iconify-json-fxemoji-1.2.2.tgz"):
        npm_archive(tmp_path / archive, icons)
    by_name = {c.name: c for c in CLASSES}
    drawer = emoji.svg_drawer("twemoji", tmp_path, side=20)
    assert drawer(by_name["goose"]).getpixel((10, 10)) == (255, 0, 0, 255)
    assert drawer(by_name["dog face"]).getpixel((10, 10)) == (0, 0, 255, 255)
    assert drawer(by_name["owl"]) is None
    assert emoji.svg_drawer("fxemoji", tmp_path, 20)(by_name["rabbit face"]).getpixel((1, 1)) == (0, 255, 0, 255)


def test_a_damaged_npm_archive_is_named(tmp_path):
    (tmp_path / "iconify-json-twemoji-1.2.5.tgz").write_bytes(b"half a file")
    with pytest.raises(BadFile, match="delete it"):
        emoji.read_npm("@iconify-json/twemoji@1.2.5", tmp_path)


def test_an_npm_archive_with_a_folder_in_place_of_its_icons_is_named(tmp_path):
    with tarfile.open(tmp_path / "iconify-json-twemoji-1.2.5.tgz", "w:gz") as tar:
        entry = tarfile.TarInfo("package/icons.json")
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    with pytest.raises(BadFile, match="delete it"):
        emoji.read_npm("@iconify-json/twemoji@1.2.5", tmp_path)


@pytest.mark.parametrize("change", [
    {"images": np.zeros((250, 64, 64, 4), np.uint8)}, {"images": np.zeros((250, 128, 128, 4))},
    {"labels": np.zeros(3, int)}, {"labels": np.full(250, -1)}, {"labels": np.zeros(250)},
    {"sets": np.zeros(250, int)}, {"photos": np.zeros((1, 320, 480, 3), np.uint8)}, {"photos": np.zeros(5, np.uint8)},
    {"photo_names": np.array(["grass.png"] * 2)}, {"class_names": np.array(5)},
])
def test_sprites_whose_arrays_do_not_belong_together_are_refused(tmp_path, change):
    dataclasses.replace(sprites_of(square_sprite((1, 2, 3))), **change).save(tmp_path / "sprites.npz")
    with pytest.raises(BadFile, match="not a file of emoji sprites"):
        emoji.load(tmp_path / "sprites.npz")


def test_sprites_that_unpack_to_gigabytes_are_refused(tmp_path, monkeypatch):
    sprites_of(square_sprite((1, 2, 3))).save(tmp_path / "sprites.npz")
    monkeypatch.setattr(emoji, "MOST_BYTES", 10**6)
    monkeypatch.setattr(np, "load", None)                       # nothing is unpacked
    with pytest.raises(BadFile, match="not a file of emoji sprites"):
        emoji.load(tmp_path / "sprites.npz")
