"""How long a run of `optimize` will take, said before it begins: two gradients are computed, and the second is timed.

The first one takes the memory that all others use again. By L-BFGS a step takes a little more than one evaluation, and
works on the vectors that it remembers.
"""

import time
from typing import Any

import numpy as np

from minivis.optimize.update_rules import LBFGS
from minivis.runtime.backend import get_xp
from minivis.runtime.progress import remark
from minivis.types import Array

WORTH = 20                                      # steps, from which on two gradients more hardly count
LONG = 30.0                                     # seconds: what takes longer is said
EVALUATIONS = 1.04                              # of L-BFGS in a step, measured
PASSES = 4                                      # over each remembered vector, in a step


def tell(problem: Any, z: Array, method: Any, steps: int, *, size: str, memory: float | None = None,
         progress: Any = False) -> None:
    """Say how long a run will take, and what ``memory`` in bytes, if it is worth saying. size: of the picture."""
    if not progress or steps < WORTH:
        return
    needs = seconds(problem, z, method, steps)
    if needs >= LONG:
        said = "" if memory is None else f" and {memory / 1e9:.2g} GB of memory"
        remark(f"{size}: about {in_words(needs)}{said}", progress)


def seconds(problem: Any, z: Array, method: Any, steps: int, clock: Any = time.perf_counter) -> float:
    """About how long a run will take."""
    problem.gradient(z)
    begin = clock()
    found, _ = problem.gradient(z)
    float(found.losses.sum())                   # a GPU has finished then
    once = clock() - begin
    if not isinstance(method, LBFGS):
        return steps * once
    xp, vector = get_xp(z), z.ravel().astype(np.float64)
    begin = clock()
    float(xp.dot(vector, vector))
    float(xp.dot(vector, vector))
    return steps * (EVALUATIONS * once + PASSES * method.history * (clock() - begin) / 2)


def in_words(needs: float) -> str:
    """Seconds as a person says them."""
    if needs < 100:
        return f"{needs:.0f} s"
    return f"{needs / 60:.0f} min" if needs < 100 * 60 else f"{needs / 3600:.1f} hours"
