"""Pooling: one number for each window, by the maximum or by the mean.

Max pooling remembers its *switches*, the place of the maximum in each window (a byte each): the gradient, and the
deconvnet's picture (Zeiler & Fergus 2014, section 2.1), go back only to that place. A tie goes to the first maximum,
row by row: after a ReLU many windows are all zero, and sending their gradient to several places would multiply it.

The functions here are the definitions, and what a GPU without our kernels runs. On a CPU max pooling goes band by band
(convolution/max_pool.py), to the same bits.
"""

import math
from typing import Any

import numpy as np

from minivis.convolution import cuda, max_pool
from minivis.convolution.window import (
    crop,
    kernel_views,
    normal_padding,
    output_size,
    pad,
    padded_shape,
    pair,
    resolve_padding,
)
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, Window, check_image
from minivis.runtime.backend import get_xp, has_kernels
from minivis.runtime.settings import SWITCH, takes
from minivis.types import HW, Array, Padding, Pads, Pair, Shape


def max_pool_forward(x: Array, size: HW, *, stride: HW, padding: Pads = ((0, 0), (0, 0)),
                     ceil: bool = False) -> tuple[Array, Array]:
    """x (N, H, W, C) -> out (N, OH, OW, C), and switches: which position of each window won, row by row."""
    xp = get_xp(x)
    out_size = output_size(x.shape[1:3], size, stride, padding, ceil=ceil)
    if has_kernels(x) and size[0] * size[1] <= 256:
        return cuda.max_pool_forward(x, size, stride, padding, out_size)
    xpad = pad(x, _ceil_padding(x.shape, size, stride, padding, out_size), value=-np.inf)
    views = kernel_views(xpad, size, out_size, stride)
    out = next(views).copy()
    switches = xp.zeros(out.shape, dtype=switch_type(size))
    for k, view in enumerate(views, start=1):
        better = view > out                     # strictly greater: the first maximum wins a tie
        xp.maximum(switches, better * switches.dtype.type(k), out=switches)     # the last that was better
        xp.maximum(out, view, out=out)
    return out, switches


def switch_type(size: HW) -> Any:
    """The smallest type that has a number for each place of a window."""
    return np.uint8 if size[0] * size[1] <= 256 else np.uint16


def max_pool_backward(dout: Array, switches: Array, x_shape: Shape, size: HW, *, stride: HW,
                      padding: Pads = ((0, 0), (0, 0))) -> Array:
    """dx (N, H, W, C): each gradient goes to the place that its switch names; a place that won twice gets the sum."""
    out_size = dout.shape[1:3]
    if has_kernels(dout) and switches.dtype == np.uint8:
        return cuda.max_pool_backward(dout, switches, x_shape, size, stride, padding)
    pads = _ceil_padding(x_shape, size, stride, padding, out_size)
    dxpad = get_xp(dout).zeros(padded_shape(x_shape, pads), dtype=dout.dtype)
    for k, view in enumerate(kernel_views(dxpad, size, out_size, stride)):
        view += dout * (switches == k)
    return crop(dxpad, pads)


def avg_pool_forward(x: Array, size: HW, *, stride: HW, padding: Pads = ((0, 0), (0, 0)), ceil: bool = False,
                     count_padding: bool = True) -> Array:
    """x (N, H, W, C) -> out (N, OH, OW, C): the mean of each window, see `window_counts`."""
    out_size = output_size(x.shape[1:3], size, stride, padding, ceil=ceil)
    xpad = pad(x, _ceil_padding(x.shape, size, stride, padding, out_size))
    counts = window_counts(x, size, stride, padding, out_size, count_padding)
    return sum(kernel_views(xpad, size, out_size, stride)) / counts


def avg_pool_backward(dout: Array, x_shape: Shape, size: HW, *, stride: HW, padding: Pads = ((0, 0), (0, 0)),
                      count_padding: bool = True) -> Array:
    """dx (N, H, W, C): each gradient is spread equally over its window."""
    out_size = dout.shape[1:3]
    pads = _ceil_padding(x_shape, size, stride, padding, out_size)
    dxpad = get_xp(dout).zeros(padded_shape(x_shape, pads), dtype=dout.dtype)
    share = dout / window_counts(dxpad, size, stride, padding, out_size, count_padding, x_shape)
    for view in kernel_views(dxpad, size, out_size, stride):
        view += share
    return crop(dxpad, pads)


def window_counts(like: Array, size: HW, stride: HW, padding: Pads, out_size: Any,
                  count_padding: bool, x_shape: Shape | None = None) -> Array:
    """How many positions each window counts, (OH, OW, 1): real ones, and those of the padding if ``count_padding``.

    What a ceil window covers beyond the padding never counts (Caffe and PyTorch agree).
    """
    xp, per_axis = get_xp(like), []
    for n, k, s, (before, after), o in zip((x_shape or like.shape)[1:3], size, stride, padding, out_size):
        first = xp.arange(o) * s - before
        low, high = (-before, n + after) if count_padding else (0, n)
        per_axis.append(xp.minimum(first + k, high) - xp.maximum(first, low))
    return (per_axis[0][:, None, None] * per_axis[1][:, None]).astype(like.dtype)


