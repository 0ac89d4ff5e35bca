"""A user's view of a long run: a callback with previews, a checkpoint file, a film."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from minivis.errors import MinivisError
from minivis.runtime import checkpoints

FRAMES = 120                                    # most frames of a film; beyond, every second one is dropped
INTERRUPTED = "stopped by Ctrl-C"
CALLED_OFF = "stopped by the callback"


class Preview(NamedTuple):
    """The argument of ``callback``. ``pixels()``: the current images, uint8 (N, H, W, C). ``evaluations``: of loss and
    gradient so far, which are as many as steps but for L-BFGS."""

    step: int
    steps: int
    loss: float
    terms: dict
    pixels: Callable
    evaluations: int = 0


@dataclass
class Seen:
    """What a `Watch` has seen of its runs."""

    frames: list = field(default_factory=list)
    film_every: int = 1                         # steps from one frame to the next
    resumed: bool = False                       # whether a run continued a checkpoint from which no record can be made
    interrupted: bool = False                   # whether Ctrl-C ended a run: the runs that follow then take no step
    runs: list = field(default_factory=list)    # the steps that each run took


@dataclass
class Watch:
    """``callback(Preview)`` is called every ``every`` steps, and stops the run by returning True.

    checkpoint: a file to write every ``seconds``; ``resume`` continues from it. ``identity``: text that must be the
    same then (it names the pictures or codes). ``film``: how many frames of the run to keep at most. What a run leaves
    behind is in ``seen``; no run changes the other fields.

    Examples
    --------
    >>> import minivis as mv
    >>> watch = mv.Watch(callback=lambda preview: preview.step >= 2, every=1)
    >>> found = mv.maximize(mv.load("emoji-vgg"), "conv1_1:0", steps=50, watch=watch)
    >>> watch.runs
    [2]
    """

    callback: Callable | None = None
    every: int = 10
    checkpoint: str | None = None
    seconds: float = 30.0
    resume: bool = False
    identity: str = ""
    film: int = 0
    seen: Seen = field(default_factory=Seen)

    frames, runs = property(lambda self: self.seen.frames), property(lambda self: self.seen.runs)
    resumed, interrupted = property(lambda self: self.seen.resumed), property(lambda self: self.seen.interrupted)

    def of_part(self, **changes: Any) -> "Watch":
        """The watch of one part of a run, with other settings; what it sees is seen by this one, too."""
        return replace(self, **changes)

    def show(self, step: Any, steps: int, loss: Any, terms: Any, pixels: Any, evaluations: Any = 0) -> bool:
        """After a step: add a frame to the film, and call the callback. ``pixels()`` draws it. Return True to stop."""
        if self.film and step % self.seen.film_every == 0:
            self.frames.append(pixels())
            if len(self.frames) > self.film:
                del self.frames[::2]
                self.seen.film_every *= 2
        return bool(self.callback and step % self.every == 0
                    and self.callback(Preview(step, steps, loss, terms, pixels, evaluations)))

    def write(self, identity: Any, arrays: Any, plain: Any) -> str | None:
        """Write the checkpoint. Return None, or where that failed the sentence that says why."""
        if self.checkpoint is None:
            return None
        try:
            checkpoints.write(self.checkpoint, identity, arrays, plain)
        except (OSError, MinivisError) as error:
            return (f"no checkpoint was written to {self.checkpoint} ({getattr(error, 'strerror', None) or error}); "
                    "the run continued without")
        return None
