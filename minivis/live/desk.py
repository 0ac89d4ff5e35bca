"""What all viewers share: the nets, one thread for pictures, in turn, and one for each lane of jobs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.memory import largest_output
from minivis.errors import UnknownName
from minivis.live.jobs import LANES, TOOLS
from minivis.live.kept import Kept
from minivis.live.messages import as_json
from minivis.live.microscope import Microscope
from minivis.live.patches import Peaks
from minivis.live.tour import tour
from minivis.live.turns import Turns
from minivis.runtime import allocator

if TYPE_CHECKING:
    from minivis.data.samples import Samples
    from minivis.engine.network import Network

LARGE = 1e6                                     # bytes of the largest layer's output, from which on a net is large
MOST_NETS = 3                                   # that are kept ready: the first, and those that were chosen last
RANKS = {"asked": 0, "long": 1, "patches": 2, "maximize": 3}    # lane -> its turn: the page's own wishes last
AT_WORK = 1                                     # seconds that a net holds what its passes need after the last one


class Desk:
    """``nets``: name -> a net, or a function that loads it when a viewer chooses it; the first is shown first."""

    def __init__(self, nets: Any, samples: Samples) -> None:
        allocator.share_one_arena()             # 460 MB where it was 480: emoji-vgg, SqueezeNet and EfficientNet-Lite2
        self.nets, self.samples = dict(nets), samples
        self.first = next(iter(self.nets))
        self.benches: dict[str, Bench] = {}
        self.kept = Kept()                      # of all nets together
        self.at_work: dict[Microscope, float] = {}              # those that ran of late -> when
        self.lock = threading.Lock()
        self.viewers = 0
        self.waiting = dict.fromkeys(LANES, 0)  # jobs that run or wait in each lane
        self.pictures = ThreadPoolExecutor(1, "minivis-pictures")
        self.lanes = {lane: ThreadPoolExecutor(1, f"minivis-{lane}") for lane in LANES}
        self.stopped, self.turns = threading.Event(), Turns()
        self.microscope = self.bench(self.first).microscope

    def bench(self, name: str) -> Bench:
        """All about one net: made when it is asked for, and kept while it is among the last MOST_NETS.

        A viewer that still looks through an older one keeps it for itself. Raise UnknownName for a net that is not
        offered.
        """
        if name not in self.nets:
            raise UnknownName.of("net on this page", name, list(self.nets))
        with self.lock:
            bench = self.benches.pop(name, None)
            if bench is None:
                net = self.nets[name]
                bench = Bench(self, net() if callable(net) else net, name)
            self.benches[name] = bench          # at the end: chosen last
            oldest = [other for other in self.benches if other != self.first]
            for other in oldest[: max(0, len(self.benches) - MOST_NETS)]:
                del self.benches[other]
            return bench

    async def look(self, work: Callable[..., Any], bench: Bench, *given: Any) -> Any:
        """``work(bench, *given)`` in the thread for pictures."""
        return await asyncio.get_running_loop().run_in_executor(self.pictures, self.looked, work, bench, *given)

    def looked(self, work: Callable[..., Any], bench: Bench, *given: Any) -> Any:
        """Do the work; nets that have not run of late let go of what only their passes need."""
        now = time.monotonic()
        self.at_work[bench.microscope] = now
        for other in [other for other, when in list(self.at_work.items()) if when < now - AT_WORK]:
            self.at_work.pop(other, None)
            other.rest()
            allocator.give_back()
        return work(bench, *given)

    async def job(self, lane: str, work: Callable[..., Any], *given: Any) -> None:
        self.waiting[lane] += 1
        try:
            await asyncio.get_running_loop().run_in_executor(self.lanes[lane], work, *given)
        finally:
            self.waiting[lane] -= 1

    @contextlib.contextmanager
    def turn(self, bench: Bench, lane: str, ended: Callable[[], bool]) -> Iterator[Callable[[], Any]]:
        """The time in which a job runs; of large nets one at a time, see turns.py. Stopped if ``ended()`` first."""
        self.at_work[bench.microscope] = math.inf
        try:
            if not bench.is_large:
                yield lambda: None
                return
            with self.turns.taken(RANKS[lane], ended) as step_aside, allocator.at_once():
                yield step_aside
                bench.microscope.forget_derived()
        finally:
            self.at_work[bench.microscope] = time.monotonic()

    def close(self) -> None:
        """End the threads. A job ends when it next tells its news."""
        self.stopped.set()
        for executor in (self.pictures, *self.lanes.values()):
            executor.shutdown(wait=False, cancel_futures=True)


class Bench:
    """One net, and what was worked out with it for everybody."""

    def __init__(self, desk: Desk, net: Network, name: str) -> None:
        self.samples = desk.samples
        self.microscope = Microscope(net, name)
        self.kept = desk.kept
        self.is_large = largest_output(self.microscope.net, self.microscope.shape) > LARGE
        self.greeting = as_json({**self.microscope.describe(), "samples": self.samples.describe(), "tools": TOOLS,
                                 "nets": list(desk.nets), "tour": tour(self.microscope.net, list(desk.nets))})

    @functools.cached_property
    def on_cpu(self) -> Network:
        net = self.microscope.net
        return net if net.xp is np else net.to("cpu")

    @functools.cached_property
    def peaks(self) -> Peaks:
        return Peaks(self.microscope, self.samples.images)
