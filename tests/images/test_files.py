"""Odd pictures, each made here, come out as upright uint8; wrong files give one sentence and leave nothing behind."""

import io
import os
import stat
import struct
import threading
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from minivis.errors import BadFile, BadValue, TooLarge
from minivis.images import files
from minivis.images.files import png_bytes, read_image, read_text, write_image


@pytest.fixture
def photo():
    """A smooth (20, 30, 3) picture: rows, columns and colours are told apart, and JPEG hardly changes it."""
    rows, columns = np.mgrid[0:20, 0:30]
    return np.stack([rows * 10, columns * 8, 200 - rows * 4 - columns * 3], axis=-1).astype(np.uint8)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width, height, depth, color, rows, extra=b""):
    """A PNG of any depth and colour type, which Pillow cannot write itself; ``rows`` are the bytes of each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", data)
            + png_chunk(b"IEND", b""))


def no_leftovers(folder, *kept):
    return sorted(p.name for p in folder.iterdir()) == sorted(kept)


# --- reading ---

@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "webp", "ppm"])
def test_lossless_formats(tmp_path, photo, suffix):
    few = photo // 64 * 64                              # a GIF has 256 colours
    Image.fromarray(few).save(tmp_path / f"p.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    got = read_image(tmp_path / f"p.{suffix}")
    assert got.dtype == np.uint8 and got.flags.c_contiguous and got.flags.writeable
    np.testing.assert_array_equal(got, few)


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_jpeg_modes(tmp_path, photo, mode):
    Image.fromarray(photo).convert(mode).save(tmp_path / "p.jpg", quality=98, subsampling=0)
    expected = np.asarray(Image.fromarray(photo).convert(mode).convert("L" if mode == "L" else "RGB"))
    got = read_image(tmp_path / "p.jpg")
    assert got.shape == (20, 30, 1 if mode == "L" else 3)
    assert abs(got.squeeze().astype(int) - expected).max() <= 8


def test_grey_keeps_one_channel(tmp_path, photo):
    grey = photo[:, :, 0]
    Image.fromarray(grey).save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), grey[:, :, None])


def test_one_bit(tmp_path):
    bits = np.eye(5, 7, dtype=bool)
    Image.fromarray(bits).save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), bits[:, :, None] * np.uint8(255))


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1), (7, 8, 9)).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").tolist() == [[[7, 8, 9]]]


def test_alpha_is_laid_on_white(tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 100, 51]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").tolist() == [[[255, 0, 0], [255, 255, 255], [204, 204, 224]]]


def test_grey_alpha_stays_grey(tmp_path):
    Image.fromarray(np.array([[[10, 255], [10, 0], [0, 51]]], np.uint8)).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").tolist() == [[[10], [255], [204]]]


@pytest.mark.parametrize("transparency, background", [(None, [0, 0, 0]), (0, [255] * 3), (b"\x00\xff", [255] * 3)])
def test_palette(tmp_path, transparency, background):
    indices = Image.frombytes("P", (2, 2), bytes([0, 1, 1, 0]))
    indices.putpalette([0, 0, 0, 10, 200, 30])
    indices.save(tmp_path / "p.png", **({} if transparency is None else {"transparency": transparency}))
    assert read_image(tmp_path / "p.png").tolist() == [[background, [10, 200, 30]], [[10, 200, 30], background]]


def test_transparent_gif_first_frame(tmp_path):
    frames = [Image.new("RGBA", (3, 2), c) for c in [(0, 0, 0, 0), (255, 0, 0, 255)]]
    frames[0].putpixel((0, 0), (0, 0, 255, 255))
    frames[0].save(tmp_path / "p.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "p.gif").tolist() == [[[0, 0, 255], [255] * 3, [255] * 3], [[255] * 3] * 3]


SIXTEEN = np.array([[0, 257, 1000, 65535, 32768]], np.uint16)       # 1000 / 257 = 3.9: rounded, neither cut nor clipped


def test_sixteen_bit_grey_png(tmp_path):
    (tmp_path / "p.png").write_bytes(raw_png(5, 1, 16, 0, [SIXTEEN.astype(">u2").tobytes()]))
    assert read_image(tmp_path / "p.png").ravel().tolist() == [0, 1, 4, 255, 128]


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bit_grey_tiff(tmp_path, dtype):
    mode = {"<u2": "I;16", ">u2": "I;16B"}[dtype]
    Image.frombytes(mode, (5, 1), SIXTEEN.astype(dtype).tobytes()).save(tmp_path / "p.tif")
    assert read_image(tmp_path / "p.tif").ravel().tolist() == [0, 1, 4, 255, 128]


def test_sixteen_bit_rgb_png(tmp_path):
    row = np.array([[0, 65535, 257 * 90]], ">u2").tobytes()
    (tmp_path / "p.png").write_bytes(raw_png(1, 1, 16, 2, [row]))
    assert read_image(tmp_path / "p.png").tolist() == [[[0, 255, 90]]]


def test_sixteen_bit_pgm(tmp_path):
    (tmp_path / "p.pgm").write_bytes(b"P5 5 1 65535\n" + SIXTEEN.astype(">u2").tobytes())
    assert read_image(tmp_path / "p.pgm").ravel().tolist() == [0, 1, 4, 255, 128]


@pytest.mark.parametrize("values, expected", [
    ([0, 0.5, 1], [0, 128, 255]), ([0, 2, 255], [0, 2, 255]), ([0, 257, 65535], [0, 1, 255]),
    ([-1, 0, 1], [0, 128, 255]), ([0, 1e5, 2e5], [0, 128, 255]), ([-3, -3, -3], [0, 0, 0]), ([0, 0, 0], [0, 0, 0]),
])
def test_float_tiff(tmp_path, values, expected):
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "p.tif")
    assert read_image(tmp_path / "p.tif").ravel().tolist() == expected


@pytest.mark.parametrize("values, expected", [([0, 1, 255], [0, 1, 255]), ([0, 257, 65535], [0, 1, 255]),
                                              ([-10, 0, 10], [0, 128, 255])])
def test_integer_tiff(tmp_path, values, expected):
    Image.fromarray(np.array([values], np.int32)).save(tmp_path / "p.tif")
    assert read_image(tmp_path / "p.tif").ravel().tolist() == expected


def test_not_a_number_in_a_tiff(tmp_path):
    Image.fromarray(np.array([[0, np.nan]], np.float32)).save(tmp_path / "p.tif")
    with pytest.raises(BadFile, match=r"p\.tif holds pixels that are infinite or NaN"):
        read_image(tmp_path / "p.tif")


# What a camera stores, in words of the standard: where the 0th row and the 0th column of the data belong
STORED = {
    1: lambda a: a,
    2: lambda a: np.fliplr(a),
    3: lambda a: np.rot90(a, 2),
    4: lambda a: np.flipud(a),
    5: lambda a: np.transpose(a, (1, 0, 2)),
    6: lambda a: np.rot90(a, 1),                        # stored lying on its left side
    7: lambda a: np.rot90(np.transpose(a, (1, 0, 2)), 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, photo, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"webp": {"lossless": True}, "jpg": {"quality": 98, "subsampling": 0}}.get(suffix, {})
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](photo)))
    stored.save(tmp_path / f"p.{suffix}", exif=exif, **options)
    got = read_image(tmp_path / f"p.{suffix}")
    assert got.shape == photo.shape and abs(got.astype(int) - photo).max() <= (8 if suffix == "jpg" else 0)
    assert got.flags.c_contiguous and got.flags.writeable


def test_broken_exif_is_ignored_silently(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "p.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\0garbage", quality=98)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "p.jpg").shape == photo.shape


def test_max_side_shrinks_and_never_enlarges(tmp_path):
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, axis=0)
    write_image(tmp_path / "p.png", ramp)
    small = read_image(tmp_path / "p.png", max_side=50)
    assert small.shape == (25, 50, 1)
    np.testing.assert_allclose(small[12, 5:45, 0], np.arange(5, 45) * 4 + 1.5, atol=1)
    assert read_image(tmp_path / "p.png", max_side=500).shape == (100, 200, 1)
    assert read_image(tmp_path / "p.png", max_side=1).shape == (1, 1, 1)


def test_max_side_of_a_rotated_jpeg_is_cheap(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1600, 80), "red").save(tmp_path / "p.jpg", exif=exif)
    monkeypatch.setattr("minivis.images.files.MAX_PIXELS", 1600 * 80 // 16)     # enough only when decoded at a quarter
    assert read_image(tmp_path / "p.jpg", max_side=200).shape == (200, 10, 3)


def test_open_file_and_threads(photo):
    data = png_bytes(photo)
    limit = Image.MAX_IMAGE_PIXELS
    wrong = []

    def read():
        for _ in range(20):
            if not np.array_equal(read_image(io.BytesIO(data)), photo):
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and limit == Image.MAX_IMAGE_PIXELS and isinstance(limit, int)


def test_several_are_read_at_a_time_and_the_last_puts_the_settings_back(photo):
    """A slow one keeps nobody waiting, and Pillow's limit and Python's warnings are as before when both are read."""
    data, limit, filters = png_bytes(photo), Image.MAX_IMAGE_PIXELS, warnings.filters[:]
    waiting, go, got, set_while = threading.Event(), threading.Event(), [], []

    class Slow(io.BytesIO):
        def read(self, *args):
            waiting.set()
            assert go.wait(10)
            set_while.append(Image.MAX_IMAGE_PIXELS)
            return super().read(*args)

    slow = threading.Thread(target=lambda: got.append(read_image(Slow(data))))
    slow.start()
    assert waiting.wait(10)
    np.testing.assert_array_equal(read_image(io.BytesIO(data)), photo)
    go.set()
    slow.join()
    np.testing.assert_array_equal(got[0], photo)
    assert set(set_while) == {None}                     # while either is read, both are without the limit
    assert limit == Image.MAX_IMAGE_PIXELS and warnings.filters == filters


def test_too_many_pixels_is_refused_before_decoding(tmp_path):
    (tmp_path / "bomb.png").write_bytes(raw_png(20000, 20000, 8, 2, [b""]))
    with pytest.raises(TooLarge, match=r"bomb\.png has 20000 x 20000 pixels, 400 million; minivis reads up to 300"):
        read_image(tmp_path / "bomb.png")
    assert Image.MAX_IMAGE_PIXELS is not None           # Pillow's own limit is back, after an error too


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("side, seen", [(100, (40, 100)), (99, (40, 99)), (60, (24, 60)), (101, (40, 100))])
def test_max_side_shrinks_whatever_is_larger(tmp_path, suffix, side, seen):
    Image.new("RGB", (100, 40), "red").save(tmp_path / f"p.{suffix}")
    assert read_image(tmp_path / f"p.{suffix}", max_side=side).shape == (*seen, 3)


def test_more_pixels_than_pillow_likes(tmp_path):
    Image.new("1", (10000, 9500), 1).save(tmp_path / "p.png")           # Pillow alone warns above 89 million
    assert read_image(tmp_path / "p.png", max_side=100).shape == (95, 100, 1)


def test_a_record_is_not_looked_for_behind_more_pixels_than_a_picture_has(tmp_path):
    """Pillow unpacks them all for it."""
    write_image(tmp_path / "a.png", np.zeros((4, 5, 3), np.uint8), {"minivis": "{}"})
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 318, 16_777_591)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(TooLarge, match="318 x 16777591 pixels, 5335 million; minivis reads up to 300"):
        read_text(tmp_path / "a.png")


def test_a_small_file_of_very_many_pixels_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    Image.new("RGBA", (64, 40)).save(tmp_path / "p.png")
    monkeypatch.setattr(files, "FREE_PIXELS", 2000)
    monkeypatch.setattr(files, "MOST_PIXELS_A_BYTE", 1)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", None)
    for path in (tmp_path / "p.png", io.BytesIO((tmp_path / "p.png").read_bytes())):
        with pytest.raises(TooLarge, match=r"would unpack from 0\.0 MB to 64 x 40 pixels, which no photograph does"):
            read_image(path)
    monkeypatch.undo()
    assert read_image(tmp_path / "p.png").shape == (40, 64, 3)


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16", "F", "RGB"])
@pytest.mark.parametrize("side", [None, 50])
def test_reading_makes_few_copies(tmp_path, mode, side):
    """Beside Pillow's own array, which tracemalloc does not see, there is the result and one band."""
    Image.new(mode, (1000, 2000)).save(tmp_path / "p.tif")
    tracemalloc.start()
    try:
        read_image(tmp_path / "p.tif", side)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4.5 * 2_000_000               # bytes: three of the result, and the band


