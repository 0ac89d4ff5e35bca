"""How long a run of many steps will take, said after its first steps, whose gradients are timed.

    problem, begun = timed(problem), time.perf_counter()
    look = telling(watch, "512 x 341 pixels", problem, method, begun, progress)
    optimize(problem, ..., watch=watch.of_part(callback=look, every=1))

A step takes a gradient, whose time stays the same, and what L-BFGS does with it, which grows with each step that it
remembers.
"""

import math
import statistics
import time
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import LBFGS
from minivis.runtime.progress import remark
from minivis.types import Shape

FEW = 5                                         # steps that are timed, if they are short
ENOUGH = 2.0                                    # seconds of gradients, after the first, if steps are long
LONG = 10.0                                     # seconds: what takes longer is said

# Seconds of scipy's L-BFGS for each number of a picture: in each step, and in each step for each step remembered. Both
# are memory traffic on one core. Measured with 150,000 to 2.5 million numbers.
STEP, REMEMBERED = 150e-9, 30e-9

LAST = 1 / 3                                    # of a gradient: the last picture's loss, which L-BFGS has already


@dataclass(frozen=True, eq=False)
class Timed(Problem):
    """A problem that notes how many seconds each of its gradients took."""

    seconds: list[float] = field(default_factory=list)
    clock: Any = time.perf_counter

    def gradient(self, z: Any, rng: Any = None) -> Any:
        begun = self.clock()
        found = super().gradient(z, rng)
        self.seconds.append(self.clock() - begun)
        return found


def timed(problem: Problem, clock: Any = time.perf_counter) -> Timed:
    """The problem, timed."""
    return Timed(**{f.name: getattr(problem, f.name) for f in fields(Problem)}, clock=clock)


def telling(watch: Any, what: str, problem: Any, method: Any, begun: float, progress: Any = False) -> Any:
    """A callback that says once how long the run takes, and then calls that of ``watch`` as often as it asks for.

    what: the subject of the sentence, such as "512 x 341 pixels". problem: the `Timed` one. begun: when by its clock
    the work began.
    """
    told = False

    def look(preview: Any) -> bool:
        nonlocal told
        warm = problem.seconds[1:]              # the first one takes memory
        left = preview.steps - preview.step
        if not told and (warm or left == 1) and left and (preview.step >= FEW or sum(warm) >= ENOUGH or left == 1):
            told = True
            needs = problem.clock() - begun + remaining(problem, method, preview)
            if needs >= LONG:
                remark(f"{what}: about {in_words(needs)} for {preview.steps} steps", progress)
        return bool(watch.callback and preview.step % watch.every == 0 and watch.callback(preview))

    return look


def remaining(problem: Any, method: Any, preview: Any) -> float:
    """Seconds of the steps to come."""
    steps = range(preview.step + 1, preview.steps + 1)
    own = overhead(problem.parameterization.shape, method, steps) if problem.net.xp is np else 0.0
    gradients = len(steps) + LAST * (not isinstance(method, LBFGS))
    return gradients * statistics.median(problem.seconds[1:] or problem.seconds) + own


def overhead(shape: Shape, method: Any, steps: range) -> float:
    """Seconds that scipy's L-BFGS itself takes for these steps; other rules take hardly any."""
    if not isinstance(method, LBFGS):
        return 0.0
    return math.prod(shape) * sum(STEP + REMEMBERED * min(step, method.history) for step in steps)


def in_words(needs: float) -> str:
    """Seconds as a person says them, to within a twentieth."""
    if needs < 100:
        return f"{needs:.0f} s"
    if needs < 600:
        minutes, seconds = divmod(10 * round(needs / 10), 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{needs / 60:.0f} min" if needs < 100 * 60 else f"{needs / 3600:.1f} hours"
