"""A convolution, its ReLU and perhaps its max pool as one step, which works on a band of rows while it is in cache.

What each layer remembers for backward is recorded under its own name, in the form that the layer itself would give it,
so that a backward pass can take the three as one again, or one by one from a seed in between. Only the outputs in
between do not exist. `plan.py` decides where this is done; a convolution that does not go band by band runs by itself.
On a GPU the convolution's own last kernel does the ReLU, and the pool follows.
"""

import math
from typing import Any

import numpy as np

from minivis.convolution import cuda, direct, run, tuning, window
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.layers.conv import Conv2D
from minivis.layers.pool import MaxPool2D
from minivis.layers.relu import RELU_RULES, ReLU
from minivis.runtime.bits import Bits
from minivis.runtime.threads import scratch
from minivis.types import Array, Shape


def fusable(conv: Any, relu: Any, pool: Any = None) -> Any:
    """Whether these three are of exactly these classes, and not subclasses, which may compute something else."""
    if not (type(conv) is Conv2D and type(relu) is ReLU):
        return False
    if conv.groups > 1 and conv.params["w"].shape[2:] != (1, conv.groups):      # groups that run one after another
        return False
    if pool is None:
        return True
    plain = type(pool) is MaxPool2D and pool.padding == ((0, 0), (0, 0)) and not pool.ceil
    return plain and pool.size == pool.stride == (2, 2)


class FusedConv:
    """``names`` and ``layers`` of a Conv2D, a ReLU and perhaps a MaxPool2D of 2 x 2 at stride 2."""

    def __init__(self, names: Any, layers: Any) -> None:
        self.names, self.layers = names, layers
        self.conv, self.relu, self.pool = (*layers, None)[:3]

    def at(self, mode: Any) -> Any:
        """``mode`` with the algorithm of this convolution, where algorithms are given by layer."""
        return mode.at(self.names[0])

    def forward(self, x: Array, *, mode: ForwardMode) -> Any:
        """Return the last one's output, and [(name, shape of its output, cache), ...]."""
        mode = self.at(mode)
        algorithm = self.pick(x, x.shape, mode)
        if algorithm is None:
            on_device = run.pick(self.conv, "forward", x, x.shape, mode) == "device"
            return self.on_device(x, mode) if on_device else self.one_by_one(x, mode)
        sink = self.sink(x.shape, x.dtype, mode)
        pad_before = window.pad_before(self.conv, x.shape)
        source = ArraySource(np.ascontiguousarray(x))
        direct.forward(self.conv, algorithm, source, sink, pad_before=pad_before, keep_weights=not mode.training)
        return sink.made, self.filed(self.conv.cache(x, mode), sink, mode)

    def pick(self, like: Any, x_shape: Shape, mode: Any) -> Any:
        """The algorithm that goes band by band; None if the layers have to run one by one."""
        if self.pool is not None and min(self.conv.output_shape(x_shape)[1:3]) < 2:
            return None
        return run.pick_banded(self.conv, "forward", like, x_shape, mode)

    def sink(self, x_shape: Shape, dtype: Any, mode: Any) -> Any:
        shape = self.conv.output_shape(x_shape)
        if self.pool is not None:
            return IntoPool(mode, shape, dtype, self.relu.upper_limit, signs(shape, mode))
        return IntoReLU(mode.empty(shape, dtype), self.relu.upper_limit, signs(shape, mode))

    def filed(self, conv_cache: Any, sink: Any, mode: Any) -> list[Any]:
        """[(name, shape of its output, cache), ...]."""
        filed = [(sink.shape, conv_cache), (sink.shape, sink.mask)]
        if self.pool is not None:
            filed.append((sink.made.shape, (sink.switches, sink.shape) if mode.grad else None))
        return [(name, *made) for name, made in zip(self.names, filed)]

    def on_device(self, x: Array, mode: Any) -> tuple[Any, Any]:
        out, mask = cuda.relu_forward(self.conv, self.relu, x, mode)
        conv, relu, *pool = self.names
        filed = [(conv, out.shape, self.conv.cache(x, mode)), (relu, out.shape, mask)]
        for name in pool:
            out, cache = self.pool.forward(out, mode=mode)
            filed.append((name, out.shape, cache))
        return out, filed

    def one_by_one(self, x: Array, mode: Any) -> tuple[Any, Any]:
        filed = []
        for name, layer in zip(self.names, self.layers):
            x, cache = layer.forward(x, mode=mode)
            filed.append((name, x.shape, cache))
        return x, filed

    def backward(self, dout: Array, caches: Any, mode: BackwardMode) -> Any:
        """Return ``(dx,), {}``; ``caches`` holds one for each layer. Gradients of parameters are not made here."""
        mode = self.at(mode)
        x_shape = getattr(caches[0], "shape", caches[0])
        algorithm = run.pick_banded(self.conv, "input", dout, x_shape, mode)
        if algorithm is None:
            for layer, cache in zip(reversed(self.layers), reversed(caches)):
                (dout,), _ = layer.backward(dout, cache, mode)
            return (dout,), {}
        dx = mode.empty(x_shape, dout.dtype)
        source = Passed(np.ascontiguousarray(dout), caches[1], mode.relu_rule, *caches[2:])
        direct.input_grad(self.conv, algorithm, source, ArraySink(dx), pad_before=window.pad_before(self.conv, x_shape))
        return (dx,), {}


