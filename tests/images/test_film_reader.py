"""Films: their times, their frames, and what is wrong with a file."""

import io
import subprocess
import sys

import numpy as np
import pytest
from limits import last_taken
from PIL import Image

from minivis.errors import BadFile, BadValue, MissingExtra, TooLarge
from minivis.images import film_reader
from minivis.images.files import read_image
from minivis.images.film_reader import Film, film_in, frame_of, in_seconds, ppm, read_film

LEVELS = (0, 90, 200)


def animation(path, levels=LEVELS, alpha=None, **how):
    """A film of even frames 12 x 8, each of its own level."""
    pictures = [Image.fromarray(np.full((8, 12, 3), level, np.uint8)) for level in levels]
    if alpha is not None:
        for picture in pictures:
            picture.putalpha(Image.fromarray(alpha))
    settings = {"duration": [100, 40, 250], "loop": 2, **how}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **settings)
    return path


FORMATS = {"film.gif": {}, "film.webp": {"lossless": True}, "film.png": {}, "film.apng": {"format": "PNG"}}


@pytest.mark.parametrize("name", FORMATS)
def test_an_animation(tmp_path, name):
    film = read_film(animation(tmp_path / name, **FORMATS[name]))
    assert (film.size, film.count, len(film), film.loop, film.by) == ((8, 12), 3, 3, 2, "Pillow")
    assert film.durations == (100, 40, 250) and film.fps == pytest.approx(3000 / 390) and not film.sound
    for level, frame in zip(LEVELS, film, strict=True):
        assert frame.shape == (8, 12, 3) and frame.dtype == np.uint8 and abs(frame.astype(int) - level).max() <= 1
    assert [int(frame_of(film.path, k).mean()) for k in (1, 2, 3)] == list(LEVELS)
    assert int(read_image(film.path).mean()) == LEVELS[0] and int(read_image(film.path, frame=3).mean()) == LEVELS[2]
    for side, size in ((6, (4, 6)), (11, (7, 11)), (12, (8, 12)), (13, (8, 12))):
        assert [pixels.shape for pixels, _ in film.frames(side=side)] == [(*size, 3)] * 3


@pytest.mark.parametrize("name", ["film.webp", "film.png"])
def test_transparency(tmp_path, name):
    alpha = np.full((8, 12), 255, np.uint8)
    alpha[:, :6] = 0
    film = read_film(animation(tmp_path / name, alpha=alpha, **FORMATS[name]))
    for pixels, found in film.frames():
        np.testing.assert_array_equal(found[..., 0], alpha)
        assert (pixels[:, :6] == 255).all()                 # on white
    assert [found.shape for _, found in film.frames(side=6)] == [(4, 6, 1)] * 3


@pytest.mark.parametrize("name, loop", [("film.gif", 1), ("film.webp", 0), ("film.png", 0)])
def test_what_does_not_say_plays_each_frame_for_a_tenth_of_a_second(tmp_path, name, loop):
    pictures = [Image.fromarray(np.full((8, 12, 3), level, np.uint8)) for level in LEVELS]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    film = read_film(tmp_path / name)
    assert (film.durations, film.fps, film.loop) == ((100, 100, 100), 10, loop)


