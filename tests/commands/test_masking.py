"""--mask and --feather: what lies beyond the mask stays to the bit."""

import numpy as np
import pytest

from minivis.commands.masking import mask_of
from minivis.errors import BadValue
from minivis.images.files import read_image, write_image

NET = ("--net", "tiny.h5")


@pytest.mark.parametrize("words", [("dream", "photo.png", "--steps", "2"), ("dream", "photo.png", "--no-clip"),
                                   ("texture", "photo.png", "--steps", "2")], ids=" ".join)
def test_what_is_beyond_the_mask_stays(run, here, words):
    assert run(*words, *NET, "--mask", "10,5,30,25", "-o", "a.png", "-q")[0] == 0
    before, after = read_image("photo.png"), read_image("a.png")
    beyond = np.ones(before.shape[:2], bool)
    beyond[5:25, 10:30] = False
    assert (before[beyond] == after[beyond]).all() and (before != after)[5:25, 10:30].mean() > 0.3
    assert run("rerun", "a.png", "-q")[0] == 0


def test_a_mask_from_a_file(run, here):
    mask = np.zeros((40, 60, 1), np.uint8)
    mask[:, 30:] = 255
    write_image("mask.png", mask)
    run("dream", "photo.png", *NET, "--mask", "mask.png", "-o", "a.png", "-q")
    run("dream", "photo.png", *NET, "--mask", "30,0,60,40", "-o", "b.png", "-q")
    assert (read_image("a.png") == read_image("b.png")).all()
    write_image("mask.png", 255 - mask, force=True)
    code, _, err = run("rerun", "a.png")
    assert code == 2 and "mask.png has changed" in err


@pytest.mark.parametrize("words, message", [
    (("dream", "photo.png", "--mask", "10,5,90,25"), "which is 60 pixels wide and 40 high"),
    (("dream", "photo.png", "--feather", "3"), "give --mask, too"),
    (("dream", "--mask", "none.png"), "no file none.png"),
    (("dream", "photo.png", "--mask", "1,2,3,4", "--frames", "2"), "leave out --mask or --frames"),
    (("maximize", "--mask", "1,2,3,4"), "give that picture with --start"),
    (("maximize", "--down-the-layers", "--mask", "1,2,3,4"),
     "leave out --unit, --objective, --both, --walk, --start, --mask and --count"),
])
def test_what_does_not_fit(refused, words, message):
    assert message in refused(*words, *NET)


def test_no_object_is_no_mask(monkeypatch):
    from types import SimpleNamespace

    from minivis.methods.attribution import segment

    asked = []
    monkeypatch.setattr(segment, "segment", lambda net, picture, unit: asked.append(unit) or SimpleNamespace(
        masks=(picture > 0,)))
    given = SimpleNamespace(net=None)
    for word, unit in (("segment", None), ("segment:flag: Japan", "flag: Japan")):
        found = mask_of(given, word, 2.0, np.ones((2, 2)))
        assert found["mask"].all() and found["feather"] == 2.0 and asked.pop() == unit
    with pytest.raises(BadValue, match="found no object"):
        mask_of(given, "segment", 0.0, np.zeros((2, 2)))
