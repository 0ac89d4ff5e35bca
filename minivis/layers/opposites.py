"""The two answers of a net with one output: its score and the opposite one, (N, 1) -> (N, 2), out = (z, -z).

The sigmoid of them is (p, 1 - p), so "not the class" has a score and a gradient of its own, like any other class.
"""

from typing import Any

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode, Layer, LayerGradients
from minivis.runtime.backend import get_xp
from minivis.types import Array, Shape


class Opposites(Layer):
    """z and -z."""

    relevance = "adds"
    formula = "z, or -z for the second"

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(x.shape)
        return get_xp(x).concatenate([x, -x], axis=1), None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout[:, :1] - dout[:, 1:],), {}

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2 or shape[1] != 1:
            raise BadValue(f"Opposites reads one number per picture, (N, 1), not {shape}")
        return shape[0], 2
