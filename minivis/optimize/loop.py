"""The one loop that changes an image until a loss is small, and the one bridge to scipy's L-BFGS.

    problem = Problem(net, -1 * score("fc8", 99) + 1e-4 * l2(), pixels(net, (1, 64, 64, 3)))
    run = optimize(problem, problem.parameterization.grey(), method=Adam(1.0), steps=200)
    run.pixels                                                      levels of the best images, (N, H, W, C)

``Problem.gradient`` is all the mathematics: z -> image -> transform -> net -> loss, and the same way back. Loops keep
the best z of each image; `watch.Watch` holds who looks on (bar, previews, film) and what is kept (checkpoints).
"""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from minivis.engine.image_gradient import by_tiles, has_tiles
from minivis.engine.memory import TILE, available
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.objectives.base import Evaluation, as_objective
from minivis.optimize.budget import memory_of
from minivis.optimize.lbfgs import FORGOTTEN, by_two_loops
from minivis.optimize.parameterize import Parameterization
from minivis.optimize.transforms import Linear, compose
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Recorder, Run, Watch
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.threads import set_blas_threads

PROBES = 3                  # transforms drawn once, under which images are compared
COMPARE = 16                # every so many steps
VECTORS = 10                # arrays as large as the picture, in a gradient: the net's input, a prior's differences, ...
RESTARTS = 8                # of L-BFGS after a line search that found nothing: rounding, in float32


@dataclass(frozen=True, eq=False)
class Problem:
    """What is minimised, over what. ``transforms`` are drawn anew in each step (see transforms.py)."""

    net: Any
    objective: Any
    parameterization: Parameterization
    transforms: tuple = ()
    relu_rule: str = "normal"
    tile: int | None = None             # pixels: the gradient in tiles of that size, where a whole one is too large
    workspace: Any = field(default=None, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "objective", as_objective(self.objective))
        object.__setattr__(self, "transforms", tuple(self.transforms))
        if not self.objective.parts:
            raise BadValue("every weight of the objective is 0: there is nothing to optimise")
        for layer in self.objective.layers or ():
            self.net.check_name(layer)
        if self.workspace is None:
            object.__setattr__(self, "workspace", self.net.workspace())

    @property
    def vectors(self):
        return vectors(self.parameterization, self.transforms)

    @cached_property
    def reach(self):
        """How far a pass must go, and which outputs it must keep."""
        layers = self.objective.layers
        if layers is None:
            return {"until": None, "keep": None}
        order = ["input", *self.net.nodes]
        last = max(layers, key=order.index)
        return {"until": last if last != "input" else order[1], "keep": {"input", *layers}}

    def gradient(self, z, rng=None):
        """The `Evaluation` at z, and dz. ``rng`` draws the transforms; None: none."""
        x, caches = self.parameterization.forward(z)
        moved = self.draw(x.shape, rng)
        if self.tile is not None:
            found, dx = self.tiled(moved.forward(x))
        else:
            acts = self.net.forward(moved.forward(x), workspace=self.workspace, **self.reach)
            found = self.objective.evaluate(acts)
            dacts, _ = self.net.backward(acts, found.seeds, relu_rule=self.relu_rule)
            dx = dacts["input"]
        return found, self.parameterization.backward(moved.adjoint(dx), caches)

    def tiled(self, x):
        shares, dx = by_tiles(self.net, x, self.objective.parts, self.tile, self.relu_rule)
        return self.objective.evaluation(shares, {}, len(x)), dx

    def draw(self, shape, rng):
        if rng is None or not self.transforms:
            return Linear(lambda x: x, lambda dx: dx, shape)
        return compose(self.transforms, rng, shape)

    def measure(self, z):
        """The `Evaluation` by which images are compared: no transform; or the mean over a few, always the same."""
        x, _ = self.parameterization.forward(z)
        found = []
        for seed in [None, *range(PROBES if self.transforms else 0)]:
            moved = self.draw(x.shape, None if seed is None else np.random.default_rng(seed)).forward(x)
            if self.tile is not None:
                found.append(self.tiled(moved)[0])
                continue
            acts = self.net.forward(moved, grad=None, workspace=self.workspace, **self.reach)
            found.append(self.objective.evaluate(acts))
        terms = {name: sum(f.terms[name] for f in found) / len(found) for name in found[0].terms}
        return Evaluation(sum(f.losses for f in found) / len(found), {}, terms)


