"""Threads: a few workers share out the blocks of one layer, and BLAS is held to one thread while they do.

    share_out(task, items)      task(item) for every item, by the caller and by whichever workers are free
    map_out(task, items)        the same, and a list of what they return
    set_threads(n)              how many threads that may be; before: MINIVIS_THREADS, else the processor's cores
    sharing(worth)              a context: unless it is worth it, share_out in it leaves all to the caller
    scratch(name, shape, dtype) this thread's own memory for a block: what it holds at first is not defined

NumPy lets go of Python's lock inside a large call, so that threads which make few and large calls run side by side.
Then BLAS must not start threads of its own. Its setting belongs to the process, and the user has one: the first to come
saves it, the last to go puts it back, whoever they are (`ONE_BLAS_THREAD`). Where BLAS can't be held, the caller works
alone.

While workers help it, a caller stays on its core and they keep off that (affinity.py).

Items are shared out in any order. A task must write to a place of its own and leave sums over items to its caller,
which forms them in order: then the result is the same to the bit for any number of threads.
"""

import functools
import math
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from minivis.errors import BadValue
from minivis.runtime import warm_blas
from minivis.runtime.affinity import cores, keep_off, staying
from minivis.runtime.workspace import aligned

MOST_THREADS = 4096                     # more than any machine has; BLAS takes a C int
HIDES_THREADS = ("openmp",)             # a BLAS whose setting belongs to the calling thread: workers would not see it


def checked_count(value, name):
    count = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 30 else value
    if not isinstance(count, Integral) or isinstance(count, bool) or not 1 <= int(count) <= MOST_THREADS:
        endless = isinstance(count, int) and count.bit_length() > 256       # Python refuses to print some of these
        given = f"one of {count.bit_length()} bits" if endless else repr(value)
        raise BadValue(f"{name} must be a whole number from 1 to {MOST_THREADS}, got {given[:100]}")
    return int(count)


