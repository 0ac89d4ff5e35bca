"""--checkpoint, --resume and --film: what they need is checked before anything is computed."""

import pytest
from commandline import contents

from minivis.errors import BadFile
from minivis.images.files import read_image

NET = ("--net", "tiny.h5")


@pytest.mark.parametrize("options, message", [
    (("--resume",), "--resume needs --checkpoint FILE"), (("--checkpoint", "no/where"), "the folder no does not exist"),
    (("--film", "a.avi"), "a.avi"), (("--film", "photo.png"), "photo.png exists and is kept"),
])
def test_what_is_wrong_shows_first(refused, options, message):
    assert message in refused("invert", "photo.png", *NET, "--steps", "2", *options)


def test_a_film(run, here):
    assert run("invert", "photo.png", *NET, "--steps", "2", "--film", "a.gif", "-q")[0] == 0
    assert (here / "a.gif").read_bytes().startswith(b"GIF8")


def test_a_film_that_finds_no_room_leaves_the_picture_and_says_so(run, here, monkeypatch):
    def full(path, frames, force=False):
        raise BadFile(f"{path} cannot be written: the disk is full")

    before = set(contents(here))
    monkeypatch.setattr("minivis.figures.film.write_film", full)
    code, out, err = run("invert", "photo.png", *NET, "--steps", "2", "--film", "a.gif")
    assert (code, out, err) == (2, "", "minivis: error: a.gif cannot be written: the disk is full (written before, and "
                                       "whole: photo-invert.png)\n")
    assert set(contents(here)) - before == {here / "photo-invert.png"} and read_image(here / "photo-invert.png").any()