# --- files that are no pictures ---

@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated(tmp_path, suffix, part):
    noise = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"p.{suffix}")
    data = (tmp_path / f"p.{suffix}").read_bytes()
    (tmp_path / f"p.{suffix}").write_bytes(data[:int(len(data) * part)])
    with pytest.raises(BadFile, match=rf"p\.{suffix} is (damaged or incomplete \(.+\); get|not a picture)") as error:
        read_image(tmp_path / f"p.{suffix}")
    assert "\n" not in str(error.value)


def test_random_damage_gives_a_picture_or_one_sentence(tmp_path, photo):
    rng = np.random.default_rng(1)
    for suffix in ("png", "jpg", "gif", "tif", "webp", "bmp"):
        Image.fromarray(photo).save(tmp_path / f"p.{suffix}")
        good = np.frombuffer((tmp_path / f"p.{suffix}").read_bytes(), np.uint8)
        for _ in range(30):
            bad = good.copy()
            bad[rng.integers(0, len(bad), 5)] = rng.integers(0, 256, 5)
            try:
                assert read_image(io.BytesIO(bad.tobytes()), max_side=64).dtype == np.uint8
            except (BadFile, TooLarge) as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("make, message", [
    (lambda p: p.write_text("This is no picture.\n" * 9),
     r"p\.jpg is not a picture that minivis can read \(PNG, JPEG.*convert"),
    (lambda p: p.write_bytes(b""), r"p\.jpg is empty; get a complete copy"),
    (lambda p: p.mkdir(), r"p\.jpg is a folder; name a picture in it"),
    (lambda p: None, r"^there is no file .*p\.jpg$"),
])
def test_no_picture(tmp_path, make, message):
    make(tmp_path / "p.jpg")
    for reader in (read_image, read_text):
        with pytest.raises(BadFile, match=message):
            reader(str(tmp_path / "p.jpg"))


