"""How far a sweep has come, and what it says of pictures that it could not read."""

import numpy as np

from minivis.images.collection import Pictures, folder_hash
from minivis.sweeps.tally import BatchResult, Tally, listed

PICTURES = Pictures.of([np.full((2, 2, 3), level, np.uint8) for level in range(3)])


def batch(first, count, failed=()):
    return BatchResult(None, list(range(count)), [PICTURES.hash(first + i) for i in range(count)], list(failed))


def test_a_tally_after_two_batches_is_that_after_one():
    once, twice = Tally(), Tally()
    once.add(PICTURES, 0, batch(0, 3))
    twice.add(PICTURES, 0, batch(0, 2))
    twice.add(PICTURES, 2, batch(2, 1))
    assert once == twice == Tally(3, folder_hash(PICTURES))


def test_a_tally_names_what_could_not_be_read():
    tally = Tally()
    tally.add(PICTURES, 1, batch(1, 2, failed=[(1, "it is damaged", False)]))
    assert tally.unreadable == [(PICTURES.name(2), "it is damaged")]
    assert listed(tally.unreadable) == ["1 could not be read:", f"  {PICTURES.name(2)}: it is damaged"]
    assert listed([("a/b.png", "b.png is damaged")])[1] == "  b.png is damaged"         # named already
    assert listed([]) == []
