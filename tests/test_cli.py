"""Every command as a user types it: what it prints, what it writes, what it says when something is wrong."""

import json
import os
import signal
import subprocess
import sys
from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest
from commandline import contents, fill, scene
from PIL import Image
from processes import finish, process

from minivis.cli import cli, main
from minivis.images.files import read_image, read_text, write_image
from minivis.layers.relu import RELU_RULES
from minivis.methods.looking.dictionary import compare_filters
from minivis.models.tiny import tiny_vgg
from minivis.weights.native import save

ROOT = Path(__file__).parents[1]
PICTURE_COMMANDS = ("classify", "activations", "filters", "occlude", "backprop", "saliency", "segment",
                    "receptive-field")
NEED_NO_IMAGE = ("filters", "receptive-field")


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    fill(folder)
    return folder


@pytest.fixture
def here(tmp_path, originals, monkeypatch):
    """A folder of our own with two pictures and three nets in it, and nothing else; we are in it."""
    for file in originals.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here, capsys):
    """Run a command line; return (exit code, stdout, stderr)."""

    def run(*words):
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refused(run, here):
    """Run a command line that must be refused: exit code 2, one line, no file made or changed. Return the line."""

    def refused(*words):
        before = contents(here)
        code, out, err = run(*words)
        assert (code, out) == (2, ""), (code, out, err)
        assert err.startswith("minivis: error: ") and err.count("\n") == 1 and err.endswith("\n"), err
        assert contents(here) == before, "something was left behind"
        return err.removeprefix("minivis: error: ")

    return refused


# ---- each command ----

@pytest.mark.parametrize("command", PICTURE_COMMANDS)
def test_every_picture_command(run, here, command):
    if command == "segment":
        pytest.importorskip("cv2", reason="no OpenCV here: the segment command does not run")
    image = [] if command in NEED_NO_IMAGE else ["photo.png"]
    code, out, err = run(command, *image, "--net", "tiny.h5", "-o", "out.png")
    assert (code, err) == (0, "") and out.endswith("wrote out.png\n")
    picture = read_image("out.png")
    assert picture.shape[2] == 3 and picture.std() > 10, "an empty picture"

    code, out, err = run(command, *image, "--net", "tiny.h5", "-o", "again.png", "--json")
    said = json.loads(out)
    assert (code, err) == (0, "") and list(said) == ["command", "settings", "numbers", "files"]
    assert said["command"] == command and said["files"] == ["again.png"]
    assert said["settings"]["net"] == "tiny.h5" and said["settings"]["seed"] == 0 and said["numbers"]
    assert (here / "again.png").read_bytes() == (here / "out.png").read_bytes()     # no times in it


@pytest.mark.parametrize("words, name", [
    (("saliency", "photo.png"), "photo-saliency.png"),
    (("occlude", "photo.jpg", "--window", "8,6", "--stride", "5"), "photo-occlude.png"),
    (("filters",), "tiny-filters.png"),
])
def test_names_by_default(run, here, words, name):
    code, out, _ = run(*words, "--net", "tiny.h5")
    assert code == 0 and f"wrote {name}\n" in out and (here / name).is_file()


def test_classify_prints_and_draws_only_when_asked(run, here):
    before = contents(here)
    code, out, _ = run("classify", "photo.jpg", "--net", "tiny.h5", "--top", "2")
    assert code == 0 and out.count("\n") == 2 and "%" in out and contents(here) == before
    said = json.loads(run("classify", "photo.jpg", "--net", "tiny.h5", "--json")[1])
    assert said["files"] == [] and len(said["numbers"]["top"]) == 5
    assert sum(row["probability"] for row in said["numbers"]["top"]) == pytest.approx(1, abs=1e-5)
    assert set(said["numbers"]["top"][0]) == {"class", "number", "probability", "score"}