def test_unreadable_and_unnameable(tmp_path):
    with pytest.raises(BadFile, match="is not a file name"):
        read_image("a\0b.png")
    with pytest.raises(BadFile, match=r"cannot be opened \(File name too long\)"):
        read_image(tmp_path / ("x" * 300))
    with pytest.raises(BadValue, match="max_side must be at least 1 pixel, not 0"):
        read_image(tmp_path / "p.png", max_side=0)


# --- writing ---

@pytest.mark.parametrize("suffix", [".png", ".PNG", ".webp", ".tif", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_write_and_read_back(tmp_path, photo, suffix, channels):
    image, text = photo[:, :, :channels], {"settings": '{"seed": 0}', "b": "π\n²"}
    write_image(tmp_path / f"p{suffix}", image, text)
    got = read_image(tmp_path / f"p{suffix}")
    np.testing.assert_array_equal(got[:, :, :channels], image)
    assert read_text(tmp_path / f"p{suffix}") == text
    assert no_leftovers(tmp_path, f"p{suffix}")


def test_jpeg_keeps_text_too(tmp_path, photo):
    write_image(tmp_path / "p.jpg", photo, {"command": "minivis dream"})
    assert abs(read_image(tmp_path / "p.jpg").astype(int) - photo).max() <= 8
    assert read_text(tmp_path / "p.jpg") == {"command": "minivis dream"}


def test_text_of_other_peoples_pictures(tmp_path, photo):
    exif = Image.Exif()
    Image.fromarray(photo).save(tmp_path / "bare.png")
    for name, description in {"none": None, "prose": "my cat", "list": "[1]"}.items():
        exif[0x010E] = description or ""
        Image.fromarray(photo).save(tmp_path / f"{name}.jpg", **({"exif": exif} if description else {}))
        assert read_text(tmp_path / f"{name}.jpg") == {}
    assert read_text(tmp_path / "bare.png") == {}


def test_png_bytes_are_the_same_every_time(photo):
    data = png_bytes(photo, {"seed": "0"})
    assert data == png_bytes(photo.copy(), {"seed": "0"}) and data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(read_image(io.BytesIO(data)), photo)
    assert read_image(io.BytesIO(png_bytes(photo[:, :, 0]))).shape == (20, 30, 1)


def test_new_files_have_usual_permissions(tmp_path, photo):
    (tmp_path / "usual").touch()
    write_image(tmp_path / "p.png", photo)
    assert stat.S_IMODE((tmp_path / "p.png").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_existing_file_is_kept_unless_forced(tmp_path, photo):
    (tmp_path / "p.png").write_bytes(b"mine")
    with pytest.raises(BadValue, match=r"p\.png exists and is kept; give another name, or --force to replace it"):
        write_image(tmp_path / "p.png", photo)
    assert (tmp_path / "p.png").read_bytes() == b"mine"
    write_image(tmp_path / "p.png", photo, force=True)
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), photo)
    assert no_leftovers(tmp_path, "p.png")


@pytest.mark.parametrize("name, message", [
    ("p.xyz", r"p\.xyz: a picture's name must end in one of \.png, \.jpg"), ("p", "a picture's name must end in"),
    ("none/p.png", r"cannot be written: the folder .*none does not exist; make it first"),
    ("folder.png", r"folder\.png is a folder; give the name of a file in it"),
    ("a\0b.png", "is not a file name"),
    ("x" * 300 + ".png", r"cannot be written \(File name too long\)"),
])
def test_names_that_cannot_be_written(tmp_path, photo, name, message):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BadValue, match=message):
        write_image(tmp_path / name, photo)
    assert no_leftovers(tmp_path, "folder.png")


