"""Freed memory goes back to the system, where the C library can do that."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest

from minivis.runtime import allocator


def resident():
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])


@pytest.mark.skipif(allocator.trim is None, reason="this C library has no malloc_trim")
def test_what_a_thread_has_freed_goes_back():
    """Small arrays, which glibc does not map one by one, below one that stays."""
    kept = []

    def work():
        arrays = [np.ones(12_000, np.uint8) for _ in range(8000)]       # 96 MB
        kept.append(arrays[-1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = resident()
    allocator.give_back()
    assert before - resident() > 50e6


def test_without_it_nothing_happens(monkeypatch):
    monkeypatch.setattr(allocator, "trim", None)
    allocator.give_back()
