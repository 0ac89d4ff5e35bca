"""Memory for reuse: new arrays cost the time in which the system provides their pages.

    workspace = net.workspace()
    for step in range(100):
        acts = net.forward(x, keep=["fc8"], workspace=workspace)
        dacts, _ = net.backward(acts, seeds)            # takes its memory there too

An array is returned when nothing refers to it any more, neither the pass nor you. So nothing that you hold is ever
overwritten, and the output of a layer whose last reader has run is reused by the next layer.
"""

import math
from typing import Any

import numpy as np

from minivis.types import Array, Shape

CACHE_LINE = 64


def aligned(shape: Shape, dtype: Any = np.uint8) -> Array:
    """A new array of undefined contents, aligned to cache lines: AVX-512 reads half as fast across two lines."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class Workspace:
    """Recycles buffers: the memory of a dropped array is reused for the next request of its size."""

    def __init__(self) -> None:
        self.free: dict[int, list[Array]] = {}  # bytes -> memory of that size

    def empty(self, shape: Shape, dtype: Any) -> Array:
        """An array with undefined contents."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        free = self.free.setdefault(size, [])
        try:
            memory = free.pop()
        except IndexError:
            memory = aligned((size,))
        return np.asarray(_Loan(memory, free)).view(dtype).reshape(shape)

    def clear(self) -> None:
        """Let go of what is free now. What is lent goes when nothing refers to it any more."""
        self.free = {}


class _Loan:
    """Borrowed memory: its arrays refer to this object, and when the last of them is gone the memory is returned."""

    def __init__(self, memory: Array, free: list[Array]) -> None:
        self.memory, self.free = memory, free
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self.free.append(self.memory)
