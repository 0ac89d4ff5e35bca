"""dream, style and texture, as a user types them: stated falls of the loss, rerun, films, Ctrl-C, and mistakes."""

import json

import numpy as np
import pytest
from commandline import contents, fill, runner, scene
from PIL import Image

from minivis.commands.painting import check_side
from minivis.errors import TooLarge
from minivis.images.files import read_image, read_text, write_image
from minivis.models.tiny import tiny_vgg
from minivis.optimize import problem

TINY = ("--net", "tiny.h5")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    fill(tmp_path)
    write_image(tmp_path / "painting.png", scene()[::-1, :, ::-1].copy())
    mask = np.zeros((8, 12, 1), np.uint8)
    mask[:, :6] = 255
    write_image(tmp_path / "left.png", mask)
    write_image(tmp_path / "right.png", 255 - mask)
    monkeypatch.chdir(tmp_path)

    return runner(capsys)


def numbers(found):
    code, out, err = found
    assert (code, err) == (0, "")
    return json.loads(out)["numbers"]


@pytest.mark.parametrize("net", ["tiny.h5", "branches.h5", "grey.h5"])
def test_a_dream_sees_more(run, net):
    said = numbers(run("dream", "photo.jpg", "--net", net, "--side", "48", "--octaves", "2", "--json", "-o", "out.png"))
    assert [row["size"] for row in said["octaves"]] == [[34, 23], [48, 32]]
    assert all(row["loss"] < 1.2 * row["loss_at_start"] < 0 for row in said["octaves"])         # at least a fifth more
    assert read_image("out.png").shape == (32, 48, 3)


@pytest.mark.parametrize("net", ["tiny.h5", "branches.h5", "grey.h5"])
def test_a_style_is_taken_on(run, net):
    said = numbers(run("style", "photo.jpg", "painting.png", "--net", net, "--steps", "30", "--json", "-o", "out.png"))
    assert said["loss"] < 0.3 * said["loss_at_start"] and read_image("out.png").shape == (40, 60, 3)
    assert said["sizes"][0]["stopped"] == "all 30 steps done"


def test_a_texture_grows(run):
    said = numbers(run("texture", "painting.png", *TINY, "--steps", "20,10", "--side", "30,60", "--json"))
    assert said["sizes"][0]["loss"] < 0.05 * said["sizes"][0]["loss_at_start"]
    assert [(row["size"], row["stopped"]) for row in said["sizes"]] == [
        ([30, 20], "all 20 steps done"), ([60, 40], "all 10 steps done")]
    assert read_image("painting-texture.png").shape == (40, 60, 3)


def test_without_a_style_it_takes_ours(run):
    said = json.loads(run("style", "photo.png", *TINY, "--steps", "5", "--json")[1])
    assert said["files"] == ["photo-style.png"] and said["numbers"]["loss"] < said["numbers"]["loss_at_start"]


@pytest.mark.parametrize("words", [
    ("dream", "photo.png", "--layer", "relu1_1=0.5", "--layer", "relu2_1:3", "--steps", "2", "--seed", "5"),
    ("dream", "photo.png", "--guide", "painting.png", "--steps", "2", "--no-clip", "--colours", "kept"),
    ("dream", "photo.png", "--sheet", "--steps", "1", "--octaves", "2", "--tile", "24"),
    ("dream", "--side", "40", "--frames", "2", "--zoom", "0.1", "--steps", "1", "--octaves", "1"),
    ("style", "photo.png", "painting.png", "--side", "30,45", "--steps", "4,2", "--start", "noise"),
    ("style", "photo.png", "painting.png", "--method", "adagrad", "--rate", "9", "--steps", "3"),
    ("style", "photo.png", "painting.png", "--method", "all", "--steps", "4"),
    ("style", "photo.png", "painting.png", "--grams", "--steps", "3"),
    ("style", "photo.png", "painting.png", "photo.jpg", "--blend", "2,1", "--steps", "3", "--pooling", "average"),
    ("style", "photo.png", "painting.png", "photo.jpg", "--mask", "left.png", "--mask", "right.png", "--steps", "3"),
    ("style", "photo.png", "--style-layer", "relu1_1=2", "--style-layer", "relu2_1", "--content-layer", "conv2_1",
     "--steps", "3", "--colours", "kept", "--style-weight", "7", "--style-scale", "0.5", "--history", "3"),
    ("style", "photo.png", "painting.png", "--preview", "--steps", "1", "--side", "24"),
    ("texture", "painting.png", "--no-histogram", "--steps", "3"),
], ids=" ".join)  # fmt: skip
def test_rerun_gives_the_same_bytes(run, tmp_path, words):
    assert run(*words, *TINY, "-o", "out.png")[0] == 0
    code, out, err = run("rerun", "out.png")
    assert code == 0 and "bit for bit" in out, (out, err)
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_a_preview_is_a_sheet_beside_the_painting(run):
    words = ("style", "photo.png", "painting.png", *TINY, "--preview", "--steps", "1", "--side", "24,48", "--json")
    code, out, err = run(*words)
    said = json.loads(out)
    assert (code, err) == (0, "") and said["files"] == ["photo-preview-style.png"]
    assert len(said["numbers"]) == 8 and "--start noise" in said["numbers"]
    assert said["numbers"]["--start noise"]["sizes"][0]["size"] == [24, 16]


