"""A painting at one size after the other: each starts from the result of the one before."""

import time
from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.images.resampling import linear
from minivis.optimize.expect import telling, timed
from minivis.optimize.loop import optimize
from minivis.optimize.watch import INTERRUPTED, Watch
from minivis.runtime.backend import get_xp
from minivis.runtime.checkpoints import DAMAGED


def by_sizes(shape_at: Any, problem_of: Any, fit: Any, sizes: Any, steps: Any, seed: Any, progress: Any,
             watch: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Minimise at each size, starting from the result of the one before: (levels (1, H, W, C), the runs, notes).

    shape_at(side) is a picture's shape, fit(shape, steps=...) how it fits into memory (budget.py), and
    problem_of(side, tile) the `Problem` and where it starts.
    """
    sizes = (sizes,) if np.ndim(sizes) == 0 else tuple(sizes)
    steps = (steps,) * len(sizes) if np.ndim(steps) == 0 else tuple(steps)
    if not sizes or len(steps) != len(sizes):
        raise BadValue(f"{len(sizes)} sizes and {len(steps)} numbers of steps: give one number, or one for each size")
    if any(isinstance(side, bool) or not isinstance(side, (int, np.integer)) or side < 1 for side in sizes):
        raise BadValue(f"a size must be a whole number of pixels of at least 1, not {sizes}")
    runs: list[Any] = []
    notes: list[str] = []
    watch = Watch() if watch is None else watch
    resumed = shape_in(watch.checkpoint) if watch.resume and watch.checkpoint else None
    for side, count in zip(sizes, steps):
        shape = shape_at(side)
        if resumed and shape != resumed and side != sizes[-1]:
            continue                                                        # the checkpoint is of a larger size
        resumed = None
        begun = time.perf_counter()
        fitted = fit(shape, steps=count)
        notes += [fitted.note] if fitted.note else []
        problem, z = problem_of(side, fitted.tile)
        z = linear(get_xp(z).asarray(runs[-1].pixels), shape[1:3]) if runs else z
        z = z.clip(0, 255)
        problem = timed(problem)
        what = f"{shape[2]} x {shape[1]} pixels, {fitted.in_all / 1e9:.2g} GB of memory in all"
        part = watch.of_part(resume=watch.resume and not runs,              # only the first can be in the checkpoint
                             callback=telling(watch, what, problem, fitted.method, begun, progress), every=1)
        runs.append(optimize(problem, z, method=fitted.method, steps=count, seed=seed, progress=progress,
                             watch=part, title=f"{shape[2]} x {shape[1]}"))
        if runs[-1].stopped == INTERRUPTED:
            break
    return runs[-1].pixels, tuple(runs), tuple(notes)


def shape_in(checkpoint: Any) -> Any:
    """The shape of the pictures in a checkpoint; None if it cannot be read: `optimize` then says why."""
    try:
        with np.load(checkpoint, allow_pickle=False) as file:
            return file["z"].shape
    except DAMAGED:
        return None


def side_of(image: Any) -> Any:
    """The longer side of a picture."""
    return max(np.shape(image)[:2], default=0)