def signs(shape: Shape, mode: Any) -> Any:
    """Memory for the mask of a ReLU of this shape; None if no backward will need it."""
    if mode.grad is None:
        return None
    return Bits(shape, mode.empty) if math.prod(shape) >= tuning.TUNING.bits_from else mode.empty(shape, bool)


class IntoReLU(ArraySink):
    """A sink that keeps max(y, 0), and in ``mask`` where y passed."""

    def __init__(self, out: Array, max_value: float, mask: Any) -> None:
        super().__init__(out)
        self.made = out
        self.max_value, self.mask = max_value, mask

    def close(self, images: Any, first: Any, last: Any, y: Array) -> None:
        if self.mask is not None:
            where = np.greater(y, 0, out=scratch("where", y.shape, bool))
            if self.max_value < np.inf:
                where &= y < self.max_value
            self.mask[images, first:last] = where
        y.clip(0, self.max_value, out=y)


class IntoPool(IntoReLU):
    """A sink that keeps only the maximum of each 2 x 2 window after the ReLU, and its switch.

    With no signs and switches to keep, the maximum comes first and the ReLU takes that alone: the same number.
    """

    lines = 2

    def __init__(self, mode: Any, shape: Shape, dtype: Any, max_value: float, mask: Any) -> None:
        N, H, W, C = self.shape = shape
        self.dtype, self.max_value, self.mask = dtype, max_value, mask
        self.made = mode.empty((N, H // 2, W // 2, C), dtype)
        self.switches: Any = mode.empty(self.made.shape, np.uint8) if mode.grad else None

    def open(self, images: Any, first: Any, last: Any) -> Any:
        return scratch("sink", (images.stop - images.start, last - first, *self.shape[2:]), self.dtype)

    def close(self, images: Any, first: Any, last: Any, y: Array) -> None:
        if self.mask is not None:
            super().close(images, first, last, y)
        rows, columns = (last - first) // 2 * 2, self.shape[2] // 2 * 2
        pooled = self.made[images, first // 2 : first // 2 + rows // 2]
        if self.mask is None:
            column = scratch("side", (len(y), rows // 2, *self.shape[2:]), y.dtype)
            np.maximum(y[:, 0:rows:2], y[:, 1:rows:2], out=column)
            np.maximum(column[:, :, 0:columns:2], column[:, :, 1:columns:2], out=pooled)
            pooled.clip(0, self.max_value, out=pooled)
            return
        left, right = y[:, :rows, 0:columns:2], y[:, :rows, 1:columns:2]
        to_right = np.greater(right, left, out=scratch("to right", left.shape, bool))           # a tie: the first
        side = np.maximum(left, right, out=scratch("side", left.shape, y.dtype))
        below = np.greater(side[:, 1::2], side[:, 0::2], out=scratch("below", pooled.shape, bool))
        np.maximum(side[:, 0::2], side[:, 1::2], out=pooled)
        upper, lower, below = (a.view(np.uint8) for a in (to_right[:, 0::2], to_right[:, 1::2], below))
        # 0 or 1 in the upper line, 2 or 3 in the lower: below ? 2 + lower : upper, in bytes
        switches = self.switches[images, first // 2 : first // 2 + rows // 2]
        np.subtract(lower, upper, out=switches)
        switches += 2
        switches *= below
        switches += upper


class Passed:
    """A source: the gradient at a convolution, made line by line from the one after its ReLU, or after its pool."""

    def __init__(self, dout: Array, mask: Any, rule: Any, pool_cache: Any = None) -> None:
        self.dout, self.mask, self.rule, self.dtype = dout, mask, rule, dout.dtype
        self.switches: Any                              # None if there is no pool
        self.shape: Shape
        self.switches, self.shape = pool_cache or (None, dout.shape)

    def rows(self, images: Any, first: Any, last: Any, out: Array | None = None) -> Any:
        dout = self.dout[images, first:last] if self.switches is None else self.unpooled(images, first, last)
        mask: Any = self.mask[images, first:last] if self.rule != "deconv" else None
        if self.rule == "normal":
            return np.multiply(dout, mask, out=scratch("source", dout.shape, dout.dtype) if out is None else out)
        passed = RELU_RULES[self.rule](dout, mask)
        if out is None:
            return passed
        out[...] = passed
        return out

    def unpooled(self, images: Any, first: Any, last: Any) -> Any:
        low, high = first // 2, -(-last // 2)                           # of pooled lines; an odd last line has none
        W, C = self.shape[2:]
        dout, switches = self.dout[images, low:high], self.switches[images, low:high]
        n, lines, columns, _ = dout.shape
        spread = scratch("unpooled", (n, 2 * (high - low), W, C), dout.dtype)
        if lines < high - low:
            spread[:, 2 * lines :] = 0
        spread[:, :, 2 * columns :] = 0
        for k in range(4):
            view = spread[:, k // 2 : 2 * lines : 2, k % 2 : 2 * columns : 2]
            np.multiply(dout, switches == k, out=view)
        return spread[:, first - 2 * low : last - 2 * low]
