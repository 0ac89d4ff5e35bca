"""`minivis rerun`: a picture is made again from its record, bit for bit, or refused."""

import json
import os
import subprocess
from inspect import unwrap

import numpy as np
import pytest
from commandline import fill, scene

from minivis.cli import main
from minivis.commands.gallery.command import made_folder
from minivis.images.files import read_image, read_text, write_image
from minivis.images.provenance import read_record
from minivis.methods.looking import dictionary
from minivis.methods.looking.dictionary import compare_filters
from minivis.models.tiny import tiny_vgg
from minivis.runtime import tuned
from minivis.weights.native import save


@pytest.mark.parametrize("words", [
    ("saliency", "photo.png", "--unit", "goose", "--map", "smoothgrad", "--samples", "3", "--noise", "0.3",
     "--seed", "7", "--threads", "1"),
    ("saliency", "photo.png", "--map", "all", "--samples", "3", "--baseline", "noise", "--seed", "5"),
    ("saliency", "photo.png", "--curve", "--map", "guided"),
    ("saliency", "photo.png", "--sanity", "--map", "gradcam", "--layer", "conv1_2", "--seed", "3"),
    ("occlude", "photo.jpg", "--window", "8,5", "--fill", "noise", "--unit", "relu2_1:3@2,1"),
    ("backprop", "photo.png", "--rule", "guided", "--unit", "tropical fish"),
    ("backprop", "photo.png", "--display", "absolute", "--unit", "relu2_1:3@max", "--crop"),
    ("occlude", "photo.png", "--unit", "owl", "--unit", "tropical fish", "--stride", "3"),
    ("activations", "photo.png", "--layer", "relu1_2", "--size", "30", "--order", "strength", "--scale", "channel"),
    ("filters", "--layer", "conv2_1", "--rows", "3"),
    ("filters", "--compare", "--seed", "3"),
    ("receptive-field", "--pictures", "2", "--data", "album"),
    ("classify", "photo.png", "--top", "2"),
    ("segment", "photo.png", "--high", "0.8"),
    ("saliency", "--", "-odd name.png"),
], ids=lambda words: words[0])  # fmt: skip
def test_rerun_bit_for_bit(run, here, monkeypatch, words):
    few = {**unwrap(compare_filters).__kwdefaults__, "patches": 90}
    monkeypatch.setattr(unwrap(compare_filters), "__kwdefaults__", few)
    monkeypatch.setattr(dictionary, "COUNT", 9)
    os.link("photo.png", "-odd name.png")
    (here / "album").mkdir()
    os.link("photo.png", "album/one.png")
    assert run(words[0], "--net", "tiny.h5", "-o", "first.png", *words[1:])[0] == 0
    code, out, err = run("rerun", "first.png")
    assert (code, err) == (0, "") and out == "first.png made again, bit for bit\nwrote first-rerun.png\n"
    assert (here / "first-rerun.png").read_bytes() == (here / "first.png").read_bytes()


def test_rerun_in_json(run, here):
    run("classify", "photo.png", "--net", "tiny.h5", "-o", "first.png")
    said = json.loads(run("rerun", "first.png", "-o", "second.png", "--json")[1])
    assert said["numbers"]["identical"] is True and said["files"] == ["second.png"]
    assert (here / "second.png").read_bytes() == (here / "first.png").read_bytes()


@pytest.mark.parametrize("ending", [".npz", ".tif"])
def test_numbers_are_made_again_too(run, refused, here, ending):
    assert run("saliency", "photo.png", "--net", "tiny.h5", "-o", f"a{ending}")[0] == 0
    assert run("rerun", f"a{ending}") == (0, f"a{ending} made again, bit for bit\nwrote a-rerun{ending}\n", "")
    assert (here / f"a-rerun{ending}").read_bytes() == (here / f"a{ending}").read_bytes()
    assert "holds numbers, and a file of numbers ends in" in refused("rerun", f"a{ending}", "-o", "b.png")


def test_a_record_of_segment_without_a_cut_is_of_opencvs(run, here):
    pytest.importorskip("cv2", reason="no OpenCV here")
    old = ("--map", "guided", "--cut", "opencv", "--high", "0.95", "--low", "0.3")
    assert run("segment", "photo.png", "--net", "tiny.h5", *old, "-o", "a.png")[0] == 0
    assert read_record("a.png")["command"] == ["segment", "photo.png", "--net", "tiny.h5"]
    assert run("rerun", "a.png") == (0, "a.png made again, bit for bit\nwrote a-rerun.png\n", "")


