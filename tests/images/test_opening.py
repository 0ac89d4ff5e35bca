"""Opening picture files: each problem is one sentence that names the file, and settings of the process come back."""

import warnings

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadFile
from minivis.images import opening
from minivis.images.files import read_image
from minivis.images.opening import LENIENT, opened_picture, orientation_of


def test_a_picture_of_an_iphone_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_formats", lambda: ["PNG", "JPEG"])
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(BadFile, match=r"a\.heic is a HEIC picture, for which pillow-heif is needed: pip install"):
        read_image(tmp_path / "a.heic")


def test_an_open_picture_has_its_name_its_size_in_bytes_and_its_orientation(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((3, 5, 3), np.uint8)).save(path)
    with opened_picture(path) as (im, name, size):
        assert im.size == (5, 3) and name.endswith("a.png") and size == path.stat().st_size
        assert orientation_of(im) == 1


@pytest.mark.parametrize("content, message", [(b"", "is empty"), (b"no picture", "is not a picture that minivis can")])
def test_a_file_that_is_no_picture_is_one_sentence(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadFile, match=message), opened_picture(tmp_path / "a.png"):
        pass


def test_the_limit_of_pillow_and_the_warnings_come_back():
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with LENIENT:
        assert Image.MAX_IMAGE_PIXELS is None
        with LENIENT:
            pass
        assert Image.MAX_IMAGE_PIXELS is None
    assert limit == Image.MAX_IMAGE_PIXELS and list(warnings.filters) == filters