@pytest.mark.parametrize("orientation, turned", [
    (1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (5, lambda a: a.swapaxes(0, 1)),
    (6, lambda a: np.rot90(a, -1)), (8, np.rot90),
])
def test_an_animation_that_was_turned_is_upright(tmp_path, orientation, turned):
    levels = np.arange(2 * 4 * 3 * 2, dtype=np.uint8).reshape(2, 2, 4, 3) * 5
    exif = Image.Exif()
    exif[0x112] = orientation
    first, second = map(Image.fromarray, levels)
    first.save(tmp_path / "film.png", save_all=True, append_images=[second], exif=exif)
    film = read_film(tmp_path / "film.png")
    assert film.size == turned(levels[0]).shape[:2]
    np.testing.assert_array_equal(list(film), [turned(frame) for frame in levels])


def test_the_picture_for_programs_without_animation_is_no_frame(tmp_path):
    first = Image.fromarray(np.full((8, 12, 3), 7, np.uint8))
    rest = [Image.fromarray(np.full((8, 12, 3), level, np.uint8)) for level in LEVELS]
    first.save(tmp_path / "film.png", save_all=True, append_images=rest, default_image=True, duration=50)
    assert [int(frame.mean()) for frame in read_film(tmp_path / "film.png")] == list(LEVELS)


def test_a_picture_is_no_film(tmp_path, here):
    for name in ("photo.png", "photo.jpg", "tiny.h5", "nowhere.gif"):
        assert film_in(name) is None
    assert film_in(animation(tmp_path / "one.gif", levels=LEVELS[:1], duration=50)) is None
    with pytest.raises(BadFile, match="is a picture, not a film"):
        read_film("photo.png")
    with pytest.raises(BadFile, match=r"there is no file nowhere\.gif"):
        read_film("nowhere.gif")
    with pytest.raises(BadValue, match=r"photo.png is not a film in a file, so it has no frame 2"):
        read_image("photo.png", frame=2)


def test_pages_of_a_tiff_are_no_film(tmp_path):
    pages = [Image.fromarray(np.full((8, 12), level, np.uint8)) for level in LEVELS]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    assert film_in(tmp_path / "pages.tiff") is None


def test_a_frame_that_is_not_there(tmp_path):
    animation(tmp_path / "film.gif")
    with pytest.raises(BadValue, match=r"film.gif has 3 frames, counted from 1: there is no frame 4"):
        read_image(tmp_path / "film.gif", frame=4)


def test_a_truncated_animation(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)) for _ in range(4)]
    pictures[0].save(tmp_path / "whole.gif", save_all=True, append_images=pictures[1:], duration=50)
    data = (tmp_path / "whole.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) * 5 // 8])
    with pytest.raises(BadFile, match=r"cut.gif is damaged or incomplete"):
        film_in(tmp_path / "cut.gif")


def test_frames_beyond_any_limit(tmp_path, monkeypatch):
    path = animation(tmp_path / "film.gif")
    last_taken(monkeypatch, "images.film_reader.MAX_PIXELS", 96, lambda: read_film(path), TooLarge)
    monkeypatch.setattr(film_reader, "MAX_PIXELS", 90)
    with pytest.raises(TooLarge, match="has 12 x 8 pixels"):
        read_film(path)


def test_without_ffmpeg(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(40))
    with pytest.raises(BadFile, match=r"film\.mp4 is a film: minivis dream and style take it whole"):
        read_image(tmp_path / "film.mp4")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r"film.mp4 is a film, for which ffmpeg is needed: run pip install 'minivis"):
        read_film(tmp_path / "film.mp4")


ABOUT = """  Duration: 00:00:02.00, start: 0.000000, bitrate: 106 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 160x120 [SAR 1:1], 26 kb/s, {rate}, 10240 tbn
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 69 kb/s (default)
"""
COVER = "  Stream #0:1: Video: mjpeg (Baseline), yuvj420p(pc), 300x300, 90k tbr, 90k tbn (attached pic)\n"
SOUND = "  Stream #0:0: Audio: aac (LC), 44100 Hz, mono\n"


@pytest.mark.parametrize("about, said, size, count, fps, sound", [
    (ABOUT.format(rate="10 fps, 10 tbr"), "frame=    7\rframe=   20 fps=0", (120, 160), 20, 10, True),
    (ABOUT.format(rate="29.97 fps, 29.97 tbr"), "frame=   60 fps=0", (120, 160), 60, 29.97, True),
    (ABOUT.format(rate="1k fps"), "frame=   60 fps=0", (120, 160), 60, 1000, True),
    (ABOUT.format(rate="10 tbr") + "    displaymatrix: rotation of -90.00 degrees", "frame=2 ", (160, 120), 2, 10,
     True),
    (COVER + ABOUT.format(rate="10 fps"), "frame=20 ", (120, 160), 20, 10, True),
    (ABOUT.format(rate="10 fps"), "harmless\nframe=   20 fps=0", (120, 160), 20, 10, True),
    (ABOUT.format(rate="10 fps"), "partial file\nframe=   19 fps=0", (120, 160), 19, 10, True),      # 95 % of 20
    (ABOUT.format(rate="10 fps").replace("  Duration", "  "), "partial file\nframe=2", (120, 160), 2, 10, True),
    (ABOUT.format(rate="90k tbn"), "frame=2", (120, 160), 2, 25, True),
    (ABOUT.format(rate="0 fps"), "frame=2", (120, 160), 2, 25, True),
    (ABOUT.format(rate="10 fps") + "rotation of 90.00", "frame=2 ", (160, 120), 2, 10, True),
    (ABOUT.format(rate="10 fps") + "rotation of 270.00", "frame=2 ", (160, 120), 2, 10, True),
    (ABOUT.format(rate="10 fps") + "rotation of -180.00", "frame=2 ", (120, 160), 2, 10, True),
    (ABOUT.format(rate="10 fps").replace("Audio", "Data"), "frame=20 ", (120, 160), 20, 10, False),
])
def test_what_ffmpeg_says(tmp_path, monkeypatch, about, said, size, count, fps, sound):
    monkeypatch.setattr(film_reader, "asked", lambda path, *words, level="info": (said if words else about) + "\n")
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    film = read_film(tmp_path / "film.mp4")
    assert (film.size, film.count, film.fps, film.sound, film.by) == (size, count, fps, sound, "ffmpeg")
    assert film.durations[0] == pytest.approx(1000 / fps)


