"""dream and style of films, as a user types them."""

import json
import sys

import numpy as np
import pytest
from commandline import scene
from PIL import Image

from minivis.images.files import read_image
from minivis.images.film_reader import read_film
from minivis.methods.synthesis import dream as module
from minivis.methods.synthesis import films

TINY = ("--net", "tiny.h5", "--no-flow", "--steps", "1")
FAST = (*TINY, "--octaves", "1")


@pytest.fixture
def film(here):
    """Three frames of a scene that moves, each for its own time."""
    pictures = [Image.fromarray(np.roll(scene(24, 32), 3 * k, axis=1)) for k in range(3)]
    how = {"save_all": True, "append_images": pictures[1:], "duration": [100, 40, 250], "loop": 3}
    pictures[0].save("film.gif", **how)
    alpha = np.full((24, 32), 255, np.uint8)
    alpha[:, :8] = 0
    for picture in pictures:
        picture.putalpha(Image.fromarray(alpha))
    pictures[0].save("film.webp", lossless=True, **how)
    pictures[0].save("film.png", **how)
    return alpha


@pytest.mark.parametrize("command", ["dream", "style"])
def test_a_film_becomes_a_film(run, film, command):
    code, out, err = run(command, "film.gif", *TINY, "--json")
    said = json.loads(out)
    assert (code, err) == (0, "") and said["files"] == [f"film-{command}.gif"]
    assert said["numbers"]["frames"] == 3 and said["numbers"]["size"] == [32, 24] and not said["numbers"]["sound"]
    made, given = read_film(f"film-{command}.gif"), read_film("film.gif")
    assert (made.count, made.durations, made.loop, made.size) == (3, given.durations, 3, (24, 32))
    assert all((a != b).any() for a, b in zip(made, given, strict=True))


def test_numbered_frames(run, film, here):
    assert run("dream", "film.gif", *FAST, "-o", "frames/")[0] == 0
    assert sorted(path.name for path in (here / "frames").iterdir()) == ["00001.png", "00002.png", "00003.png"]
    assert run("dream", "film.gif", *FAST, "-o", "{name}-{frame}.png")[0] == 0
    for k in (1, 2, 3):
        np.testing.assert_array_equal(read_image(f"frames/{k:05d}.png"), read_image(f"film-{k:05d}.png"))
    code, _, err = run("dream", "film.gif", *FAST, "-o", "frames/")
    assert code == 2 and "00001.png exists and is kept" in err


def test_a_frame_that_is_in_the_way_is_told_before_any_is_made(run, film, here):
    (here / "frames").mkdir()
    (here / "frames" / "00003.png").touch()
    code, _, err = run("dream", "film.gif", *FAST, "-o", "frames/")
    assert code == 2 and "00003.png exists and is kept" in err
    assert [path.name for path in (here / "frames").iterdir()] == ["00003.png"]


@pytest.mark.parametrize("out, kept", [("a.webp", True), ("a.apng", True), ("a.gif", False), ("f/{frame}.png", True)])
def test_transparency(run, film, out, kept):
    assert run("dream", "film.png", *FAST, "-o", out)[0] == 0
    if "frame" in out:
        with Image.open("f/00002.png") as im:
            np.testing.assert_array_equal(np.asarray(im)[..., 3], film)
        return
    for _, alpha in read_film(out).frames():
        assert (alpha is not None) == kept
        if kept:
            np.testing.assert_array_equal(alpha[..., 0], film)
    assert run("dream", "film.webp", *FAST, "-o", "white.webp", "--no-keep-alpha")[0] == 0
    assert next(read_film("white.webp").frames())[1] is None


def test_one_frame_of_it(run, film):
    assert run("dream", "film.gif", *FAST[:2], "--steps", "0", "--frame", "2", "-o", "second.png")[0] == 0
    np.testing.assert_array_equal(read_image("second.png"), read_image("film.gif", frame=2))
    assert run("rerun", "second.png")[0] == 0
    for command in ("classify", "saliency", "invert"):
        more = ("--steps", "1") if command == "invert" else ()
        code, _, err = run(command, "film.gif", "--net", "tiny.h5", "--frame", "3", *more, "-o", f"{command}.png")
        assert (code, err) == (0, "")


