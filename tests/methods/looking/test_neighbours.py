"""The nearest pictures of a file of codes, and pictures that are not there any more."""

import os
import sys

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile
from minivis.images.files import write_image
from minivis.methods.looking.codes import codes, write_codes
from minivis.methods.looking.neighbours import neighbours
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def folder(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for i in range(10):
        write_image(f"pictures/{i}.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return tmp_path


def test_neighbours_of_a_picture(folder):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5", net_name="tiny")
    image = mv.read_image("pictures/3.png")
    found = neighbours(net, image, "codes.h5", k=4)
    values = codes(net, "pictures").values
    cosines = values @ values[3] / np.linalg.norm(values, axis=1) / np.linalg.norm(values[3])
    others = [i for i in np.argsort(-cosines) if i != 3][:4]                    # the nearest to it is not itself
    assert [path for path, _ in found.found] == [f"pictures/{i}.png" for i in others]
    np.testing.assert_allclose([d for _, d in found.found], 1 - cosines[others], atol=1e-6)
    assert found.picture().std() > 10 and found.numbers["among"] == 10 and found.caption == "the 4 nearest of 10"
    with pytest.raises(BadFile, match="holds codes of another net, tiny: name that net with --net"):
        neighbours(tiny_vgg(seed=1), image, "codes.h5")


def test_pictures_that_are_gone_or_have_changed_are_told_of(folder):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    image = mv.read_image("pictures/3.png")
    (folder / "pictures/1.png").unlink()
    write_image("pictures/2.png", image, force=True)
    notes = neighbours(net, image, "codes.h5", k=9).notes
    assert notes == ("1 pictures can no longer be read since codes.h5 was made, such as pictures/1.png",
                     "1 pictures have changed since codes.h5 was made, such as pictures/2.png")


def test_neighbours_by_pixels_are_those_with_the_smallest_difference(folder):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    image = mv.read_image("pictures/3.png")
    found = neighbours(net, image, "codes.h5", k=4, pixels=True)
    apart = {f"pictures/{i}.png": np.sqrt(np.mean((mv.read_image(f"pictures/{i}.png").astype(float) - image) ** 2))
             for i in range(10) if i != 3}
    nearest = sorted(apart, key=apart.get)[:4]
    assert [path for path, _ in found.by_pixels] == nearest
    np.testing.assert_allclose([d for _, d in found.by_pixels], [apart[path] for path in nearest], rtol=1e-5)
    assert [one["picture"] for one in found.numbers["neighbours_by_pixels"]] == nearest and "by pixels:" in str(found)
    alone = neighbours(net, image, "codes.h5", k=4)
    assert alone.found == found.found and not alone.by_pixels and "neighbours_by_pixels" not in alone.numbers
    assert found.picture().shape[0] > 1.8 * alone.picture().shape[0]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_path_that_leads_to_a_pipe_is_not_opened(folder):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    image = mv.read_image("pictures/3.png")
    (folder / "pictures/1.png").unlink()
    os.mkfifo(folder / "pictures/1.png")
    notes = neighbours(net, image, "codes.h5", k=9).notes
    assert notes == ("1 pictures can no longer be read since codes.h5 was made, such as pictures/1.png",)
