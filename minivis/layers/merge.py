"""Layers that read several others: Concat (GoogLeNet), Add (ResNet) and Multiply (squeeze and excitation)."""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients
from minivis.runtime.backend import get_xp
from minivis.types import Array, Shape


class Concat(Layer):
    """Stack channels: (N, ..., C1), (N, ..., C2), ... -> (N, ..., C1 + C2 + ...). Each input gets its part of dout."""

    relevance = "routes"
    inputs = None

    def forward(self, *inputs: Array, mode: ForwardMode) -> tuple[Array, Any]:
        shape = self.output_shape(*(x.shape for x in inputs))
        out = get_xp(inputs[0]).concatenate(inputs, axis=len(shape) - 1)
        return out, tuple(x.shape[-1] for x in inputs) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        ends = [sum(cache[: i + 1]) for i in range(len(cache))]
        return tuple(dout[..., end - channels : end] for channels, end in zip(cache, ends)), {}

    def output_shape(self, *shapes: Shape) -> Shape:
        if len({s[:-1] for s in shapes}) > 1:
            raise BadValue(f"Concat: all axes but the last must agree, got {shapes}")
        return (*shapes[0][:-1], sum(s[-1] for s in shapes))


class Add(Layer):
    """Residual sum: a gradient arriving at a sum goes to every term unchanged."""

    relevance = "adds"
    inputs = None

    def forward(self, *inputs: Array, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(*(x.shape for x in inputs))
        return sum(inputs[1:], start=inputs[0]), len(inputs) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout,) * cache, {}

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(set(shapes)) > 1:
            raise BadValue(f"Add: all shapes must agree, got {shapes}")
        return shapes[0]


class Multiply(Layer):
    """The product of all inputs. One with a single position or channel (axes of size 1) is broadcast over the others.

    The gradient at an input is dout times the other inputs, summed over the axes along which it was broadcast. The
    guided and deconv rules use it too, as in captum, which overrides only ReLU.
    """

    relevance = "gates"
    inputs = None

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        maps: Shape = (2, 5, 6, 4)
        return [(cls(), shapes) for shapes in ([maps] * 3, [maps, (2, 1, 1, 4)], [(2, 5, 6, 1), maps])]

    def forward(self, *inputs: Array, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(*(x.shape for x in inputs))
        out = inputs[0]
        for x in inputs[1:]:
            out = out * x
        return out, inputs if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        dxs = []
        for i, x in enumerate(cache):
            dx = dout
            for other in [*cache[:i], *cache[i + 1 :]]:
                dx = dx * other
            spread = tuple(axis for axis, n in enumerate(x.shape) if n == 1 and dx.shape[axis] > 1)
            dxs.append(dx.sum(axis=spread, keepdims=True) if spread else dx)
        return tuple(dxs), {}

    def output_shape(self, *shapes: Shape) -> Shape:
        sides = [set(axis) - {1} for axis in zip(*shapes)] if len({len(s) for s in shapes}) == 1 else [{0, 2}]
        if any(len(side) > 1 for side in sides) or len({s[0] for s in shapes}) > 1:
            raise BadValue(f"Multiply: all shapes must agree except for axes of size 1, got {shapes}")
        return tuple(max(axis) for axis in zip(*shapes))
