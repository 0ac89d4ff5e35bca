"""Sums over windows that overlap, in a picture whose lines and columns are sorted by their phase.

Where windows lie s lines and columns apart, what they give to one kernel position goes to every s-th line and column of
a picture (N, H, W, C): C numbers at a time, and NumPy's inner loop takes as long to begin as to add them. Sorted by
phase, the remainder of a line's or column's number divided by s, these are whole lines. If the windows' lines are as
long as the sums', with zeros at the end, all their lines are one run: what would reach beyond the end of a line adds
zeros to the next.
"""

from collections.abc import Iterator

import numpy as np

from minivis.convolution.window import dilated_size
from minivis.runtime.threads import scratch
from minivis.types import HW, Array


class Phases:
    """The sums at all places that ``windows`` (rows, columns) in each of n pictures cover, zero at first.

    Line 0 is the first line of the first window. ``columns`` is the length of a line, of windows as of sums. With
    ``planes`` each channel has a plane of its own, for pictures of few channels.
    """

    def __init__(self, n: int, windows: HW, kernel: HW, stride: HW, dilation: HW, C: int, dtype: np.dtype, *,
                 planes: bool = False) -> None:
        self.kernel, self.stride, self.dilation, self.planes = kernel, stride, dilation, planes
        size = dilated_size(kernel, dilation)
        self.phases = min(stride[0], size[0]), min(stride[1], size[1])          # no window reaches the others
        self.lines, self.columns = (count + (r - 1) // s for count, r, s in zip(windows, size, stride))
        self.positions = windows[0] * self.columns                              # of windows, zeros included
        room = (self.lines + 1) * self.columns                                  # the last line's zeros have a place
        self.sums = scratch("phases", (*self.phases, n, *((C, room) if planes else (room, C))), dtype)
        self.sums[...] = 0

    def views(self) -> Iterator[Array]:
        """For each kernel position, row by row, the view of what it meets: (n, positions, C), or (n, C, positions)."""
        (sh, sw), (dh, dw) = self.stride, self.dilation
        for u in range(self.kernel[0]):
            for v in range(self.kernel[1]):
                (line, r), (column, q) = divmod(u * dh, sh), divmod(v * dw, sw)
                start = line * self.columns + column
                here = slice(start, start + self.positions)
                yield self.sums[r, q, :, :, here] if self.planes else self.sums[r, q, :, here]

    def write(self, y: Array, first: int, left: int) -> None:
        """The sums into y (n, lines, W, C), which begins at line ``first`` and column ``left``; zero beyond them."""
        (sh, sw), (n, height, width, C) = self.stride, y.shape
        sums = self.sums.swapaxes(3, 4) if self.planes else self.sums
        sums = sums.reshape(*self.phases, n, self.lines + 1, self.columns, C)
        beyond = first + height > self.lines * sh or left + width > self.columns * sw
        if min(first, left) < 0 or beyond or self.phases != self.stride:
            y[...] = 0
        for r in range(self.phases[0]):
            to, down = met(height, first, sh, r, self.lines)
            for q in range(self.phases[1]):
                across, along = met(width, left, sw, q, self.columns)
                y[:, to, across] = sums[r, q, :, down, along]


def reaching(first: int, last: int, size: int, s: int, count: int) -> tuple[int, int]:
    """Which of ``count`` windows, ``size`` lines high and s apart, reach into lines first to last: (low, high)."""
    low = min(count, max(0, -(-(first - size + 1) // s)))
    return low, max(low, min(count, (last - 1) // s + 1))


def met(length: int, first: int, s: int, r: int, count: int) -> tuple[slice, slice]:
    """The lines of phase r in a picture that begins at line ``first``, and which of that phase's ``count`` they are."""
    begin = max(0, -((r - first) // s))
    end = max(begin, min(count, -((r - first - length) // s)))
    at = begin * s + r - first
    return slice(at, at + (end - begin) * s, s), slice(begin, end)
