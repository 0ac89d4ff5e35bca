"""Slice, with numbers by hand."""

import numpy as np
import pytest
from passes import both_ways

from minivis.errors import BadValue
from minivis.layers import Slice


def test_by_hand(xp):
    out, _, (dx,), _ = both_ways(Slice(1, 3), np.array([[1.0, 2, 3, 4]]), dout=np.array([[5.0, 6]]), xp=xp)
    assert out.tolist() == [[2, 3]] and dx.tolist() == [[0, 5, 6, 0]]


@pytest.mark.parametrize("start, stop", [(-1, 2), (2, 2), (3, 1)])
def test_channels_that_there_are_not(start, stop):
    with pytest.raises(BadValue, match="0 <= start < stop"):
        Slice(start, stop)


def test_an_input_of_too_few():
    with pytest.raises(BadValue, match=r"\(2, 3\) has no channels 1 to 4"):
        Slice(1, 4).output_shape((2, 3))
