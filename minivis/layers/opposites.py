"""The two answers of a net with one output: its score and the opposite one, (N, 1) -> (N, 2), out = (z, -z).

The sigmoid of them is (p, 1 - p), so "not the class" has a score and a gradient of its own, like any other class.
"""

from minivis.errors import BadValue
from minivis.layers.base import Layer
from minivis.runtime.backend import get_xp


class Opposites(Layer):
    """z and -z."""

    relevance = "adds"
    formula = "z, or -z for the second"

    def forward(self, x, *, mode):
        self.output_shape(x.shape)
        return get_xp(x).concatenate([x, -x], axis=1), None

    def backward(self, dout, cache, mode):
        return (dout[:, :1] - dout[:, 1:],), {}

    def output_shape(self, shape):
        if len(shape) != 2 or shape[1] != 1:
            raise BadValue(f"Opposites reads one number per picture, (N, 1), not {shape}")
        return shape[0], 2
