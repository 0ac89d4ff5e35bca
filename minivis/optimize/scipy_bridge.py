"""The one bridge to scipy's L-BFGS-B, for problems over pictures and for any other function.

    best = minimise(fun, x0, steps=200, bounds=(0, 255))            fun: x -> (loss, gradient), flat and in float64

scipy sees flat float64 on the CPU; a net sees its own dtype, shape and device (`ScipyProblem`). On a GPU the loop uses
lbfgs.py instead, because scipy would transfer every vector for each evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from minivis.objectives.base import Evaluation
from minivis.optimize.lbfgs import FORGOTTEN, TRIALS
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.one_blas_thread import held, restore
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.optimize.problem import Problem

RESTARTS = 8                # restarts of L-BFGS after a line search that found nothing, because of rounding in float32
EVALUATIONS = 10**9         # no limit: only the number of steps ends a run
FLAT_LOSS, FLAT_GRADIENT = 1e7, 1e-5        # scipy's defaults: in units of float64's rounding; the largest element


class Minimum(NamedTuple):
    """``x``: flat, float64. ``message``: why scipy ended there."""

    x: np.ndarray
    loss: float
    message: str


def minimise(fun: Any, x0: Array, *, steps: int, bounds: Any = None, history: Any = 10, trials: Any = 20,
             stop_when_flat: bool = True, callback: Any = None) -> Minimum:
    """Minimise ``fun(x) -> (loss, gradient)`` from x0 by L-BFGS-B, on one thread of BLAS: the `Minimum`.

    bounds: None, one pair (low, high) for all elements, or a pair for each; None in a pair means no bound. history: the
    number of steps remembered; trials: the most evaluations in one line search. stop_when_flat: stop when loss and
    gradient are flat by scipy's defaults; otherwise only ``steps``, or a line search that finds nothing, ends the run.
    callback(x) is called after each step, and ends the run by raising StopIteration.
    """
    from scipy.optimize import fmin_l_bfgs_b

    if bounds is not None and np.ndim(bounds[0]) == 0:
        # one pair, named n times: minimize() would make a pair of floats for every element, 14 vectors' worth of memory
        bounds = [tuple(bounds)] * len(x0)
    flat = {"factr": FLAT_LOSS, "pgtol": FLAT_GRADIENT} if stop_when_flat else {"factr": 0.0, "pgtol": 0.0}
    with scipy_on_one_thread():
        x, loss, said = fmin_l_bfgs_b(fun, x0, bounds=bounds, callback=callback, m=history, maxiter=steps,
                                      maxfun=EVALUATIONS, maxls=trials, **flat)
    return Minimum(x, float(loss), said["task"].strip().lower())


class ScipyProblem:
    """A problem as scipy calls it: flat z -> (scale * loss, scale * dz), of anything with ``gradient(z)``.

    Within bounds, the first step of L-BFGS-B is the gradient itself, however small or large. With ``scale`` None the
    first step is 1 on average, a level when pixels are optimised: the first gradient after `restart` sets the scale.
    The minimum stays the same.
    """

    def __init__(self, problem: Any, shape: Shape, dtype: Any, xp: Any = np, recorder: Any = None,
                 scale: Any = 1.0) -> None:
        self.problem, self.shape, self.dtype, self.xp, self.recorder = problem, shape, dtype, xp, recorder
        self.first_scale = scale
        self.evaluations: dict[int, Evaluation] = {}
        self.restart()

    def restart(self) -> None:
        """Make the next evaluation the first of a run."""
        self.scale = self.first_scale

    def __call__(self, flat: Any) -> tuple[Any, Any]:
        found, dz = self.problem.gradient(self.image(flat))
        self.evaluations[digest(flat)] = Evaluation(found.losses, {}, found.terms)
        if self.recorder is not None:
            self.recorder.evaluations += 1
            self.recorder.look_at(dz)
        dz = to_cpu(dz).astype(np.float64).ravel()
        if self.scale is None:
            self.scale = 1 / (float(abs(dz).mean()) or 1.0)
        dz *= self.scale
        return self.scale * found.loss, dz

    def image(self, flat: Any) -> Any:
        """z in the shape and dtype of the net."""
        return self.xp.asarray(flat.reshape(self.shape), dtype=self.dtype)

    def evaluation_at(self, flat: Any) -> Any:
        """The `Evaluation` at a point evaluated since the last call, or None; the others are dropped."""
        found = self.evaluations.pop(digest(flat), None)
        self.evaluations.clear()
        return found


as_scipy = ScipyProblem                     # its name for users of ``scipy.optimize.minimize(..., jac=True)``


def by_scipy(problem: Problem, z: Array, method: Any, steps: int, recorder: Any) -> None:
    """Run scipy's L-BFGS-B; a step is an iteration, and only ``steps`` ends it while the loss falls.

    A line search that finds nothing starts again with an empty history, and ends the run when that finds nothing.
    """
    if recorder.step:
        recorder.note(FORGOTTEN)
        recorder.memory.clear()                 # what a run on a GPU remembered, if it was one
    bounds = problem.parameterization.bounds
    fun = ScipyProblem(problem, z.shape, z.dtype, get_xp(z), recorder, scale=1.0 if bounds is None else None)

    def finished_iteration(flat: Any) -> None:
        z = fun.image(flat)
        found = fun.evaluation_at(flat) or problem.measure(z)
        recorder.compare(z, found)
        if recorder.advance(z, found, None):
            raise StopIteration

    recorder.compare(z, problem.measure(z))
    restarts = 0
    while recorder.step < steps:
        before = recorder.step
        try:
            best = minimise(fun, to_cpu(z).astype(np.float64).ravel(), steps=steps - recorder.step, bounds=bounds,
                            history=method.history, trials=TRIALS, stop_when_flat=False, callback=finished_iteration)
        except StopIteration:
            return
        if recorder.stopped or recorder.step >= steps:
            return
        z, restarts = fun.image(best.x), restarts + 1
        fun.restart()
        if recorder.step == before or restarts > RESTARTS:
            recorder.stop(f"scipy: {best.message}")
            return


def digest(flat: Any) -> Any:
    """A key for a vector, because to keep a copy of each would cost as much memory as the vectors.

    Python's own hash takes a seventh of the time of hashlib's: two of these were 4 % of an evaluation of style.
    """
    return hash(flat.tobytes())


@contextmanager
def scipy_on_one_thread() -> Iterator[Any]:
    """Limit scipy's own BLAS, if it has one, to one thread: its vectors are short, and a second thread only waits.

    On a busy machine that wait took ten times as long as the sums themselves.
    """
    own = [lib for lib in ThreadpoolController().lib_controllers if "scipy.libs" in Path(lib.filepath).parts]
    before = held(own)
    try:
        yield
    finally:
        restore(before)
