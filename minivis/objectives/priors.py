"""Priors on the image as objectives at the layer "input": pictures are small, smooth and within range.

They read *levels*: d = x * scale, the deviation of each colour of each pixel from the net's mean, in units of 0..255.
The gradient is scaled likewise. So the weights of papers, whose nets read pixels minus a mean, hold for any net.

    l2              sum of d^2                                                          Simonyan et al. 2014
    alpha_norm      sum of |d|^alpha                                                    Mahendran & Vedaldi 2015, 3
    tv              sum of ((d[i, j+1] - d[i, j])^2 + (d[i+1, j] - d[i, j])^2)^(beta/2)     equation 4 there
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minivis.engine.geometry import preprocessing_of
from minivis.errors import BadValue
from minivis.objectives.activations import row_sums
from minivis.objectives.base import Objective, objective
from minivis.runtime.backend import constant, get_xp
from minivis.runtime.settings import NUMBER, takes
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations

AT_ONCE = 2**22                                 # numbers of a picture for which differences are held at once


def l2() -> Objective:
    """The sum of squares of the levels."""
    return _prior("l2", lambda d: (row_sums(d * d), 2 * d))


@takes(alpha=NUMBER)
def alpha_norm(alpha: float = 6) -> Objective:
    """The sum of |level|^alpha; with 6 it is small within the range of pixels and large beyond it."""
    if not 1 <= alpha < math.inf:
        raise BadValue(f"alpha must be a number of at least 1, not {alpha}")

    def evaluate(d: Array) -> tuple[Any, Any]:
        xp = get_xp(d)
        power = xp.power(abs(d), alpha - 1)
        return row_sums(power * abs(d)), alpha * power * xp.sign(d)

    return _prior(f"|x|^{alpha:g}", evaluate)


@takes(beta=NUMBER, epsilon=NUMBER)
def tv(beta: float = 2, epsilon: float = 1e-2) -> Objective:
    """Total variation, summed over colours; differences across the border count as 0.

    For beta below 2 the function has a kink at flat places; there ``epsilon`` (levels squared) is added under the
    power, and its sum is subtracted again, so that a flat picture has a TV of 0. With an epsilon of 0 the slope at a
    flat place is 0, which is a subgradient.
    """
    if not 0 < beta < math.inf:
        raise BadValue(f"beta must be a number above 0, not {beta}")
    if not 0 <= epsilon < math.inf:
        raise BadValue(f"epsilon must be a number of at least 0, not {epsilon}")
    epsilon = epsilon if beta < 2 else 0

    def of_squares(squares: Array) -> tuple[Any, Any]:
        """The sum of squares^(beta/2), (N,), and its slope at them, without a factor 1/2."""
        xp = get_xp(squares)
        if beta == 2:
            return row_sums(squares), 2.0
        squares += epsilon
        power = xp.sqrt(squares) if beta == 1 else xp.power(squares, beta / 2)          # a root is much faster
        if beta > 2:
            slope = beta * xp.power(squares, beta / 2 - 1)
        else:
            slope = beta * (power / xp.where(squares > 0, squares, 1))         # a tiny epsilon may be 0 in float32
        return row_sums(power - epsilon ** (beta / 2)), slope

    def evaluate(d: Array) -> tuple[Any, Any]:
        """In bands of rows: of a large picture, the result is the only array of its size."""
        xp, height = get_xp(d), d.shape[1]
        whole, losses, above = xp.empty_like(d), 0.0, None
        rows = max(1, AT_ONCE * height // d.size)
        for first in range(0, height, rows):
            band, below = d[:, first : first + rows], d[:, first + 1 : first + rows + 1]
            right, down = xp.zeros_like(band), xp.zeros_like(band)
            right[:, :, :-1] = band[:, :, 1:] - band[:, :, :-1]
            down[:, : below.shape[1]] = below - band[:, : below.shape[1]]
            squares = right * right + down * down
            values, slope = of_squares(squares)
            right, down = slope * right, slope * down
            dd = -right - down
            dd[:, :, 1:] += right[:, :, :-1]
            dd[:, 1:] += down[:, :-1]
            if above is not None:
                dd[:, :1] += above
            whole[:, first : first + rows] = dd
            losses, above = losses + values, down[:, -1:]
        return losses, whole

    return _prior("tv" if beta == 2 else f"tv^{beta:g}", evaluate)


def _prior(name: str, evaluate: Callable[..., Any]) -> Objective:
    """An objective at "input" from levels -> (losses, gradient at the levels)."""
    def at_input(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        x = acts["input"]
        scale = constant(preprocessing_of(acts.net).scale, x)
        losses, dd = evaluate(x * scale)
        dd *= scale
        return losses, {"input": dd}

    return objective(name, ("input",), at_input)
