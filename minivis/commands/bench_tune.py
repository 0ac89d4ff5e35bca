"""Try other values of convolution/tuning.py's numbers on this machine, and keep what is surely faster.

Machines are noisy, and a second thread is at the mercy of whatever else runs. So times are compared in pairs: a pass
with the value and one without it, in turns, and what counts is the median of their ratios. A value is taken where this
median lies below 1 by three standard errors and by at least LEAST_GAIN. In the end all values that were taken are
compared with the defaults once more: among many comparisons some seem to gain by chance.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minivis.convolution import tuning
from minivis.engine.network import Network
from minivis.types import Shape

LEAST_GAIN = 0.02
ROUNDS = (5, 200)                       # pairs for a comparison, at least and at most
SHARING, CUTTING = (1 / 16, 1 / 4, 4, 16), (1 / 2, 2)
# the numbers whose best value depends on the machine -> the multiples of their defaults that are tried
TRIED: dict[str, Sequence[float]] = {
    "share_products": SHARING, "share_winograd": SHARING, "share_depthwise": SHARING, "small_phase": (1 / 4, 4),
    "tiny": (1 / 4, 4), "packed_few_tiles": (1 / 2, 3), "band_bytes": CUTTING, "block_bytes": CUTTING,
    "block_tiles": CUTTING, "packed_block_bytes": CUTTING, "weights_a_block": CUTTING,
    "packed_weights_a_block": CUTTING, "share_lines": CUTTING, "share_numbers": CUTTING,
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Times with some numbers over times with others: the median of ``pairs`` ratios, and its standard error."""

    numbers: dict[str, Any]
    ratio: float
    error: float
    pairs: int

    @property
    def surely_faster(self) -> bool:
        return self.ratio + 3 * self.error < 1 and self.ratio <= 1 - LEAST_GAIN

    def __str__(self) -> str:
        words = ", ".join(f"{name} = {value:,}" for name, value in self.numbers.items())
        return f"{words}: {self.ratio:.3f} +- {self.error:.3f}"


def passes(net: Network, shape: Shape) -> list[Callable[[], Any]]:
    """What is timed of a net: a forward pass without, and one with the gradient at the image."""
    x = np.random.default_rng(0).standard_normal(shape).astype(net.dtype)
    last, workspace = list(net.nodes)[-1], net.workspace()

    def forward() -> None:
        net.forward(x, until=last, keep=[last], grad=None, workspace=workspace)

    def gradient() -> None:
        acts = net.forward(x, until=last, keep=[last], workspace=workspace)
        net.backward(acts, {last: np.ones_like(acts[last])})

    return [forward, gradient]


def tune(works: Sequence[Callable[[], Any]], *, seconds: float,
         tried: dict[str, Sequence[float]] = TRIED) -> Iterator[Comparison]:
    """Yield a `Comparison` for each value that is tried, and in the end one of all that were taken with the defaults.

    Values for which no time is left are not tried: with large nets a comparison takes longer than its share.
    """
    defaults = tuning.Tuning()
    taken: dict[str, Any] = {}
    values = [(name, multiple) for name, multiples in tried.items() for multiple in multiples]
    share = seconds / (len(values) + 4)                         # the last comparison takes four shares
    end = time.perf_counter() + seconds - 4 * share
    for name, multiple in values:
        if time.perf_counter() > end:
            break
        default = getattr(defaults, name)
        now, value = replace(defaults, **taken), type(default)(default * multiple)
        found = compare(works, replace(now, **{name: value}), now, share, {name: value})
        if found.surely_faster:
            taken[name] = value
        yield found
    if taken:
        yield compare(works, replace(defaults, **taken), defaults, 4 * share, taken)


def compare(works: Sequence[Callable[[], Any]], one: tuning.Tuning, other: tuning.Tuning, seconds: float,
            numbers: dict[str, Any]) -> Comparison:
    """Time every work with both tables in turns for about this many seconds. All works have the same weight."""

    def timed(work: Callable[[], Any], table: tuning.Tuning) -> float:
        before, tuning.TUNING = tuning.TUNING, table
        try:
            began = time.perf_counter()
            work()
            return time.perf_counter() - began
        finally:
            tuning.TUNING = before

    for work in works:                                          # weights that are kept, memory
        timed(work, one)
        timed(work, other)
    ratios: list[float] = []
    end = time.perf_counter() + seconds
    while len(ratios) < ROUNDS[0] or (time.perf_counter() < end and len(ratios) < ROUNDS[1]):
        logs = []
        for work in works:
            first, second = (one, other) if len(ratios) % 2 else (other, one)
            times = {id(first): timed(work, first), id(second): timed(work, second)}
            logs.append(math.log(times[id(one)] / times[id(other)]))
        ratios.append(math.exp(sum(logs) / len(logs)))
    middle = float(np.median(ratios))
    spread = 1.4826 * float(np.median(np.abs(np.array(ratios) - middle)))       # a standard deviation, without outliers
    return Comparison(numbers, middle, 1.2533 * spread / math.sqrt(len(ratios)), len(ratios))
