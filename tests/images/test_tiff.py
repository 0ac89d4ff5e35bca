"""TIFFs of any number of channels, in every form that is read; damaged ones end in one sentence."""

from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from tiff_files import write_tiff

from minivis.errors import BadFile, TooLarge
from minivis.images.files import read_image
from minivis.images.tiff import is_tiff, of_12_bits, packbits, read_tiff, samples_of

FORMS = [{}, {"order": ">"}, {"big": True}, {"big": True, "order": ">"}, {"planar": 2}, {"compression": 8}, {"rows": 3},
         {"predictor": 2, "compression": 8}, {"tile": (16, 16)}, {"tile": (16, 16), "planar": 2, "compression": 8},
         {"predictor": 2, "order": ">"}]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
def test_every_form(tmp_path, rng, form, dtype):
    array = rng.integers(0, 200, (20, 35, 5)).astype(dtype)
    data = write_tiff(tmp_path / "a.tif", [array], **form).read_bytes()
    assert is_tiff(data[:8]) and samples_of(data) == 5
    if form.get("predictor") == 2 and dtype == "f4":
        return                                          # differences of floats are another predictor
    found = read_tiff(data, "a.tif", 5, 10**6)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype(dtype)


def test_a_channel_a_page(tmp_path, rng):
    bands = rng.integers(0, 256, (13, 6, 7, 1), np.uint8)
    data = write_tiff(tmp_path / "a.tif", list(bands)).read_bytes()
    np.testing.assert_array_equal(read_tiff(data, "a.tif", 13, 10**6), np.moveaxis(bands[..., 0], 0, 2))
    assert read_tiff(data, "a.tif", None, 10**6).shape == (6, 7, 1)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
@pytest.mark.parametrize("noise", [1, 250])
def test_what_pillow_writes(tmp_path, rng, compression, noise):
    picture = rng.integers(0, noise, (90, 70, 3), np.uint8)
    picture[:4] = np.arange(70, dtype=np.uint8)[:, None]
    Image.fromarray(picture).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_tiff((tmp_path / "a.tif").read_bytes(), "a.tif", 3, 10**6), picture)


def test_packbits_by_hand():
    assert packbits(bytes([2, 10, 11, 12, 254, 7, 128, 0, 9]), 99) == bytes([10, 11, 12, 7, 7, 7, 9])


def test_damage(tmp_path, rng):
    data = write_tiff(tmp_path / "a.tif", [rng.integers(0, 256, (9, 8, 4), np.uint8)], compression=8).read_bytes()
    for cut in (6, 8, 20, len(data) // 2, len(data) - 30):
        with pytest.raises(BadFile, match=r"a\.tif is a damaged TIFF, or one of a kind that minivis does not read"):
            read_tiff(data[:cut], "a.tif", 4, 10**6)
    broken = bytearray(data)
    for _ in range(300):
        at = rng.integers(len(broken))
        was, broken[at] = broken[at], rng.integers(256)
        with suppress(BadFile, TooLarge):
            assert read_tiff(bytes(broken), "a.tif", 4, 10**6).size <= 10**6
        broken[at] = was
    assert samples_of(b"II*\0") == 0
    with pytest.raises(TooLarge, match="more than 0 million numbers"):
        read_tiff(data, "a.tif", 4, 100)


@pytest.mark.parametrize("width, channels", [(5, 1), (4, 3), (1, 1)])
def test_12_bits_are_spread_over_16(rng, width, channels):
    numbers = rng.integers(0, 4096, (3, width, channels))
    numbers[0, 0, 0] = 4095
    bits = (numbers.reshape(3, -1)[..., None] >> np.arange(11, -1, -1)) & 1
    raw = np.packbits(bits.reshape(3, -1).astype(np.uint8), axis=1).tobytes()
    found = of_12_bits(raw, (3, width, channels))
    assert found.dtype == np.uint16 and found[0, 0, 0] == 65535
    np.testing.assert_array_equal(found >> 4, numbers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_in_colour(tmp_path, rng, dtype):
    picture = rng.random((6, 5, 3)).astype(dtype)
    picture[0, 0] = 1
    write_tiff(tmp_path / "a.tiff", [picture])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tiff"), np.rint(255 * picture.astype(float)))
