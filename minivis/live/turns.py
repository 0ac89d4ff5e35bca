"""Turns: of large nets one job runs at a time, so that the memory that they need does not add up.

A job that somebody asked for and waits for does not wait for the end of one that takes minutes, only for its next news:
there the less urgent one steps aside, and goes on when no job more urgent than it waits any more. A job without a turn
holds no memory for blocks.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from minivis.live.asked import Stopped
from minivis.runtime.threads import forget_scratch

LISTENS = 0.2                                   # seconds after which a job that waits looks whether it is still wanted


class Turns:
    def __init__(self) -> None:
        self.change = threading.Condition()
        self.is_taken = False
        self.waiting: Counter[int] = Counter()  # rank -> jobs that wait

    @contextlib.contextmanager
    def taken(self, rank: int, ended: Callable[[], bool]) -> Iterator[Callable[[], Any]]:
        """A turn; of the jobs that wait, one of a lower ``rank`` goes first. What it gives is called in the middle of a
        job, and lets those of lower ranks go first.

        Both wait, and raise Stopped if ``ended()`` meanwhile.
        """
        self.take(rank, ended)
        is_mine = True

        def step_aside() -> None:
            nonlocal is_mine
            if self.is_behind(rank):
                is_mine = False
                self.leave()
                self.take(rank, ended)
                is_mine = True

        try:
            yield step_aside
        finally:
            if is_mine:
                self.leave()

    def is_behind(self, rank: int) -> bool:
        return any(count and other < rank for other, count in self.waiting.items())

    def take(self, rank: int, ended: Callable[[], bool]) -> None:
        with self.change:
            self.waiting[rank] += 1
            try:
                while self.is_taken or self.is_behind(rank):
                    if ended():
                        raise Stopped
                    self.change.wait(LISTENS)
                self.is_taken = True
            finally:
                self.waiting[rank] -= 1

    def leave(self) -> None:
        forget_scratch()
        with self.change:
            self.is_taken = False
            self.change.notify_all()