class OneBlasThread:
    """A context in which BLAS has one thread. Any number of threads may be inside, in any order of coming and going."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = 0
        self.saved = []                         # (library, its number of threads before)

    @functools.cached_property
    def libraries(self):
        return ThreadpoolController().select(user_api="blas").lib_controllers       # milliseconds: once

    @functools.cached_property
    def works(self):
        """Whether BLAS can be held at all."""
        found = self.libraries
        return bool(found) and all(lib.info().get("threading_layer") not in HIDES_THREADS for lib in found)

    def __enter__(self):
        with self.lock:
            if self.inside == 0 and self.works:
                self.saved = [(lib, lib.num_threads) for lib in self.libraries]
                for lib, _ in self.saved:
                    set_blas_threads(lib, 1)
            self.inside += 1

    def __exit__(self, *error):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                for lib, count in self.saved:
                    set_blas_threads(lib, count)
                self.saved = []


def set_blas_threads(lib, count):
    """For a library that threadpoolctl knows, whichever thread we are.

    From version 3.8 on threadpoolctl heeds one thread alone, the first to set OpenBLAS, and others in vain and silence.
    """
    free = getattr(lib, "clear_controlling_thread", lambda force: None)
    free(force=True)
    lib.set_num_threads(count)
    free(force=True)                            # nor do we keep the user's threads from it


ONE_BLAS_THREAD = OneBlasThread()


class Team:
    """The workers of this process. Callers that come at the same time divide them, and none waits for another."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = None                       # what set_threads said
        self.busy = 0                           # workers at work now
        self.pool: Any = None                   # a ThreadPoolExecutor, from the first call that has work for two on
        self.warmed = 0                         # threads that have made OpenBLAS' first product side by side
        self.here = threading.local()           # .working: this thread runs a task; .scratch: its memory

    @property
    def size(self):
        """Threads in all, the caller of `share_out` among them."""
        if self.asked is None:
            said = os.environ.get("MINIVIS_THREADS", "").strip()
            return checked_count(said, "MINIVIS_THREADS") if said else cores()
        return self.asked

    def share_out(self, task, items):
        queue = deque(items)
        with ONE_BLAS_THREAD:
            wanted = min(self.size, len(queue)) - 1
            if self.alone() or not ONE_BLAS_THREAD.works:
                wanted = 0                      # a task within a task, or a BLAS that brings threads of its own
            hired = self.hire(wanted)
            try:
                with staying(hired > 0) as place:
                    helpers = [self.pool.submit(self.help, task, queue, place) for _ in range(hired)]
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
    def sharing(self, worth):
        """Between calls into NumPy, threads hand each other Python's lock: where these are short, each waits for it.

        worth may be a function, which each `share_out` asks anew.
        """
        outer = getattr(self.here, "working", False)
        self.here.working = True if self.alone() else (lambda: not worth()) if callable(worth) else not worth
        try:
            yield
        finally:
            self.here.working = outer

    def alone(self):
        """Whether this thread is to work by itself."""
        working = getattr(self.here, "working", False)
        return working() if callable(working) else working

    def help(self, task, queue, place):
        keep_off(place)
        self.work(task, queue)

    def work(self, task, queue):
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

    def hire(self, wanted):
        with self.lock:
            if self.pool is None:
                self.pool = ThreadPoolExecutor(256, "minivis")      # it starts a thread when none is idle
            self.warm_up()
            hired = max(0, min(wanted, self.size - 1 - self.busy))
            self.busy += hired
            return hired

    def warm_up(self):
        """Once a process, and again when the team grows: see warm_blas.py."""
        count = min(self.size, warm_blas.MOST)
        if self.warmed >= count:
            return
        self.warmed = count
        if ONE_BLAS_THREAD.works and warm_blas.helps(ONE_BLAS_THREAD.libraries):
            together, product = threading.Barrier(count, timeout=1), warm_blas.first_product()
            others = [self.pool.submit(warm_blas.warm, together, product) for _ in range(count - 1)]
            warm_blas.warm(together, product)
            wait(others)

    def dismiss(self, hired):
        with self.lock:
            self.busy -= hired

    def scratch(self, name, shape, dtype):
        """Memory that this thread uses again for the next block; it grows to its largest use."""
        held = self.here.__dict__.setdefault("scratch", {})
        memory, size = held.get(name), math.prod(shape) * np.dtype(dtype).itemsize
        if memory is None or memory.size < size:
            memory = held[name] = aligned((max(size, 1),))
        return np.ndarray(shape, dtype, memory)


TEAM = Team()
share_out, sharing, scratch = TEAM.share_out, TEAM.sharing, TEAM.scratch


def set_threads(count):
    """Use so many threads from now on; None: MINIVIS_THREADS again, or else every core."""
    TEAM.asked = None if count is None else checked_count(count, "threads")


def get_threads():
    return TEAM.size


@contextmanager
def threads(count):
    """Within this, so many threads (None: no change)."""
    before = TEAM.asked
    if count is not None:
        set_threads(count)
    try:
        yield
    finally:
        TEAM.asked = before


def map_out(task, items):
    """``list(map(task, items))``, shared out."""
    items = list(items)
    results = [None] * len(items)

    def one(i):
        results[i] = task(items[i])

    share_out(one, range(len(items)))
    return results


def _after_fork():
    """A forked child has none of its parent's threads, and maybe a lock that one of them held."""
    asked = TEAM.asked
    OneBlasThread.__init__(ONE_BLAS_THREAD)
    Team.__init__(TEAM)
    TEAM.asked = asked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def even_parts(size, count):
    """range(size) in ``count`` parts (begin, end), as equal as can be."""
    ends = [-(-size * i // count) for i in range(count + 1)]
    return list(pairwise(ends))


def even_cuts(size, most, multiple):
    """range(size) in equal slices of at most ``most``; where size allows, ``multiple`` divides their number."""
    count = min(size, multiple * -(-size // (most * multiple)))
    return [slice(begin, end) for begin, end in even_parts(size, count)]
