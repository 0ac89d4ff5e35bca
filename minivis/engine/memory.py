"""Check before a run whether a pass fits into memory, because a machine that swaps gives no message."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine import geometry
from minivis.errors import BadValue, TooLarge
from minivis.types import Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network

PROGRAM = 200e6                                 # bytes: Python, NumPy, scipy, and what they took to start
STARTED = 130e6                                 # bytes: the least of it, once scipy's L-BFGS is imported; measured

AT_ONCE = 200e6                                 # bytes of the largest layer's output of one batch
at_once: ContextVar[float] = ContextVar("at_once", default=AT_ONCE)

TILE = 512                                      # pixels: where a whole picture does not fit


def available(net: Network | None = None) -> Any:
    """The bytes that a program can use now: of the machine, or of ``net``'s device, including CuPy's pool."""
    if net is not None and net.xp is not np:
        return net.xp.cuda.runtime.memGetInfo()[0] + net.xp.get_default_memory_pool().free_bytes()
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":") for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):             # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 2**33


def in_use(net: Network) -> int:
    """The bytes that the program holds now, beside what a run will take; none of them on ``net``'s GPU."""
    if net.xp is not np:
        return 0
    try:
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):           # not Linux
        return int(PROGRAM) + net.parameter_count * net.dtype.itemsize
    return max(resident, int(STARTED))


def room(net: Network, limit: Any = None) -> Any:
    """The bytes that a run may use: what is free, or what the program and the net leave of a ``limit``."""
    free = available(net)
    if limit is None:
        return free
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0:
        raise BadValue(f"memory must be a number of bytes above 0, such as 4e9, not {limit!r}")
    weights = net.parameter_count * net.dtype.itemsize
    return max(0, min(free, limit - PROGRAM - weights))


def needed(net: Network, shape: Shape, until: str | None = None, keep: Any = ()) -> Any:
    """About how many bytes a pass to ``until`` and back takes for inputs of ``shape`` (N, H, W, C).

    A byte for each activation (signs and switches) and four of the largest arrays: what a layer reads, its columns
    or sums, what it writes, and the pictures around it; and twice the layers of ``keep``, for the gradients there.
    """
    shapes = geometry.shapes(net, shape, until)
    sizes = [math.prod(s) for s in shapes.values()]
    kept = sum(math.prod(shapes[name]) for name in keep)
    return sum(sizes) + net.dtype.itemsize * (4 * max(sizes) + 2 * kept)


def check_fits(net: Network, shape: Shape) -> None:
    """Raise TooLarge, with a size that would fit, when a pass of this shape does not fit into memory."""
    need, free = needed(net, shape), available(net)
    if need > free:
        side = int(max(shape[1:3]) * math.sqrt(0.9 * free / need))
        raise TooLarge(f"{shape[2]} x {shape[1]} pixels need about {need / 1e9:.1f} GB of memory in this net, and "
                       f"{free / 1e9:.1f} GB are free: make the longer side {side} pixels or less")


def batch_that_fits(net: Network, shape: Shape, most: Any = 64, limit: float | None = None) -> int:
    """How many inputs of ``shape`` (H, W, C) to run at once, so that the largest layer's output stays within ``limit``.

    The limit is in bytes, by default AT_ONCE or what `small_batches` says.
    """
    within = at_once.get() if limit is None else limit
    return int(max(1, min(most, within // largest_output(net, shape))))


@contextlib.contextmanager
def small_batches(limit: float) -> Iterator[None]:
    """A context, for this thread only, in which the largest layer's output of a batch stays within ``limit`` bytes."""
    before = at_once.set(limit)
    try:
        yield
    finally:
        at_once.reset(before)


def largest_output(net: Network, shape: Shape) -> Any:
    """Bytes of the largest layer's output for one input of ``shape`` (H, W, C)."""
    return max(math.prod(s) for s in net.shapes((1, *shape)).values()) * net.dtype.itemsize
