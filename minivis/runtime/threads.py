"""Threads: a few workers share out the blocks of one layer, and BLAS is held to one thread while they do.

    share_out(task, items)      task(item) for every item, by the caller and by whichever workers are free
    map_out(task, items)        the same, and a list of what they return
    set_threads(n)              how many threads that may be; before: MINIVIS_THREADS, else the processor's cores
    sharing(worth)              a context: unless sharing is worth it, the caller of share_out does all the work itself
    scratch(name, shape, dtype) this thread's own memory for a block, with undefined contents

NumPy releases Python's lock inside a large call, so threads that make few, large calls run in parallel. Meanwhile BLAS
must not start threads of its own (one_blas_thread.py). Where BLAS cannot be limited, the caller works alone.

While workers help it, a caller stays on its core and they keep off that (affinity.py).

Items are shared out in any order. A task must write to a place of its own and leave sums over items to its caller,
which forms them in order: then the result is the same to the bit for any number of threads.
"""

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from numbers import Integral
from typing import Any, TypeAlias, TypeVar

import numpy as np

from minivis.errors import BadValue
from minivis.runtime import warm_blas
from minivis.runtime.affinity import STAY, Place, cores, keep_off
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD, OneBlasThread
from minivis.runtime.workspace import aligned
from minivis.types import Array, Shape

Task: TypeAlias = Callable[[Any], Any]
R = TypeVar("R")
MOST_THREADS = 4096                     # more than any machine has; BLAS takes a C int


def checked_count(value: Any, name: str) -> int:
    count = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 30 else value
    if not isinstance(count, Integral) or isinstance(count, bool) or not 1 <= int(count) <= MOST_THREADS:
        endless = isinstance(count, int) and count.bit_length() > 256       # Python refuses to print some of these
        given = f"one of {count.bit_length()} bits" if endless else repr(value)
        raise BadValue(f"{name} must be a whole number from 1 to {MOST_THREADS}, got {given[:100]}")
    return int(count)


