"""Pictures of any number of channels from files: arrays, TIFFs, PNGs with transparency."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image
from tiff_files import write_tiff

from minivis.errors import BadFile, TooLarge
from minivis.images.files import read_image
from minivis.images.many_channels import beginning, pillow_reads, read_channels, shrunk


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (6, 7, 4), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 13])
def test_arrays_in_either_order(tmp_path, rng, channels):
    array = rng.integers(0, 256, (6, 7, channels), np.uint8)
    np.save(tmp_path / "a.npy", array)
    np.save(tmp_path / "b.npy", array.transpose(2, 0, 1))
    np.testing.assert_array_equal(read_image(tmp_path / "a.npy"), array)
    for name in ("a.npy", "b.npy"):
        np.testing.assert_array_equal(read_image(tmp_path / name, channels=channels), array)
    with open(tmp_path / "a.npy", "rb") as file:
        np.testing.assert_array_equal(read_image(file, channels=channels), array)


def test_an_array_of_grey_and_one_of_floats(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0, 0.2], [0.4, 1]]))
    assert read_image(tmp_path / "a.npy").tolist() == [[[0], [51]], [[102], [255]]]


def test_a_tiff_of_four_and_of_thirteen(tmp_path, rng, picture):
    np.testing.assert_array_equal(read_image(write_tiff(tmp_path / "a.tif", [picture]), channels=4), picture)
    many = rng.integers(0, 65536, (6, 7, 13)).astype(np.uint16)
    path = write_tiff(tmp_path / "b.tif", [many])
    np.testing.assert_array_equal(read_image(path, channels=13), np.rint(many / 257).astype(np.uint8))
    assert read_image(path).shape == (6, 7, 13)         # before the net is known
    pages = write_tiff(tmp_path / "c.tif", [picture[:, :, c : c + 1] for c in range(4)])
    np.testing.assert_array_equal(read_image(pages, channels=4), picture)
    assert read_image(pages).shape == (6, 7, 1)         # as ever, the first page


def test_a_png_with_transparency(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", channels=4), picture)
    assert read_image(tmp_path / "a.png").shape == (6, 7, 3)


def test_every_channel_is_shrunk_by_itself(tmp_path):
    picture = np.zeros((40, 20, 4), np.uint8)
    picture[..., 0] = 200                               # where the fourth is 0, Pillow would forget the others
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", picture)
    for name in ("a.png", "a.npy"):
        small = read_image(tmp_path / name, 10, channels=4)
        assert small.shape == (10, 5, 4) and (small[..., 0] == 200).all() and not small[..., 1:].any()
    assert shrunk(picture, 40) is picture and shrunk(picture, None) is picture


def test_what_is_for_pillow(tmp_path, picture):
    Image.fromarray(picture[..., :3]).save(tmp_path / "a.tif")
    assert read_channels(tmp_path / "a.tif", None, 10**6) is None
    assert read_channels(io.BytesIO((tmp_path / "a.tif").read_bytes()), 3, 10**6) is None
    assert read_channels(tmp_path / "missing.npy", 4, 10**6) is None
    assert beginning(tmp_path)[0] == b""


@pytest.mark.parametrize("array, error, message", [
    (np.zeros((2, 2, 2, 2)), BadFile, r"holds an array of \(2, 2, 2, 2\); a picture is \(H, W, C\)"),
    (np.zeros(5), BadFile, "a picture is"), (np.zeros((0, 2, 2)), BadFile, "a picture is"),
    (np.full((2, 2), np.nan), BadFile, "infinite or NaN"), (np.array([[1j]]), BadFile, "array of complex128"),
    (np.zeros((30, 30, 30), np.uint8), TooLarge, "more than 0 million numbers"),
])  # fmt: skip
def test_arrays_that_are_no_picture(tmp_path, array, error, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(error, match=message):
        read_channels(tmp_path / "a.npy", 4, 1000)


def test_objects_are_not_unpickled_and_damage_is_said(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(BadFile, match="array of object, and a picture is of numbers"):
        read_image(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((9, 9, 4), np.uint8))
    data = (tmp_path / "b.npy").read_bytes()
    unclosed = data.replace(b"(9, 9, 4), }", b"(9, 9, 4,   ")
    for damaged in (data[:7], data[:30], data[:-5], unclosed):
        (tmp_path / "b.npy").write_bytes(damaged)
        with pytest.raises(BadFile, match=r"b\.npy is a damaged \.npy file"):
            read_image(tmp_path / "b.npy")


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_a_tiff_that_pillow_does_not_know_before_the_net_is_known(tmp_path, rng, channels):
    array = rng.integers(0, 65536, (6, 7, channels)).astype(np.uint16)
    path = write_tiff(tmp_path / "a.tif", [array])
    assert not pillow_reads(path.read_bytes()) and read_image(path).shape == (6, 7, channels)
    Image.new("LA", (3, 2)).save(tmp_path / "b.tif")
    assert pillow_reads((tmp_path / "b.tif").read_bytes()) and read_image(tmp_path / "b.tif").shape == (2, 3, 1)


def test_files_that_are_too_large_to_be_read_as_a_whole(tmp_path, monkeypatch, picture):
    monkeypatch.setattr("minivis.images.many_channels.MOST_BYTES", 100)
    np.save(tmp_path / "a.npy", picture)
    with pytest.raises(BadFile, match="minivis reads files of up to"):
        read_image(tmp_path / "a.npy")
    assert read_channels(write_tiff(tmp_path / "a.tif", [picture]), 4, 10**6) is None


def test_what_pillow_warns_of_is_not_passed_on(tmp_path, monkeypatch):
    """It does so for odd tags of TIFFs, at which it looks before they are read here."""
    def noisy(*args):
        warnings.warn("tag data larger than file", stacklevel=1)
        return np.zeros((2, 2, 5), np.uint8)

    monkeypatch.setattr("minivis.images.files.read_channels", noisy)
    assert read_image(tmp_path / "a.tif", channels=5).shape == (2, 2, 5)
