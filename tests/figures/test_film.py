"""Films: frames in, frames out."""

import errno
import gc
import sys

import numpy as np
import pytest
from commandline import fill
from disks import with_file_limit
from PIL import Image

from minivis.errors import BadFile, BadValue, MissingExtra
from minivis.figures import film
from minivis.figures.film import check_film, write_film

FRAMES = [np.full((8, 10, 3), 60 * k, np.uint8) for k in range(4)]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_by_pillow(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    write_film(path, FRAMES, fps=10, scale=2)
    with Image.open(path) as im:
        assert im.n_frames >= 4 and im.size == (20, 16)
        for k in range(4):
            im.seek(k)
            assert abs(np.asarray(im.convert("RGB")).astype(int) - 60 * k).max() <= 3


def test_several_pictures_side_by_side(tmp_path):
    write_film(tmp_path / "film.gif", [np.stack([FRAMES[1], FRAMES[2]])] * 2, scale=1)
    with Image.open(tmp_path / "film.gif") as im:
        assert im.size[0] > 20


def test_where_a_film_has_no_transparency_that_of_its_frames_is_left_out(tmp_path, monkeypatch):
    clear = [np.dstack([frame, np.full((8, 10), 9, np.uint8)]) for frame in FRAMES]
    write_film(tmp_path / "a.gif", FRAMES, scale=1)
    write_film(tmp_path / "b.gif", clear, scale=1)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    sent = []

    def by_ffmpeg(path, suffix, sheets, fps, sound):
        sent.extend(sheets)
        path.touch()
        return True

    monkeypatch.setattr(film, "_by_ffmpeg", by_ffmpeg)
    monkeypatch.setattr(film, "_ffmpeg", lambda: "ffmpeg")              # which need not be here
    write_film(tmp_path / "c.mp4", clear, scale=2, hold=0)
    np.testing.assert_array_equal(sent, [frame.repeat(2, axis=0).repeat(2, axis=1) for frame in FRAMES])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_mp4(tmp_path):                                 # imageio-ffmpeg leaves its pipes to the garbage collector
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="no imageio-ffmpeg: MP4 films are not tried")
    write_film(tmp_path / "film.mp4", FRAMES, fps=10, scale=4)
    reader = ffmpeg.read_frames(str(tmp_path / "film.mp4"))
    about = next(reader)
    assert about["size"] == (40, 32)
    frames = [np.frombuffer(frame, np.uint8) for frame in reader]
    reader.close()
    del reader
    gc.collect()
    assert len(frames) >= 4 and abs(frames[2].astype(int).mean() - 120) < 8


@pytest.mark.slow
def test_an_mp4_that_is_larger_than_a_limit_leaves_nothing(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="no imageio-ffmpeg: MP4 films are not tried")
    fill(tmp_path)
    code, out, err = with_file_limit(20_000, "maximize", "--net", "tiny.h5", "--steps", "20", "--width", "16",
                                     "--film", "f.mp4", cwd=tmp_path)
    assert (code, out) == (2, "") and "f.mp4 cannot be written: ffmpeg stopped" in err and err.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if "mp4" in path.name]


@pytest.mark.parametrize("error, count", [(OSError, 16), (None, 15), (None, None), (None, 16)])
def test_ffmpeg_that_stops_early_leaves_no_film(tmp_path, monkeypatch, error, count):
    """A stand-in for ffmpeg, which gets 4 frames and 12 that stay; an OSError is a pipe that it has closed."""

    class Ffmpeg:
        @staticmethod
        def write_frames(path, *size, **settings):
            assert settings["ffmpeg_log_level"] == "quiet"          # the sentence about it is ours
            with open(path, "wb") as file:
                while True:
                    frame = yield
                    if frame is not None and error:
                        raise error("ffmpeg said\nmuch")
                    file.write(b"frame")

        @staticmethod
        def count_frames_and_secs(path):
            if count is None:
                raise RuntimeError("no film")
            return count, 1.0

    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", Ffmpeg)
    if not error and count == 16:
        write_film(tmp_path / "film.mp4", FRAMES)
        assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
        return
    with pytest.raises(BadFile, match=r"film\.mp4 cannot be written: ffmpeg stopped before the film ended"):
        write_film(tmp_path / "film.mp4", FRAMES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_that_is_larger_than_a_limit_leaves_nothing(tmp_path, monkeypatch, suffix):
    def save(self, path, **settings):
        path.write_bytes(b"half")
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(BadFile, match=r"cannot be written: the file would be larger than .* `ulimit -f`"):
        write_film(tmp_path / f"film{suffix}", FRAMES)
    assert not list(tmp_path.iterdir())


def test_mistakes(tmp_path, monkeypatch):
    with pytest.raises(BadValue, match="at least one frame"):
        write_film(tmp_path / "film.gif", [])
    with pytest.raises(BadValue, match="a film's name must end in"):
        check_film("film.avi")
    with pytest.raises(BadValue, match="at most 120"):
        write_film(tmp_path / "film.gif", FRAMES, fps=0)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'minivis\[film\]'"):
        check_film("film.mp4")
    assert list(tmp_path.iterdir()) == []
