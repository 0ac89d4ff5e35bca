"""Frames that outlive a kill."""

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.images.frame_log import FrameLog

FRAMES = [np.full((4, 6, channels), 20 * k, np.uint8) for k, channels in enumerate((3, 3, 4))]


def written(path, count=3):
    with FrameLog(path, "this run") as log:
        for frame in FRAMES[:count]:
            log.append(frame)
    return path


def test_what_is_kept_is_read_back(tmp_path):
    path = str(written(tmp_path / "log"))
    with FrameLog(path, "this run", resume=True) as log:
        assert log.count == 3
        for found, frame in zip(log.frames(), FRAMES, strict=True):
            np.testing.assert_array_equal(found, frame)
        log.append(FRAMES[0])
        assert len(list(log.frames())) == log.count == 4
        log.remove()
    assert not list(tmp_path.iterdir())


def test_a_frame_that_was_cut_is_dropped(tmp_path):
    path = written(tmp_path / "log")
    path.write_bytes(path.read_bytes()[:-5])
    with FrameLog(str(path), "this run", resume=True) as log:
        assert log.count == 2
        log.append(FRAMES[0])
        assert [int(frame.max()) for frame in log.frames()] == [0, 20, 0]


def test_it_begins_anew_without_resume_and_leaves_nothing_without_a_frame(tmp_path):
    path = written(tmp_path / "log")
    with FrameLog(str(path), "another run") as log:
        assert log.count == 0
    assert not list(tmp_path.iterdir())


def test_another_run(tmp_path):
    path = written(tmp_path / "log")
    with pytest.raises(BadFile, match="the checkpoint of another film"):
        FrameLog(str(path), "another run", resume=True)
    for data in (b"", b"I am no log", path.read_bytes()[:20]):
        path.write_bytes(data)
        with pytest.raises(BadFile, match="is not a checkpoint of a film"):
            FrameLog(str(path), "this run", resume=True)
        assert path.read_bytes() == data
