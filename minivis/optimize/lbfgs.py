"""L-BFGS on the device of the image: on a GPU scipy's L-BFGS would transfer vectors in every evaluation.

    d = -H dz                           H: the inverse Hessian, estimated from the last steps by two loops
    z(t) = z + t d, clipped to the bounds

The two loops are Nocedal & Wright 2006, algorithm 7.4. t must satisfy the strong Wolfe conditions (equation 3.7) with
the constants of scipy's L-BFGS-B, C1 = 1e-3 and C2 = 0.9:

    loss(z(t)) < loss(z) + C1 dz . (z(t) - z)         and         |slope(t)| <= C2 |slope(0)|

An element at a bound that its gradient pushes against stays there, in dz and in d (Bertsekas 1982, equations 32 to 34).
scipy searches for the bounds that a step will meet, so at bounds the two take different paths to the same minimum. If
no bound is met, their steps are the same as long as both accept the first t.

Vectors are float64 and stay on the device. Only numbers are transferred: losses, two for each trial, three for each
step.
"""

from __future__ import annotations

import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivis.runtime.backend import get_xp, to_cpu
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.optimize.problem import Problem

C1, C2 = 1e-3, 0.9
TRIALS = 30                             # of t in a line search, at most
FORGOTTEN = "L-BFGS resumed with an empty history, so its steps differ from those of an unbroken run"


class Point(NamedTuple):
    """z and dz in float64; the image that the net saw, and its `Evaluation`."""

    z: Any
    dz: Any
    image: Any
    found: Any


class Pair(NamedTuple):
    """A step s and how the gradient changed over it, y. rho = 1 / s.y, gamma = s.y / y.y (equation 7.20)."""

    s: Any
    y: Any
    rho: float
    gamma: float


def pair_of(s: Any, y: Any) -> Any:
    """The `Pair`; None if the loss does not curve upwards along s within float64."""
    sy, yy = numbers(dot(s, y), dot(y, y))
    return Pair(s, y, 1 / sy, sy / yy) if sy > np.finfo(np.float64).eps * yy else None


def inverse_hessian_times(v: Any, pairs: Any) -> Any:
    """H v. pairs: oldest first; without any, H is 1."""
    alphas = []
    for s, y, rho, _ in reversed(pairs):
        alphas.append(rho * dot(s, v))                          # these numbers stay on the device
        v = v - alphas[-1] * y
    v = pairs[-1].gamma * v if pairs else v
    for s, y, rho, _ in pairs:
        v = v + (alphas.pop() - rho * dot(y, v)) * s
    return v


def held(z: Array, dz: Array, bounds: Any) -> Any:
    """Where z is at a bound and descent would leave it."""
    low, high = bounds
    return ((z <= low) & (dz > 0)) | ((z >= high) & (dz < 0))


def downhill(point: Any, pairs: Any, bounds: Any) -> Any:
    """The direction d."""
    if bounds is None:
        return -inverse_hessian_times(point.dz, pairs)
    free = ~held(point.z, point.dz, bounds)
    return -inverse_hessian_times(point.dz * free, pairs) * free


def line_search(evaluate: Any, start: Any, d: Any, first: Any, bounds: Any) -> Any:
    """The `Point` at the first t that satisfies both conditions, else the last that was low enough, or None.

    Between a t that is too short and one that is too long there is a right one: bisect, or double while none is too
    long.
    """
    (steepest,) = numbers(dot(start.dz, d))
    short, far, t, low_enough = 0.0, math.inf, first, None
    for _ in range(TRIALS if steepest < 0 else 0):
        z, moving = start.z + t * d, d
        if bounds is not None:
            moving = d * ((z > bounds[0]) & (z < bounds[1]))
            z = get_xp(z).clip(z, *bounds)
        point = evaluate(z)
        gain, slope = numbers(dot(start.dz, z - start.z), dot(point.dz, moving))
        is_low = point.found.loss < start.found.loss + C1 * gain        # false for NaN and below rounding
        low_enough = point if is_low else low_enough
        if not is_low or slope > -C2 * steepest:
            far = t
        elif slope < C2 * steepest:
            short = t
        else:
            break
        t = (short + far) / 2 if far < math.inf else 2 * t
    return low_enough


def first_step(d: Any, bounds: Any) -> Any:
    """The t to try first with an empty history: a step of length 1, or, within bounds, of 1 level on average."""
    (size,) = numbers(get_xp(d).sqrt(dot(d, d)) if bounds is None else abs(d).mean())
    return 1 / (size or 1.0)


def by_two_loops(problem: Problem, z: Array, method: Any, steps: int, recorder: Any) -> None:
    """Like scipy_bridge.by_scipy; a step is an iteration. Its history is in its checkpoints, so it resumes exactly.

    A line search that finds nothing starts again with an empty history, and ends the run when that finds nothing.
    """
    bounds, memory = problem.parameterization.bounds, recorder.memory
    if recorder.step and not memory:            # a checkpoint of scipy's
        recorder.note(FORGOTTEN)
    evaluate = partial(evaluated, problem, z.dtype, recorder)
    z = z if bounds is None else get_xp(z).clip(z, *bounds)
    point = evaluate(memory.get("z", z).astype(np.float64))
    pairs = deque(remembered(memory), method.history)
    recorder.compare(point.image, point.found)
    while recorder.step < steps:
        d = downhill(point, pairs, bounds)
        after = line_search(evaluate, point, d, 1.0 if pairs else first_step(d, bounds), bounds)
        if after is None and not pairs:
            recorder.stop("the line search found nothing lower")
            return
        if after is None:                       # rounding, in float32
            pairs.clear()
            continue
        pair = pair_of(after.z - point.z, after.dz - point.dz)
        pairs.extend([pair] if pair else [])
        point = after
        memory.clear()
        memory["z"] = point.z
        memory.update({f"{name}{i}": getattr(p, name) for i, p in enumerate(pairs) for name in "sy"})
        recorder.compare(point.image, point.found)
        if recorder.advance(point.image, point.found, None):
            return


def evaluated(problem: Problem, dtype: Any, recorder: Any, z: Array) -> Point:
    image = z.astype(dtype)
    found, dz = problem.gradient(image)
    recorder.evaluations += 1
    recorder.look_at(dz)
    return Point(z, dz.astype(np.float64), image, found._replace(seeds={}))


def remembered(memory: dict[str, Any]) -> list[Any]:
    """The pairs of a checkpoint."""
    return [pair_of(memory[f"s{i}"], memory[f"y{i}"]) for i in range(len(memory) // 2)]


def dot(a: Any, b: Any) -> Any:
    return get_xp(a).vdot(a, b)


def numbers(*values: Any) -> Any:
    """Numbers on a device as Python's, in one transfer."""
    return to_cpu(get_xp(values[0]).stack(values)).tolist()