def test_a_film_is_never_silently_its_first_frame(run, film):
    said = "film.gif has 3 frames, of which the first is used"
    assert said in run("classify", "film.gif", "--net", "tiny.h5")[2]
    assert said in run("style", "photo.png", "film.gif", "--net", "tiny.h5", "--steps", "1")[2]
    assert said in run("dream", "photo.png", "--guide", "film.gif", *FAST)[2]


def interrupted(monkeypatch, after):
    real, calls = module.make_step, []

    def step(*arguments, **how):
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        return real(*arguments, **how)

    monkeypatch.setattr(module, "make_step", step)
    return calls


@pytest.mark.parametrize("out", ["part.gif", "frames/{frame}.png"])
def test_a_run_that_was_stopped_goes_on(run, film, here, monkeypatch, out):
    assert run("dream", "film.gif", *FAST, "-o", out.replace("part", "whole").replace("frames", "all"))[0] == 0
    calls = interrupted(monkeypatch, 3)
    code, said, err = run("dream", "film.gif", *FAST, "-o", out)
    checkpoint = f"{out.replace('{frame}', 'frames')}.checkpoint"
    assert (code, said) == (130, "") and f"{checkpoint} holds the frames so far; --resume continues" in err
    code, _, err = run("dream", "film.gif", *FAST, "-o", out)
    assert code == 2 and "holds an unfinished run: --resume continues it" in err
    code, _, err = run("dream", "film.gif", *FAST, "--seed", "9", "-o", out, "--resume")
    assert code == 2 and "is the checkpoint of another film" in err
    assert run("dream", "film.gif", *FAST, "-o", out, "--resume")[0] == 0
    assert len(calls) == 4 and not (here / checkpoint).exists()
    for k in (1, 2, 3):
        one, other = ((read_image(out, frame=k), read_image("whole.gif", frame=k)) if out == "part.gif" else
                      (read_image(f"frames/{k:05d}.png"), read_image(f"all/{k:05d}.png")))
        np.testing.assert_array_equal(one, other)


def test_the_first_frame_that_is_stopped_leaves_nothing(run, film, here, monkeypatch):
    before = sorted(path.name for path in here.iterdir())
    interrupted(monkeypatch, 1)
    assert run("dream", "film.gif", *FAST)[0] == 130
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_film_is_named_where_there_are_several(run, film):
    """In words, and in JSON of a line for each."""
    said = run("dream", "film.gif", *FAST, "-o", "a.gif")[1]
    assert said.startswith("3 frames of 32 x 24 pixels") and said.endswith("wrote a.gif\n")
    assert run("dream", "film.gif", "film.webp", *FAST, "-o", "out/")[1].startswith("film.gif\n3 frames of 32 x 24")
    assert run("dream", "film.gif", *FAST, "-o", "b.gif", "--json")[1].startswith("{\n")
    lines = run("dream", "film.gif", "film.webp", *FAST, "-o", "again/", "--json")[1].splitlines()
    assert [json.loads(line)["numbers"]["frames"] for line in lines] == [3, 3]


def test_several_at_once(run, film, here):
    assert run("dream", "film.gif", "photo.png", *FAST, "-o", "out/")[0] == 0
    assert sorted(path.name for path in (here / "out").iterdir()) == ["film-dream.gif", "photo-dream.png"]


def test_several_sizes_for_the_first_frame_and_the_last_for_all(run, film):
    assert run("style", "film.gif", *TINY[:3], "--side", "16,28", "--steps", "1,2", "--next-steps", "1")[0] == 0
    assert read_film("film-style.gif").size == (21, 28)


