"""An array in a file of weights that has not been read yet: its shape, its type, and where its numbers are.

Every reader (torch.py, safetensors.py, caffe.py, ...) returns a dict of names and `Tensor`s. So a file can be
recognised by names and shapes alone, and half a gigabyte goes straight from the disk to where it is used.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.types import Array

# what files call their numbers, and how NumPy reads them; bfloat16 is the upper half of a float32
STORED_AS = {"float64": "<f8", "float32": "<f4", "float16": "<f2", "bfloat16": "<u2", "int64": "<i8", "int32": "<i4",
             "int16": "<i2", "int8": "i1", "uint8": "u1", "bool": "u1"}  # fmt: skip
FLOATS = ("float64", "float32", "float16", "bfloat16")
BLOCK_BYTES = 2**24                             # of a large matrix at a time


@dataclass(frozen=True)
class Tensor:
    """``shape`` numbers of a type of `STORED_AS`, one after the other, at a byte of an open file.

    ``strides`` (in numbers) are given only if they are not in order. For numbers that are compressed, or in memory
    already, there is no file but ``array``, a function that returns them.
    """

    shape: tuple[int, ...]
    dtype: str
    file: Any = None
    offset: int = 0
    strides: tuple[int, ...] | None = None
    array: Callable[[], np.ndarray] | None = None

    @classmethod
    def of(cls, array: Array) -> Any:
        """A Tensor of an array in memory."""
        return cls(array.shape, array.dtype.name, array=lambda: array)

    @property
    def size(self) -> Any:
        return math.prod(self.shape)

    @property
    def itemsize(self) -> Any:
        return np.dtype(STORED_AS[self.dtype]).itemsize

    def read(self, dtype: Any = np.float32) -> Any:
        """All of it as a new array of ``dtype``, in the order of its axes."""
        if self.dtype not in FLOATS:
            raise BadFile(f"holds {self.dtype}, not floats")
        if self.array is not None:
            return np.ascontiguousarray(self.array(), dtype)
        if self.strides is None:
            return self._converted(self._numbers(0, self.size), dtype).reshape(self.shape)
        span = sum((n - 1) * s for n, s in zip(self.shape, self.strides)) + 1
        numbers = self._numbers(0, span)
        step = numbers.itemsize
        view = np.lib.stride_tricks.as_strided(numbers, self.shape, [s * step for s in self.strides], writeable=False)
        return self._converted(np.ascontiguousarray(view), dtype)

    def blocks(self, dtype: Any = np.float32) -> Iterator[tuple[Any, ...]]:
        """(start, stop, rows start to stop) to the end, `BLOCK_BYTES` at a time: for what is too big to hold twice."""
        if self.array is None and self.strides is None and self.dtype in FLOATS and self.shape:
            row = self.size // max(1, self.shape[0])
            rows = max(1, BLOCK_BYTES // max(1, row * self.itemsize))
            for start in range(0, self.shape[0], rows):
                stop = min(start + rows, self.shape[0])
                numbers = self._numbers(start * row, (stop - start) * row)
                yield start, stop, self._converted(numbers, dtype).reshape(stop - start, *self.shape[1:])
        else:
            whole = np.atleast_1d(self.read(dtype))
            yield 0, len(whole), whole

    def _numbers(self, first: Any, count: int) -> Any:
        numbers = np.empty(count, STORED_AS[self.dtype])
        self.file.seek(self.offset + first * numbers.itemsize)
        view = numbers.data.cast("B")
        while view:
            got = self.file.readinto(view)
            if not got:
                raise BadFile("ends before its numbers do: it is truncated; fetch or copy it again")
            view = view[got:]
        return numbers

    def _converted(self, numbers: Any, dtype: Any) -> Any:
        if self.dtype == "bfloat16":
            numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
        return numbers.astype(dtype, copy=False)


def count_not_finite(array: Array) -> Any:
    """How many numbers are NaN or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):                    # one pass without a second array: enough, unless it overflows
            return 0
    return array.size - np.count_nonzero(np.isfinite(array))


def check_finite(array: Array) -> Array:
    """Return ``array``; raise BadFile, with the count, if it holds a NaN or an infinity."""
    if bad := count_not_finite(array):
        raise BadFile(f"holds {bad} number{'s that are' if bad > 1 else ' that is'} NaN or infinite")
    return array
