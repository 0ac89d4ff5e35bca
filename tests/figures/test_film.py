"""Films: frames in, frames out."""

import gc

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadValue, MissingExtra
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