def test_rerun_refuses_changed_inputs(run, refused, here):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    assert "exists and is kept" in refused("rerun", "a.png", "-o", "a.png")
    photo = (here / "photo.png").read_bytes()
    write_image("photo.png", scene()[::-1], force=True)
    assert "the picture photo.png has changed since a.png was made" in refused("rerun", "a.png")
    (here / "photo.png").unlink()
    assert "a.png was made from the picture photo.png, which is missing" in refused("rerun", "a.png")
    (here / "photo.png").write_bytes(photo)
    save(tiny_vgg(seed=1), "tiny.h5", force=True)
    assert "the net tiny.h5 has changed since a.png was made" in refused("rerun", "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_picture_through_a_pipe_cannot_be_made_again(run, refused, here):
    os.mkfifo("pipe")
    with subprocess.Popen(["cp", "photo.png", "pipe"]) as writer:
        assert run("saliency", "pipe", "--net", "tiny.h5", "-o", "a.png")[0] == 0
    assert writer.returncode == 0 and "pipe" in json.loads(read_text("a.png")["minivis"])["image"]["sha256"]
    assert "a.png was made from the picture pipe, which is missing" in refused("rerun", "a.png")


def test_rerun_finds_inputs_beside_the_picture(run, here, monkeypatch):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert run("rerun", "../a.png")[0] == 0
    assert (here / "elsewhere/a-rerun.png").read_bytes() == (here / "a.png").read_bytes()


@pytest.mark.parametrize("edited", [np.s_[:], np.s_[-1, -1, -1], np.s_[0, 0, 0]])
def test_rerun_says_when_the_picture_was_edited(run, here, edited):
    """All of it, or one number."""
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    pixels = read_image("a.png")
    pixels[edited] = 255 - pixels[edited]
    write_image("a.png", pixels, read_text("a.png"), force=True)
    code, out, _ = run("rerun", "a.png")
    assert code == 1 and "not bit for bit" in out


def test_rerun_says_when_the_picture_was_cut(run, here):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    write_image("a.png", read_image("a.png")[:1, :1], read_text("a.png"), force=True)
    code, out, _ = run("rerun", "a.png")
    assert code == 1 and "not bit for bit" in out


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The text of a record, made once."""
    folder = tmp_path_factory.mktemp("record")
    fill(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png", "-q"]) == 0
        return read_text("a.png")["minivis"]


@pytest.fixture
def record(kept):
    return json.loads(kept)


@pytest.mark.parametrize("change", [
    {"command": ["train", "fashion"]},
    {"command": ["rerun", "photo.png"]},
    {"command": ["saliency", "photo.png", "--net", "tiny.h5", "-o", "stolen.png"]},
    {"command": ["saliency", "photo.png", "--net", "tiny.h5", "--force"]},
    {"command": ["saliency", "photo.png", "--net", "tiny.h5", "--threads", "0"]},
    {"command": ["saliency", "--help"]},
    {"command": ["saliency", "--net", "tiny.h5"]},
    {"command": []},
    {"command": "saliency"},
    {"command": [["saliency"]]},
    {"command": {"saliency": 1}},
    {"versions": None}, {"versions": {"numpy": 1}}, {"versions": []},
    {"net": {}}, {"net": 5}, {"net": []},
    {"threads": 10**30}, {"threads": 0}, {"threads": True}, {"threads": 2.0},
    {"threads": "many"},
    {"net": None},
    {"net": {"name": "tiny.h5"}},
    {"image": None},
    {"image": {"name": 3, "sha256": ""}},
], ids=str)  # fmt: skip
def test_rerun_trusts_no_record(refused, here, record, change):
    write_image("bad.png", scene(), {"minivis": json.dumps({**record, **change})})
    line = refused("rerun", "bad.png")
    assert "damaged record" in line or "cannot make again" in line
    assert not list(here.glob("*-rerun*"))


@pytest.mark.parametrize("text", ["{", "[" * 100_000], ids=["{", "deep"])
def test_rerun_reads_no_broken_text(refused, here, text):
    write_image("bad.png", scene(), {"minivis": text})
    assert "damaged record" in refused("rerun", "bad.png") and not list(here.glob("*-rerun*"))


@pytest.mark.parametrize("key", ["versions", "threads", "net", "image"])
def test_rerun_needs_the_whole_record(refused, here, record, key):
    for change in ({}, {"command": ["saliency", "--net", "tiny.h5"]}):
        less = {k: v for k, v in {**record, **change}.items() if k != key}
        write_image("less.png", scene(), {"minivis": json.dumps(less)}, force=True)
        assert "damaged record" in refused("rerun", "less.png") and not list(here.glob("*-rerun*"))


def test_a_new_folder_goes_again_when_what_is_done_in_it_fails_and_an_old_one_stays(tmp_path):
    (tmp_path / "old").mkdir()
    for name, stays in (("new", False), ("old", True)):
        with pytest.raises(KeyboardInterrupt), made_folder(tmp_path / name) as folder:
            assert folder.is_dir()
            raise KeyboardInterrupt
        assert (tmp_path / name).exists() == stays
    with made_folder(tmp_path / "new") as folder:
        pass
    assert folder.is_dir()


def test_a_picture_whose_pixels_are_cut_off_is_told_before_it_is_made_again(run, refused, here):
    """Its record is whole, and stands before the pixels."""
    assert run("occlude", "photo.png", "--net", "tiny.h5", "--window", "8", "-o", "a.jpg")[0] == 0
    data = (here / "a.jpg").read_bytes()
    (here / "a.jpg").write_bytes(data[: len(data) // 2])
    assert "damaged or incomplete" in refused("rerun", "a.jpg", "-o", "b.jpg")


def test_rerun_names_tuned_numbers_where_the_bits_differ(run, here, monkeypatch):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    write_image("a.png", 255 - read_image("a.png"), read_text("a.png"), force=True)
    monkeypatch.setenv("MINIVIS_TUNING", str(here / "tuning.json"))
    tuned.save({"tiny": 2**17})
    code, out, _ = run("rerun", "a.png")
    assert code == 1 and "tuning default then and tiny=131072 now" in out