class Team:
    """The workers of this process. Simultaneous callers share them, and none waits for another."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.small_products = threading.Lock()  # see matmul.py
        self.asked: int | None = None           # what set_threads said
        self.busy = 0                           # workers at work now
        self.pool: Any = None                   # a ThreadPoolExecutor, from the first call that has work for two on
        self.warmed = 0                         # threads that have made OpenBLAS' first product side by side
        self.here = threading.local()           # .working: this thread runs a task; .scratch: its memory

    @property
    def size(self) -> int:
        """Threads in all, the caller of `share_out` among them."""
        if self.asked is None:
            said = os.environ.get("MINIVIS_THREADS", "").strip()
            return checked_count(said, "MINIVIS_THREADS") if said else cores()
        return self.asked

    def share_out(self, task: Task, items: Iterable[Any]) -> None:
        queue = deque(items)
        with ONE_BLAS_THREAD:
            wanted = min(self.size, len(queue)) - 1
            if self.alone() or not ONE_BLAS_THREAD.works:
                wanted = 0                      # a task within a task, or a BLAS that brings threads of its own
            hired = self.hire(wanted) if wanted > 0 or not self.warmed else 0
            if not hired:
                self.work(task, queue)
                return
            try:
                with STAY:
                    helpers = [self.pool.submit(self.help, task, queue, STAY.place()) for _ in range(hired)]
                    try:
                        self.work(task, queue)
                    finally:
                        queue.clear()           # after an error nobody starts another item ...
                        errors = [helper.exception() for helper in helpers]     # ... and all stop before we go on
            finally:
                self.dismiss(hired)
        for error in filter(None, errors):
            raise error

    @contextmanager
    def sharing(self, worth: bool | Callable[[], bool]) -> Iterator[None]:
        """Share work within this context only if it is ``worth`` it; a function is asked by each `share_out`.

        Between calls into NumPy, threads compete for Python's lock: where the calls are short, each waits for it.
        """
        outer = getattr(self.here, "working", False)
        self.here.working = True if self.alone() else (lambda: not worth()) if callable(worth) else not worth
        try:
            yield
        finally:
            self.here.working = outer

    def alone(self) -> bool:
        """Whether this thread must work by itself."""
        working = getattr(self.here, "working", False)
        return working() if callable(working) else working

    def help(self, task: Task, queue: deque, place: Place) -> None:
        keep_off(place)
        self.work(task, queue)

    def work(self, task: Task, queue: deque) -> None:
        outer, self.here.working = getattr(self.here, "working", False), True
        try:
            while True:
                try:
                    item = queue.popleft()
                except IndexError:
                    return
                task(item)
        except BaseException:
            queue.clear()
            raise
        finally:
            self.here.working = outer

    def hire(self, wanted: int) -> int:
        with self.lock:
            if self.pool is None:
                # it starts a thread when none is idle
                self.pool = ThreadPoolExecutor(256, "minivis", initializer=ONE_BLAS_THREAD.hold_this_thread)
            self.warm_up()
            hired = max(0, min(wanted, self.size - 1 - self.busy))
            self.busy += hired
            return hired

    def warm_up(self) -> None:
        """Make OpenBLAS' first products, once in a process and again when the team grows (see warm_blas.py)."""
        count = min(self.size, warm_blas.MOST)
        if self.warmed >= count:
            return
        self.warmed = count
        if ONE_BLAS_THREAD.works and warm_blas.helps(ONE_BLAS_THREAD.libraries):
            together, product = threading.Barrier(count, timeout=1), warm_blas.first_product()
            others = [self.pool.submit(warm_blas.warm, together, product) for _ in range(count - 1)]
            warm_blas.warm(together, product)
            wait(others)

    def dismiss(self, hired: int) -> None:
        with self.lock:
            self.busy -= hired

    def scratch(self, name: str, shape: Shape, dtype: Any) -> Array:
        """Memory that this thread reuses for its next block; it grows to the largest request."""
        held = self.here.__dict__.setdefault("scratch", {})
        memory, size = held.get(name), math.prod(shape) * np.dtype(dtype).itemsize
        if memory is None or memory.size < size:
            memory = held[name] = aligned((max(size, 1),))
        return np.ndarray(shape, dtype, memory)

    def forget_scratch(self) -> None:
        """Let go of this thread's memory for blocks: a thread that will not compute for a while needs none."""
        self.here.__dict__.pop("scratch", None)


TEAM = Team()
share_out, sharing, scratch, forget_scratch = TEAM.share_out, TEAM.sharing, TEAM.scratch, TEAM.forget_scratch


def set_threads(count: int | None) -> None:
    """Use ``count`` threads from now on; None goes back to MINIVIS_THREADS, or else to every core."""
    TEAM.asked = None if count is None else checked_count(count, "threads")


def get_threads() -> int:
    """The number of threads in use, the caller of `share_out` included."""
    return TEAM.size


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Use ``count`` threads within a with block; None changes nothing."""
    before = TEAM.asked
    if count is not None:
        set_threads(count)
    try:
        yield
    finally:
        TEAM.asked = before


def map_out(task: Callable[[Any], R], items: Iterable[Any]) -> list[R]:
    """``list(map(task, items))``, shared out to the threads."""
    items = list(items)
    results: list[Any] = [None] * len(items)

    def one(i: int) -> None:
        results[i] = task(items[i])

    share_out(one, range(len(items)))
    return results


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and maybe a lock that one of them held."""
    asked = TEAM.asked
    OneBlasThread.__init__(ONE_BLAS_THREAD)
    Team.__init__(TEAM)
    TEAM.asked = asked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def even_parts(size: int, count: int) -> list[tuple[int, int]]:
    """range(size) in ``count`` parts (begin, end), as equal as possible."""
    ends = [-(-size * i // count) for i in range(count + 1)]
    return list(pairwise(ends))


def even_cuts(size: int, most: int, multiple: int) -> list[slice]:
    """range(size) in equal slices of at most ``most``; if possible, their number is a multiple of ``multiple``."""
    count = min(size, multiple * -(-size // (most * multiple)))
    return [slice(begin, end) for begin, end in even_parts(size, count)]
