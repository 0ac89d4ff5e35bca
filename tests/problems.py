"""Small problems to optimise, one of them with a known minimum."""

from minivis.objectives.activations import log_probability
from minivis.objectives.base import objective
from minivis.objectives.priors import l2, tv
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.runtime.backend import constant


def problem(net, kind=pixels, count=2, **settings):
    goal = -1 * log_probability("fc8", [1, 3][:count]) + 1e-7 * tv() + 1e-7 * l2()
    return Problem(net, goal, kind(net, (count, 16, 16, 3)), **settings)


def quadratic(net, centre, slopes=1.0):
    """slopes * (levels - centre)^2, summed: its minimum within 0..255 is known."""
    def evaluate(acts):
        levels = acts.net.deprocess(acts["input"])
        difference = levels - centre
        return (slopes * difference**2).reshape(len(levels), -1).sum(axis=1), {
            "input": 2 * slopes * difference * constant(acts.net.preprocessing.scale, levels)}

    return objective("quadratic", ("input",), evaluate)
