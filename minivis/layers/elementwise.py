"""Activation functions other than ReLU, each applied to every number by itself.

    Sigmoid         s(x) = 1 / (1 + exp(-x))            s (1 - s)
    Tanh            tanh(x)                             1 - tanh(x)^2
    SiLU            x s(x)                              s (1 + x (1 - s))               Elfwing et al. 2017; "swish"
    HardSigmoid     clip(slope x + offset, 0, 1)        slope between the kinks
    HardSwish       x clip(x/6 + 1/2, 0, 1)             x/3 + 1/2 between -3 and 3      Howard et al. 2019
    LeakyReLU       x, or slope x below 0               1, or slope                     Maas et al. 2013
    PReLU           the same, a slope w per channel     and dw = sum of dout x below 0  He et al. 2015
    ThresholdReLU   x above t, slope (x - t) below,     1, or slope; 0 above max        Keras' ReLU, all settings
                    and not above max

The rules "guided" and "deconv" use the chain rule here, as in captum, which overrides only ReLU: both rules are defined
for a unit that is off for x < 0, and none of these is. In a net without any ReLU, "guided" is therefore the gradient.
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, check_input
from minivis.runtime.backend import get_xp
from minivis.runtime.reductions import sum_positions
from minivis.runtime.settings import ARRAY, number, takes
from minivis.types import Array, Shape


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), computed by tanh, which never overflows."""
    return 0.5 * get_xp(x).tanh(0.5 * x) + 0.5


class Elementwise(Layer):
    """A function of each number by itself. ``kinks``: where it has no derivative."""

    relevance = "passes"
    elementwise = True
    kinks: tuple[float, ...] = ()

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        if not self.kinks:
            return rng.standard_normal(shape)
        return rng.choice(self.kinks, shape) + rng.uniform(0.2, 0.8, shape) * rng.choice([-1, 1], shape)

    def function(self, x: Array) -> Array:
        raise NotImplementedError

    def derivative(self, x: Array) -> Array:
        raise NotImplementedError

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        return self.function(x), x if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout * self.derivative(cache),), {}


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x))."""

    formula = "1 / (1 + exp(-x))"

    def function(self, x: Array) -> Array:
        return sigmoid(x)

    def derivative(self, x: Array) -> Array:
        s = sigmoid(x)
        return s * (1 - s)


class Tanh(Elementwise):
    """The hyperbolic tangent."""

    formula = "tanh(x)"

    def function(self, x: Array) -> Array:
        return get_xp(x).tanh(x)

    def derivative(self, x: Array) -> Array:
        return 1 - get_xp(x).tanh(x) ** 2


class SiLU(Elementwise):
    """x / (1 + exp(-x))."""

    formula = "x / (1 + exp(-x))"

    def function(self, x: Array) -> Array:
        return x * sigmoid(x)

    def derivative(self, x: Array) -> Array:
        s = sigmoid(x)
        return s * (1 + x * (1 - s))


class HardSigmoid(Elementwise):
    """clip(slope x + offset, 0, 1): 1/6 and 1/2 in PyTorch, 1/5 and 1/2 by default in ONNX and in old Keras."""

    settings = ("slope", "offset")
    formula = "clip(slope · x + offset, 0, 1)"

    @takes(slope=number(above=0), offset=number())
    def __init__(self, slope: float = 1 / 6, offset: float = 0.5) -> None:
        super().__init__()
        self.slope, self.offset = float(slope), float(offset)
        self.kinks = (-self.offset / self.slope, (1 - self.offset) / self.slope)

    def function(self, x: Array) -> Array:
        return (self.slope * x + self.offset).clip(0, 1)

    def derivative(self, x: Array) -> Array:
        inside = (x > self.kinks[0]) & (x < self.kinks[1])
        return (self.slope * inside).astype(x.dtype)


class HardSwish(Elementwise):
    """x times a hard sigmoid."""

    kinks = (-3.0, 3.0)
    formula = "x · clip(x/6 + 1/2, 0, 1)"

    def function(self, x: Array) -> Array:
        return x * (x / 6 + 0.5).clip(0, 1)

    def derivative(self, x: Array) -> Array:
        return get_xp(x).where(x <= -3, 0, get_xp(x).where(x >= 3, 1, x / 3 + 0.5)).astype(x.dtype)


class LeakyReLU(Elementwise):
    """x, and ``slope`` times x below 0."""

    settings = ("slope",)
    kinks = (0.0,)
    formula = "x, or slope · x below 0"

    @takes(slope=number())
    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = float(slope)

    def function(self, x: Array) -> Array:
        return get_xp(x).where(x > 0, x, self.slope * x)

    def derivative(self, x: Array) -> Array:
        return get_xp(x).where(x > 0, 1, self.slope).astype(x.dtype)


class ThresholdReLU(Elementwise):
    """x above ``threshold`` and not above ``max_value``; below, ``slope`` times how far x is below."""

    settings = ("max_value", "slope", "threshold")
    formula = "x above t, else slope · (x - t); at most max"

    @takes(max_value=number(), slope=number(), threshold=number())
    def __init__(self, max_value: float | None = None, slope: float = 0.0, threshold: float = 0.0) -> None:
        if max_value is not None and not max_value > max(0, threshold):
            raise BadValue(f"ThresholdReLU: max_value must be above 0 and the threshold, got {max_value!r}")
        super().__init__()
        self.max_value, self.slope, self.threshold = max_value, float(slope), float(threshold)
        self.kinks = (self.threshold,) if max_value is None else (self.threshold, float(max_value))

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        gap = min(1.0, *np.diff(self.kinks)) if len(self.kinks) > 1 else 1.0
        return rng.choice(self.kinks, shape) + gap * rng.uniform(0.1, 0.4, shape) * rng.choice([-1, 1], shape)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(*settings), [(2, 5, 6, 4)]) for settings in ((), (6, 0.1, 0.5), (None, 0.2, 1.0))]

    def function(self, x: Array) -> Array:
        xp = get_xp(x)
        above = x if self.max_value is None else x.clip(None, self.max_value)
        return xp.where(x > self.threshold, above, self.slope * (x - self.threshold))

    def derivative(self, x: Array) -> Array:
        xp = get_xp(x)
        above = 1 if self.max_value is None else x < self.max_value
        return xp.where(x > self.threshold, above, self.slope).astype(x.dtype)


class PReLU(Elementwise):
    """x, and below 0 times w, a learned slope for each channel, (C,)."""

    kinks = (0.0,)

    formula = "x, or w · x below 0"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(rng.standard_normal(4)), [shape]) for shape in ((2, 5, 6, 4), (7, 4))]

    @takes(w=ARRAY)
    def __init__(self, w: Array) -> None:
        if w.ndim != 1 or w.size == 0:
            raise BadValue(f"PReLU: w must be (C,), got {w.shape}")
        super().__init__(w=w)

    def function(self, x: Array) -> Array:
        return get_xp(x).where(x > 0, x, self.params["w"] * x)

    def derivative(self, x: Array) -> Array:
        return get_xp(x).where(x > 0, 1, self.params["w"]).astype(x.dtype)

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(x.shape)
        return super().forward(x, mode=mode)

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        dxs, _ = super().backward(dout, cache, mode)
        return dxs, {"w": sum_positions(dout * cache.clip(None, 0))} if mode.param_grads else {}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, len(shape), self.params["w"].size)
        return shape
