"""`minivis fool` as a user types it: the figure, the picture beside it, failure with 1, and mistakes with 2."""

import json

import numpy as np
import pytest
from commandline import contents, fill
from fashion_files import write_fashion

from minivis.cli import main
from minivis.images.files import read_image, read_text
from minivis.models.tiny import tiny_vgg
from minivis.weights.native import save


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    fill(folder)
    save(tiny_vgg(seed=5), folder / "easy.h5")
    return folder


@pytest.fixture
def run(tmp_path, originals, monkeypatch, capsys):
    """Run `minivis fool` in a folder of our own; return (exit code, stdout, stderr)."""
    for file in originals.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)

    def run(*words, command="fool"):
        net = [] if command == "rerun" or "--net" in words else ["--net", "easy.h5"]
        code = main([command, *map(str, words), *net])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def classes(run, picture):
    said = json.loads(run(picture, "--json", command="classify")[1])
    return [row["class"] for row in said["numbers"]["top"]]


def test_the_picture_in_the_file_fools(run):
    now, other = classes(run, "photo.png")[:2]
    code, out, err = run("photo.png", "--to", other, "--label", now)
    assert (code, err) == (0, "") and out.startswith(f"{now} ") and f"-> {other}" in out
    assert out.endswith("wrote photo-fool.png\nwrote photo-fool-picture.png\n")
    assert classes(run, "photo-fool-picture.png")[0] == other
    assert read_image("photo-fool-picture.png").shape == (16, 16, 3) and "minivis" in read_text("photo-fool.png")

    said = json.loads(run("photo.png", "--to", other, "-o", "again.png", "--json")[1])
    assert said["files"] == ["again.png", "again-picture.png"] and said["numbers"]["answer"] == other
    assert {"l0", "l2", "linf", "psnr", "ssim", "before", "after", "fooled", "eps"} <= set(said["numbers"])
    np.testing.assert_array_equal(read_image("again-picture.png"), read_image("photo-fool-picture.png"))


def test_rerun(run):
    assert run("photo.png", "--method", "deepfool", "--from", "200,30,30")[0] == 2
    assert run("--from", "noise", "--to", "cat", "--sure", "0.4", "--steps", "16", "--seed", "3", "-o", "a.png")[0] == 0
    code, out, _ = run("a.png", command="rerun")
    assert code == 0 and "made again, bit for bit" in out


def test_failure_is_exit_code_1_and_said(run):
    now, *others = classes(run, "photo.png")
    code, out, err = run("photo.png", "--to", others[-1], "--eps", "1", "--steps", "1")
    assert (code, err) == (1, "") and out.startswith(f"NOT FOOLED, the goal was {others[-1]}: {now} ")
    assert run("photo.png", "--to", others[-1], "--eps", "1", "--steps", "1", "-o", "b.png", "--json")[0] == 1