def test_every_picture_is_in_the_record(run, tmp_path):
    words = ("style", "photo.png", "painting.png", "photo.jpg", "--mask", "left.png", "--mask", "right.png")
    assert run(*words, "--steps", "1", *TINY, "-o", "out.png")[0] == 0
    record = json.loads(read_text("out.png")["minivis"])
    named = ["painting.png", "photo.jpg", "left.png", "right.png"]
    assert [one["name"] for one in record["further"]] == named and record["image"]["name"] == "photo.png"
    write_image(tmp_path / "left.png", scene(8, 12), force=True)
    code, _, err = run("rerun", "out.png")
    assert code == 2 and "picture left.png has changed" in err


def test_no_steps_give_the_start(run):
    for words in (("dream",), ("style", "photo.jpg")):
        assert run(words[0], "photo.png", *words[1:], "--steps", "0", *TINY, "-o", f"{words[0]}.png")[0] == 0
        np.testing.assert_array_equal(read_image(f"{words[0]}.png"), scene())


def test_films(run):
    from PIL import Image

    zoom = ("--frames", "4", "--steps", "1", "--film", "zoom.gif")
    assert run("dream", "photo.png", *zoom, *TINY, "-o", "a.png")[0] == 0
    assert run("style", "photo.png", "--steps", "3,3", "--side", "30,60", *TINY, "--film", "style.gif")[0] == 0
    for name, frames in (("zoom.gif", 4), ("style.gif", 6)):
        with Image.open(name) as film:
            assert film.n_frames >= frames and film.size[0] >= 60


def test_ctrl_c_keeps_what_is_done(run, monkeypatch):
    real, calls = problem.Problem.gradient, []

    def gradient(self, *arguments):
        calls.append(1)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(problem.Problem, "gradient", gradient)
    code, out, err = run("style", "photo.png", "--side", "30,60", "--steps", "20", *TINY, "-o", "out.png")
    assert code == 130 and "stopped" in err and "stopped by Ctrl-C" in out
    assert read_image("out.png").shape == (20, 30, 3)


