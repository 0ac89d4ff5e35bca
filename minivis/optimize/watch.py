"""Who looks on at a long run, and what is kept of it: bar, previews, film, checkpoints, the best images.

Ctrl-C is a way to stop: the run comes back with the best so far and says so in ``stopped``. A checkpoint holds all that
the loop knows (image, best, what the rule remembers, the random numbers), so that a resumed run of gradient steps or
Adam ends on the same bits as one in one piece. A disk that is full ends the checkpoints, not the run.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minivis.engine.layer_table import fingerprint
from minivis.errors import MinivisError
from minivis.images.preprocessing import to_uint8
from minivis.optimize.budget import memory_of
from minivis.runtime import checkpoints
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.progress import bar

FRAMES = 120                                    # of a film at most: beyond, every second one is dropped
TRACED = 1000                                   # points of the loss's curve at most, likewise
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


@dataclass(frozen=True, eq=False)
class Run:
    """A run's end. ``losses`` (N,) of the best ``z``; ``trace`` [(step, loss)]; ``terms`` of all images together."""

    z: Any
    pixels: np.ndarray                          # levels (N, H, W, C), clipped to 0..255, not rounded
    losses: np.ndarray
    terms: dict
    first_loss: float
    trace: tuple
    steps: int
    evaluations: int
    stopped: str
    notes: tuple
    memory: int                                 # bytes that it was expected to need
    frames: tuple

    @property
    def loss(self):
        return float(self.losses.sum())

    def describe(self):
        """For `Result.describe`: plain numbers."""
        return {"loss": self.loss, "loss_at_start": self.first_loss, "terms": self.terms, "steps": self.steps,
                "evaluations": self.evaluations, "memory_bytes": self.memory, "notes": list(self.notes)}


class Recorder:
    """Everything around the loop. As a context it shows the bar, and takes Ctrl-C for an end."""

    def __init__(self, problem, method, steps, seed, watch, progress, title, keep="best"):
        self.problem, self.method, self.seed, self.watch, self.keep = problem, method, seed, watch, keep
        self.steps = 0 if watch.interrupted else steps
        self.progress, self.title = progress, title
        self.step, self.evaluations, self.memory = 0, 0, {}
        self.best, self.best_losses, self.best_terms, self.first_loss = None, None, {}, math.nan
        self.trace, self.stopped, self.notes = [], "", []
        self.trace_every = 1
        self.expected = memory_of(problem, method)
        self.saved_at, self.rng_state, self.last, self.finished = time.monotonic(), None, None, False

    def __enter__(self):
        self.bar = bar(self.steps, self.progress, f"{self.title} ({self.expected / 1e6:,.0f} MB)")
        return self

    def __exit__(self, kind, error, traceback):
        self.bar.close()
        self.watch.runs.append(self.step)
        if kind is KeyboardInterrupt and self.best is not None:
            self.stopped, self.watch.interrupted = INTERRUPTED, True
            if self.last is not None:           # so that a run of just so many steps ends on the same image
                self.finish(self.last[0])
            return True
        if kind is None and not self.finished:
            self.save()
        return False

    # ---- what a loop calls ----

    def resumed(self, z):
        """z to begin from: this one, or the checkpoint's."""
        if not (self.watch.resume and self.watch.checkpoint):
            return z
        kept = checkpoints.read(self.watch.checkpoint, self.identity())
        xp = get_xp(z)
        self.step, self.evaluations = kept["step"], kept["evaluations"]
        self.memory = {key: xp.asarray(value) for key, value in kept["memory"].items()}
        self.best, self.best_losses = xp.asarray(kept["best"]), kept["best_losses"]
        self.best_terms, self.first_loss = kept["best_terms"], kept["first_loss"]
        self.trace, self.rng_state = [tuple(point) for point in kept["trace"]], kept["rng"]
        self.bar.update(self.step)
        return xp.asarray(kept["z"])

    def rng(self, seed):
        """The generator that draws transforms, as far as it was."""
        rng = np.random.default_rng(seed)
        if self.rng_state is not None:
            rng.bit_generator.state = self.rng_state
        return rng

    def compare(self, z, found):
        """Keep what is better than all before it, image by image; or what comes last."""
        losses = found.losses
        if self.best is None:
            self.best, self.best_losses, self.best_terms = z.copy(), losses.copy(), found.terms
            self.first_loss = float(losses.sum())
            return
        better = losses < (self.best_losses if self.keep == "best" else np.inf)         # False for NaN
        if better.any():
            for i in np.flatnonzero(better):            # on a device, an index from here would be moved there
                self.best[i] = z[i]
            self.best_losses[better] = losses[better]
            self.best_terms = found.terms

    def finish(self, z):
        """The last image counts too. To a run that goes on it is none of those compared, so the checkpoint is first."""
        self.save()
        self.finished = True
        self.compare(z, self.problem.measure(z))

    def advance(self, z, found, rng):
        """A step is done: z is the new image. True to stop."""
        self.step += 1
        self.last = (z, None if rng is None else rng.bit_generator.state)
        if not np.isfinite(found.losses).all():
            self.stop(f"the loss became infinite or NaN in step {self.step}: a smaller rate helps")
        if self.step % self.trace_every == 0:
            self.trace.append((self.step, found.loss))
            if len(self.trace) > TRACED:
                self.trace, self.trace_every = self.trace[1::2], 2 * self.trace_every
        self.bar.set_postfix_str(f"loss {found.loss:.4g}" + "".join(
            f", {name} {value:.3g}" for name, value in found.terms.items() if len(found.terms) > 1), refresh=False)
        self.bar.update()
        if self.watch.show(self.step, self.steps, found.loss, found.terms, lambda: self.pixels(z)):
            self.stop(CALLED_OFF)
        if self.watch.checkpoint and time.monotonic() - self.saved_at > self.watch.seconds:
            self.save()
        return bool(self.stopped)

    def stop(self, why):
        self.stopped = self.stopped or why

    def note(self, sentence):
        self.notes.append(sentence)
        self.watch.resumed = self.watch.resumed or "resumed" in sentence

    # ---- what that means ----

    def pixels(self, z):
        return to_cpu(to_uint8(self.problem.parameterization.pixels(z)))

    def save(self):
        if not self.watch.checkpoint or self.last is None:
            return
        z, rng = self.last
        failed = self.watch.write(self.identity(), {
            "z": to_cpu(z), "best": to_cpu(self.best), "best_losses": self.best_losses,
            "memory": {key: to_cpu(value) for key, value in self.memory.items()},
        }, {"step": self.step, "evaluations": self.evaluations, "rng": rng, "trace": self.trace,
            "best_terms": self.best_terms, "first_loss": self.first_loss})  # fmt: skip
        if failed:
            self.note(failed)
        self.saved_at = time.monotonic()

    def identity(self):
        """What must be the same for a checkpoint to fit: the net, what is minimised over what, how, and the seed."""
        p = self.problem
        return json.dumps([fingerprint(p.net), str(p.objective), list(map(str, p.transforms)), p.parameterization.shape,
                           list(map(str, p.parameterization.stages)), repr(self.method), self.seed, p.relu_rule,
                           self.watch.identity])

    def run(self):
        z, p = self.best, self.problem
        low, high = 0, 255
        levels = to_cpu(p.parameterization.pixels(z)).clip(low, high)
        return Run(z, levels, self.best_losses, self.best_terms, self.first_loss, tuple(self.trace), self.step,
                   self.evaluations or self.step, self.stopped or f"all {self.step} steps done", tuple(self.notes),
                   self.expected, tuple(self.watch.frames))
