"""What every command shares: the net and the picture that it reads, and what it says."""

import contextlib
import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from commandline import scene
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from minivis.commands.common import READING, blas_threads, positional, reading, say
from minivis.images.files import read_image, write_image


def test_without_anything_it_sees_our_goose(run, here):
    said = json.loads(run("classify", "--json")[1])
    assert said["numbers"]["top"][0]["class"] == "goose" and said["numbers"]["top"][0]["probability"] > 0.9
    assert said["settings"]["net"] == "emoji-vgg" and said["settings"]["image"] is None
    assert run("saliency")[0] == 0 and run("rerun", "goose-saliency.png")[0] == 0
    assert (here / "goose-saliency-rerun.png").read_bytes() == (here / "goose-saliency.png").read_bytes()


def test_a_net_of_any_size_gets_a_shrunk_picture(run, here):
    write_image("large.png", scene(600, 900))
    said = json.loads(run("activations", "large.png", "--net", "branches.h5", "--layer", "stem", "--json")[1])
    assert said["numbers"]["shape"][1] == 512 - 1                        # the stem's: 3 wide, 1 padded
    said = json.loads(run("activations", "large.png", "--net", "branches.h5", "--layer", "stem", "--size", "90",
                          "--json", "--force")[1])
    assert said["numbers"]["shape"][1] == 90 - 1


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


def test_only_what_was_given_says_how_to_read_a_net():
    nothing = dict.fromkeys(option.name for option in READING)
    assert reading({**nothing, "quiet": True}) == {}
    assert reading({**nothing, "arch": "vgg16", "classes": "names.txt", "part": "student"}) == {
        "arch": "vgg16", "classes": "names.txt", "part": "student",
    }  # fmt: skip


def test_quiet_keeps_the_answer_and_drops_the_files(here, capsys):
    say("x", "an answer", settings={}, numbers={}, files=[here / "a.png", "/b.png"])
    assert capsys.readouterr().out == "an answer\nwrote a.png\nwrote /b.png\n"
    say("x", "an answer", settings={}, numbers={}, files=["a.png"], quiet=True)
    assert capsys.readouterr().out == "an answer\n"
    say("x", "an answer", settings={"n": 1}, numbers={"v": np.arange(2)}, files=["a.png"], as_json=True, quiet=True)
    assert json.loads(capsys.readouterr().out) == {
        "command": "x", "settings": {"n": 1}, "numbers": {"v": [0, 1]}, "files": ["a.png"],
    }  # fmt: skip


def test_a_picture_from_standard_input(run, here, monkeypatch):
    expected = run("classify", "photo.png", "--net", "tiny.h5")[1]
    stdin = SimpleNamespace(buffer=io.BytesIO((here / "photo.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("classify", "-", "--net", "tiny.h5")[1] == expected
    stdin.buffer.seek(0)
    assert "wrote stdin-saliency.png" in run("saliency", "-", "--net", "branches.h5")[1]
    stdin.buffer = io.BytesIO(b"no picture")
    code, _, err = run("classify", "-", "--net", "tiny.h5")
    assert code == 2 and "standard input is not a picture" in err


def test_a_path_that_looks_like_an_option_gets_its_folder():
    assert positional("-odd.png") == "./-odd.png" and positional("odd-.png") == "odd-.png"


def test_blas_keeps_to_the_threads_that_were_asked_for_and_gets_its_own_back():
    def of_blas():
        return {lib["num_threads"] for lib in threadpool_info()
                if lib["user_api"] == "blas" and "opencv" not in lib["filepath"]}

    with threadpool_limits(2, "blas"):
        before = of_blas()
        with blas_threads(1) as said:
            assert (said, of_blas()) == (1, {1} if before else set())
        assert of_blas() == before
        with blas_threads(None) as said:
            assert of_blas() == before and said == max(before, default=1)


def test_the_blas_that_opencv_brings_stays_as_it_is(monkeypatch):
    """It computes nothing here, and to start its threads crashes a process without memory for them."""

    class Blas:
        def __init__(self, libs):
            self.lib_controllers = libs

        def select(self, user_api="blas", filepath=None):
            return Blas([lib for lib in self.lib_controllers if filepath is None or lib.filepath in filepath])

        def limit(self, limits):
            for lib in self.lib_controllers:
                lib.num_threads = limits
            return contextlib.nullcontext()

    libs = [SimpleNamespace(filepath=f"/x/{package}.libs/libopenblas.so", num_threads=2)
            for package in ("numpy", "opencv_python_headless")]
    monkeypatch.setattr("threadpoolctl.ThreadpoolController", lambda: Blas(libs))
    with blas_threads(5) as said:
        assert said == 5 and [lib.num_threads for lib in libs] == [5, 2]
