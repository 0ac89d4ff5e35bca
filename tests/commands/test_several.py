"""Several pictures in one run: files, lines and exit codes; and several nets in one figure."""

import json
import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from minivis.commands.several import in_folder, kept_files, make_folder, named, names_of, tell_failure
from minivis.errors import BadValue
from minivis.images.files import read_image, write_image
from minivis.weights import catalogue

NET = ("--net", "tiny.h5")


@pytest.fixture
def photos(here):
    """photos/a.png, b.png and in/a.jpg, which are pictures, and photos/bad.png, which is none."""
    (here / "photos" / "in").mkdir(parents=True)
    picture = read_image("photo.png")
    for k, name in enumerate(("a.png", "b.png", "in/a.jpg")):
        write_image(here / "photos" / name, np.roll(picture, 9 * k, axis=1))
    (here / "photos" / "bad.png").write_text("no picture")
    return here / "photos"


def test_each_picture_gets_its_file_and_its_line(run, here, photos):
    code, out, _err = run("saliency", "photos/a.png", "photos/b.png", *NET, "-o", "maps/", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [line["files"] for line in lines] == [["maps/a-saliency.png"], ["maps/b-saliency.png"]]
    assert [line["settings"]["image"] for line in lines] == ["photos/a.png", "photos/b.png"]
    run("saliency", "photos/b.png", *NET, "-o", "alone.png", "-q")
    assert (read_image("maps/b-saliency.png") == read_image("alone.png")).all()
    assert run("rerun", "maps/b-saliency.png", "-q")[0] == 0


def test_a_bad_picture_is_listed_and_the_others_are_done(run, here, photos):
    code, out, err = run("saliency", "photos", *NET, "-o", "maps/")
    assert code == 2 and "photos/bad.png is not a picture" in err and "3 of 4 pictures are done, and 1" in err
    assert sorted(file.name for file in (here / "maps").iterdir()) == [
        "a-png-saliency.png", "b-saliency.png", "in-a-jpg-saliency.png"]
    assert out.index("photos/a.png\n") < out.index("photos/b.png\n")
    code, out, err = run("classify", "photos", *NET, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 2 and [line["image"] for line in found if "error" in line] == ["photos/bad.png"] and len(found) == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_folder_is_listed_and_one_that_is_named_is_read(run, here, photos):
    """To open it would wait for ever; a shell's <(...) is a pipe, too, and has a name on the command line."""
    (photos / "bad.png").unlink()
    os.mkfifo(photos / "pipe.png")
    code, _, err = run("classify", "photos", *NET)
    assert code == 2 and "photos/pipe.png is a pipe or a device" in err and "3 of 4 pictures are done, and 1" in err
    os.mkfifo(here / "named.png")
    writer = threading.Thread(target=lambda: (here / "named.png").write_bytes((photos / "a.png").read_bytes()))
    writer.start()
    code, out, _ = run("classify", "named.png", "photos/b.png", *NET)
    writer.join()
    assert code == 0 and "named.png\n" in out


def test_an_empty_word_is_a_file_that_is_not_there(run, here):
    code, _, err = run("saliency", "", "photo.png", *NET)
    assert code == 2 and "there is no file" in err and "1 of 2 pictures are done" in err
    assert (here / "photo-saliency.png").exists()


def test_a_glob_and_a_pattern_of_names(run, here, photos):
    assert run("dream", "photos/[ab].png", *NET, "--steps", "1", "-o", "d-{name}.png", "-q") == (0, "", "")
    assert (here / "d-a.png").exists() and (here / "d-b.png").exists()
    assert run("style", "photos/[ab].png", "photo.jpg", *NET, "--steps", "1", "-q") == (0, "", "")
    assert (here / "a-style.png").exists() and (here / "b-style.png").exists()
    assert run("saliency", "photo.png", *NET, "-o", "maps/", "-q")[0] == 0
    assert run("saliency", "photo.png", *NET, "-o", "x-{name}.png", "-q")[0] == 0
    assert (here / "maps" / "photo-saliency.png").exists() and (here / "x-photo.png").exists()


def test_what_a_run_has_written_is_no_picture_of_the_next(run, here, photos, monkeypatch):
    (photos / "bad.png").unlink()
    monkeypatch.chdir(photos)
    for _ in range(2):
        code, out, _ = run("saliency", ".", "--net", "../tiny.h5", "--json", "-f")
        assert code == 0 and len(out.splitlines()) == 3


def test_a_net_is_read_once(run, photos, monkeypatch):
    read, load = [], catalogue.load
    monkeypatch.setattr(catalogue, "load", lambda name, **how: read.append(name) or load(name, **how))
    run("classify", "photos/a.png", "photos/b.png", *NET, "-q")
    assert read == ["tiny.h5"]


@pytest.mark.parametrize("words, message", [
    (("saliency", "photo.png", "photo.jpg", "-o", "a.png"), "a.png is one file, and there are 2 pictures"),
    (("saliency", "no*.png"), "no picture is called no*.png"),
    (("invert", "photo.png", "photo.jpg", "--film", "a.gif"), "--film a.gif is one file"),
    (("saliency", "photo.png", "photo.jpg", "--unit", "gose"), "no class named 'gose'"),
    (("saliency", "photo.png", "photo.jpg", "--net", "none.h5"), "none.h5"),
])
def test_what_is_wrong_for_all_pictures_is_said_once(run, here, words, message):
    code, _out, err = run(*words, *(() if "--net" in words else NET))
    assert code == 2 and message in err and not list(here.glob("*-saliency.png"))


@pytest.mark.parametrize("paths, names", [
    (["a/x.png", "b/y.png"], ["x", "y"]), (["a/x.png", "b/x.png"], ["a-x-png", "b-x-png"]),
    (["x.png", "x.jpg"], ["x-png", "x-jpg"]), (["a-x.png", "a/x.png", "b/x.png"], ["a-x", "a-x-png", "b-x-png"]),
    (["a/b/x.png", "a-b/x.png", "c/x.png"], ["a-b-x-png", "a-b-x-png~2", "c-x-png"]),
])
def test_names_differ(paths, names):
    assert list(names_of(paths).values()) == names


@pytest.mark.parametrize("why, said", [
    ("maps/a.png is\n  damaged", "maps/a.png is damaged"), ("too\nsmall", "maps/a.png: too small"),
    ("a.png is small", "maps/a.png: a.png is small"),
])
def test_a_failure_names_its_picture_once(capsys, why, said):
    command = SimpleNamespace(name="saliency")
    tell_failure(command, {"as_json": False}, "maps/a.png", why)
    assert capsys.readouterr() == ("", f"minivis: error: {said}\n")
    tell_failure(command, {"as_json": True}, "maps/a.png", why)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"command": "saliency", "image": "maps/a.png", "error": why} and err == ""


def test_where_the_picture_of_one_of_several_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = SimpleNamespace(name="dream", ending=lambda path: ".webp")
    (tmp_path / "there").mkdir()
    assert [in_folder(out) for out in ("there", "new/", "new", "a.png")] == [True, True, False, False]
    outs = {None: "x-dream.webp", "new/": "new/x-dream.webp", "a/{name}-{name}.png": "a/x-x.png"}
    assert {out: named(command, out, "x", "in/x.png") for out in outs} == outs
    make_folder("new/x.png")
    make_folder("x.png")
    make_folder("far/away/x.png")                       # a folder is made, not a path of folders
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "there"]
    assert kept_files({"checkpoint": None, "film": "{name}.gif"}, "x") == {"film": "x.gif"}
    with pytest.raises(BadValue, match=r"--checkpoint run is one file, and there are several pictures: put {name}"):
        kept_files({"checkpoint": "run"}, "x")


