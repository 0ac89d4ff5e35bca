"""Larger maps: each position repeated (Upsample), or the transpose of a convolution (ConvTranspose2D).

Both are linear, so all rules use the chain rule here. Several output positions see one input position, which tiles
cannot describe, as they need whole strides from layer to layer: passes through these layers run on whole pictures.
"""

from typing import Any

import numpy as np

from minivis.convolution.window import pair
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
from minivis.layers.conv import Conv2D
from minivis.runtime.backend import get_xp
from minivis.runtime.reductions import sum_positions
from minivis.runtime.settings import ARRAY, takes, whole
from minivis.types import Array, Padding, Pair, Shape


class Upsample(Layer):
    """Nearest neighbour: out[n, i, j, c] = x[n, i // fh, j // fw, c] for a ``factor`` (fh, fw) of whole numbers."""

    relevance = "routes"
    settings = ("factor",)

    def __init__(self, factor: Pair = 2) -> None:
        super().__init__()
        self.factor = pair(factor, "factor")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(factor), [(2, 3, 4, 3)]) for factor in (2, (1, 3))]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        shape = self.output_shape(x.shape)
        (N, H, W, C), (fh, fw) = x.shape, self.factor
        out = get_xp(x).broadcast_to(x[:, :, None, :, None], (N, H, fh, W, fw, C)).reshape(shape)
        return out, x.shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        (N, H, W, C), (fh, fw) = cache, self.factor
        return (dout.reshape(N, H, fh, W, fw, C).sum(axis=(2, 4)),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        return shape[0], shape[1] * self.factor[0], shape[2] * self.factor[1], shape[3]

    def window(self, shape: Shape) -> Window | None:
        return Window((shape[1], shape[2]), (0, 0), (0, 0))    # no whole stride fits: as if it saw everything


class ConvTranspose2D(Layer):
    """The transpose of a `Conv2D` from F channels to C: w (KH, KW, F/groups, C), b (F,) or None, x (N, H, W, C).

        OH = (H - 1) * stride - padding + (KH - 1) * dilation + 1 + output_padding

    Its forward is that convolution's gradient at its input, and its backward that convolution's forward.
    """

    relevance = "weighs"
    settings = ("stride", "padding", "dilation", "groups", "output_padding")

    @takes(w=ARRAY, b=ARRAY, groups=whole(1))
    def __init__(self, w: Array, b: Array | None = None, *, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1,
                 groups: int = 1, output_padding: Pair = 0) -> None:
        self.conv = Conv2D(w, stride=stride, padding=padding, dilation=dilation, groups=groups)
        if self.conv.padding == "same":
            raise BadValue('ConvTranspose2D: padding must be numbers; "same" does not determine the size of the output')
        if b is not None and b.shape != (self.conv.channels,):
            raise BadValue(f"ConvTranspose2D: b must be ({self.conv.channels},) for w {w.shape}, got {b.shape}")
        super().__init__(w=w) if b is None else super().__init__(w=w, b=b)
        self.stride, self.padding, self.dilation, self.groups = (
            self.conv.stride, self.conv.padding, self.conv.dilation, self.conv.groups)
        self.output_padding = pair(output_padding, "output_padding", least=0)
        if any(more >= s for more, s in zip(self.output_padding, self.stride)):
            raise BadValue(f"ConvTranspose2D: output_padding {output_padding} must be below the stride {self.stride}")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        plain = cls(rng.standard_normal((3, 2, 3, 4)), rng.standard_normal(3), stride=2, padding=1, output_padding=1)
        grouped = cls(rng.standard_normal((2, 3, 3, 4)), stride=(3, 2), padding=((0, 1), (2, 0)), dilation=2, groups=2)
        return [(layer, [(2, 4, 3, 4)]) for layer in (plain, grouped)]

    def set_params(self, **params: Array) -> None:
        super().set_params(**params)
        if "w" in params:
            self.conv.set_params(w=params["w"])

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        shape = self.output_shape(x.shape)
        out: Any
        (out,), _ = self.conv.backward(x, shape, BackwardMode(workspace=mode.workspace))
        out = out + self.params["b"] if "b" in self.params else out
        return out, {None: None, "image": True, "params": x}[mode.grad]

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        dx, _ = self.conv.forward(dout, mode=ForwardMode(None, workspace=mode.workspace))
        if not mode.param_grads:
            return (dx,), {}
        no_input = BackwardMode(param_grads=True, input_grads=False, workspace=mode.workspace)
        _, grads = self.conv.backward(cache, dout, no_input)            # dout is that convolution's input, x its dout
        return (dx,), grads | {"b": sum_positions(dout)} if "b" in self.params else grads

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, 4, self.params["w"].shape[3])
        kernel = self.params["w"].shape[:2]
        sizes = [(n - 1) * s - sum(pads) + (k - 1) * d + 1 + more for n, s, pads, k, d, more in zip(
            shape[1:3], self.stride, self.padding, kernel, self.dilation, self.output_padding)]
        if min(sizes) < 1:
            raise BadValue(f"ConvTranspose2D: nothing is left of an input {shape} once the padding is cut off")
        return (shape[0], *sizes, self.conv.channels)

    def window(self, shape: Shape) -> Window | None:
        return Window((shape[1], shape[2]), (0, 0), (0, 0))               # as Upsample's

    def multiply_adds(self, shape: Shape, out_shape: Shape) -> int:
        return shape[1] * shape[2] * self.params["w"].size