def test_without_anything_it_sees_our_goose(run, here):
    said = json.loads(run("classify", "--json")[1])
    assert said["numbers"]["top"][0]["class"] == "goose" and said["numbers"]["top"][0]["probability"] > 0.9
    assert said["settings"]["net"] == "emoji-vgg" and said["settings"]["image"] is None
    assert run("saliency")[0] == 0 and run("rerun", "goose-saliency.png")[0] == 0
    assert (here / "goose-saliency-rerun.png").read_bytes() == (here / "goose-saliency.png").read_bytes()


def test_quiet_says_nothing_but_what_was_asked(run):
    assert run("saliency", "photo.png", "--net", "tiny.h5", "-q") == (0, "", "")
    code, out, err = run("classify", "photo.png", "--net", "tiny.h5", "-q")
    assert code == 0 and "%" in out and err == ""


def test_the_numbers_are_those_of_the_method(run):
    import minivis as mv

    said = json.loads(run("saliency", "photo.png", "--net", "tiny.h5", "--unit", "OWL", "--json")[1])
    expected = mv.saliency(mv.load("tiny.h5"), mv.read_image("photo.png"), "owl")
    assert said["numbers"] == expected.numbers and said["numbers"]["unit"] == "fc8:owl"
    np.testing.assert_array_equal(read_image("photo-saliency.png"), expected.picture())


@pytest.mark.parametrize("options", [
    ("--unit", "goldfish"), ("--unit", "relu2_1:3@max"), ("--rule", "guided"), ("--unit", "fc8:2", "--rule", "normal"),
])
def test_backprop_options(run, options):
    said = json.loads(run("backprop", "photo.png", "--net", "tiny.h5", "--json", *options)[1])
    rule = dict(zip(options[::2], options[1::2])).get("--rule")
    assert said["settings"]["rules"] == ([rule] if rule else list(RELU_RULES))
    assert set(said["numbers"]["norms"]) == set(said["settings"]["rules"])


@pytest.mark.parametrize("fill", ["grey", "mean", "blur", "noise"])
def test_occlude_options(run, fill):
    code, out, _ = run("occlude", "photo.png", "--net", "tiny.h5", "--fill", fill, "--window", "8", "--stride", "4x8",
                       "--measure", "score", "--batch", "3", "--json")
    said = json.loads(out)
    assert code == 0 and said["settings"]["fill"] == fill and said["numbers"]["windows"] == 3 * 2
    assert said["settings"]["window"] == [8, 8] and said["settings"]["stride"] == [4, 8]


def test_the_seed_matters_where_something_is_random(run, here):
    words = ("saliency", "photo.png", "--net", "tiny.h5", "--map", "smoothgrad", "--json", "--force", "--seed")
    found = [json.loads(run(*words, seed)[1]) for seed in ("1", "2", "1")]
    assert found[0] == found[2] and found[0]["numbers"] != found[1]["numbers"]


def test_a_net_of_any_size_gets_a_shrunk_picture(run, here):
    write_image("large.png", scene(600, 900))
    said = json.loads(run("activations", "large.png", "--net", "branches.h5", "--layer", "stem", "--json")[1])
    assert said["numbers"]["shape"][1] == 512 - 1                        # the stem's: 3 wide, 1 padded
    said = json.loads(run("activations", "large.png", "--net", "branches.h5", "--layer", "stem", "--size", "90",
                          "--json", "--force")[1])
    assert said["numbers"]["shape"][1] == 90 - 1


def test_other_formats(run, here):
    for suffix in (".jpg", ".webp", ".tif"):
        assert run("saliency", "photo.png", "--net", "tiny.h5", "-o", f"a{suffix}")[0] == 0
        assert read_text(f"a{suffix}")["minivis"]


