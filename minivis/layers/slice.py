"""Some of the channels, as ShuffleNet and CSPNet split their maps.

    out[..., c] = x[..., start + c]             for c below stop - start
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients
from minivis.runtime.backend import get_xp
from minivis.runtime.settings import takes, whole
from minivis.types import Array, Shape


class Slice(Layer):
    """Channels ``start`` to ``stop`` - 1. The gradient at the others is zero, under every rule."""

    relevance = "routes"
    settings = ("start", "stop")

    @takes(start=whole(), stop=whole())
    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop
        if not 0 <= self.start < self.stop:
            raise BadValue(f"Slice needs 0 <= start < stop, got {start} and {stop}")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(1, 3), [(2, 3, 4, 5)]), (cls(0, 2), [(3, 4)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(x.shape)
        return get_xp(x).ascontiguousarray(x[..., self.start : self.stop]), x.shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        dx = get_xp(dout).zeros(cache, dout.dtype)
        dx[..., self.start : self.stop] = dout
        return (dx,), {}

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] < self.stop:
            raise BadValue(f"Slice: an input {shape} has no channels {self.start} to {self.stop}")
        return (*shape[:-1], self.stop - self.start)
