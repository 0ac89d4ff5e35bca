"""What a job is given, and how it learns that nobody waits for it any more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Tell: TypeAlias = Callable[..., bool]           # (message, part="result") -> whether nobody waits for more
Report: TypeAlias = Callable[[float], None]     # the part that is done, 0 to 1


@dataclass(frozen=True)
class Asked:
    """What a viewer asked for: of picture ``number``, about a unit (or None), towards a class (or None).

    ``bench``: the net, and what is kept about it, see desk.py.
    """

    bench: Any
    picture: Any                                # uint8 (H, W, 3), or None
    number: int
    unit: str | None = None
    target: str | None = None


class Stopped(Exception):
    """Out of the middle of a method, because nobody waits for it any more."""


def reporter(job: str, tell: Tell) -> Report:
    """part -> nothing: tell the viewer how much of a job is done, 0 to 1; raise Stopped where it is not wanted."""
    def report(part: float) -> None:
        if tell({"type": "progress", "job": job, "part": part}):
            raise Stopped

    return report