def test_unwritable_folder(tmp_path, photo, monkeypatch):
    def refuse(*args, **kwargs):                        # root, who runs many a test, may write anywhere
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadValue, match=r"p\.png cannot be written \(Permission denied\); choose another folder"):
        write_image(tmp_path / "p.png", photo)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_is_kept(tmp_path, rng, suffix):
    array = rng.integers(0, 256, (5, 7, 4), np.uint8)
    array[..., 3] = np.where(array[..., 3] > 99, 255, 0)
    array[array[..., 3] == 0] = 0                                       # WebP forgets colours that nobody sees
    write_image(tmp_path / f"a{suffix}", array, {"minivis": "how"})
    with Image.open(tmp_path / f"a{suffix}") as im:
        np.testing.assert_array_equal(np.asarray(im), array)
    seen = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(seen, np.where(array[..., 3:] > 0, array[..., :3], 255))


@pytest.mark.parametrize("array, message", [
    (np.zeros((2, 2, 3)), "must be uint8 to be written, not float64"),
    (np.zeros((2, 2, 5), np.uint8), r"with alpha, not \(2, 2, 5\)"),
    (np.zeros((0, 2, 3), np.uint8), r"not \(0, 2, 3\)"), (np.zeros((1, 2, 2, 3), np.uint8), r"not \(1, 2, 2, 3\)"),
])
def test_arrays_that_are_no_pictures(tmp_path, array, message):
    with pytest.raises(BadValue, match=message):
        write_image(tmp_path / "p.png", array)
    assert no_leftovers(tmp_path)


