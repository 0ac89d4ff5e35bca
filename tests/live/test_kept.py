"""What is worked out for everybody stays within a limit of memory."""

import numpy as np

from minivis.live.kept import Kept


def test_what_was_asked_for_longest_ago_goes_first():
    kept = Kept(100)
    kept.put("a", bytes(40))
    kept.put("b", np.zeros(10, np.float32))
    assert kept.get("a") is not None and kept.get("c") is None
    kept.put("c", bytes(30))                    # 110 bytes: b was asked for before a
    assert [key for key in "abc" if kept.get(key) is not None] == ["a", "c"]
    kept.put("c", bytes(60))
    assert kept.size == 100 and kept.get("a") is not None
    kept.put("d", bytes(200))                   # more than there is room for
    assert kept.size == 0
