"""Many pictures by name: which they are, in which order, and that no file, however odd, is more than one error."""

import hashlib
import io
import os
import sys

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadFile, BadValue, MinivisError, TooLarge
from minivis.images import collection
from minivis.images.collection import Pictures, chained, folder_hash
from minivis.images.files import write_image

PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.png", "b/c.PNG", ".d.png", ".hidden/e.png"):
        with open(tmp_path / name, "wb") as file:
            write_image(tmp_path / "whole.png", PICTURE, force=True)
            file.write((tmp_path / "whole.png").read_bytes())
    (tmp_path / "notes.txt").write_text("not looked at")
    return tmp_path


def test_reads_pixels_and_hash(folder):
    pictures = Pictures.of(folder)
    assert pictures.names == ("a.png", "b/c.PNG", "whole.png") and len(pictures) == 3
    pixels, sha256 = pictures.read(1)
    np.testing.assert_array_equal(pixels, PICTURE)
    assert sha256 == pictures.hash(1) == hashlib.sha256((folder / "b/c.PNG").read_bytes()).hexdigest()
    assert pictures.read(0, 2)[0].shape == (2, 2, 3)
    assert pictures.part(1, 5).names == ("b/c.PNG", "whole.png")


def test_arrays_are_pictures_too():
    pictures = Pictures.of([PICTURE, PICTURE[:2]])
    assert pictures.name(1) == "picture 1" and pictures.path(1) is None
    assert pictures.hash(0) == pictures.read(0)[1] != pictures.hash(1)


def test_files_arrays_bytes_and_pillows_pictures_go_together(folder):
    file = folder / "a.png"
    pictures = Pictures.of([PICTURE, file, file.read_bytes(), Image.open(file), str(file)])
    assert len(pictures) == 5 and len({pictures.hash(i) for i in range(5)}) == 1
    assert len(Pictures.of(file.read_bytes())) == len(Pictures.of(io.BytesIO(file.read_bytes()))) == 1
    with pytest.raises(BadValue, match="pictures are a folder, a list of files, or arrays"):
        Pictures.of([PICTURE, 3])
    with pytest.raises(BadFile, match="not a picture"):
        Pictures.of([PICTURE, b"no picture"])


def test_the_hash_of_a_folder_grows_picture_by_picture(folder):
    pictures, digest = Pictures.of(folder), ""
    for i in range(3):
        assert folder_hash(pictures, i) == digest
        digest = chained(digest, pictures.name(i), pictures.hash(i))
    assert folder_hash(folder) == digest


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_what_is_no_regular_file_is_not_opened(folder):
    os.mkfifo(folder / "pipe.png")
    os.symlink("/dev/zero", folder / "zero.png")
    os.symlink("nowhere", folder / "lost.png")
    pictures = Pictures.of(folder)
    assert pictures.names == ("a.png", "b/c.PNG", "lost.png", "pipe.png", "whole.png", "zero.png")
    for number, message in ((2, r"^lost\.png cannot be opened \(No such file"),
                            (3, r"^pipe\.png is a pipe or a device, not a regular file"),
                            (5, r"^zero\.png is a pipe or a device")):
        with pytest.raises(BadFile, match=message):
            pictures.read(number)
        assert pictures.hash(number) == ""
    with pytest.raises(BadFile, match=r"pipe\.png is a pipe or a device, not a folder"):
        Pictures.of(folder / "pipe.png")


def test_a_file_that_is_far_too_large_is_not_read(folder, monkeypatch):
    """Sparse, so that it takes no room on the disk; read whole it would take 12 GB of memory."""
    with open(folder / "huge.png", "wb") as file:
        file.truncate(12 * 10**9)
    pictures = Pictures.of(folder)
    assert pictures.names[2] == "huge.png"
    with pytest.raises(BadFile, match=r"^huge\.png has 12\.0 GB; minivis reads files of up to 2\.1 GB here"):
        pictures.read(2)
    assert pictures.hash(2) == ""


def test_a_lack_of_memory_is_one_picture_s_error(folder, monkeypatch):
    def read_bytes(path, most):
        raise MemoryError

    monkeypatch.setattr(collection, "read_bytes", read_bytes)
    with pytest.raises(TooLarge, match=r"^a\.png does not fit into memory"):
        Pictures.of(folder).read(0)
    assert Pictures.of(folder).hash(0) == ""


def test_errors_name_the_picture(folder):
    (folder / "a.png").write_bytes(b"")
    (folder / "b/c.PNG").write_bytes(b"no picture")
    for number, message in ((0, "a.png is empty"), (1, "b/c.PNG is no")):
        with pytest.raises(MinivisError, match=message):
            Pictures.of(folder).read(number)
    with pytest.raises(BadValue, match="give at least one"):
        Pictures.of([])
