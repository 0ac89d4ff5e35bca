"""What the C library keeps of memory that was freed, given back to the system.

glibc keeps what threads have freed for what they ask for next. A server whose jobs come from several threads, each with
its own peak, would hold the sum of these peaks for ever. (mallopt(3), malloc_trim(3))
"""

import contextlib
import ctypes
import sys
import threading
from collections.abc import Iterator
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8          # settings of mallopt
ARRAYS = 1 << 19                                # bytes from which on an array has pages of its own, given back at once
LARGEST = 1 << 25                               # the most that glibc allows: smaller arrays are kept for the next one

glibc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
trim = getattr(glibc, "malloc_trim", None)      # musl, and others, have none
lock, inside = threading.Lock(), 0


def give_back() -> None:
    """Give back what is free, in all threads. Nothing happens where the C library cannot."""
    if trim is not None:
        trim(0)


def share_one_arena() -> None:
    """Give no thread that starts from now on an arena of its own, so that what one frees another can take."""
    if trim is not None:
        glibc.mallopt(ARENA_MAX, 1)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """While this lasts, arrays of half a megabyte or more are given back as soon as they are freed, in all threads.

    A pass that asks for new arrays then takes a tenth to a half longer: its pages come from the system each time.
    """
    entered(1)
    try:
        yield
    finally:
        entered(-1)


def entered(change: int) -> None:
    """Count who is in `at_once`, and tell the C library when the first comes and the last goes."""
    global inside
    with lock:
        before, inside = inside, inside + change
        if trim is not None and (before == 0 or inside == 0):
            glibc.mallopt(MMAP_THRESHOLD, ARRAYS if inside else LARGEST)
            glibc.mallopt(TRIM_THRESHOLD, ARRAYS if inside else 2 * LARGEST)