def _ceil_padding(x_shape: Shape, size: HW, stride: HW, padding: Pads,
                  out_size: Any) -> tuple[Any, ...]:
    """``padding``, enlarged at the end as the last window needs. It is never reduced, even where no window reads it."""
    return tuple(
        (before, max(after, (o - 1) * s + k - n - before))
        for n, k, s, (before, after), o in zip(x_shape[1:3], size, stride, padding, out_size)
    )


class _Pool2D(Layer):
    """What max and average pooling share: the geometry. ``stride`` None means the window's size."""

    settings: tuple[str, ...] = ("size", "stride", "padding", "ceil")

    @takes(ceil=SWITCH)
    def __init__(self, size: Pair, *, stride: Pair | None = None, padding: Padding = 0, ceil: bool = False) -> None:
        super().__init__()
        self.size = pair(size, "size")
        self.stride = self.size if stride is None else pair(stride, "stride")
        self.padding = normal_padding(padding)
        self.ceil = bool(ceil)
        if self.padding != "same" and any(p >= k for pads, k in zip(self.padding, self.size) for p in pads):
            raise BadValue(f"{type(self).__name__}: with padding {padding}, a window of {self.size} would see nothing "
                           "but padding")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        ceil = cls((2, 3), stride=3, padding=((1, 0), (0, 2)), ceil=True)
        return [(layer, [(2, 7, 6, 3)]) for layer in (cls(2), cls(3, stride=2, padding="same"), ceil)]

    def geometry(self, x_shape: Shape) -> dict[str, Any]:
        padding = resolve_padding(self.padding, x_shape[1:3], self.size, self.stride)
        return {"stride": self.stride, "padding": padding}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        size = output_size(shape[1:3], self.size, self.stride, self.geometry(shape)["padding"], ceil=self.ceil)
        return (shape[0], *size, shape[3])

    def window(self, shape: Shape) -> Window | None:
        padding = self.geometry(shape)["padding"]
        (top, _), (left, _) = padding
        return Window(self.size, self.stride, (-top, -left), padding)


class MaxPool2D(_Pool2D):
    """The maximum of each window; beyond the edge, a window sees minus infinity."""

    relevance = "routes"
    padding_value = -np.inf

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Without ties: a shuffled range."""
        return 1e-3 * rng.permutation(math.prod(shape)).reshape(shape)

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        how, shape = self.geometry(x.shape), self.output_shape(x.shape)
        switches: Array | None
        if get_xp(x) is np:
            out = mode.empty(shape, x.dtype)
            switches = mode.empty(shape, switch_type(self.size)) if mode.grad else None
            max_pool.forward(x, self.size, self.stride, how["padding"], out, switches)
        else:
            out, switches = max_pool_forward(x, self.size, **how, ceil=self.ceil)
        return out, (switches, x.shape) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        (switches, x_shape), how = cache, self.geometry(cache[1])
        if get_xp(dout) is not np:
            return (max_pool_backward(dout, switches, x_shape, self.size, **how),), {}
        dx = mode.empty(x_shape, dout.dtype)
        max_pool.backward(dout, switches, self.size, self.stride, how["padding"], dx)
        return (dx,), {}


class AvgPool2D(_Pool2D):
    """The mean of each window; padding counts as zeros (Caffe) unless ``count_padding`` is False (Keras)."""

    relevance = "adds"
    settings = (*_Pool2D.settings, "count_padding")

    @takes(count_padding=SWITCH)
    def __init__(self, size: Pair, *, stride: Pair | None = None, padding: Padding = 0, ceil: bool = False,
                 count_padding: bool = True) -> None:
        super().__init__(size, stride=stride, padding=padding, ceil=ceil)
        self.count_padding = bool(count_padding)

    @property
    def padding_value(self) -> float | None:  # type: ignore[override]
        """None if the number of positions that a window counts depends on where it is."""
        return 0.0 if self.padding == ((0, 0), (0, 0)) and not self.ceil else None

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_image(self, x.shape)
        how = {**self.geometry(x.shape), "count_padding": self.count_padding}
        return avg_pool_forward(x, self.size, ceil=self.ceil, **how), x.shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        how = {**self.geometry(cache), "count_padding": self.count_padding}
        return (avg_pool_backward(dout, cache, self.size, **how),), {}


class GlobalAvgPool(Layer):
    """The mean of each channel over all positions: (N, H, W, C) -> (N, C)."""

    relevance = "adds"

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_image(self, x.shape)
        return x.mean(axis=(1, 2)), x.shape if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        _, H, W, _ = cache
        share = dout[:, None, None, :] / (H * W)
        return (get_xp(dout).broadcast_to(share, cache).copy(),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        return shape[0], shape[3]

    def window(self, shape: Shape) -> Window | None:
        return Window((shape[1], shape[2]), (0, 0), (0, 0))