def test_inspect(run):
    code, out, _ = run("inspect", "tiny.h5")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert code == 0 and rows["conv2_1"][:2] == ["conv2_1", "Conv2D"] and "8 x 8 x 8" in out
    assert rows["conv2_1"][-4:] == ["10", "2", "440", "27,648"]           # sees, every, parameters, multiply-adds
    assert rows["total"][1] == f"{tiny_vgg().parameter_count:,}"
    said = json.loads(run("inspect", "tiny.h5", "--json")[1])
    layer = next(row for row in said["numbers"]["layers"] if row["name"] == "conv2_1")
    assert layer["shape"] == [8, 8, 8] and layer["receptive_field"]["size"] == [10, 10]
    assert said["numbers"]["parameters"] == sum(row["parameters"] for row in said["numbers"]["layers"])
    assert said["numbers"]["multiply_adds"] == sum(row["multiply_adds"] for row in said["numbers"]["layers"])


def test_inspect_says_what_a_net_is_and_what_looks_wrong(run, here):
    for part in ("RGB, (pixel - ", "minivis HDF5: ", "licence: ", "nothing looks wrong"):
        assert part in run("inspect", "tiny.h5")[1]
    net = tiny_vgg()
    w = net.layers["conv1_1"].params["w"].copy()
    w[..., 2] = 0
    net.layers["conv1_1"].set_params(w=w)
    save(net, here / "dead.h5")
    assert "conv1_1: 1 of " in run("inspect", "dead.h5")[1]
    assert json.loads(run("inspect", "dead.h5", "--json")[1])["numbers"]["warnings"]


def test_inspect_at_another_size(run, refused):
    said = json.loads(run("inspect", "branches.h5", "--size", "50x70", "--json")[1])
    assert said["settings"]["input_shape"] == [50, 70, 3]
    assert "fc6" in refused("inspect", "tiny.h5", "--size", "20")


def test_weights(run):
    code, out, _ = run("weights", "list")
    assert code == 0 and "emoji-vgg" in out and "vgg16" in out and "64 x 64" in out
    said = json.loads(run("weights", "list", "--json")[1])
    assert {"name", "description", "origin", "licence", "path", "bytes"} == set(said["numbers"]["nets"][0])
    code, out, _ = run("weights", "inspect", "tiny.h5")
    assert code == 0 and "tropical fish" in out
    said = json.loads(run("weights", "inspect", "tiny.h5", "--json")[1])
    assert len(said["numbers"]["sha256"]) == 64 and said["numbers"]["classes"] == 5


def test_gradcheck(run, monkeypatch):
    code, out, _ = run("gradcheck", "--net", "tiny.h5")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and [line[1] for line in lines if line[:1] == ["ok"]][:3] == ["conv1_1", "relu1_1", "conv1_2"]
    said = json.loads(run("gradcheck", "--net", "tiny.h5", "--json")[1])
    assert said["numbers"]["ok"] is True and said["numbers"]["nets"]["tiny.h5"][0]["layer"] == "conv1_1"

    from minivis.layers import relu

    monkeypatch.setitem(relu.RELU_RULES, "normal", lambda dout, passing: 1.001 * dout * passing)
    code, out, err = run("gradcheck", "--net", "tiny.h5")
    assert code == 1 and "FAIL  relu1_1" in out and "ok    conv1_1" in out and err == ""
    assert run("gradcheck", "--net", "tiny.h5", "--json")[0] == 1


def test_help_and_version(run):
    code, out, _ = run("--help")
    assert code == 0 and all(f"  {name} " in out for name in cli.commands)
    assert run()[:2] == (0, out) and run("-h")[1] == out
    assert run("--version")[1].startswith("minivis ")
    for name, command in cli.commands.items():
        code, out, _ = run(name, "--help")
        assert code == 0 and out.startswith(f"Usage: minivis {name}"), name
        for sub in getattr(command, "commands", {}):
            assert run(name, sub, "--help")[0] == 0
    assert "list" in run("weights")[1] and "fashion" in run("train")[1]


# ---- what goes wrong ----

