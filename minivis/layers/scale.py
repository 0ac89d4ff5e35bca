"""A factor and an offset for each channel: ONNX's Mul and Add by constants, Caffe's Scale.

    out[..., c] = w[c] * x[..., c] + b[c]
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, check_input
from minivis.runtime.reductions import sum_positions, wide
from minivis.runtime.settings import ARRAY, takes
from minivis.types import Array, Shape


class Scale(Layer):
    """w * x + b over the last axis, w and b (C,). It is linear, so guided and deconv use the chain rule here: captum
    overrides only ReLU, and Zeiler & Fergus rectify nothing else."""

    relevance = "passes"
    elementwise = True
    formula = "w · x + b"

    @takes(w=ARRAY, b=ARRAY)
    def __init__(self, w: Array, b: Array) -> None:
        if w.ndim != 1 or w.size == 0 or w.shape != b.shape:
            raise BadValue(f"Scale: w and b must have the same shape (C,), got {w.shape} and {b.shape}")
        super().__init__(w=w, b=b)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        w, b = rng.standard_normal((2, 4))
        return [(cls(w, b), [shape]) for shape in ((2, 5, 6, 4), (7, 4))]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_input(self, x.shape, len(x.shape), self.params["w"].size)
        rows, w, b = wide(x, self.params["w"], self.params["b"])
        return (rows * w + b).reshape(x.shape), x if mode.grad == "params" else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        rows, w = wide(dout, self.params["w"])
        dx = (rows * w).reshape(dout.shape)
        if not mode.param_grads:
            return (dx,), {}
        return (dx,), {"w": sum_positions(dout * cache), "b": sum_positions(dout)}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, len(shape), self.params["w"].size)
        return shape
