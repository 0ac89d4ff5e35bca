"""The painting that minivis brings."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minivis
from minivis.data import strokes


def test_wind_is_a_direction_and_turns_round_a_whirl():
    whirls = [(np.array([0.0, 0.0]), 50.0, 1)]
    places = np.array([[10.0, 0], [0, 10], [-10, 0], [0, -10]])
    found = np.array([strokes.wind(place, whirls) for place in places])
    np.testing.assert_allclose(np.hypot(*found.T), 1)
    turning = places[:, 0] * found[:, 1] - places[:, 1] * found[:, 0]
    assert (turning > 0).all()                                  # counterclockwise about its middle, at every side
    opposite = strokes.wind(places[0], [(np.array([0.0, 0.0]), 50.0, -1)])
    assert places[0, 0] * opposite[1] < 0


def test_a_painting_depends_on_its_seed_alone(monkeypatch):
    monkeypatch.setattr(strokes, "STROKES", 60)
    one, same, other = strokes.painting(24, 5), strokes.painting(24, 5), strokes.painting(24, 6)
    assert one.shape == (24, 24, 3) and one.dtype == np.uint8 and one.std() > 10
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.slow
def test_the_shipped_painting_is_painted_by_this():
    """But for its 128 colours: 4.3 levels on average; with other colours for the ground it was 13."""
    with Image.open(Path(minivis.__file__).parent / "data" / "strokes.png") as file:
        assert abs(strokes.painting() - np.asarray(file.convert("RGB"), float)).mean() < 6


def test_the_shipped_painting_has_night_above_and_cypresses_below():
    with Image.open(Path(minivis.__file__).parent / "data" / "strokes.png") as file:
        picture = np.asarray(file.convert("RGB"), float)
    assert picture.shape == (384, 384, 3)
    above, below = picture[:200].mean(axis=(0, 1)), picture[360:].mean(axis=(0, 1))
    assert above[2] - above[0] > 40                             # 62 measured: night blue
    assert below.sum() < above.sum() / 1.4 and abs(below[2] - below[1]) < 20        # dark, and not blue
