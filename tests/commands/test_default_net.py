"""Which net a picture goes to where --net names none, and what is said and recorded of it."""

import json

import numpy as np
import pytest
from commandline import scene
from PIL import Image

from minivis.commands import default_net
from minivis.commands.default_net import installed  # the real one, before conftest.py replaces it
from minivis.commands.gallery import run as gallery
from minivis.commands.gallery.sections import SECTIONS
from minivis.images.files import read_text, write_image
from minivis.weights import catalogue
from minivis.weights.native import save

SAYS = ("minivis: using squeezenet, a net trained on photographs, for large.png; --net emoji-vgg chooses the net of "
        "emoji\n")


@pytest.fixture
def large(here):
    write_image(here / "large.png", scene(130, 150))
    return here / "large.png"


@pytest.fixture
def present(monkeypatch, here):
    """A tiny net in place of squeezenet."""
    from minivis.models.tiny import tiny_vgg

    monkeypatch.setattr(default_net, "installed", lambda: True)
    monkeypatch.setattr(catalogue, "folders", lambda: [here / "nets"])
    (here / "nets").mkdir()
    save(tiny_vgg(), here / "nets" / "squeezenet.h5")
    save(tiny_vgg(classes=4), here / "nets" / "emoji-vgg.h5")


@pytest.mark.parametrize("sides, there, net", [
    ((128, 400), True, "squeezenet"), ((400, 128), True, "squeezenet"), ((128, 128), False, "emoji-vgg"),
    ((127, 400), True, "emoji-vgg"), ((64, 64), True, "emoji-vgg"),
])  # fmt: skip
def test_the_rule(monkeypatch, sides, there, net):
    monkeypatch.setattr(default_net, "installed", lambda: there)
    assert default_net.for_picture(np.zeros((*sides, 3), np.uint8)) == net


def test_a_photograph_goes_to_the_net_of_photographs_which_is_said_and_recorded(run, large, present):
    code, out, err = run("backprop", "large.png", "-o", "a.png", "--json")
    assert code == 0 and err == SAYS
    assert json.loads(out)["settings"]["net"] == "squeezenet"
    record = json.loads(read_text("a.png")["minivis"])
    assert record["command"] == ["backprop", "large.png", "--net", "squeezenet"]
    assert record["net"]["name"] == "squeezenet"


@pytest.mark.parametrize("words", [
    ["classify", "large.png", "--net", "emoji-vgg"], ["classify", "photo.png"], ["classify"],
    ["classify", "large.png", "-q"],
])  # fmt: skip
def test_nothing_is_said_where_a_net_is_named_the_picture_is_small_or_ours_or_the_user_wants_quiet(
    run, large, present, words
):
    code, _, err = run(*words)
    assert (code, err) == (0, "")


def test_a_record_is_made_again_with_its_own_net_whatever_is_installed_since(run, large, present, monkeypatch):
    monkeypatch.setattr(default_net, "installed", lambda: False)
    code, _, err = run("backprop", "large.png", "-o", "a.png")
    assert code == 0 and err.endswith("; pip install 'minivis[imagenet]' adds one trained on photographs\n")
    monkeypatch.setattr(default_net, "installed", lambda: True)
    code, out, err = run("rerun", "a.png", "-o", "b.png")
    assert (code, err) == (0, "") and "bit for bit" in out


def test_codes_belong_to_the_net_that_made_them(run, large, present):
    run("codes", ".", "-o", "codes.h5", "-q")
    code, _, err = run("neighbours", "large.png", "codes.h5", "-o", "a.png")
    assert (code, err) == (0, "")


def test_the_gallery_of_a_photograph_is_about_the_net_of_photographs(run, large, present, monkeypatch):
    one = gallery.Shown(SECTIONS[0], ("classify",), why_not="left out")
    monkeypatch.setattr(gallery, "run", lambda given, params, progress: [one])
    code, out, err = run("gallery", "large.png", "--json")
    assert code == 0 and err == SAYS and json.loads(out)["settings"]["net"] == "squeezenet"
    assert "What squeezenet sees in large.png" in (large.parent / "gallery" / "index.html").read_text("utf-8")


def test_it_is_installed_once_the_catalogue_finds_it(monkeypatch):
    monkeypatch.setattr(catalogue, "find", {"squeezenet": None}.get)
    assert not installed()
    monkeypatch.setattr(catalogue, "find", {"squeezenet": "here.h5"}.get)
    assert installed()


def test_a_film_is_never_its_first_frame_in_silence(run, here):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    frames[0].save("film.gif", save_all=True, append_images=frames[1:])
    code, _, err = run("classify", "film.gif", "--net", "tiny.h5")
    assert code == 0 and "film.gif has 3 frames, of which the first is used" in err
    assert run("classify", "film.gif", "--net", "tiny.h5", "-q")[2] == ""
    frames[0].save("still.gif")
    assert run("classify", "still.gif", "--net", "tiny.h5")[2] == ""


def test_numbers_of_12_bits_that_are_read_as_black(run, here):
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20)
    Image.fromarray(grey * 10).save("dark.tif")
    Image.fromarray(grey * 160).save("bright.tif")
    assert "dark.tif is nearly black: its highest level is 16 of 255; if it holds 12 bits" in run(
        "classify", "dark.tif", "--net", "tiny.h5")[2]
    assert run("classify", "bright.tif", "--net", "tiny.h5")[2] == ""
