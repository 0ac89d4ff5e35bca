"""Turns: of large nets one job runs at a time, so that the memory that they need does not add up.

A short job, that somebody asked for and waits for, does not wait for the end of one that takes minutes, only for its
next news: there the long one steps aside, and goes on when no short one waits any more.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from minivis.live.asked import Stopped

LISTENS = 0.2                                   # seconds after which a job that waits looks whether it is still wanted


class Turns:
    def __init__(self) -> None:
        self.change = threading.Condition()
        self.is_taken, self.waiting = False, 0  # waiting: short jobs

    @contextlib.contextmanager
    def taken(self, is_short: bool, ended: Callable[[], bool]) -> Iterator[Callable[[], Any]]:
        """A turn. What it gives is called in the middle of a long job, and lets the short ones that wait go first.

        Both wait, and raise Stopped if ``ended()`` meanwhile.
        """
        self.take(is_short, ended)
        is_mine = True

        def step_aside() -> None:
            nonlocal is_mine
            if self.waiting and not is_short:
                is_mine = False
                self.leave()
                self.take(is_short, ended)
                is_mine = True

        try:
            yield step_aside
        finally:
            if is_mine:
                self.leave()

    def take(self, is_short: bool, ended: Callable[[], bool]) -> None:
        with self.change:
            self.waiting += is_short
            try:
                while self.is_taken or (self.waiting and not is_short):
                    if ended():
                        raise Stopped
                    self.change.wait(LISTENS)
                self.is_taken = True
            finally:
                self.waiting -= is_short

    def leave(self) -> None:
        with self.change:
            self.is_taken = False
            self.change.notify_all()
