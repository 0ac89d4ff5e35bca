"""Which cores threads run on: a caller stays where it is while others help it, and they keep off that core.

After a pause Linux tends to wake a helper on the core of the thread that woke it, and back again, so that the two take
turns there while another core is idle: VGG16's forward pass on two of two cores then takes 75 ms for 65. Where the
system does not say which core a thread is on, nothing is done.
"""

import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

Place: TypeAlias = tuple[int, set[int]]                          # a caller's core, and the cores that it may use
BY_THREAD = hasattr(os, "sched_setaffinity")                    # Linux: every thread has a set of cores of its own
core_of_this_thread: Callable[[], int] | None = getattr(ctypes.PyDLL(None), "sched_getcpu", None) if BY_THREAD else None
LAST = threading.local()                                        # .off: what this thread keeps off already


@functools.cache
def cores() -> int:
    """The number of cores that this process may use; read once, since a thread pinned to its core would see one."""
    return len(os.sched_getaffinity(0)) if BY_THREAD else os.cpu_count() or 1


@contextmanager
def staying() -> Iterator[Place | None]:
    """Pin the calling thread to its core within a with block. Yield the `Place` for others to `keep_off`, or None."""
    allowed = os.sched_getaffinity(0) if core_of_this_thread and cores() > 1 else set()
    if core_of_this_thread is None or len(allowed) < 2:
        yield None
        return
    core = core_of_this_thread()
    with suppress(OSError):                                     # no longer ours: then it is not where we are
        os.sched_setaffinity(0, {core})
    try:
        yield core, allowed
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, allowed)


def keep_off(place: Place | None) -> None:
    """Move the calling thread, permanently, off the core of the thread that is `staying`."""
    if place is None or getattr(LAST, "off", None) == place:
        return
    core, allowed = LAST.off = place
    with suppress(OSError):
        os.sched_setaffinity(0, allowed - {core})