@pytest.mark.parametrize("words, message", [
    (("dream", "text.jpg"), "is not a picture that minivis can read"),
    (("dream", "photo.png", "--layer", "relu9"), "no layer named 'relu9'"),
    (("dream", "photo.png", "--layer", "relu1_1=x"), "a weight must follow the ="),
    (("dream", "photo.png", "--layer", "relu1_1=0"), "weights of the dream layers are all 0"),
    (("dream", "photo.png", "--layer", "relu2_1:99"), "relu2_1 has 8 channels"),
    (("dream", "photo.png", "--layer", "fc8"), "FullyConnected"),
    (("dream", "photo.png", "--guide", "text.jpg"), "is not a picture that minivis can read"),
    (("dream", "photo.png", "--guide", "nowhere.png"), "there is no file nowhere.png"),
    (("dream", "photo.png", "--sheet", "--layer", "relu1_1"), "leave out --layer"),
    (("dream", "photo.png", "--octave-scale", "1"), "'--octave-scale'"),
    (("dream", "photo.png", "--side", "0"), "'--side'"),
    (("dream", "photo.png", "--film", "run.avi"), "a film's name must end in"),
    (("dream", "photo.png", "--checkpoint", "run", "--resume"), "there is no checkpoint run"),
    (("dream", "photo.png", "--sheet", "--checkpoint", "run"), "a sheet of several layers has no checkpoint"),
    (("dream", "photo.png", "--frames", "2", "--checkpoint", "run"), "a film of many dreams has no checkpoint"),
    (("dream", "photo.png", "--memory", "lots"), "'lots' is not an amount of memory; write it as 4GB or 500MB"),
    (("style", "photo.png", "photo.jpg", "--rate", "2"), "L-BFGS finds the length of its steps by itself"),
    (("style", "photo.png", "photo.jpg", "--method", "sgd"), "'sgd' is not one of"),
    (("style", "photo.png", "photo.jpg", "--method", "all", "--rate", "2"), "with a rate of its own: leave out --rate"),
    (("style", "photo.png", "photo.jpg", "--method", "all", "--side", "20,30"), "further numbers of --side"),
    (("style", "photo.png", "photo.jpg", "--grams", "--method", "all"), "leave out --method all, --mask"),
    (("style", "photo.png", "photo.jpg", "painting.png", "--grams"), "one painting of one size in one STYLE"),
    (("style", "photo.png", "photo.jpg", "--memory", "0GB"), "'0GB' is not an amount of memory"),
    (("style", "photo.png", "text.jpg"), "is not a picture that minivis can read"),
    (("style", "text.jpg", "photo.png"), "is not a picture that minivis can read"),
    (("style", "photo.png", "nowhere.png"), "there is no file nowhere.png"),
    (("style", "photo.png", "photo.jpg", "--style-layer", "relu9"), "no layer named 'relu9'"),
    (("style", "photo.png", "photo.jpg", "--style-layer", "relu1_1=0"), "layers are all 0"),
    (("style", "photo.png", "photo.jpg", "--style-weight", "0", "--tv-weight", "0", "--content-layer", "relu1_1=0"),
     "layers are all 0"),
    (("style", "photo.png", "photo.jpg", "--style-weight", "-1"), "'--style-weight'"),
    (("style", "photo.png", "photo.jpg", "--steps", "many"), "'many' is not a valid integer."),
    (("style", "photo.png", "photo.jpg", "--steps", "-3"), "-3 is not in the range 0<=x"),
    (("style", "photo.png", "photo.jpg", "--steps", "1,2"), "1 sizes and 2 numbers of steps"),
    (("style", "photo.png", "photo.jpg", "--side", "0,9"), "0 is not in the range 1<=x"),
    (("style", "photo.png", "photo.jpg", "--blend", "1,2"), "1 styles and 2 weights"),
    (("style", "photo.png", "photo.jpg", "--blend", "0"), "one above 0"),
    (("style", "photo.png", "photo.jpg", "--mask", "left.png", "--mask", "right.png"), "1 styles and 2 masks"),
    (("texture", "photo.png", "--layer", "relu9"), "no layer named 'relu9'"),
    (("texture", "photo.png", "--pooling", "mean"), "'mean' is not one of 'max', 'average'"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")  # fmt: skip
def test_mistakes(run, tmp_path, words, message):
    (tmp_path / "text.jpg").write_text("I am no picture.")
    before = contents(tmp_path)
    code, out, err = run(*words, *TINY)
    assert (code, out) == (2, "") and err.startswith("minivis: error: ") and err.count("\n") == 1, (out, err)
    assert message in err and contents(tmp_path) == before


def test_a_size_that_no_memory_holds(run, tmp_path, monkeypatch):
    before = contents(tmp_path)
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: 100_000)
    for command in ("style", "dream", "texture", "maximize"):
        code, _, err = run(command, *([] if command == "maximize" else ["photo.png"]), *TINY)
        assert code == 2 and "GB are free: " in err and contents(tmp_path) == before
    monkeypatch.undo()


def test_a_limit_of_memory(run):
    """What is said before, what is changed, and that it is the same again."""
    words = ("style", "photo.png", "--steps", "2", *TINY)
    assert "left for it: make the longer side" in run(*words, "--memory", "200.2MB")[2]
    code, out, err = run(*words, "--memory", "203MB", "--json", "-o", "out.png")
    said = json.loads(out)["numbers"]
    assert code == 0 and "with a history of" in said["notes"][0] and said["sizes"][0]["memory_bytes"] < 3e6
    assert err.startswith("minivis: 60 x 40 pixels with a history of") and err.count("\n") == 1
    assert run("rerun", "out.png")[0] == 0


def test_a_dream_goes_on_from_its_checkpoint(run, monkeypatch):
    from minivis.methods.synthesis import dream as module

    real, calls = module.make_step, []

    def step(*arguments, **how):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(*arguments, **how)

    words = ("dream", "photo.png", "--octaves", "2", "--steps", "4", *TINY)
    assert run(*words, "-o", "whole.png")[0] == 0
    monkeypatch.setattr(module, "make_step", step)
    assert run(*words, "-o", "part.png", "--checkpoint", "run")[0] == 130
    code, _, err = run(*words, "-o", "rest.png", "--checkpoint", "run", "--resume")
    assert (code, err) == (0, "") and (read_image("rest.png") == read_image("whole.png")).all()
    assert len(calls) == 6 + 3 and run("rerun", "rest.png")[0] == 0


def test_a_full_disk_loses_nothing_but_the_checkpoint(run, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minivis.runtime.checkpoints.write", full)
    for command in (("style", "photo.png"), ("dream", "photo.png"), ("maximize",)):
        code, out, err = run(*command, *TINY, "--steps", "4", "--checkpoint", "run", "-o", f"{command[0]}.png")
        said = "no checkpoint was written to run (No space left on device); the run continued without"
        assert (code, err) == (0, "") and said in out
        assert read_image(f"{command[0]}.png").size and not (tmp_path / "run").exists()


@pytest.fixture
def see_through(here):
    """A picture that is transparent on its left half, and one in a palette."""
    picture = read_image("photo.png")
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:, :30] = 0
    write_image("clear.png", np.dstack([picture, alpha]))
    return alpha


@pytest.mark.parametrize("words", [("dream", "clear.png", "--steps", "1"), ("style", "clear.png", "--steps", "1")],
                         ids=lambda words: words[0])
def test_transparency_is_kept(run, here, see_through, words):
    assert run(*words, "--net", "tiny.h5", "-o", "a.png", "-q")[0] == 0
    with Image.open("a.png") as im:
        assert im.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(im)[..., 3:], see_through)
    assert run("rerun", "a.png", "-o", "again.png", "-q")[0] == 0
    assert (here / "a.png").read_bytes() == (here / "again.png").read_bytes()
    for options in (("-o", "b.png", "--no-keep-alpha"), ("-o", "c.jpg")):
        run(*words, "--net", "tiny.h5", *options, "-q")
        with Image.open(options[1]) as im:
            assert im.mode == "RGB"
    code, _, err = run(*words, "--net", "tiny.h5", "-o", "d.jpg", "--keep-alpha")
    assert code == 2 and "a JPEG cannot be transparent" in err


def test_original_colours_are_those_kept(run, here):
    for options in (("--original-colours", "-o", "a.png"), ("--colours", "kept", "-o", "b.png")):
        assert run("style", "photo.png", "--net", "tiny.h5", "--steps", "1", *options, "-q")[0] == 0
    assert (read_image("a.png") == read_image("b.png")).all()
    assert run("rerun", "a.png", "-q")[0] == 0


def test_a_side_takes_six_copies_of_the_picture_in_float32():
    image = np.zeros((30, 40, 3), np.uint8)
    with pytest.raises(TooLarge, match=r"of 20000 pixels needs at least 22 GB"):    # 20000 x 15000 x 3 x 6 x 4 bytes
        check_side(tiny_vgg(), image, 20000, limit=2e9)
    check_side(tiny_vgg(), image, 1000, limit=0.3e9)                                    # 54 MB
