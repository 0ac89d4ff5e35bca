"""The strongest position of each channel: (N, H, W, C) -> (N, C). A tie goes to the first, as in max pooling."""

import math
from typing import Any

import numpy as np

from minivis.layers.base import BackwardMode, ForwardMode, Layer, LayerGradients, Window, check_image
from minivis.runtime.backend import get_xp
from minivis.types import Array, Shape


class GlobalMaxPool(Layer):
    """The maximum of each channel; its gradient goes only to that place, under every rule."""

    relevance = "routes"

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        return 1e-3 * rng.permutation(math.prod(shape)).reshape(shape)         # no ties

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_image(self, x.shape)
        rows = x.reshape(x.shape[0], -1, x.shape[3])
        places = rows.argmax(axis=1)[:, None]
        out = get_xp(x).take_along_axis(rows, places, axis=1)[:, 0]
        return out, (places, x.shape) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        places, (N, H, W, C) = cache
        at = get_xp(dout).arange(H * W)[:, None] == places              # (N, H*W, C)
        return ((at * dout[:, None]).reshape(N, H, W, C),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        return shape[0], shape[3]

    def window(self, shape: Shape) -> Window | None:
        return Window((shape[1], shape[2]), (0, 0), (0, 0))
