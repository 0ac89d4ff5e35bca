"""Data sets as rows of numbers."""

import numpy as np
import pytest

from minivis.data.rows import rows
from minivis.errors import UnknownName


def test_digits_are_levels_of_grey():
    found = rows("digits")
    assert found["x"].shape == (1797, 64) and found["x"].min() == 0 and found["x"].max() == 255
    assert found["bounds"] == (0, 255) and found["shape"] == (8, 8, 1)
    zero = found["x"][found["labels"] == 0].mean(axis=0).reshape(8, 8)
    assert zero[3:5, 3:5].mean() < 40 < 120 < zero[3:5, 2].mean()             # a ring: dark in its middle


def test_wines_are_in_units_of_their_spread():
    found = rows("wine")
    assert found["x"].shape == (178, 13) and np.bincount(found["labels"]).tolist() == [59, 71, 48]
    np.testing.assert_allclose(found["x"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found["x"].std(axis=0), 1)
    assert "bounds" not in found and len(found["names"]) == 3


def test_another_name_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        rows("digit")
