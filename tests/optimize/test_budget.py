"""What a run takes of memory, and what gives way where that is too much."""

import tracemalloc

import numpy as np
import pytest

from minivis.models.tiny import tiny_vgg
from minivis.objectives.priors import l2, tv
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import LBFGS, Adam, Gradient


@pytest.mark.parametrize("method", [LBFGS(3), LBFGS(12), Adam(1.0), Gradient(1.0)], ids=str)
def test_a_run_takes_about_the_memory_that_it_says(method):
    net = tiny_vgg()
    made = Problem(net, l2() + 1e-3 * tv(), pixels(net, (1, 96, 128, 3)))
    z = made.parameterization.start(np.random.default_rng(0).uniform(0, 255, (96, 128, 3)))
    optimize(made, z, method=method, steps=1)                           # what is imported once
    tracemalloc.start()
    run = optimize(made, z, method=method, steps=15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * run.memory < peak < run.memory, peak / run.memory