def vectors(parameterization, transforms=()):
    """How many arrays of the picture's size a gradient takes at most, between z and the net and in priors of images."""
    return VECTORS + 4 * bool(parameterization.stages) + 10 * bool(transforms)


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


def by_scipy(problem, z, method, steps, recorder):
    """scipy's L-BFGS-B, a step being an iteration; nothing but ``steps`` ends it while it gets on.

    A line search that finds nothing starts again with an empty history, and ends the run when that finds nothing.
    """
    from scipy.optimize import fmin_l_bfgs_b

    if recorder.step:
        recorder.note(FORGOTTEN)
        recorder.memory.clear()                 # what a run on a GPU remembered, if it was one
    shape, dtype, xp = z.shape, z.dtype, get_xp(z)
    low_high = problem.parameterization.bounds
    fun = as_scipy(problem, shape, dtype, xp, recorder, scale=1.0 if low_high is None else None)
    # one pair, named n times: minimize() would make a pair of floats for every element, 14 vectors' worth of memory
    bounds = None if low_high is None else [low_high] * z.size

    def finished_iteration(flat):
        z = xp.asarray(flat.reshape(shape), dtype=dtype)
        found = fun.found.pop(digest(flat), None) or problem.measure(z)
        fun.found.clear()
        recorder.compare(z, found)
        if recorder.advance(z, found, None):
            raise StopIteration

    recorder.compare(z, problem.measure(z))
    restarts = 0
    while recorder.step < steps:
        before = recorder.step
        try:
            with scipy_on_one_thread():
                found, _, said = fmin_l_bfgs_b(
                    fun, to_cpu(z).astype(np.float64).ravel(), bounds=bounds, callback=finished_iteration,
                    m=method.history, maxiter=steps - recorder.step, maxfun=10**9, maxls=30, factr=0.0, pgtol=0.0,
                )
        except StopIteration:
            return
        if recorder.stopped or recorder.step >= steps:
            return
        z = xp.asarray(found.reshape(shape), dtype=dtype)
        fun.scale, restarts = 1.0 if bounds is None else None, restarts + 1
        if recorder.step == before or restarts > RESTARTS:
            recorder.stop(f"scipy: {said['task'].strip().lower()}")
            return


def as_scipy(problem, shape, dtype, xp=np, recorder=None, scale=1.0):
    """``z -> scale * loss, scale * dz`` for ``scipy.optimize``: of ``minimize(..., jac=True)``, or ``fmin_l_bfgs_b``.

    scipy sees flat float64 on the CPU; the net sees its own dtype, shape and device. This is the only crossing.
    Within bounds, the first step of L-BFGS-B is the gradient itself, however small or large that is; with ``scale``
    None it is one of 1 on average, of a level where pixels are optimised. The minimum is where it was.
    """
    def fun(flat):
        z = xp.asarray(flat.reshape(shape), dtype=dtype)
        found, dz = problem.gradient(z)
        fun.found[digest(flat)] = Evaluation(found.losses, {}, found.terms)
        if recorder is not None:
            recorder.evaluations += 1
        dz = to_cpu(dz).astype(np.float64).ravel()
        if fun.scale is None:
            fun.scale = 1 / (float(abs(dz).mean()) or 1.0)
        dz *= fun.scale
        return fun.scale * found.loss, dz

    fun.found, fun.scale = {}, scale
    return fun


def digest(flat):
    """A key for a vector, where a copy would cost as much as the vector does."""
    return hashlib.blake2b(flat.data, digest_size=16).digest()


@contextmanager
def scipy_on_one_thread():
    """Hold scipy's own BLAS, where it brings one, to a thread: its vectors are short, and a second thread only waits.

    On a machine with other work that wait took ten times as long as the sums themselves.
    """
    own = [lib for lib in ThreadpoolController().lib_controllers if "scipy.libs" in Path(lib.filepath).parts]
    before = [lib.num_threads for lib in own]
    try:
        for lib in own:
            set_blas_threads(lib, 1)
        yield
    finally:
        for lib, count in zip(own, before):
            set_blas_threads(lib, count)


__all__ = ["Problem", "Run", "Watch", "as_scipy", "optimize"]
