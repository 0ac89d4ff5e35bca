"""Optical flow: a picture that moves is found where it went, and what appears is not covered."""

import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from minivis.errors import MissingExtra
from minivis.images.flow import has_flow, motion_between


def textured(rng, side=96):
    grey = gaussian_filter(rng.normal(size=(side, side, 3)), (2, 2, 0))
    return np.uint8((128 + 400 * grey).clip(0, 255))


def test_a_picture_that_moves(rng):
    pytest.importorskip("cv2", reason="no OpenCV: optical flow is not tried")
    whole = textured(rng)
    before, now = whole[8:72, 8:72], whole[6:70, 11:75]         # what was seen lies 3 pixels further left, 2 lower
    motion = motion_between(before, now)
    np.testing.assert_allclose(np.median(motion.flow.reshape(-1, 2), axis=0), [-2, 3], atol=0.1)
    moved, cover = motion.move(before.astype(np.float32))
    sure = cover[..., 0] > 0
    assert sure.mean() > 0.8 and abs(moved - now)[sure].mean() < 0.1 * abs(before.astype(float) - now).mean()
    assert not sure[:, -2:].any()                               # that came in from the right


def test_the_smallest_picture_with_flow(rng):
    pytest.importorskip("cv2", reason="no OpenCV: optical flow is not tried")
    whole = textured(rng)
    assert motion_between(whole[:16, :20], whole[:16, 1:21]).flow.shape == (16, 20, 2)
    assert motion_between(whole[:20, :15], whole[:20, 1:16]).flow is None


def test_without_flow_it_stays(rng):
    picture = rng.normal(size=(20, 30, 3))
    moved, cover = motion_between(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30, 3), np.uint8), flow=False).move(
        picture)
    assert moved is picture and cover == 1


def test_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert not has_flow()
    frame = np.zeros((20, 30, 3), np.uint8)
    with pytest.raises(MissingExtra, match=r"optical flow needs OpenCV: run pip install 'minivis\[segment\]'"):
        motion_between(frame, frame)