@pytest.mark.parametrize("words, message", [
    (("dream", "film.gif", "-o", "a.png"), "film.gif is a film of 3 frames, and a.png is none: name a film"),
    (("dream", "film.gif", "-o", "a.tiff"), "or choose one frame with --frame"),
    (("dream", "film.gif", "-o", "f/{frame}.gif"), "a picture's name must end in one of"),
    (("dream", "film.gif", "-o", "no/where/{frame}.png"), "the folder no/where does not exist"),
    (("dream", "film.gif", "--sheet"), "leave out --sheet, or choose one frame with --frame"),
    (("dream", "film.gif", "--frames", "3"), "leave out --frames"),
    (("dream", "film.gif", "--film", "b.gif"), "leave out --film"),
    (("style", "film.gif", "--method", "all"), "leave out --method all"),
    (("dream", "film.gif", "--keep", "2"), "'--keep'"),
    (("dream", "film.gif", "--frame", "4"), "film.gif has 3 frames, counted from 1: there is no frame 4"),
    (("dream", "photo.png", "--frame", "2"), "photo.png is not a film in a file"),
    (("dream", "film.png", "--keep-alpha", "-o", "a.gif"), "a.gif cannot be transparent"),
    (("dream", "cut.gif"), "cut.gif is damaged or incomplete"),
    (("dream", "cut.webp", "-o", "a.gif"), "cut.webp is damaged or incomplete"),
    (("dream", "photo.png", "-o", "a.mp4"), "photo.png is a picture, not a film, so it cannot be painted as .mp4"),
    (("dream", "film.gif", "--frame", "2", "-o", "a.gif"), "a picture's name must end in one of"),
    (("style", "film.gif", "nowhere.png"), "there is no file nowhere.png"),
    (("dream", "film.gif", "--layer", "relu9"), "no layer named 'relu9'"),
    (("classify", "film.mp4"), "film.mp4 is a film: minivis dream and style take it whole, and --frame N one"),
    (("dream", "film.mp4"), "film.mp4 is a film, for which ffmpeg is needed: run pip install 'minivis[film]'"),
    (("dream", "film.gif", "-o", "a.mp4"), "MP4 and WebM films need ffmpeg, or write a .gif: run pip install"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")  # fmt: skip
def test_mistakes(refused, film, here, monkeypatch, words, message):
    data = (here / "film.gif").read_bytes()
    (here / "cut.gif").write_bytes(data[: len(data) * 5 // 8])
    data = (here / "film.webp").read_bytes()
    (here / "cut.webp").write_bytes(data[: len(data) * 5 // 8])
    (here / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(films, "has_flow", lambda: False)       # of which nothing is said before a mistake
    steps = () if words[0] == "classify" or "--steps" in words else ("--steps", "1")
    assert message in refused(*words, "--net", "tiny.h5", *steps)


def test_without_opencv_it_says_so_once(run, film, monkeypatch):
    monkeypatch.setattr(films, "has_flow", lambda: False)
    code, _, err = run("dream", "film.gif", "--net", "tiny.h5", "--steps", "1", "--octaves", "1")
    assert code == 0 and err.count("OpenCV is not installed") == 1
    assert run("dream", "film.gif", *FAST, "--force")[2] == ""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("out, codec", [("a.mp4", "aac"), ("a.webm", "opus"), ("a.gif", None)])
def test_sound_stays(run, here, out, codec):
    import subprocess

    from minivis.images.film_reader import asked

    program = pytest.importorskip("imageio_ffmpeg", reason="no imageio-ffmpeg: MP4 is not tried").get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-f", "lavfi", "-i", "testsrc=size=48x32:rate=10:duration=1", "-f", "lavfi",
                    "-i", "sine=440:duration=1", "-pix_fmt", "yuv420p", "-c:a", "aac", "in.mp4"], check=True)
    code, said, _ = run("dream", "in.mp4", *FAST, "-o", out)
    made = read_film(out)
    assert code == 0 and (made.count, made.size) == (10, (32, 48)) and abs(made.fps - 10) < 0.1
    assert made.sound == (codec is not None) and (codec or "10 frames") in asked(out) + said
    if out == "a.mp4":                          # copied, not coded again
        def track(path):
            return subprocess.run([program, "-v", "error", "-i", path, "-vn", "-c", "copy", "-f", "md5", "-"],
                                  capture_output=True, check=True).stdout
        assert track("in.mp4") == track("a.mp4")
