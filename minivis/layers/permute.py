"""A fixed permutation of the last axis, as a Flatten in another order or ShuffleNet's channel shuffle needs it.

    out[..., k] = x[..., order[k]],      order = arange(D).reshape(shape).transpose(axes).reshape(-1)
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, check_input
from minivis.runtime.settings import takes, wholes
from minivis.types import Array, Shape


class Permute(Layer):
    """Reorder the last axis, seen as ``shape``, by transposing ``axes``: (..., D) -> (..., D).

    ``Permute((H*W, C), (1, 0))`` after a Flatten gives the order C, H, W, in which PyTorch flattens. The gradient is
    permuted back, under every rule.
    """

    relevance = "routes"
    settings = ("shape", "axes")

    @takes(shape=wholes(), axes=wholes())
    def __init__(self, shape: Shape, axes: Sequence[int]) -> None:
        super().__init__()
        self.shape, self.axes = shape, axes
        if sorted(self.axes) != list(range(len(self.shape))) or min(self.shape, default=0) < 1:
            raise BadValue(f"Permute: axes {axes} do not reorder the axes of {shape}")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls((2, 3), (1, 0)), [(2, 3, 4, 6)]), (cls((4, 2, 3), (2, 0, 1)), [(5, 24)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        shape = self.output_shape(x.shape)
        ahead = len(shape) - 1
        axes = (*range(ahead), *(ahead + a for a in self.axes))
        return x.reshape(*shape[:-1], *self.shape).transpose(axes).reshape(shape), shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        ahead = len(cache) - 1
        back = sorted(range(len(self.axes)), key=self.axes.__getitem__)
        permuted = dout.reshape(*cache[:-1], *(self.shape[a] for a in self.axes))
        return (permuted.transpose(*range(ahead), *(ahead + a for a in back)).reshape(cache),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, len(shape), math.prod(self.shape))
        return shape