@pytest.mark.parametrize("text, message", [
    ({"a": 1}, "dict of strings, but 'a' is 1"), ({"": "x"}, "1 to 79 ASCII"), ({"k" * 80: "x"}, "1 to 79"),
    ({"a": "\0"}, "no NUL"),
])
def test_text_that_cannot_be_kept(photo, text, message):
    with pytest.raises(BadValue, match=message):
        png_bytes(photo, text)


def test_too_wide_or_too_much_text_for_jpeg(tmp_path, photo):
    with pytest.raises(BadValue, match=r"70000 x 1 pixels cannot be written as JPEG .*; write a PNG"):
        write_image(tmp_path / "p.jpg", np.zeros((1, 70000, 3), np.uint8))
    with pytest.raises(BadValue, match="cannot be written as JPEG"):
        write_image(tmp_path / "p.jpg", photo, {"a": "x" * 100_000})
    assert no_leftovers(tmp_path)


def test_transparency_in_bands_equals_the_whole(tmp_path, rng, monkeypatch):
    pixels = rng.integers(0, 256, (37, 11, 4), np.uint8)
    write_image(tmp_path / "a.png", pixels)
    whole = read_image(tmp_path / "a.png")
    on_white = Image.alpha_composite(Image.new("RGBA", (11, 37), "white"), Image.fromarray(pixels)).convert("RGB")
    assert (whole == np.asarray(on_white)).all()
    monkeypatch.setattr("minivis.images.eight_bits.BAND_ROWS", 5)
    assert (read_image(tmp_path / "a.png") == whole).all()


@pytest.mark.parametrize("numbers", [False, True])
def test_the_formats_for_numbers_are_named_where_they_can_be_had(numbers):
    with pytest.raises(BadValue, match=r"^a\.xyz: a picture's name must end in one of \.png, ") as error:
        files.check_suffix("a.xyz", numbers=numbers)
    assert str(error.value).endswith(", and that of its numbers in .npy or .npz") == numbers
    assert (".npz" in str(error.value)) == numbers and files.check_suffix("A.PNG", numbers=numbers) == ".png"