@pytest.mark.parametrize("words, message", [
    (["saliency", "nowhere.jpg"], "there is no file nowhere.jpg"),
    (["saliency", "."], "is a folder"),
    (["saliency", ""], "there is no file"),
    (["saliency", "photo.png", "-o", ""], "is no name for a file"),
    (["saliency", "photo.png", "--net", ""], "is a folder"),
    (["saliency", "text.jpg"], "is no picture that minivis can read"),
    (["saliency", "empty.png"], "is empty"),
    (["saliency", "cut.jpg"], "damaged or cut short"),
    (["saliency", "tiny.h5"], "is no picture"),
    (["saliency", "photo.png", "--net", "emoji-vvg"], "no net named 'emoji-vvg'; did you mean 'emoji-vgg'"),
    (["saliency", "photo.png", "--net", "nowhere.h5"], "there is no file nowhere.h5"),
    (["saliency", "photo.png", "--net", "photo.jpg"], "no file of weights"),
    (["saliency", "photo.png", "--net", "."], "is a folder"),
    (["saliency", "photo.png", "--net", "cut.h5"], "damaged or half-written"),
    (["saliency", "photo.png", "--unit", "gose"], "no class named 'gose'; did you mean 'goose'"),
    (["saliency", "photo.png", "--unit", "relu2_9:1"], "no layer named 'relu2_9'; did you mean 'relu2_1'"),
    (["saliency", "photo.png", "--unit", "relu2_1:8"], "relu2_1 has 8 channels, 0 to 7"),
    (["saliency", "photo.png", "--unit", "relu2_1"], "is a whole layer: name a unit of it"),
    (["saliency", "photo.png", "--unit", "fc8:5"], "fc8 has 5 channels"),
    (["saliency", "photo.png", "--unit", "relu2_1:1@top"], "after the @ comes"),
    (["saliency", "photo.png", "-o", "no/where.png"], "there is no folder no; make it first"),
    (["saliency", "photo.png", "-o", "photo.png"], "exists and is kept; give another name, or --force"),
    (["saliency", "photo.png", "-o", "."], "'.' is no name for a file"),
    (["saliency", "photo.png", "-o", "out.gif"], "pictures are written as .png"),
    (["saliency", "photo.png", "-o", "-"], "pictures are written as .png"),
    (["saliency", "photo.png", "-o", "out"], "pictures are written as .png"),
    (["saliency", "photo.png", "--threads", "0"], "'--threads': 0 is not in the range"),
    (["saliency", "photo.png", "--seed", "-1"], "'--seed': -1 is not in the range"),
    (["saliency", "photo.png", "--size", "0"], "'--size': 0 is not in the range"),
    (["saliency", "photo.png", "--samples", "many"], "'many' is not a valid integer"),
    (["saliency", "photo.png", "--noise", "2"], "'--noise'"),
    (["saliency", "photo.png", "--device", "tpu"], "'tpu' is not one of 'cpu', 'gpu'"),
    (["saliency", "photo.png", "photo.jpg"], "unexpected extra argument (photo.jpg)"),
    (["saliency", "photo.png", "--nett", "x"], "No such option"),
    (["saliency", "photo.png", "--net"], "'--net' requires an argument"),
    (["saliency", "photo.png", "--map", "gradcm"], "'gradcm' is not one of 'gradient', 'deconv'"),
    (["saliency", "photo.png", "--map", "gradcam", "--layer", "fc6"], "needs feature maps that fc8 is made from"),
    (["saliency", "photo.png", "--map", "gradcam", "--unit", "conv1_1:0"], "none below conv1_1: ask for a unit"),
    (["saliency", "photo.png", "--map", "integrated", "--steps", "0"], "'--steps'"),
    (["saliency", "photo.png", "--curve", "--sanity"], "are two pictures: ask for them one after the other"),
    (["occlude", "photo.png", "--window", "17"], "a window of 17 x 17 pixels does not fit into 16 x 16"),
    (["occlude", "photo.png", "--window", "4", "--stride", "5"], "from 1 to the window"),
    (["occlude", "photo.png", "--window", "big"], "'big' is not a size"),
    (["occlude", "photo.png", "--window", "0"], "'0' is not a size"),
    (["occlude", "photo.png", "--window", "1,2,3"], "is not a size"),
    (["occlude", "photo.png", "--fill", "gray"], "'gray' is not one of"),
    (["occlude", "photo.png", "--unit", "fc7:1", "--measure", "prob"], "is no class and has no probability"),
    (["backprop", "photo.png", "--rule", "gided"], "'gided' is not one of 'normal', 'deconv', 'guided', "),
    (["backprop", "photo.png", "--display", "abs"], "'abs' is not one of 'signed', 'absolute'"),
    (["backprop", "photo.png", "--crop"], "looks at the whole picture, so there is nothing to crop to"),
    (["occlude", "photo.png", "--unit", "goose", "--unit", "fc7:1"], "units of several layers"),
    (["activations", "photo.png", "--layer", "conv12"], "no layer named 'conv12'; did you mean 'conv1_2'"),
    (["activations", "photo.png", "--channels", "0"], "'--channels'"),
    (["activations", "photo.png", "--order", "size"], "'size' is not one of 'channel', 'strength'"),
    (["filters", "--layer", "fc6"], "no convolution named 'fc6'"),
    (["filters", "photo.png"], "unexpected extra argument"),
    (["filters", "--data", "taken"], "--data names what --compare learns from: give both"),
    (["filters", "--compare", "--data", "no/where"], "there is no folder no/where"),
    (["filters", "--compare", "--data", "text.jpg"], "none of the 1 pictures in text.jpg can be read"),
    (["filters", "--compare", "--data", "taken"], "there is no picture in the folder taken"),
    (["filters", "--compare", "--layer", "conv2_1"], "only filters that read the picture compare with its patches"),
    (["receptive-field", "--pictures", "0"], "'--pictures'"),
    (["receptive-field", "--data", "taken"], "there is no picture in the folder taken"),
    (["receptive-field", "photo.png"], "unexpected extra argument"),
    (["segment", "photo.png", "--show", "outline"], "'outline' is not one of 'figure', 'mask', 'cut-out'"),
    (["segment", "photo.png", "--high", "2"], "'--high'"),
    (["classify", "photo.png", "--top", "0"], "'--top'"),
    (["classify", "photo.png", "-o", "photo.jpg"], "exists and is kept"),
    (["inspect", "nowhere.h5"], "there is no file nowhere.h5"),
    (["gradcheck", "--net", "photo.png"], "no file of weights"),
    (["weights", "inspect", "cut.h5"], "damaged or half-written"),
    (["weights", "lst"], "no command named 'lst'; did you mean 'list'"),
    (["gallery", "text.jpg"], "is no picture"),
    (["gallery", "photo.png", "-o", "no/where"], "there is no folder no; make it first"),
    (["gallery", "photo.png", "-o", "photo.jpg"], "photo.jpg is not a folder"),
    (["gallery", "photo.png", "-o", "taken"], "exists and is kept"),
    (["rerun", "photo.png"], "does not say how it was made"),
    (["rerun", "nowhere.png"], "there is no file nowhere.png"),
    (["rerun"], "Missing argument 'PICTURE'"),
    (["train", "emoji", "--net", "emoji-vgh"], "no net to train named 'emoji-vgh'; did you mean 'emoji-vgg'"),
    (["train", "emoji", "-o", "tiny.h5"], "exists and is kept"),
    (["train", "fashion", "--data", "no/where"], "no/where"),
    (["train", "fashion", "--steps", "0"], "'--steps'"),
    (["train", "fashion", "--threads", "0"], "'--threads'"),
    (["train", "fashion", "--resume"], "fashion-vgg.h5.checkpoint"),
    (["bench", "conv", "--net", "vgg15"], "no net named 'vgg15'"),
    (["bench", "conv", "--threads", "0"], "'--threads': 0 is not in the range"),
    (["bench", "conv", "--size", "0"], "'0' is not a size"),
    (["bench", "cnov"], "no command named 'cnov'; did you mean 'conv'"),
    (["salience", "photo.png"], "no command named 'salience'; did you mean 'saliency'"),
    (["--quiet"], "No such option"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(refused, here, words, message):
    (here / "text.jpg").write_text("I am no picture.")
    (here / "empty.png").write_bytes(b"")
    (here / "cut.jpg").write_bytes((here / "photo.jpg").read_bytes()[:700])
    (here / "cut.h5").write_bytes((here / "tiny.h5").read_bytes()[:9000])
    (here / "taken").mkdir()
    (here / "taken" / "index.html").write_text("mine")
    needs_net = words[0] in (*PICTURE_COMMANDS, "gallery") and "--net" not in words
    assert message in refused(*words, *(["--net", "tiny.h5"] if needs_net else []))


def test_a_read_only_folder(refused, here):
    if os.access("/proc", os.W_OK) and os.geteuid() == 0 and not os.path.isdir("/proc/self"):
        pytest.skip("no folder here that even root cannot write to")
    folder = "/proc/self" if os.path.isdir("/proc/self") else here
    assert "cannot be written" in refused("saliency", "photo.png", "--net", "tiny.h5", "-o", f"{folder}/x.png")
    assert "cannot be made" in refused("gallery", "photo.png", "--net", "tiny.h5", "-o", f"{folder}/gallery")


def test_no_gpu(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "pip install 'minivis[gpu]'" in refused("saliency", "photo.png", "--net", "tiny.h5", "--device", "gpu")


def test_memory_that_runs_out(refused, monkeypatch):
    def forward(*args, **settings):
        raise MemoryError

    monkeypatch.setattr("minivis.engine.network.Network.forward", forward)
    assert "not enough memory" in refused("saliency", "photo.png", "--net", "tiny.h5")


def test_a_net_without_classes(run, refused, here):
    from dataclasses import replace

    net = tiny_vgg()
    save(replace(net, roles={**net.roles, "logits": None, "prob": None}, class_names=(), class_aliases={}), "plain.h5")
    for command in ("saliency", "backprop", "occlude"):
        assert "no classes: name a unit" in refused(command, "photo.png", "--net", "plain.h5")
        assert run(command, "photo.png", "--net", "plain.h5", "--unit", "relu2_1:0@max")[0] == 0
    assert "no classes" in refused("classify", "photo.png", "--net", "plain.h5")


def test_a_net_with_a_nan(refused, here):
    import h5py

    with h5py.File("tiny.h5", "r+") as file:
        file["layers/fc6/w"][3, 3] = np.nan
    assert "NaN" in refused("saliency", "photo.png", "--net", "tiny.h5")


def test_too_large_for_the_memory(refused, here, monkeypatch):
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: 100_000)
    line = refused("saliency", "photo.png", "--net", "branches.h5")
    assert "make the longer side" in line and "pixels or less" in line


@pytest.mark.parametrize("make", [
    lambda: Image.new("RGB", (1, 1), "red"),
    lambda: Image.new("RGB", (1, 900), "red"),
    lambda: Image.fromarray(scene()).convert("CMYK"),
    lambda: Image.fromarray(scene()).convert("P"),
    lambda: Image.fromarray(scene()).convert("LA"),
    lambda: Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27),
    lambda: Image.fromarray(scene(1500, 2000)),
], ids=["1x1", "1x900", "CMYK", "palette", "grey with alpha", "16 bits", "large"])  # fmt: skip
@pytest.mark.parametrize("net", ["tiny.h5", "grey.h5"])
def test_odd_pictures_work(run, here, make, net):
    image = make()
    image.save("odd.tif")
    for command in ("saliency", "occlude"):
        code, _, err = run(command, "odd.tif", "--net", net)
        assert (code, err) == (0, "") and read_image(f"odd-{command}.png").shape[2] == 3


def test_a_tiny_picture_in_a_net_of_any_size(run, refused, here):
    write_image("one.png", np.full((1, 1, 3), 200, np.uint8))
    code, _, err = run("saliency", "one.png", "--net", "branches.h5")
    assert code == 0 or (code == 2 and err.count("\n") == 1), err


def test_an_existing_file_is_kept_unless_forced(run, here):
    (here / "photo-saliency.png").write_text("mine")
    code, _, err = run("saliency", "photo.png", "--net", "tiny.h5")
    assert code == 2 and "photo-saliency.png exists and is kept" in err
    assert (here / "photo-saliency.png").read_text() == "mine"
    assert run("saliency", "photo.png", "--net", "tiny.h5", "--force")[0] == 0
    assert read_image("photo-saliency.png").shape[2] == 3


def test_a_bug_of_ours_is_a_traceback(run, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("minivis.methods.attribution.saliency.saliency", broken)
    with pytest.raises(ZeroDivisionError):
        run("saliency", "photo.png", "--net", "tiny.h5")


@pytest.mark.parametrize("error, is_ours", [
    (OSError(28, "No space left on device"), False),
    (PermissionError(13, "Permission denied", "photo.png"), False),
    (PermissionError(13, "Permission denied", "/etc/hidden/of/ours"), True),
    (OSError(5, "Input/output error"), True),
])  # fmt: skip
def test_errors_of_the_system(refused, run, monkeypatch, error, is_ours):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr("minivis.methods.attribution.saliency.saliency", broken)
    if is_ours:
        with pytest.raises(OSError, match=error.strerror):
            run("saliency", "photo.png", "--net", "tiny.h5")
    else:
        assert error.strerror in refused("saliency", "photo.png", "--net", "tiny.h5")


# ---- rerun ----

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
    ("saliency", "--", "-odd name.png"),
], ids=lambda words: words[0])  # fmt: skip
def test_rerun_bit_for_bit(run, here, monkeypatch, words):
    few = {**unwrap(compare_filters).__kwdefaults__, "patches": 400}
    monkeypatch.setattr(unwrap(compare_filters), "__kwdefaults__", few)
    os.link("photo.png", "-odd name.png")
    (here / "album").mkdir()
    os.link("photo.png", "album/one.png")
    assert run(words[0], "--net", "tiny.h5", "-o", "first.png", *words[1:])[0] == 0
    code, out, err = run("rerun", "first.png")
    assert (code, err) == (0, "") and out == "first.png made again, bit for bit\nwrote first-rerun.png\n"
    assert (here / "first-rerun.png").read_bytes() == (here / "first.png").read_bytes()
    said = json.loads(run("rerun", "first.png", "-o", "second.png", "--json")[1])
    assert said["numbers"]["identical"] is True and said["files"] == ["second.png"]


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


def test_rerun_refuses_changed_inputs(run, refused, here):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    assert "exists and is kept" in refused("rerun", "a.png", "-o", "a.png")
    photo = (here / "photo.png").read_bytes()
    write_image("photo.png", scene()[::-1], force=True)
    assert "the picture photo.png has changed since a.png was made" in refused("rerun", "a.png")
    (here / "photo.png").unlink()
    assert "the picture photo.png, which a.png was made from, is not there" in refused("rerun", "a.png")
    (here / "photo.png").write_bytes(photo)
    save(tiny_vgg(seed=1), "tiny.h5", force=True)
    assert "the net tiny.h5 has changed since a.png was made" in refused("rerun", "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_picture_through_a_pipe_cannot_be_made_again(run, refused, here):
    os.mkfifo("pipe")
    with subprocess.Popen(["cp", "photo.png", "pipe"]) as writer:
        assert run("saliency", "pipe", "--net", "tiny.h5", "-o", "a.png")[0] == 0
    assert writer.returncode == 0 and "pipe" in json.loads(read_text("a.png")["minivis"])["image"]["sha256"]
    assert "the picture pipe, which a.png was made from, is not there" in refused("rerun", "a.png")


def test_rerun_finds_inputs_beside_the_picture(run, here, monkeypatch):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert run("rerun", "../a.png")[0] == 0
    assert (here / "elsewhere/a-rerun.png").read_bytes() == (here / "a.png").read_bytes()


def test_rerun_says_when_the_picture_was_edited(run, here):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    write_image("a.png", 255 - read_image("a.png"), read_text("a.png"), force=True)
    code, out, _ = run("rerun", "a.png")
    assert code == 1 and "not bit for bit" in out


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
def test_rerun_trusts_no_record(run, refused, here, change):
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.png")
    record = {**json.loads(read_text("a.png")["minivis"]), **change}
    write_image("bad.png", scene(), {"minivis": json.dumps(record)})
    line = refused("rerun", "bad.png")
    assert "damaged record" in line or "cannot make again" in line
    write_image("worse.png", scene(), {"minivis": "{"})
    assert "damaged record" in refused("rerun", "worse.png")
    write_image("deep.png", scene(), {"minivis": "[" * 100_000})
    assert "damaged record" in refused("rerun", "deep.png")
    for key in ("versions", "threads", "net", "image"):
        write_image("less.png", scene(), {"minivis": json.dumps({k: v for k, v in record.items() if k != key})},
                    force=True)
        assert "damaged record" in refused("rerun", "less.png")
    assert not list(here.glob("*-rerun*"))


def test_a_current_folder_that_was_removed(refused, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "the current folder was removed" in refused("classify")


def test_a_side_that_does_not_fit_is_refused_before_it_is_made(refused, here):
    line = refused("dream", "photo.png", "--net", "branches.h5", "--side", "1000000")
    assert "a longer side of 1000000 pixels needs at least" in line and "choose a smaller --side" in line


# ---- as a process of its own ----

def test_as_a_module(here):
    code, out, err = finish("-m", "minivis", "classify", "photo.png", "--net", "tiny.h5")
    assert (code, err) == (0, "") and "%" in out
    code, out, err = finish("-m", "minivis", "classify", "nowhere.png")
    assert (code, out, err) == (2, "", "minivis: error: there is no file nowhere.png\n")


# the command line, which says on stdout when its method has begun
BEGUN = """
import sys, minivis.cli, minivis.methods.attribution.occlusion as occlusion
track = occlusion.track
occlusion.track = lambda *args: [print("begun", flush=True)] and track(*args)
sys.exit(minivis.cli.main())
"""


def test_ctrl_c(here):
    write_image("large.png", scene(400, 400))
    before = contents(here)
    words = ("occlude", "large.png", "--net", "branches.h5", "--window", "20", "--stride", "1")
    with process("-c", BEGUN, *words) as child:
        assert child.stdout.readline() == "begun\n", child.stderr.read()
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()                                # or the suite waits for ever
    assert child.returncode == 130 and out == "" and err.strip() == "minivis: stopped"
    assert contents(here) == before


def test_a_closed_pipe_is_no_error(here):
    for words in (("inspect", "tiny.h5"), ("--help",), ("weights", "list", "--json")):
        child = process("-m", "minivis", *words)
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        child.wait(timeout=60)
        assert "Traceback" not in err and "BrokenPipe" not in err, err


def seconds(*words, tries=3):
    """The least time on a processor of a few runs: waiting, which other programs cause, does not count."""
    resource = pytest.importorskip("resource")
    times = []
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert finish(*words)[0] == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_starts_at_once():
    assert seconds("-c", "import minivis") < 0.25
    assert seconds("-m", "minivis", "--help") < 0.4


def test_help_imports_nothing_heavy():
    code, out, _ = finish("-c", "import sys; from minivis.cli import main; main(['--help']); "
                          "print(*sorted({m.split('.')[0] for m in sys.modules}))")
    loaded = out.splitlines()[-1].split()
    assert code == 0 and not {"numpy", "PIL", "h5py", "scipy", "sklearn", "tqdm", "joblib"} & set(loaded)