# ---- several nets ----

@pytest.mark.parametrize("words", [
    ("classify", "photo.png", "-o", "a.png"), ("saliency", "photo.png", "-o", "a.png"),
    ("occlude", "photo.png", "-o", "a.png", "--stride", "5"), ("backprop", "photo.png", "-o", "a.png"),
    ("maximize", "--steps", "2", "-o", "a.png"),
], ids=lambda words: words[0])
def test_several_nets_side_by_side(run, here, words):
    code, out, err = run(*words, "--net", "tiny.h5", "--net", "branches.h5", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "") and [one["net"] for one in found["numbers"]["nets"]] == ["tiny.h5", "branches.h5"]
    width = read_image("a.png").shape[1]
    for net in ("tiny.h5", "branches.h5"):
        run(*words, "--net", net, "-f", "-q")
        width -= read_image("a.png").shape[1]
    assert width > 0


def test_the_record_of_several_nets(run, here, refused):
    run("saliency", "photo.png", "--net", "tiny.h5", "--net", "branches.h5", "-o", "a.png", "-q")
    assert "bit for bit" in run("rerun", "a.png")[1]
    (here / "branches.h5").write_bytes((here / "tiny.h5").read_bytes())
    assert "the net branches.h5 has changed" in refused("rerun", "a.png", "-f")


def test_commands_that_take_one_net_say_so(refused):
    for words in (("dream", "photo.png"), ("codes", "samples"), ("gallery",)):
        assert f"{words[0]} takes one --net, and these are a, b" in refused(*words, "--net", "a", "--net", "b")
