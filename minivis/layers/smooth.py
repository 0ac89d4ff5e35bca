"""Activation functions that are smooth where ReLU has its kink (ELU only with alpha = 1).

    ELU             x, or alpha (exp(x) - 1) below 0    1, or alpha exp(x)              Clevert et al. 2016
    GELU            x P(X < x) for X normal             P(X < x) + x density(x)         Hendrycks & Gimpel 2016
    Softplus        log(1 + exp(x))                     1 / (1 + exp(-x))               Dugas et al. 2001
    Softsign        x / (1 + |x|)                       1 / (1 + |x|)^2                 Turian et al. 2009
    Mish            x tanh(softplus(x))                 by the product rule             Misra 2019

As in elementwise.py, the rules "guided" and "deconv" use the chain rule here.
"""

import math

import numpy as np

from minivis.layers.base import Examples
from minivis.layers.elementwise import Elementwise, sigmoid
from minivis.runtime.backend import erf, get_xp
from minivis.runtime.settings import SWITCH, number, takes
from minivis.types import Array


class ELU(Elementwise):
    """x, and alpha * (exp(x) - 1) below 0; both times ``scale`` (SELU: alpha 1.6733 and scale 1.0507)."""

    settings = ("alpha", "scale")
    formula = "scale · x, or scale · alpha · (exp(x) - 1) below 0"
    kinks = (0.0,)

    @takes(alpha=number(), scale=number())
    def __init__(self, alpha: float = 1.0, scale: float = 1.0) -> None:
        super().__init__()
        self.alpha, self.scale = float(alpha), float(scale)

    def function(self, x: Array) -> Array:
        xp = get_xp(x)
        return self.scale * xp.where(x > 0, x, self.alpha * xp.expm1(x.clip(None, 0)))

    def derivative(self, x: Array) -> Array:
        xp = get_xp(x)
        return (self.scale * xp.where(x > 0, 1, self.alpha * xp.exp(x.clip(None, 0)))).astype(x.dtype)


class GELU(Elementwise):
    """x times the probability that a standard normal number is below x; ``approximate``: by tanh, as in GPT-2."""

    settings = ("approximate",)
    formula = "x · P(X < x), X normal"

    @takes(approximate=SWITCH)
    def __init__(self, approximate: bool = False) -> None:
        super().__init__()
        self.approximate = approximate

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(approximate), [(2, 5, 6, 4)]) for approximate in (False, True)]

    def share(self, x: Array) -> tuple[Array, Array]:
        """P(X < x) and its derivative. Beyond 10 both are constant in floats, so x is clipped there."""
        xp, x = get_xp(x), x.clip(-10, 10)
        if not self.approximate:
            return 0.5 + 0.5 * erf(x / math.sqrt(2)), xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        factor = math.sqrt(2 / math.pi)
        t = xp.tanh(factor * (x + 0.044715 * x**3))
        return 0.5 + 0.5 * t, 0.5 * factor * (1 - t * t) * (1 + 3 * 0.044715 * x * x)

    def function(self, x: Array) -> Array:
        return x * self.share(x)[0]

    def derivative(self, x: Array) -> Array:
        share, density = self.share(x)
        return share + x.clip(-10, 10) * density


def softplus(x: Array) -> Array:
    xp = get_xp(x)
    return x.clip(0, None) + xp.log1p(xp.exp(-abs(x)))


class Softplus(Elementwise):
    """log(1 + exp(x))."""

    formula = "log(1 + exp(x))"

    def function(self, x: Array) -> Array:
        return softplus(x)

    def derivative(self, x: Array) -> Array:
        return sigmoid(x)


class Softsign(Elementwise):
    """x / (1 + |x|)."""

    formula = "x / (1 + |x|)"

    def function(self, x: Array) -> Array:
        return x / (1 + abs(x))

    def derivative(self, x: Array) -> Array:
        r = 1 / (1 + abs(x))
        return r * r


class Mish(Elementwise):
    """x tanh(log(1 + exp(x)))."""

    formula = "x · tanh(log(1 + exp(x)))"

    def function(self, x: Array) -> Array:
        return x * get_xp(x).tanh(softplus(x))

    def derivative(self, x: Array) -> Array:
        t = get_xp(x).tanh(softplus(x))
        return t + x * (1 - t * t) * sigmoid(x)
