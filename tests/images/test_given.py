"""Pictures in every form a user may have them, and what a file says of a picture."""

import io
from pathlib import Path

import numpy as np
import pytest
from commandline import scene
from PIL import Image

import minivis as mv
from minivis.images.files import read_image, write_image
from minivis.images.given import alpha_of, as_picture, as_pictures, remarks_on, size_of


@pytest.fixture
def path(tmp_path):
    write_image(tmp_path / "a.png", scene())
    return tmp_path / "a.png"


def forms(path):
    return [str(path), path, path.read_bytes(), bytearray(path.read_bytes()), Image.open(path), read_image(path),
            io.BytesIO(path.read_bytes())]


def test_every_form_is_the_same_picture(path):
    for form in forms(path):
        np.testing.assert_array_equal(as_picture(form), scene())
    assert len(as_pictures([path, Path(path)])) == 2 and as_pictures(path).shape == (40, 60, 3)


def test_methods_take_every_form(path, vgg):
    expected = mv.saliency(vgg, scene()).maps
    for form in forms(path):
        np.testing.assert_array_equal(mv.saliency(vgg, form).maps, expected)
    assert len(mv.classify(vgg, [str(path), scene()])) == 2
    shared = {"steps": 1, "octaves": 1, "guide": path}
    np.testing.assert_array_equal(mv.dream(vgg, path, **shared).pixels, mv.dream(vgg, scene(), **shared).pixels)
    by_path = mv.style_transfer(vgg, path, [path], size=32, steps=1, masks=[path])
    np.testing.assert_array_equal(by_path.pixels, mv.style_transfer(vgg, scene(), scene(), size=32, steps=1,
                                                                    masks=[scene()]).pixels)
    np.testing.assert_array_equal(mv.texture(vgg, path, size=32, steps=1).pixels,
                                  mv.texture(vgg, scene(), size=32, steps=1).pixels)
    np.testing.assert_array_equal(mv.maximize(vgg, "fc8:1", start=path, steps=1).pictures,
                                  mv.maximize(vgg, "fc8:1", start=scene(), steps=1).pictures)
    np.testing.assert_array_equal(vgg.fit(path).image, vgg.fit(scene()).image)


def test_a_file_s_own_sides_and_its_transparency(tmp_path, path):
    assert size_of(path) == (40, 60) and alpha_of(path) is None
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(scene()).save(tmp_path / "b.jpg", exif=turned)
    assert size_of(tmp_path / "b.jpg") == (60, 40)
    alpha = np.arange(2400, dtype=np.uint8).reshape(40, 60, 1)
    write_image(tmp_path / "c.png", np.dstack([scene(), alpha]))
    np.testing.assert_array_equal(alpha_of(tmp_path / "c.png"), alpha)
    write_image(tmp_path / "d.png", np.dstack([scene(), np.full_like(alpha, 255)]))
    assert alpha_of(tmp_path / "d.png") is None



def test_heic(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="no pillow-heif here: HEIC is not tested")
    heif.register_heif_opener()
    Image.fromarray(scene(64, 64)).save(tmp_path / "a.heic", quality=95)
    assert abs(read_image(tmp_path / "a.heic").astype(int) - scene(64, 64)).mean() < 8


@pytest.mark.parametrize("least, most, told", [
    (0, 16, True), (1, 16, True), (0, 1, True), (16, 16, True), (0, 17, False), (1, 17, False), (0, 0, False),
    (0, 255, False),
])  # fmt: skip
def test_a_picture_in_16_bits_is_nearly_black_by_its_highest_level(tmp_path, least, most, told):
    levels = np.full((5, 4), least, np.uint16)
    levels[2, 3] = most
    Image.fromarray(levels * 257).save(tmp_path / "a.tif")
    pixels = read_image(tmp_path / "a.tif")
    assert (pixels.min(), pixels.max()) == (least, most)
    said = list(remarks_on(tmp_path / "a.tif", pixels))
    assert [line.startswith(f"a.tif is nearly black: its highest level is {most} of 255") for line in said] == [
        True] * told
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "b.png")                      # 8 bits are what they are
    assert not list(remarks_on(tmp_path / "b.png", pixels))
