"""Whether a pass fits into memory: estimates by hand, and a sentence before the run."""

import pytest

from minivis.engine.memory import check_fits, needed
from minivis.errors import TooLarge


def test_memory_is_checked_before(branches, monkeypatch):
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: needed(branches, (1, 100, 100, 3)))
    check_fits(branches, (1, 100, 100, 3))
    with pytest.raises(TooLarge, match=r"1000 x 2000 pixels need .* the longer side 13. pixels or less"):
        check_fits(branches, (1, 2000, 1000, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 110, 110, 3))
    monkeypatch.undo()
    check_fits(branches, (1, 64, 64, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 500_000, 500_000, 3))
