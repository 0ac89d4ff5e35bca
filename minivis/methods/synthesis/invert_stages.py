"""The stages of an inversion: from coarse to fine, past the local minima of pools, to the final picture.

`stages_of` lists the stages with their objectives, parameterizations and methods; `in_stages` runs them. Each setting
is explained where its stage is made, and its numbers are in presets.py.
"""

from collections import namedtuple
from dataclasses import replace
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue
from minivis.methods.shared.result import input_of
from minivis.methods.synthesis.invert_pools import Multipliers, held_by, pool_before
from minivis.objectives.activations import code_distance
from minivis.objectives.priors import alpha_norm, tv
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import KINDS, fourier
from minivis.optimize.problem import Problem
from minivis.optimize.transforms import noise
from minivis.optimize.update_rules import LBFGS, Adam, Gradient
from minivis.optimize.watch import CALLED_OFF, INTERRUPTED, Watch
from minivis.runtime.backend import to_cpu

LEVELS = 68.9                                   # the root mean square of Mahendran & Vedaldi's sigma
FINEST, STAGES = 0.3, 30                        # of `smooth`: the levels of noise at the end, and the number of stages

# aim: a function, levels -> objective; anew: the memory of aim is in no checkpoint, so the stage starts over
Stage = namedtuple("Stage", "aim parameterization transforms method steps anew", defaults=(False,))


def in_stages(net: Network, stages: Any, levels: Any, *, seed: Any = 0, watch: Any = None, title: str = "invert",
              **shown: Any) -> Any:
    """Minimise over ``levels`` (N, H, W, C), stage by stage: see `stages_of`.

    Each stage starts from the picture of the one before. Return the `Run` of the last, with the steps of all.
    """
    watch = Watch() if watch is None else watch
    resumes = bool(watch.resume and watch.checkpoint)
    runs: list[Any] = []
    asked, p, *_ = stages[-1]
    first_loss = Problem(net, asked(levels), p).measure(p.start(levels)).loss
    for number, (aim, p, transforms, method, steps, anew) in enumerate(stages, 1):
        if anew and resumes and not runs:
            continue
        part = watch.of_part(resume=resumes and not runs, checkpoint=None if anew else watch.checkpoint)
        own = {"seed": seed + number, "keep": "last" if transforms else "best", "watch": part,
               "title": f"{title}, stage {number} of {len(stages)}" if len(stages) > 1 else title}
        try:
            runs.append(optimize(Problem(net, aim(levels), p, transforms), p.start(levels), method=method, steps=steps,
                                 **own, **shown))
        except BadFile:                         # the checkpoint of another stage, or of none of them
            if not resumes or runs or number == len(stages):
                raise
            continue
        if runs[-1].stopped in (INTERRUPTED, CALLED_OFF):
            break
        levels = runs[-1].pixels
    return replace(runs[-1], first_loss=first_loss, steps=sum(run.steps for run in runs),
                   evaluations=sum(run.evaluations for run in runs),
                   notes=tuple(note for run in runs for note in run.notes))


def stages_of(net: Network, layer: str, target: Any, shape: Any, how: Any) -> list[Any]:
    """The `Stage`s: coarse structures first, then past local minima (see invert_pools.py), then the final one.

    ``coarse``: stages over spectra in which low frequencies move most. ``through``: all stages but the last are for the
    pool before the layer; its values are found in this number of steps. ``rounds`` (rounds, steps): stages with
    multipliers, for a pool behind another; otherwise ``smooth`` (levels, rate, steps): stages with fading noise, which
    is drawn again in each step. Inactive ReLUs and maxima at other places cause small local minima, in which L-BFGS
    would stop; the mean over a ball around the picture has none.
    """
    shapes, pixels, prior = net.shapes(shape), KINDS["pixels"](net, shape), priors(shape, how)

    def for_code(layer: Any, code: Any) -> Any:
        objective = code_distance(layer, code) + prior
        return lambda levels: objective

    asked = for_code(layer, target)
    pool = pool_before(net, layer) if how.through else None
    if pool:
        target = held_by(net, pool, shapes[pool], layer, target, how.through)
        layer = pool
    aim, method = for_code(layer, target), method_of(shape, how)
    stages = [Stage(aim, fourier(net, shape, decay=decay), (), method, steps) for decay, steps in how.coarse]
    multipliers = Multipliers.of(net, layer, target, shapes) if how.rounds else None
    if multipliers:
        rounds, steps = how.rounds
        moving = Stage(lambda levels: multipliers.aim(input_of(net, levels)) + prior, pixels, (), method, steps, True)
        stages += [moving] * rounds
    elif how.smooth:
        stages += smooth_stages(aim, pixels, net, *how.smooth)
    if pool:
        stages.append(Stage(aim, pixels, (), method, how.steps))
    last = Stage(asked, KINDS[how.parameterization](net, shape), (), method, how.steps)
    return [*(stage for stage in stages if stage.steps), last]


def smooth_stages(aim: Any, pixels: Any, net: Network, levels: Any, rate: Any, steps: int) -> Any:
    """Stages with noise from ``levels`` down to `FINEST`, while Adam's rate falls from ``rate`` towards 0."""
    black = np.zeros((1, 1, 1, net.input_channels), net.dtype)
    a_level = to_cpu(net.preprocess(black + 1) - net.preprocess(black)).ravel()
    stages = []
    for k in range(STAGES):
        amount = levels * (FINEST / levels) ** (k / (STAGES - 1))
        adam = Adam(rate * (1 - k / STAGES), beta2=0.99)
        stages.append(Stage(aim, pixels, (noise(amount * a_level),), adam, steps // STAGES))
    return stages


def sigma2_of(shape: Any) -> Any:
    return LEVELS**2 * float(np.prod(shape[1:]))


def priors(shape: Any, how: Any) -> Any:
    sigma2 = sigma2_of(shape)
    return how.tv / (2 * sigma2) * tv(how.tv_beta) + how.alpha / (2 * sigma2) * alpha_norm(6)


def method_of(shape: Any, how: Any) -> Any:
    """The method. Rates are for a picture in units of sigma; for levels they are multiplied by sigma^2."""
    if how.method == "lbfgs":
        return LBFGS(how.history)
    if not how.rates:
        raise BadValue("gradient steps need rates: ((rate, steps), ...)")
    return Gradient(tuple((rate * sigma2_of(shape), steps) for rate, steps in how.rates), how.momentum)
