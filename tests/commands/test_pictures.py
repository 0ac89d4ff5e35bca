"""The commands that show a picture to a net: what each draws and says."""

import json

import numpy as np
import pytest
from commandline import NEED_NO_IMAGE, PICTURE_COMMANDS, contents

from minivis.images.files import read_image
from minivis.layers import RELU_RULES, RULES
from minivis.methods.attribution.kinds import KINDS
from minivis.methods.attribution.sanity import QUICK
from minivis.models.tiny import tiny_vgg
from minivis.weights.native import save


@pytest.mark.parametrize("command", PICTURE_COMMANDS)
def test_every_picture_command(run, here, command):
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


@pytest.mark.parametrize("test, map, kinds", [
    ("--curve", "gradcam", ["gradcam"]), ("--sanity", "gradcam", ["gradcam"]), ("--curve", None, list(KINDS)),
    ("--sanity", None, list(QUICK)), (None, "all", list(KINDS)),
])  # fmt: skip
def test_maps_are_tested_as_asked_for_or_else_all_that_are_quick(run, test, map, kinds):
    words = [*filter(None, [test]), *(["--map", map] if map else []), "--samples", "2", "--steps", "2", "--json"]
    code, out, err = run("saliency", "photo.png", "--net", "tiny.h5", *words)
    assert (code, err) == (0, "")
    assert [kind for kind in json.loads(out)["numbers"]["kinds"] if kind != "random order"] == kinds


def test_classify_prints_and_draws_only_when_asked(run, here):
    before = contents(here)
    code, out, _ = run("classify", "photo.jpg", "--net", "tiny.h5", "--top", "2")
    assert code == 0 and out.count("\n") == 2 and "%" in out and contents(here) == before
    said = json.loads(run("classify", "photo.jpg", "--net", "tiny.h5", "--json")[1])
    assert said["files"] == [] and len(said["numbers"]["top"]) == 5
    assert sum(row["probability"] for row in said["numbers"]["top"]) == pytest.approx(1, abs=1e-5)
    assert set(said["numbers"]["top"][0]) == {"class", "number", "probability", "score"}


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


def test_a_net_without_classes(run, refused, here):
    from dataclasses import replace

    net = tiny_vgg()
    save(replace(net, roles={**net.roles, "logits": None, "prob": None}, class_names=(), class_aliases={}), "plain.h5")
    for command in ("saliency", "backprop", "occlude"):
        assert "no classes: name a unit" in refused(command, "photo.png", "--net", "plain.h5")
        assert run(command, "photo.png", "--net", "plain.h5", "--unit", "relu2_1:0@max")[0] == 0
    assert "no classes" in refused("classify", "photo.png", "--net", "plain.h5")


def test_backprop_with_the_rules_of_lrp(run):
    code, out, _ = run("backprop", "photo.png", "--net", "tiny.h5", "--rule", "all", "--json")
    assert code == 0 and json.loads(out)["settings"]["rules"] == list(RULES)
    code, out, _ = run("backprop", "photo.png", "--net", "tiny.h5", "--rule", "lrp", "--json", "-o", "one.png")
    assert code == 0 and list(json.loads(out)["numbers"]["norms"]) == ["lrp"]


def test_occlude_maps_the_class_that_is_first(run, refused):
    code, out, _ = run("occlude", "photo.png", "--net", "tiny.h5", "--first", "--window", "8", "--json")
    assert code == 0 and sum(json.loads(out)["numbers"]["first"].values()) == pytest.approx(1)
    assert "--first asks for no unit" in refused("occlude", "photo.png", "--net", "tiny.h5", "--first", "--unit", "cat",
                                                 "-o", "other.png")


def test_relevance_stops_at_a_softmax_by_name(refused):
    assert "prob (Softmax) has no LRP rule" in refused("saliency", "photo.png", "--net", "tiny.h5", "--map", "lrp",
                                                          "--unit", "prob:1")
