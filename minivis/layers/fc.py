"""Flatten, its inverse, and FullyConnected, in which every output weighs every input.

    out[n, f] = b[f] + sum over d of  x[n, d] * w[d, f]
"""

import math
from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import (
    BackwardMode,
    Examples,
    ForwardMode,
    Layer,
    LayerGradients,
    Window,
    check_image,
    check_input,
)
from minivis.runtime.matmul import product
from minivis.runtime.reductions import sum_positions
from minivis.runtime.settings import ARRAY, takes, wholes
from minivis.types import Array, Shape


class Flatten(Layer):
    """(N, H, W, C) -> (N, H*W*C), in that order: the channels of one position stay neighbours."""

    relevance = "routes"

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        return x.reshape(x.shape[0], -1), x.shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout.reshape(cache),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        return shape[0], shape[1] * shape[2] * shape[3]

    def window(self, shape: Shape) -> Window | None:
        return Window((shape[1], shape[2]), (0, 0), (0, 0))


class Unflatten(Layer):
    """(N, H*W*C) -> (N, H, W, C) for a ``shape`` (H, W, C): what a decoder begins with."""

    relevance = "routes"
    settings = ("shape",)

    @takes(shape=wholes())
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise BadValue(f"Unflatten: shape is (H, W, C), three numbers of at least 1, not {shape!r}")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls((2, 3, 4)), [(5, 24)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        return x.reshape(self.output_shape(x.shape)), True if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout.reshape(len(dout), -1),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, 2, math.prod(self.shape))
        return shape[0], *self.shape


def fully_connected_forward(x: Array, w: Array, b: Array | None = None) -> Array:
    """x (N, D), w (D, F), b (F,) or None -> out (N, F)."""
    out = product(x, w)
    return out if b is None else out + b


def fully_connected_backward(dout: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """dx (N, D), dw (D, F), db (F,) for dout (N, F)."""
    return product(dout, w.T), product(x.T, dout), sum_positions(dout)


class FullyConnected(Layer):
    """x @ w + b with w (in, out) and b (out,) or None."""

    relevance = "weighs"

    @takes(w=ARRAY, b=ARRAY)
    def __init__(self, w: Array, b: Array | None = None) -> None:
        if w.ndim != 2 or 0 in w.shape:
            raise BadValue(f"FullyConnected: w must have the shape (in, out), with no side of 0, got {w.shape}")
        if b is not None and b.shape != w.shape[1:]:
            raise BadValue(f"FullyConnected: b must have the shape {w.shape[1:]} for w {w.shape}, got {b.shape}")
        super().__init__(w=w) if b is None else super().__init__(w=w, b=b)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        w, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
        return [(cls(w), [(2, 4)]), (cls(w, b), [(5, 4)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_input(self, x.shape, 2, self.params["w"].shape[0])
        out = fully_connected_forward(x, self.params["w"], self.params.get("b"))
        return out, x if mode.grad == "params" else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        w = self.params["w"]
        if not mode.param_grads:
            return (product(dout, w.T),), {}            # x is not needed, so an "image" pass did not keep it
        dx, dw, db = fully_connected_backward(dout, cache, w)
        return (dx,), {"w": dw, "b": db} if "b" in self.params else {"w": dw}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, 2, self.params["w"].shape[0])
        return shape[0], self.params["w"].shape[1]

    def multiply_adds(self, shape: Shape, out_shape: Shape) -> int:
        return self.params["w"].size
