"""What every command that makes a picture does: names, files, records."""

import json
from pathlib import Path

import pytest

from minivis.commands.picture_command import PictureCommand, positional
from minivis.commands.registry import COMMANDS
from minivis.images.files import read_image, read_text


@pytest.mark.parametrize("words, name", [
    (("saliency", "photo.png"), "photo-saliency.png"),
    (("occlude", "photo.jpg", "--window", "8,6", "--stride", "5"), "photo-occlude.png"),
    (("filters",), "tiny-filters.png"),
])
def test_names_by_default(run, here, words, name):
    code, out, _ = run(*words, "--net", "tiny.h5")
    assert code == 0 and f"wrote {name}\n" in out and (here / name).is_file()


def test_quiet_says_nothing_but_what_was_asked(run):
    assert run("saliency", "photo.png", "--net", "tiny.h5", "-q") == (0, "", "")
    code, out, err = run("classify", "photo.png", "--net", "tiny.h5", "-q")
    assert code == 0 and "%" in out and err == ""


def test_other_formats(run, here):
    for suffix in (".jpg", ".webp", ".tif"):
        assert run("saliency", "photo.png", "--net", "tiny.h5", "-o", f"a{suffix}")[0] == 0
        assert read_text(f"a{suffix}")["minivis"]


def test_an_existing_file_is_kept_unless_forced(run, here):
    (here / "photo-saliency.png").write_text("mine")
    code, _, err = run("saliency", "photo.png", "--net", "tiny.h5")
    assert code == 2 and "photo-saliency.png exists and is kept" in err
    assert (here / "photo-saliency.png").read_text() == "mine"
    assert run("saliency", "photo.png", "--net", "tiny.h5", "--force")[0] == 0
    assert read_image("photo-saliency.png").shape[2] == 3


def test_the_record_has_all_that_matters_and_no_times(run, here):
    import hashlib

    run("saliency", "photo.png", "--net", "tiny.h5", "--unit", "goose", "--threads", "1", "-o", "a.png", "-q")
    record = json.loads(read_text("a.png")["minivis"])
    assert record["command"] == ["saliency", "photo.png", "--unit", "goose", "--net", "tiny.h5"]
    assert record["net"] == {"name": "tiny.h5", "sha256": hashlib.sha256((here / "tiny.h5").read_bytes()).hexdigest()}
    assert record["image"]["sha256"] == hashlib.sha256((here / "photo.png").read_bytes()).hexdigest()
    assert record["seed"] == 0 and record["threads"] == 1
    assert set(record["versions"]) == {"minivis", "numpy", "pillow", "python", "scipy"}
    assert set(record) == {"command", "net", "image", "seed", "threads", "versions"}
    assert str(here) not in json.dumps(record)


def test_the_words_of_a_record_leave_out_what_changes_no_bits():
    kept = ["occlude", "./-odd.png", "--unit", "owl", "--unit", "cat", "--window", "8,6", "--fill", "mean"]
    command = COMMANDS["occlude"]
    given = [*kept, "--threads", "2", "--force", "-q", "-o", "out.png"]
    net = ["--net", "emoji-vgg"]                        # of a picture, it hangs on what was installed
    assert command.words(command.parse(given)) == kept + net
    short = ["occlude", "a.png"]
    assert command.words(command.parse([*short, "--seed", "0", "--fill", "grey"])) == short + net
    assert command.words(command.parse(["occlude", "--seed", "0"])) == ["occlude"]


def test_a_path_that_looks_like_an_option_gets_its_folder():
    assert positional("-odd.png") == "./-odd.png" and positional("odd-.png") == "odd-.png"


def test_a_part_goes_beside_the_picture_as_png():
    assert PictureCommand.beside("folder/a.b.jpg", "mask") == str(Path("folder/a.b-mask.png"))