@pytest.mark.parametrize("words, message", [
    (["photo.png", "--to", "gose"], "no class named 'gose'; did you mean 'goose'"),
    (["photo.png", "--to", "NOW"], "the net says NOW already: name another class"),
    (["photo.png", "--label", "OTHER"], "the net sees NOW in this picture, not OTHER"),
    (["photo.png", "--eps", "0"], "eps must be a number of levels above 0"),
    (["photo.png", "--eps", "-2"], "'--eps': -2.0 is not in the range"),
    (["photo.png", "--eps", "nan"], "nan is not a finite number"),
    (["photo.png", "--eps", "0.3"], "holds whole levels"),
    (["photo.png", "--method", "pdg"], "'pdg' is not one of"),
    (["photo.png", "--steps", "0"], "'--steps'"),
    (["photo.png", "--sure", "1"], "'--sure'"),
    (["photo.png", "--from", "noise", "--to", "cat"], "--from needs no picture: leave out either photo.png"),
    (["--from", "noise"], "say which class to reach, as with --to goose"),
    (["--from", "nose", "--to", "cat"], "'nose' is not a start; write noise, grey"),
    (["--from", "1,2", "--to", "cat"], "'1,2' is not a start"),
    (["--from", "1,2,256", "--to", "cat"], "'1,2,256' is not a start"),
    (["photo.png", "-o", "taken.png"], "taken-picture.png exists and is kept"),
    (["photo.png", "--net", "plain.h5"], "this net has no classes"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(run, tmp_path, words, message):
    from dataclasses import replace

    now, other = classes(run, "photo.png")[:2] if {"NOW", "OTHER"} & set(words) else ("", "")
    net = tiny_vgg()
    save(replace(net, roles={**net.roles, "logits": None, "prob": None}, class_names=(), class_aliases={}), "plain.h5")
    (tmp_path / "taken-picture.png").write_text("mine")
    before = contents(tmp_path)
    code, out, err = run(*(word.replace("NOW", now).replace("OTHER", other) for word in words))
    assert (code, out) == (2, "") and err.count("\n") == 1 and contents(tmp_path) == before
    assert message.replace("NOW", now).replace("OTHER", other) in err


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """Run any command in an empty folder; return (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: (main(list(words)), *capsys.readouterr())


def test_a_faint_addition_is_written_as_sound(say):
    from scipy.io import wavfile

    code, out, _ = say("sound", "--say", "a", "--to", "o", "-o", "out.png", "--json")
    said = json.loads(out)["numbers"]
    assert code == 0 and (said["before"], said["after"]) == ("a", "o") and said["snr_db"] > 30
    rate, before = wavfile.read("out-before.wav")
    assert (rate, before.dtype, len(before)) == (8000, "int16", 2048)
    after = wavfile.read("out-after.wav")[1]
    assert abs(after.astype(int) - before).max() == said["largest"] > 0
    assert json.loads(read_text("out.png")["minivis"])["net"]["name"] == "vowels-net"
    assert say("rerun", "out.png")[0] == 0
    assert say("sound", "-o", "out.png")[0] == 2                        # the file exists, and is kept
    code, out, _ = say("sound", "--say", "a", "--to", "i", "--snr", "60", "-o", "no.png")
    assert code == 1 and "not fooled" in out


def test_robustness_of_the_embedded_nets(say):
    code, out, _ = say("robustness", "--count", "6", "--steps", "1", "--json", "-o", "out.png")
    said = json.loads(out)["numbers"]
    assert code == 0 and said["eps"] == [0, 1, 2, 4, 8, 16] and said["pictures"] == 6
    assert list(said["accuracy"]) == ["emoji-vgg", "emoji-vgg-robust"]
    assert all(row[0] > 0.6 for row in said["accuracy"].values())


def test_robustness_of_nets_of_clothes(say, tmp_path, monkeypatch):
    """Trained for a step on a few pictures."""
    from minivis.training import hardened

    recipe, own, eps = hardened.KINDS["fashion"]
    monkeypatch.setitem(hardened.KINDS, "fashion", (recipe, {**own, "steps": 1, "batch": 8, "shard": 8}, eps))
    write_fashion(tmp_path / "data")
    words = ("--on", "fashion", "--data", "data", "--count", "4", "--steps", "1")
    code, out, err = say("robustness", *words, "--json", "-o", "out.png")
    said = json.loads(out)["numbers"]
    assert (code, err) == (0, "") and said["eps"] == [0, 2, 4, 8, 12, 16, 24, 32] and said["pictures"] == 4
    assert list(said["accuracy"]) == ["as usual", "shifts and noise", "against FGSM"]
    for words, message in ((("--data", "data"), "use it with --on fashion"),
                           (("--on", "fashion", "--data", "void"), "apt-get install dataset-fashion-mnist")):
        code, out, err = say("robustness", *words, "-o", "b.png")
        assert (code, out) == (2, "") and message in err and err.count("\n") == 1
