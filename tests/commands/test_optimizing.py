"""The commands that optimise, as a user types them: films, checkpoints, Ctrl-C, further pictures, rerun."""

import json

import pytest
from commandline import contents, fill, runner

from minivis.images.files import read_image, read_text
from minivis.models.tiny import tiny_vgg
from minivis.optimize import problem
from minivis.weights.native import save

TINY = ("--net", "tiny.h5")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)

    return runner(capsys)


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C in the n-th gradient from now on."""
    def after(count):
        real, calls = problem.Problem.gradient, []

        def gradient(self, *arguments):
            calls.append(1)
            if len(calls) > count:
                raise KeyboardInterrupt
            return real(self, *arguments)

        monkeypatch.setattr(problem.Problem, "gradient", gradient)
        return lambda: monkeypatch.setattr(problem.Problem, "gradient", real)

    return after


def test_maximize_raises_the_class(run):
    calm = ("--tv", "1e-6", "--jitter", "1", "--rotate", "0", "--scale", "0")
    code, out, err = run("maximize", "--unit", "owl", "--steps", "60", *calm, *TINY, "-o", "out.png", "--json")
    said = json.loads(out)["numbers"]
    assert (code, err) == (0, "") and said["loss"] < said["loss_at_start"] - 0.5
    assert said["images"][0]["probability"] > 0.5 and said["stopped"] == "all 60 steps done"
    assert said["memory_bytes"] > 0 and set(said["terms"]) == {"fc8:3", "tv^1"}


@pytest.mark.parametrize("words", [
    ("--unit", "owl", "--unit", "bus", "--count", "2", "--preset", "cs231n"),
    ("--start", "photo.png", "--preset", "yosinski-4", "--unit", "conv2_1:3"),
    ("--preset", "simonyan", "--method", "lbfgs"),
    ("--down-the-layers", "--seed", "3"),
])
def test_rerun_gives_the_same_bytes(run, tmp_path, words):
    assert run("maximize", *words, "--steps", "6", *TINY, "-o", "out.png")[0] == 0
    code, out, err = run("rerun", "out.png")
    assert code == 0 and "bit for bit" in out, (out, err)
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_an_image_of_a_class_is_shown_at_its_size_to_a_net_of_one_size(run, tmp_path):
    small = ("maximize", *TINY, "--unit", "goose", "--width", "8", "--steps", "2", "--out", "small.png")
    assert run(*small)[0] == 0 and (tmp_path / "small.png").exists()
    code, _, err = run(*small, "--force", "--no-own-size")
    assert code == 2 and "is made for pictures of 16 x 16 pixels" in err


def test_the_preset_is_chosen_by_the_net_and_recorded(run, tmp_path):
    save(tiny_vgg(size=100), tmp_path / "large.h5")
    for net, preset in (("large.h5", ["--preset", "natural"]), ("tiny.h5", [])):
        assert run("maximize", "--unit", "owl", "--steps", "2", "--net", net, "-o", "a.png", "-f")[0] == 0
        words = json.loads(read_text("a.png")["minivis"])["command"]
        assert words == ["maximize", "--unit", "owl", *preset, "--steps", "2", "--net", net]
        code, out, _ = run("rerun", "a.png", "-o", "b.png", "-f")
        assert code == 0 and "bit for bit" in out
    assert run("maximize", "--preset", "minivis", "--steps", "2", "--net", "large.h5", "-o", "a.png", "-f")[0] == 0
    assert "natural" not in read_text("a.png")["minivis"]


def test_a_further_picture_is_in_the_record(run, tmp_path):
    assert run("maximize", "--start", "photo.png", "--steps", "2", *TINY, "-o", "out.png")[0] == 0
    record = json.loads(read_text("out.png")["minivis"])
    (further,) = record["further"]
    assert further["option"] == "start" and further["name"] == "photo.png" and len(further["sha256"]) == 64
    (tmp_path / "photo.png").write_bytes((tmp_path / "photo.jpg").read_bytes())
    before = contents(tmp_path)
    code, _, err = run("rerun", "out.png")
    assert code == 2 and "picture photo.png has changed" in err and contents(tmp_path) == before


def test_film(run, tmp_path):
    code, out, _ = run("maximize", "--steps", "9", *TINY, "-o", "out.png", "--film", "run.gif")
    assert code == 0 and "wrote run.gif" in out
    assert (tmp_path / "run.gif").read_bytes()[:6] == b"GIF89a"
    assert run("rerun", "out.png")[0] == 0
    assert run("maximize", *TINY, "-o", "b.png", "--film", "run.gif")[2].count("exists and is kept") == 1
    assert run("maximize", *TINY, "-o", "b.png", "--film", "run.avi")[2].count("a film's name must end in") == 1
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("preset", ["minivis", "simonyan", "yosinski-2"])
def test_ctrl_c_writes_the_best_and_its_record_makes_it_again(run, tmp_path, interrupted, preset):
    resume = interrupted(5)
    code, out, err = run("maximize", "--preset", preset, *TINY, "-o", "out.png")
    assert code == 130 and "the best so far" in err and "wrote out.png" in out and "stopped by Ctrl-C" in out
    assert json.loads(read_text("out.png")["minivis"])["command"].count("--steps") == 1
    resume()
    code, out, _ = run("rerun", "out.png")
    assert code == 0 and "bit for bit" in out
    assert (read_image("out-rerun.png") == read_image("out.png")).all()


def test_ctrl_c_in_one_of_several_runs_cannot_be_made_again(run, interrupted):
    resume = interrupted(8)
    assert run("maximize", "--down-the-layers", "--steps", "6", *TINY, "-o", "out.png")[0] == 130
    resume()
    code, _, err = run("rerun", "out.png")
    assert code == 2 and "stopped or resumed" in err


def test_checkpoint_and_resume(run, tmp_path, interrupted):
    words = ("maximize", "--unit", "owl", *TINY, "--seed", "2")
    assert run(*words, "--steps", "12", "-o", "whole.png")[0] == 0
    resume = interrupted(5)
    assert run(*words, "--steps", "12", "-o", "part.png", "--checkpoint", "run.npz")[0] == 130
    resume()
    code, _, err = run(*words, "--steps", "12", "-o", "rest.png", "--checkpoint", "run.npz", "--resume")
    assert (code, err) == (0, "") and (read_image("rest.png") == read_image("whole.png")).all()
    assert run("maximize", "--unit", "owl", *TINY, "--steps", "0", "-o", "start.png")[0] == 0
    assert (read_image("start.png") != read_image("whole.png")).any()       # or there was nothing to go on with
    assert run("rerun", "rest.png")[0] == 0


def test_a_resumed_lbfgs_says_so(run):
    words = ("maximize", "--preset", "simonyan", "--method", "lbfgs", *TINY, "--checkpoint", "run.npz")
    assert run(*words, "--steps", "4", "-o", "a.png")[0] == 0
    code, out, _ = run(*words, "--steps", "8", "-o", "b.png", "--resume")
    assert code == 0 and "empty history" in out
    assert "stopped or resumed" in run("rerun", "b.png")[2]


@pytest.mark.parametrize("words", [("--layer", "conv2_1", "--starts", "2"), ("--all-layers",), ("--exaggerate", "1.5")])
def test_invert_and_rerun(run, tmp_path, words):
    code, out, err = run("invert", "photo.png", *words, "--steps", "3", *TINY, "-o", "out.png")
    assert (code, err) == (0, "") and "% off" in out
    assert run("rerun", "out.png")[0] == 0
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    assert "leave out --layer" in run("invert", "--all-layers", "--layer", "fc7", *TINY, "-o", "b.png")[2]
    assert "no layer named 'fc9'" in run("invert", "--layer", "fc9", *TINY, "-o", "b.png")[2]


@pytest.mark.parametrize("words, sentence", [
    (("--resume",), "--resume needs --checkpoint FILE"),
    (("--resume", "--checkpoint", "run.npz"), "there is no checkpoint run.npz"),
    (("--resume", "--checkpoint", "photo.png"), "is not a minivis checkpoint"),
    (("--checkpoint", "photo.png"), "exists and is kept"),
    (("--start", "nowhere.png"), "there is no file nowhere.png"),
    (("--start", "tiny.h5"), "is not a picture"),
    (("--unit", "geese"), "did you mean 'goose'"),
    (("--unit", "conv9:1"), "no layer named"),
    (("--preset", "yosinsky-3"), "'yosinski-3'"),
    (("--width", "20", "--unit", "fc6:1"), "fc6"),
    (("--steps", "-1"), "-1"),
    (("--down-the-layers", "--unit", "owl"), "leave out --unit"),
    (("--parameterization", "fourier", "--preset", "yosinski-1"), "pixels"),
])
def test_mistakes(run, tmp_path, words, sentence):
    before = contents(tmp_path)
    code, out, err = run("maximize", *words, *TINY, "-o", "out.png")
    assert (code, out) == (2, "") and err.startswith("minivis: error: ") and err.count("\n") == 1
    assert sentence in err and contents(tmp_path) == before, err


def test_a_walk_writes_a_strip_and_a_film_of_all_frames(run, tmp_path):
    words = ("maximize", "--unit", "owl", "--unit", "bus", "--walk", "3", "--steps", "2", *TINY)
    code, out, _ = run(*words, "-o", "out.png", "--film", "walk.gif")
    assert code == 0 and "4 frames" in out and "wrote walk.gif" in out
    assert run("rerun", "out.png")[0] == 0
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    for more in (("--count", "2"), ("--objective", "owl"), ("--tile", "64"), ("--memory", "1GB")):
        code, _, err = run(*words, *more, "-o", "other.png")
        assert code == 2 and "--walk" in err and not (tmp_path / "other.png").exists()


def test_both_ends_of_a_unit(run, tmp_path):
    words = ("maximize", "--unit", "owl", "--unit", "conv2_1:3", "--both", "--width", "16", "--steps", "2", *TINY)
    code, out, _ = run(*words, "-o", "out.png")
    assert code == 0 and "owl: " in out and "at least" in out
    assert run("rerun", "out.png")[0] == 0
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    for more in (("--count", "2"), ("--walk", "2"), ("--objective", "owl"), ("--down-the-layers",)):
        code, _, err = run(*words, *more, "-o", "other.png")
        assert code == 2 and "--both" in err and not (tmp_path / "other.png").exists()


@pytest.mark.parametrize("text", ["owl - fc8:0", "2*owl", "-owl"])
def test_a_sum_of_units_goes_to_the_objective(run, tmp_path, text):
    before = contents(tmp_path)
    code, out, err = run("maximize", f"--unit={text}", "--steps", "1", *TINY, "-o", "out.png")
    assert (code, out, err) == (2, "", f"minivis: error: --unit {text} is a sum of units: give it as --objective\n")
    assert contents(tmp_path) == before
