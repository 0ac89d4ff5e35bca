"""The loop that changes an image to minimise a loss, by any update rule.

    problem = Problem(net, -1 * score("fc8", 99) + 1e-4 * l2(), pixels(net, (1, 64, 64, 3)))
    run = optimize(problem, problem.parameterization.grey(), method=Adam(1.0), steps=200)
    run.pixels                                                      levels of the best images, (N, H, W, C)

It keeps the best z of each image. Progress bar, previews, film, checkpoints and Ctrl-C are in recorder.py; a user asks
for them with `watch.Watch`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.image_gradient import has_tiles
from minivis.engine.memory import TILE, available
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.optimize.budget import memory_of
from minivis.optimize.lbfgs import by_two_loops
from minivis.optimize.recorder import Recorder, Run
from minivis.optimize.scipy_bridge import by_scipy
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.optimize.problem import Problem

COMPARE = 16                # compare images every 16 steps


def optimize(problem: Problem, z: Array, *, method: Any = None, steps: int = 200, regularize: Any = (), seed: Any = 0,
             keep: str = "best", progress: bool = False, watch: Any = None, title: str = "optimise") -> Run:
    """Minimise from z on and return a `Run`. With ``steps`` 0 it is the start.

    method: a `Gradient`, `Adam` or `LBFGS`. regularize: functions (levels, gradient, step) -> levels, applied to the
    picture between steps (see regularize.py); they need ``pixels``. keep: "best", the best of all images compared, or
    "last", for a stage of a longer run. Ctrl-C stops with the best so far.
    """
    method = Adam() if method is None else method
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise BadValue(f"steps must be a whole number of at least 0, not {steps!r}")
    if regularize and problem.parameterization.stages:
        raise BadValue("regularisers act on pixels, so they need the parameterization 'pixels'")
    if isinstance(method, LBFGS) and (problem.transforms or regularize):
        raise BadValue("L-BFGS compares losses between steps, so it allows no random transforms and no regularisers; "
                       "use adam or gradient")
    if keep not in ("best", "last"):
        raise UnknownName.of("image to keep", keep, ("best", "last"))
    recorder = Recorder(problem, method, steps, seed, watch or Watch(), progress, title, keep)
    with recorder:
        z = recorder.resumed(z)
        how = (method, recorder.steps, tuple(regularize), seed, recorder)
        if not fits(problem, z, *how):
            recorder.problem = problem = in_tiles(problem, method)
            recorder.note(f"memory ran out in step {recorder.step + 1}; the run continued in tiles of {TILE} pixels")
            z, recorder.rng_state = recorder.last or (z, recorder.rng_state)
            loop(problem, z, *how)
    return recorder.run()


def fits(*arguments: Any) -> bool:
    """Run the loop; return False if memory ran out. Dropping the error frees its traceback and the arrays in it."""
    try:
        loop(*arguments)
    except MemoryError:
        return False
    return True


def loop(problem: Problem, z: Array, method: Any, steps: int, regularize: Any, seed: Any, recorder: Any) -> None:
    """Run steps of an update rule, or L-BFGS: scipy's on a CPU, lbfgs.py on a GPU."""
    if isinstance(method, LBFGS):
        (by_scipy if problem.net.xp is np else by_two_loops)(problem, z, method, steps, recorder)
    else:
        by_steps(problem, z, method, steps, regularize, seed, recorder)


def in_tiles(problem: Problem, method: Any) -> Any:
    """The problem in tiles, after memory ran out. If that is impossible or done already, TooLarge names a size to
    try."""
    xp, (H, W) = problem.net.xp, problem.parameterization.shape[1:3]
    if xp is not np:
        xp.get_default_memory_pool().free_all_blocks()
    if problem.tile is None and max(H, W) > TILE and all(has_tiles(part) for part in problem.objective.parts):
        return replace(problem, tile=TILE, workspace=None)
    share = 0.9 * available(problem.net) / memory_of(problem, method)
    side = int(max(H, W) * min(0.7, share**0.5))
    raise TooLarge(f"{W} x {H} pixels do not fit into the memory of this machine or GPU: make the longer side {side} "
                   "pixels or less")


def by_steps(problem: Problem, z: Array, method: Any, steps: int, regularize: Any, seed: Any, recorder: Any) -> None:
    """Run steps of an update rule. With random transforms, images are compared by ``measure`` from time to time."""
    rng = recorder.rng(seed)
    bounds, exact = problem.parameterization.bounds, not problem.transforms
    while recorder.step < steps:
        if not exact and recorder.step % COMPARE == 0:
            recorder.compare(z, problem.measure(z))
        found, dz = problem.gradient(z, rng)
        recorder.look_at(dz)
        if exact:
            recorder.compare(z, found)
        z = method.step(z, dz, recorder.memory, recorder.step, found.losses)
        for change in regularize:
            z = change(z, dz, recorder.step)
        if bounds is not None:
            z = get_xp(z).clip(z, *bounds)
        if recorder.advance(z, found, rng):
            return
    recorder.finish(z)
