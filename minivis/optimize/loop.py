"""The loop that changes an image until a loss is small, by any update rule.

    problem = Problem(net, -1 * score("fc8", 99) + 1e-4 * l2(), pixels(net, (1, 64, 64, 3)))
    run = optimize(problem, problem.parameterization.grey(), method=Adam(1.0), steps=200)
    run.pixels                                                      levels of the best images, (N, H, W, C)

It keeps the best z of each image. What stands around it, progress bar, previews, film, checkpoints and Ctrl-C, is in
recorder.py, and what a user asks of that in `watch.Watch`.
"""

from dataclasses import replace

import numpy as np

from minivis.engine.image_gradient import has_tiles
from minivis.engine.memory import TILE, available
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.optimize.budget import memory_of
from minivis.optimize.lbfgs import by_two_loops
from minivis.optimize.recorder import Recorder
from minivis.optimize.scipy_bridge import by_scipy
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp

COMPARE = 16                # every so many steps


def optimize(
    problem, z, *, method=None, steps=200, regularize=(), seed=0, keep="best", progress=False, watch=None,
    title="optimise",
):  # fmt: skip
    """Minimise from z on: a `Run`. ``steps`` 0 gives the start back.

    method: a `Gradient`, `Adam` or `LBFGS`. regularize: functions (levels, gradient, step) -> levels, applied to the
    picture between steps (see regularize.py); they need ``pixels``. keep: "best", of all images that were compared, or
    "last", for a stage of a longer run. Ctrl-C stops with the best so far.
    """
    method = Adam() if method is None else method
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise BadValue(f"steps is a whole number from 0 up, not {steps!r}")
    if regularize and problem.parameterization.stages:
        raise BadValue("regularisers act on pixels: they go with the parameterization 'pixels' alone")
    if isinstance(method, LBFGS) and (problem.transforms or regularize):
        raise BadValue("L-BFGS compares losses of steps: no transforms and no regularisers that change from step to "
                       "step go with it; take adam or gradient")
    if keep not in ("best", "last"):
        raise UnknownName.of("image to keep", keep, ("best", "last"))
    recorder = Recorder(problem, method, steps, seed, watch or Watch(), progress, title, keep)
    with recorder:
        z = recorder.resumed(z)
        how = (method, recorder.steps, tuple(regularize), seed, recorder)
        if not fits(problem, z, *how):
            recorder.problem = problem = in_tiles(problem, method)
            recorder.note(f"memory ran out in step {recorder.step + 1}: on from there in tiles of {TILE} pixels")
            z, recorder.rng_state = recorder.last or (z, recorder.rng_state)
            loop(problem, z, *how)
    return recorder.run()


def fits(*arguments):
    """Run the loop; False where memory ran out. With the error goes its traceback, which holds what is to be freed."""
    try:
        loop(*arguments)
    except MemoryError:
        return False
    return True


def loop(problem, z, method, steps, regularize, seed, recorder):
    """Steps of a `descent` rule, or of L-BFGS: on a GPU without scipy, which would move every vector there and back."""
    if isinstance(method, LBFGS):
        (by_scipy if problem.net.xp is np else by_two_loops)(problem, z, method, steps, recorder)
    else:
        by_steps(problem, z, method, steps, regularize, seed, recorder)


def in_tiles(problem, method):
    """The problem in tiles, as memory ran out; TooLarge, with a size to try, where it has none or has them already."""
    xp, (H, W) = problem.net.xp, problem.parameterization.shape[1:3]
    if xp is not np:
        xp.get_default_memory_pool().free_all_blocks()
    if problem.tile is None and max(H, W) > TILE and all(has_tiles(part) for part in problem.objective.parts):
        return replace(problem, tile=TILE, workspace=None)
    share = 0.9 * available(problem.net) / memory_of(problem, method)
    side = int(max(H, W) * min(0.7, share**0.5))
    raise TooLarge(f"{W} x {H} pixels do not fit into the memory of this machine or GPU: make the longer side {side} "
                   "pixels or less")


def by_steps(problem, z, method, steps, regularize, seed, recorder):
    """Steps of a `descent` rule. Where transforms are drawn, images are compared by ``measure``, now and then."""
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
