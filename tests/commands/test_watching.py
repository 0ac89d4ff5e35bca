"""--checkpoint, --resume and --film: what they need is checked before anything is computed."""

import pytest

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
