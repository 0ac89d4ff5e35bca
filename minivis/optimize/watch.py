"""What a user asks of a long run: a callback with previews, a checkpoint file, a film."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from minivis.errors import MinivisError
from minivis.runtime import checkpoints

FRAMES = 120                                    # of a film at most: beyond, every second one is dropped
INTERRUPTED = "stopped by Ctrl-C"
CALLED_OFF = "stopped by the callback"


class Preview(NamedTuple):
    """What ``callback`` gets. ``pixels()``: the images as they are, uint8 (N, H, W, C)."""

    step: int
    steps: int
    loss: float
    terms: dict
    pixels: Callable


@dataclass
class Watch:
    """``callback(Preview)`` is called every ``every`` steps, and stops the run by returning True.

    checkpoint: a file to write every ``seconds``; ``resume`` goes on from it. ``identity``: what else must be the same
    then (pictures, codes), as a text. ``film``: keep frames of the run, at most so many.
    """

    callback: Callable | None = None
    every: int = 10
    checkpoint: str | None = None
    seconds: float = 30.0
    resume: bool = False
    identity: str = ""
    film: int = 0
    frames: list = field(default_factory=list)
    film_every: int = 1                         # steps from one frame to the next
    resumed: bool = False                       # whether a run went on from a checkpoint that no bits tell
    interrupted: bool = False                   # whether Ctrl-C ended it: runs that follow then take no step
    runs: list = field(default_factory=list)    # the steps that each run took

    def show(self, step, steps, loss, terms, pixels):
        """A step is done: a frame of the film, and the callback. ``pixels()`` draws it. True to stop."""
        if self.film and step % self.film_every == 0:
            self.frames.append(pixels())
            if len(self.frames) > self.film:
                del self.frames[::2]
                self.film_every *= 2
        return bool(self.callback and step % self.every == 0
                    and self.callback(Preview(step, steps, loss, terms, pixels)))

    def write(self, identity, arrays, plain):
        """Write the checkpoint. Where that fails, checkpoints end, not the run: return the sentence that says so."""
        try:
            checkpoints.write(self.checkpoint, identity, arrays, plain)
        except (OSError, MinivisError) as error:
            path, self.checkpoint = self.checkpoint, None
            return (f"no checkpoint was written to {path} ({getattr(error, 'strerror', None) or error}); the run went "
                    "on without")
        return None
