"""Whole levels: rounding keeps to eps, small changes are not lost, and PNG gives back what it got."""

import numpy as np
import pytest

from minivis.images.metrics import l2
from minivis.methods.adversarial.rounding import grown, read_back, rounded


def test_rounding_keeps_to_eps():
    start = np.array([[[0, 100, 255]]], np.uint8)
    np.testing.assert_array_equal(rounded(start, np.array([[[2.6, 97.4, 252.6]]]), 2.6, "Linf"), [[[2, 98, 253]]])
    np.testing.assert_array_equal(rounded(start, np.array([[[3.0, 97.8, 255.4]]]), 3, "Linf"), [[[3, 98, 255]]])
    long = rounded(start, start + 1.5 * np.array([1, 1, -1]), 2.6, "L2")    # rounds to (2, 2, -2), which is 3.46 long
    assert l2(start, long) <= 2.6


def test_a_change_of_less_than_half_a_level_is_not_lost(rng):
    start = np.full((50, 50, 1), 100, np.uint8)
    found = start + 0.3
    seen = []
    made = grown(start, found, lambda one: seen.append(one) or one.mean() > 100.25, seed=0)
    assert len(seen) == 2 and (seen[0] == 100).all() and made.mean() == pytest.approx(100.3, abs=0.03)
    assert set(np.unique(made)) == {100, 101}


def test_read_back(rng):
    for channels in (1, 3):
        picture = rng.integers(0, 256, (5, 7, channels), np.uint8)
        np.testing.assert_array_equal(read_back(picture), picture)


def test_what_no_png_holds_is_kept_as_it_is(rng):
    picture = rng.integers(0, 256, (5, 7, 6), np.uint8)
    assert read_back(picture) is picture


def test_what_is_good_at_no_length_comes_back_at_the_longest():
    """10 levels, lengthened by half again and again, as long as it is below 4 times: the last is 3.375 times."""
    start, found, lengths = np.full((1, 1, 1), 100, np.uint8), np.full((1, 1, 1), 110.0), []
    made = grown(start, found, lambda one: lengths.append(int(one.item()) - 100), seed=0, factor=1.5, most=4)
    assert lengths[::2] == [10, 15, 23, 34]                             # 22.5 rounded up, 33.75
    assert made.item() - 100 == lengths[-1] in (33, 34)


def test_the_shortest_that_is_good_is_taken():
    start, found = np.full((1, 1, 1), 100, np.uint8), np.full((1, 1, 1), 104.0)
    assert grown(start, found, lambda one: one.item() >= 109, seed=0, factor=1.5).item() == 109     # 4, 6, 9
