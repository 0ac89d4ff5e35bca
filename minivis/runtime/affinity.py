"""Which cores threads run on: a caller stays where it is while others help it, and they keep off that core.

After a pause Linux tends to wake a helper on the core of the thread that woke it, and back again, so that the two take
turns there while another core is idle: VGG16's forward pass on two of two cores then takes 75 ms for 65. Where the
system does not say which core a thread is on, nothing is done.
"""

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

Place: TypeAlias = tuple[int, set[int]]                          # a caller's core, and the cores that it may use
BY_THREAD = hasattr(os, "sched_setaffinity")                    # Linux: every thread has a set of cores of its own
core_of_this_thread: Callable[[], int] | None = getattr(ctypes.PyDLL(None), "sched_getcpu", None) if BY_THREAD else None
LAST = threading.local()                                        # .off: what this thread keeps off already
NOWHERE: Place = 0, set()                                       # the `Place` of a thread that may be anywhere


@functools.cache
def cores() -> int:
    """The number of cores that this process may use; read once, since a thread pinned to its core would see one."""
    return len(os.sched_getaffinity(0)) if BY_THREAD else os.cpu_count() or 1


class Stay(threading.local):
    """A context in which the calling thread stays on its core, from the first time that `place` is asked for.

    Contexts within contexts are one: the thread is free again when the outermost ends. So a pass asks the system once,
    and not once for each layer: ten microseconds, two times.
    """

    depth = 0
    here: Place = NOWHERE

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *error: object) -> None:
        self.depth -= 1
        if self.depth == 0 and self.here is not NOWHERE:
            with suppress(OSError):
                os.sched_setaffinity(0, self.here[1])
            self.here = NOWHERE

    def place(self) -> Place:
        """The core on which the thread stays from now on, for others to `keep_off`; NOWHERE if it cannot."""
        if self.here is NOWHERE and core_of_this_thread is not None and cores() > 1:
            allowed = os.sched_getaffinity(0)
            if len(allowed) > 1:
                self.here = core_of_this_thread(), allowed
                with suppress(OSError):                         # no longer ours: then it is not where we are
                    os.sched_setaffinity(0, {self.here[0]})
        return self.here


STAY = Stay()


def keep_off(place: Place) -> None:
    """Move the calling thread, permanently, off the core on which another stays."""
    if place is NOWHERE or getattr(LAST, "off", None) == place:
        return
    core, allowed = LAST.off = place
    with suppress(OSError):
        os.sched_setaffinity(0, allowed - {core})