@pytest.mark.parametrize("about, said, message", [
    (SOUND, "", "film.mp4 has only sound, and no picture"),
    (COVER + SOUND, "", "film.mp4 has only sound, and no picture"),
    ("moov atom not found", "", "film.mp4 is damaged or incomplete: ffmpeg finds no film in it"),
    (ABOUT.format(rate="10 fps"), "partial file\nframe=   15 fps=0", "15 frames of it can be read"),
    (ABOUT.format(rate="10 fps"), "partial file\nframe=   18 fps=0", "18 frames of it can be read"),
    (ABOUT.format(rate="10 fps"), "frame=   0 fps=0", "0 frames of it can be read"),
    (ABOUT.format(rate="10 fps").replace("160x120", "90000x90000"), "frame=  9", "film.mp4 has 90000 x 90000 pixels"),
])
def test_what_ffmpeg_cannot_read(tmp_path, monkeypatch, about, said, message):
    monkeypatch.setattr(film_reader, "asked", lambda path, *words, level="info": (said if words else about) + "\n")
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    with pytest.raises((BadFile, TooLarge), match=message):
        read_film(tmp_path / "film.mp4")


@pytest.fixture
def writes(monkeypatch):
    """writes(code): a film for whose frames Python runs this instead of ffmpeg, and the commands for ffmpeg."""
    commands, real = [], subprocess.Popen

    def prepared(code):
        def started(command, **how):
            commands.append(command)
            return real([sys.executable, "-c", f"import sys; out = sys.stdout.buffer.write; {code}"], **how)

        monkeypatch.setattr(film_reader, "program", lambda why: "ffmpeg")
        monkeypatch.setattr(subprocess, "Popen", started)
        return Film("a.mp4", (2, 3), (40.0,) * 3, by="ffmpeg", rate="24.5"), commands

    return prepared


def test_the_frames_that_ffmpeg_writes_up_to_where_it_is_cut(writes):
    film, commands = writes(r"[out(b'P6\n3 2\n255\n' + bytes(range(k, k + size))) for k, size in "
                            "((0, 18), (9, 18), (0, 17))]; sys.stderr.write('partial file')")
    np.testing.assert_array_equal(list(film), [np.arange(18).reshape(2, 3, 3), np.arange(9, 27).reshape(2, 3, 3)])
    (command,) = commands
    assert [command[command.index(word) + 1] for word in ("-i", "-r")] == ["file:a.mp4", "24.5"]
    assert film.fps == 24.5


def test_who_reads_no_further_waits_for_nothing(writes):
    film, _ = writes(r"[out(b'P6\n1 1\n255\n123') for _ in iter(int, 1)]")
    frames = iter(film)
    assert [next(frames).tolist() for _ in range(2)] == [[[[49, 50, 51]]]] * 2
    frames.close()


def test_a_film_without_a_frame_says_what_ffmpeg_said_last(writes):
    film, _ = writes("sys.stderr.write('first\\n' + 'x' * 150 + 'y' * 20)")
    with pytest.raises(BadFile, match=rf"^a\.mp4 has no frame that can be read \({'x' * 150}y{{10}}\); get a complete"):
        list(film)


@pytest.mark.parametrize("data", [b"", b"P6\n1 1\n255\n12", b"P5\n1 1\n255\n123", b"P6\n1 1\n65535\n123456"])
def test_what_is_no_picture_of_a_stream(data):
    assert ppm(io.BytesIO(data)) is None


def test_hours_minutes_and_seconds():
    assert in_seconds("02:03:04.5") == 2 * 3600 + 3 * 60 + 4.5


@pytest.mark.slow
@pytest.mark.parametrize("name, words", [
    ("film.mp4", ("-pix_fmt", "yuv420p", "-c:a", "aac")), ("film.mov", ("-pix_fmt", "yuv420p", "-c:a", "aac")),
    ("film.webm", ("-c:v", "libvpx", "-c:a", "libopus")), ("film.mkv", ("-c:a", "aac")), ("film.avi", ("-c:a", "aac")),
])
def test_films_by_ffmpeg(tmp_path, name, words):
    program = pytest.importorskip("imageio_ffmpeg", reason="no imageio-ffmpeg: MP4 is not tried").get_ffmpeg_exe()
    path = tmp_path / name
    subprocess.run([program, "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1",
                    "-f", "lavfi", "-i", "sine=440:duration=1", *words, str(path)], check=True)
    film = read_film(path)
    assert (film.size, film.sound) == ((48, 64), True) and film.fps == pytest.approx(10)
    frames = list(film)
    assert len(frames) == film.count and 10 <= len(frames) <= 11
    assert frames[0].shape == (48, 64, 3) and (frames[0] != frames[9]).any()
    np.testing.assert_array_equal(read_image(path, frame=10), frames[9])
    (tmp_path / "cut.mp4").write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadFile, match=r"cut\.mp4 is damaged or incomplete"):
        read_film(tmp_path / "cut.mp4")
