"""Freed memory goes back to the system, where the C library can do that."""

import re
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from processes import finish

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
    allocator.share_one_arena()


GOES_BACK = """
import re
import numpy as np
from minivis.runtime import allocator

def resident():
    return 1024 * int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

with allocator.at_once():
    arrays = [np.ones(size, np.uint8) for _ in range(40) for size in (2_000_000, 2000)]
    before = resident()
    del arrays[::2]
    print(before - resident())
"""


@pytest.mark.skipif(allocator.trim is None, reason="this C library has no malloc_trim")
def test_large_arrays_go_back_at_once():
    """Each below one that stays, so that they do not end at the top of a heap; in a process whose heap has no holes."""
    code, out, err = finish("-c", GOES_BACK)
    assert code == 0 and int(out) > 60e6, err


def test_the_last_one_who_leaves_sets_it_back(monkeypatch):
    said = []
    monkeypatch.setattr(allocator, "trim", lambda pad: None)
    monkeypatch.setattr(allocator, "glibc", SimpleNamespace(mallopt=lambda what, value: said.append((what, value))))
    at_once, kept = ([(-3, size), (-1, trim)] for size, trim in ((2**19, 2**19), (2**25, 2**26)))
    with allocator.at_once():
        assert said == at_once
        with pytest.raises(KeyError), allocator.at_once():
            raise KeyError
        assert said == at_once
    assert said == at_once + kept
    monkeypatch.setattr(allocator, "trim", None)
    with allocator.at_once():
        assert len(said) == 4


ONE_ARENA = """
import threading
from pathlib import Path
import numpy as np
from minivis.runtime import allocator

def work():
    place = np.ones(40_000, np.uint8).ctypes.data
    heap = [line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines() if "[heap]" in line]
    print(any(int(begin, 16) <= place < int(end, 16) for begin, end in heap))

allocator.share_one_arena()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(allocator.trim is None, reason="this C library has no malloc_trim")
def test_threads_that_start_share_one_arena():
    code, out, err = finish("-c", ONE_ARENA)
    assert (code, out) == (0, "True\n"), err
