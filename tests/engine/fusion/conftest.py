"""Fixtures of the steps that fuse: fast algorithms for tiny nets too, and stripes for small pictures."""

import pytest
from tuned import tune

from minivis.runtime.threads import set_threads


@pytest.fixture(autouse=True)
def fast_algorithms_even_for_the_tiny(monkeypatch, all_shared):
    tune(monkeypatch, tiny=0)
    yield
    set_threads(None)


@pytest.fixture
def in_stripes(monkeypatch):
    """Two convolutions in stripes of eight lines, as if the pictures were large."""
    tune(monkeypatch, held_whole=0, stripe=1)
