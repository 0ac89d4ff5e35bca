"""Observing a long run: progress bar, film, callback, checkpoints, Ctrl-C, and the best images.

Ctrl-C stops a run, which then returns the best so far and says so in ``stopped``. A checkpoint holds the state of the
loop (image, best image, the rule's memory, random numbers), so a resumed run of gradient steps or Adam ends with the
same bits as an unbroken one. A full disk ends the checkpoints, not the run.

`LongRun` serves any loop; a subclass defines what its checkpoint holds. `Recorder` serves `loop.optimize`.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.layer_table import fingerprint
from minivis.images.preprocessing import to_uint8
from minivis.optimize.budget import memory_of
from minivis.optimize.watch import CALLED_OFF, INTERRUPTED
from minivis.runtime import checkpoints
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.progress import bar
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.objectives.base import Evaluation
    from minivis.optimize.problem import Problem

TRACED = 1000                                   # most points of the loss curve; beyond, every second one is dropped


class LongRun:
    """A run of ``steps``, as a context around its loop: it shows the bar, and Ctrl-C ends the loop.

    A subclass defines ``identity()``, a text that must be equal for a checkpoint to fit, and ``state()``, the (arrays,
    plain values) to write, or None while there is nothing to keep. The loop calls `advanced` after each step.
    """

    whole = True                                # a run of ``step`` steps has the same end as this one

    def __init__(self, watch: Any, steps: int, progress: Any, title: str) -> None:
        self.watch, self.progress, self.title = watch, progress, title
        self.steps = 0 if watch.interrupted else steps
        self.step, self.evaluations, self.stopped = 0, 0, ""
        self.notes: list[str] = []
        self.saved_at, self.saves = time.monotonic(), bool(watch.checkpoint)

    def __enter__(self) -> Any:
        self.bar = bar(self.steps, self.progress, self.title)
        self.bar.update(self.step)
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        self.bar.close()
        if self.whole:
            self.watch.runs.append(self.step)
        if kind is KeyboardInterrupt and self.worth_keeping():
            self.stopped, self.watch.seen.interrupted = INTERRUPTED, True
            self.end()
            return True
        if kind is None:
            self.end()
        return False

    # ---- what a kind of run says of itself ----

    def identity(self) -> str:
        raise NotImplementedError

    def state(self) -> Any:
        raise NotImplementedError

    def worth_keeping(self) -> bool:
        """Whether Ctrl-C ends the run with a result; otherwise it ends the program."""
        return self.state() is not None

    def end(self) -> None:
        """Called when the loop is over, by itself or by Ctrl-C."""
        self.save()

    # ---- what a loop calls ----

    def kept(self, names: Any) -> Any:
        """The checkpoint from which the run continues, with its arrays ``names``; None for a new run."""
        if not (self.watch.resume and self.watch.checkpoint):
            return None
        return checkpoints.read(self.watch.checkpoint, self.identity(), names)

    def advanced(self, loss: Any, terms: Any, pixels: Any, said: Any) -> bool:
        """Note that a step is done. pixels(): the current images; said: the text of the bar. Return True to stop."""
        self.step += 1
        self.bar.set_postfix_str(said, refresh=False)
        self.bar.update()
        if self.watch.show(self.step, self.steps, loss, terms, pixels, self.evaluations or self.step):
            self.stop(CALLED_OFF)
        if self.saves and time.monotonic() - self.saved_at > self.watch.seconds:
            self.save()
        return bool(self.stopped)

    def stop(self, why: Any) -> None:
        self.stopped = self.stopped or why

    def note(self, sentence: Any) -> None:
        self.notes.append(sentence)
        self.watch.seen.resumed = self.watch.resumed or "resumed" in sentence

    def save(self) -> None:
        state = self.state() if self.saves else None
        if state is None:
            return
        failed = self.watch.write(self.identity(), *state)
        if failed:                                      # checkpoints end, not the run
            self.saves = False
            self.note(failed)
        self.saved_at = time.monotonic()


@dataclass(frozen=True, eq=False)
class Run:
    """The result of a run. ``losses`` (N,) of the best ``z``; ``trace`` [(step, loss)]; ``terms`` of all images."""

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
    memory: int                                 # bytes that it was expected to use
    frames: tuple

    @property
    def loss(self) -> float:
        return float(self.losses.sum())

    def describe(self) -> dict[str, Any]:
        """For `Result.describe`: plain numbers."""
        return {"loss": self.loss, "loss_at_start": self.first_loss, "terms": self.terms, "steps": self.steps,
                "evaluations": self.evaluations, "memory_bytes": self.memory, "notes": list(self.notes)}


class Recorder(LongRun):
    """The `LongRun` of `loop.optimize`, which also compares images and keeps the best."""

    def __init__(self, problem: Problem, method: Any, steps: int, seed: Any, watch: Any, progress: Any, title: str,
                 keep: str = "best") -> None:
        self.problem, self.method, self.seed, self.keep = problem, method, seed, keep
        self.expected = memory_of(problem, method)
        super().__init__(watch, steps, progress, f"{title} ({self.expected / 1e6:,.0f} MB)")
        self.memory: dict[str, Any] = {}
        self.best: Any = None                   # the images, from the first comparison on, and their losses
        self.best_losses: Any = None
        self.best_terms: dict[str, float] = {}
        self.first_loss = math.nan
        self.trace: list[tuple[int, float]] = []
        self.trace_every = 1
        self.last: tuple[Array, Any] | None = None      # (z, the generator's state) after the last step
        self.rng_state, self.finished = None, False
        self.moved: Array | None = None         # (N,) whether each image has had a gradient other than zero

    def worth_keeping(self) -> bool:
        return self.best is not None

    def end(self) -> None:
        if self.stopped == INTERRUPTED and self.last is not None:   # a run of this many steps has the same end
            self.finish(self.last[0])
        elif not self.finished:
            self.save()

    # ---- what the loop calls ----

    def resumed(self, z: Array) -> Any:
        """The z to start from: this one, or the checkpoint's."""
        kept = self.kept(("z", "best", "best_losses"))
        if kept is None:
            return z
        xp = get_xp(z)
        self.step, self.evaluations = kept["step"], kept["evaluations"]
        self.memory = {key: xp.asarray(value) for key, value in kept["memory"].items()}
        self.best, self.best_losses = xp.asarray(kept["best"]), kept["best_losses"]
        self.best_terms, self.first_loss = kept["best_terms"], kept["first_loss"]
        self.trace, self.rng_state = [tuple(point) for point in kept["trace"]], kept["rng"]
        self.bar.update(self.step)
        return xp.asarray(kept["z"])

    def rng(self, seed: Any) -> Any:
        """The generator that draws transforms, in its last state."""
        rng = np.random.default_rng(seed)
        if self.rng_state is not None:
            rng.bit_generator.state = self.rng_state
        return rng

    def look_at(self, dz: Array) -> None:
        """Remember whether each image has had a gradient."""
        if self.moved is None or not self.moved.all():
            some = to_cpu(dz.reshape(len(dz), -1).any(axis=1))
            self.moved = some if self.moved is None else self.moved | some

    def compare(self, z: Array, found: Evaluation) -> None:
        """Keep each image that is better than all before it, or the last one."""
        losses = found.losses
        if self.best is None:
            self.best, self.best_losses, self.best_terms = z.copy(), losses.copy(), found.terms
            self.first_loss = float(losses.sum())
            return
        better = losses < (self.best_losses if self.keep == "best" else np.inf)         # False for NaN
        if better.any():
            for i in np.flatnonzero(better):            # on a device, an index array would have to be transferred
                self.best[i] = z[i]
            self.best_losses[better] = losses[better]
            self.best_terms = found.terms

    def finish(self, z: Array) -> None:
        """Compare the last image, too, after the checkpoint: a run that continues from there does not compare it."""
        self.save()
        self.finished = True
        self.compare(z, self.problem.measure(z))

    def advance(self, z: Array, found: Evaluation, rng: np.random.Generator | None) -> Any:
        """Note that a step is done, with z the new image. Return True to stop."""
        self.last = (z, None if rng is None else rng.bit_generator.state)
        number = self.step + 1
        if not np.isfinite(found.losses).all():
            self.stop(f"the loss became infinite or NaN in step {number}; use a smaller rate")
        if number % self.trace_every == 0:
            self.trace.append((number, found.loss))
            if len(self.trace) > TRACED:
                self.trace, self.trace_every = self.trace[1::2], 2 * self.trace_every
        terms = found.terms.items() if len(found.terms) > 1 else ()
        said = ", ".join([f"loss {found.loss:.4g}", *(f"{name} {value:.3g}" for name, value in terms)])
        return self.advanced(found.loss, found.terms, lambda: self.pixels(z), said)

    # ---- what that means ----

    def pixels(self, z: Array) -> Any:
        return to_cpu(to_uint8(self.problem.parameterization.pixels(z)))

    def state(self) -> Any:
        if self.last is None:
            return None
        z, rng = self.last
        return {
            "z": to_cpu(z), "best": to_cpu(self.best), "best_losses": self.best_losses,
            "memory": {key: to_cpu(value) for key, value in self.memory.items()},
        }, {"step": self.step, "evaluations": self.evaluations, "rng": rng, "trace": self.trace,
            "best_terms": self.best_terms, "first_loss": self.first_loss}  # fmt: skip

    def identity(self) -> str:
        """A text that must be equal for a checkpoint to fit: the net, the problem, the method and the seed."""
        p = self.problem
        return json.dumps([fingerprint(p.net), str(p.objective), list(map(str, p.transforms)), p.parameterization.shape,
                           list(map(str, p.parameterization.stages)), repr(self.method), self.seed, p.relu_rule,
                           self.watch.identity])

    def run(self) -> Run:
        z, p = self.best, self.problem
        if self.moved is not None and not self.moved.all():
            self.note(nothing_moved(self.moved))
        levels = to_cpu(p.parameterization.pixels(z)).clip(0, 255)
        return Run(z, levels, self.best_losses, self.best_terms, self.first_loss, tuple(self.trace), self.step,
                   self.evaluations or self.step, self.stopped or f"all {self.step} steps done", tuple(self.notes),
                   self.expected, tuple(self.watch.frames))


def nothing_moved(moved: Any) -> str:
    """The note on images whose gradient was zero in all steps, with advice."""
    which = "the images" if len(moved) > 1 else "the image"
    which = which if not moved.any() else "images " + ", ".join(str(i + 1) for i in np.flatnonzero(~moved))
    return (f"the gradient of {which} was zero everywhere in every step, so nothing changed: the unit may be dead, or "
            "inactive at this start; try another start (a picture, more noise, another seed), the layer before the "
            "ReLU, or "
            "another unit")
