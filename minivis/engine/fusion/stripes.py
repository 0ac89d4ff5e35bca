"""Two convolutions with their ReLUs, the second the only reader of the first, run in stripes if pictures are large.

The maps between them then never exist as a whole, neither forward nor backward: for VGG's first two layers at 1024 x
1024 they would take a quarter of a gigabyte. Forward, a stripe is some lines of the second one's output; the first one
computes the lines that these see, a few of them twice. Backward, a stripe is some lines of the gradient in between.

Both run as in conv_relu_pool.py and know nothing about stripes. A source or a sink that begins at a later line moves
the picture's padding, ``pad_before``; below zero, lines are skipped.
"""

import math
from typing import Any

import numpy as np

from minivis.convolution import direct, run, tuning
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.convolution.window import dilated_size, pad_before
from minivis.engine.fusion.conv_relu_pool import IntoReLU, Passed
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.runtime.bits import Bits
from minivis.runtime.threads import scratch
from minivis.types import Array, Shape


class StripedConvs:
    """Two `FusedConv`: ``first`` has no pool."""

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second, self.names = first, second, (*first.names, *second.names)

    def forward(self, x: Array, *, mode: ForwardMode) -> Any:
        """Return the second's output, and [(name, shape of its output, cache), ...] of all."""
        between, (mode_1, mode_2) = self.first.conv.output_shape(x.shape), self.modes(mode)
        algorithm_1, algorithm_2 = self.first.pick(x, x.shape, mode_1), self.second.pick(x, between, mode_2)
        if math.prod(between) <= tuning.TUNING.held_whole or mode.grad == "params" or not (algorithm_1 and algorithm_2):
            y, filed = self.first.forward(x, mode=mode_1)
            out, more = self.second.forward(y, mode=mode_2)
            return out, filed + more
        one, two = Lines(self.first.conv, x.shape), Lines(self.second.conv, between)
        sink = self.second.sink(between, x.dtype, mode_2)
        mask = Bits(between, mode.empty) if mode.grad else None
        source, max_value = ArraySource(np.ascontiguousarray(x)), self.first.relu.upper_limit
        for begin, end in stripes(between, sink.shape[1]):
            low, high = two.read_by(begin, end)
            y = scratch("stripe", (between[0], high - low, *between[2:]), x.dtype)
            into = IntoReLU(y, max_value, None if mask is None else mask.lines(low, high))
            direct.forward(one.conv, algorithm_1, source, into, pad_before=one.pad_before(0, low))
            lines = LinesOf(sink, begin, end)
            direct.forward(two.conv, algorithm_2, ArraySource(y), lines, pad_before=two.pad_before(low, begin))
        caches = (x.shape, between) if mode.grad else (None, None)
        filed = [(name, between, cache) for name, cache in zip(self.first.names, (caches[0], mask))]
        return sink.made, filed + self.second.filed(caches[1], sink, mode)

    def backward(self, dout: Array, caches: Any, mode: BackwardMode) -> Any:
        """Return ``(dx,), {}``; ``caches`` holds one for each layer. Gradients of parameters are not made here."""
        x_shape, between = (getattr(cache, "shape", cache) for cache in caches[:3:2])
        mask = caches[1]
        mode_1, mode_2 = self.modes(mode)
        algorithm_1 = run.pick_banded(self.first.conv, "input", dout, x_shape, mode_1)
        algorithm_2 = run.pick_banded(self.second.conv, "input", dout, between, mode_2)
        whole = math.prod(between) <= tuning.TUNING.held_whole
        if whole or not (algorithm_1 and algorithm_2 and isinstance(mask, Bits)):
            (dy,), _ = self.second.backward(dout, caches[2:], mode_2)
            return self.first.backward(dy, caches[:2], mode_1)
        one, two = Lines(self.first.conv, x_shape), Lines(self.second.conv, between)
        source = Passed(np.ascontiguousarray(dout), caches[3], mode.relu_rule, *caches[4:])
        dx = mode.empty(x_shape, dout.dtype)
        dx[...] = 0
        for begin, end in stripes(between, between[1]):
            dy = scratch("stripe", (between[0], end - begin, *between[2:]), dout.dtype)
            direct.input_grad(two.conv, algorithm_2, source, ArraySink(dy), pad_before=two.pad_before(begin, 0))
            low, high = one.read_by(begin, end)
            part = scratch("its part", (x_shape[0], high - low, *x_shape[2:]), dout.dtype)
            passed = Passed(dy, mask.lines(begin, end), mode.relu_rule)
            direct.input_grad(one.conv, algorithm_1, passed, ArraySink(part), pad_before=one.pad_before(low, begin))
            dx[:, low:high] += part
        return (dx,), {}

    def modes(self, mode: Any) -> tuple[Any, Any]:
        return self.first.at(mode), self.second.at(mode)


class Lines:
    """Which lines of its input a convolution reads for some lines of its output."""

    def __init__(self, conv: Any, x_shape: Shape) -> None:
        self.conv, self.height, self.padding = conv, x_shape[1], pad_before(conv, x_shape)
        self.stride, self.size = conv.stride[0], dilated_size(conv.params["w"].shape[:2], conv.dilation)[0]

    def read_by(self, begin: Any, end: Any) -> tuple[Any, Any]:
        """For the output's lines from begin to end."""
        top = self.padding[0]
        return max(0, begin * self.stride - top), min(self.height, (end - 1) * self.stride - top + self.size)

    def pad_before(self, low: Any, begin: Any) -> tuple[Any, Any]:
        """Padding before the first line and column, if the input begins at line ``low`` and the output at ``begin``."""
        return self.padding[0] + low - begin * self.stride, self.padding[1]


class LinesOf:
    """Lines from ``begin`` to ``end`` of a sink, as a sink."""

    def __init__(self, sink: Any, begin: Any, end: Any) -> None:
        self.sink, self.begin, self.lines, self.dtype = sink, begin, sink.lines, sink.dtype
        self.shape = (sink.shape[0], end - begin, *sink.shape[2:])

    def open(self, images: Any, first: Any, last: Any) -> Any:
        return self.sink.open(images, first + self.begin, last + self.begin)

    def close(self, images: Any, first: Any, last: Any, y: Array) -> None:
        self.sink.close(images, first + self.begin, last + self.begin, y)


def stripes(between: Any, height: Any) -> list[Any]:
    """range(height) in pieces (begin, end) of about ``stripe`` numbers (tuning.py), each a multiple of 8 lines."""
    lines = max(8, tuning.TUNING.stripe // (between[0] * math.prod(between[2:])) // 8 * 8)
    return [(begin, min(begin + lines, height)) for begin in range(0, height, lines)]
