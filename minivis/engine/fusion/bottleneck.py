"""A MobileNet block as one step: 1x1 filters expand, each channel is filtered by itself, 1x1 filters project.

The maps in between are several times as large as input and output. They are computed for some lines at a time, or for a
share of the channels, and used while they are in cache: the depthwise algorithm of direct.py reads a source that
expands what it is asked for, and fills a sink that projects what it is given. Nothing is kept for a backward. `plan.py`
decides where this is done. If one of the convolutions takes another algorithm, the layers run one by one.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", section 3.
"""

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np

from minivis.convolution import direct, run, tuning
from minivis.convolution.bands import ArraySource, flat
from minivis.convolution.choose import worth_sharing
from minivis.convolution.window import pad_before
from minivis.engine.fusion.conv_relu_pool import FusedConv, IntoReLU
from minivis.layers.base import ForwardMode
from minivis.layers.conv import Conv2D
from minivis.layers.merge import Add
from minivis.layers.relu import ReLU
from minivis.runtime.affinity import cores
from minivis.runtime.matmul import multiply
from minivis.runtime.threads import even_cuts, scratch, share_out, sharing
from minivis.types import Array

BLOCK = re.compile("(1r)?dr1a?")        # see `kind`: the first block of a net does not expand, not every one adds
LONGEST = 6
def block_length(layers: Any) -> Any:
    """How many of these layers, from the first on, are a block; 0: none."""
    found = BLOCK.match("".join(map(kind, layers)))
    return found.end() if found else 0


def kind(layer: Any) -> Any:
    """A letter: 1 for a plain 1x1 convolution, d a depthwise one, r ReLU, a Add; - for any other, a subclass too."""
    if type(layer) is Conv2D:
        kernel, channels = layer.params["w"].shape[:2], layer.params["w"].shape[2:]
        plain = kernel == layer.stride == (1, 1) and layer.groups == 1
        return "1" if plain else "d" if layer.groups > 1 and channels == (1, layer.groups) else "-"
    return "r" if type(layer) is ReLU else "a" if type(layer) is Add else "-"


class Bottleneck:
    """``names`` and ``layers`` of a block. An `Add` at its end adds what the block reads."""

    def __init__(self, names: Any, layers: Any) -> None:
        self.names, self.convs, self.adds = names, layers[::2], isinstance(layers[-1], Add)
        fused = [FusedConv(names[i : i + 2], layers[i : i + 2]) for i in range(0, len(names) - 2, 2)]
        self.filtering = fused[-1]
        self.expand = fused[-2] if len(fused) > 1 else None
        self.project = self.convs[-1]
        rest = zip(names[2 * len(fused) :], layers[2 * len(fused) :])
        self.one_by_one = [*((pair.names[0], pair) for pair in fused), *rest]

    def forward(self, x: Array, *, mode: ForwardMode) -> Any:
        """Return the last one's output, and [(name, shape of its output, None), ...]."""
        shapes = [x.shape]
        for conv in self.convs:
            shapes.append(conv.output_shape(shapes[-1]))
        if self.all_fast(x, shapes, mode):
            out = self.in_shares(np.ascontiguousarray(x), shapes, mode)
        else:
            out = x
            for name, layer in self.one_by_one:
                terms = (out, x) if isinstance(layer, Add) else (out,)
                out, _ = layer.forward(*terms, mode=mode.at(name))
        made = [shape for shape in shapes[1:] for _ in range(2)]                # a convolution's, and its ReLU's
        return out, [(name, shape, None) for name, shape in zip(self.names, made)]

    def all_fast(self, x: Array, shapes: Any, mode: Any) -> Any:
        """Whether each convolution takes the algorithm that this module fuses."""
        convs = zip(self.names[::2], self.convs, shapes)
        picked = [run.pick(conv, "forward", x, shape, mode.at(name)) for name, conv, shape in convs]
        return picked == ["pointwise", "depthwise", "pointwise"][-len(picked) :]

    def in_shares(self, x: Array, shapes: Any, mode: Any) -> Any:
        *_, wide, filtered, out_shape = shapes
        shares, lines = cuts(wide, filtered)
        parts = [mode.empty(out_shape, x.dtype) for _ in shares]
        conv = self.filtering.conv

        def share(k: Any) -> None:
            some = shares[k]
            source = Expanded(x, self.expand, some) if self.expand else ArraySource(x, some)
            sink = IntoProjection(self, x, parts[k], filtered, some, lines)
            w = own_filters(conv, "depthwise", some, filtered)
            b = conv.params["b"][some] if "b" in conv.params else None
            direct.depthwise(source, w, b, sink, pad_before(conv, wide), conv.stride, conv.dilation)

        work = sum(conv.multiply_adds(*made) for conv, made in zip(self.convs, pairwise(shapes)))
        with sharing(worth_sharing("pointwise", len(x) * work)):
            if len(shares) == 1:                # by lines, then: the filter sees to that
                share(0)
                return parts[0]
            share_out(share, range(len(shares)))
        for part in parts[1:]:
            parts[0] += part
        self.finish(parts[0], x)
        return parts[0]

    def finish(self, y: Array, x: Array) -> None:
        """What follows when the projection's sums are complete; x: what the block reads there."""
        if "b" in self.project.params:
            y += self.project.params["b"]
        if self.adds:
            y += x


def cuts(wide: Any, filtered: Any) -> Any:
    """How the work is shared out: some channels each, or else some lines of the result, (slices, lines)."""
    N, OH, _, C = filtered
    if N == 1 and tuning.TUNING.few_lines > OH:
        return even_cuts(C, max(tuning.TUNING.share_channels, -(-C // cores())), 1), OH
    bands = max(cores() if N == 1 else 1, math.prod(wide[1:]) // tuning.TUNING.share_numbers)
    return [slice(0, C)], max(tuning.TUNING.share_lines, -(-OH // bands))


def share_of_filters(conv: Any, channels: Any, out_shape: Any) -> Any:
    """Some of the filters of a 1 x 1 convolution as `multiply` takes them: a view of those that the layer runs with."""
    pieces = all_filters(conv, out_shape)
    _, count, _, size = pieces.shape
    if count == 1:
        return pieces[..., channels]
    if channels.start % size == channels.stop % size == 0:
        return pieces[:, channels.start // size : channels.stop // size]
    return own_filters(conv, "pointwise", channels, out_shape)


def own_filters(conv: Any, algorithm: Any, channels: Any, out_shape: Any) -> Any:
    """Some of a convolution's filters as the algorithm takes them, in an array of their own."""
    key = ("share", channels.start, channels.stop)
    return direct.prepared(conv, algorithm, key, conv.params["w"][..., channels], out_shape)


def all_filters(conv: Any, out_shape: Any) -> Any:
    return direct.prepared(conv, "pointwise", ("forward", 0), conv.params["w"], out_shape)


class Expanded:
    """A source: some channels of the expansion and its ReLU, made when they are asked for."""

    def __init__(self, x: Array, expand: Any, channels: Any) -> None:
        conv = expand.conv
        self.x, self.dtype, self.shape = x, x.dtype, (*x.shape[:3], channels.stop - channels.start)
        self.w = share_of_filters(conv, channels, self.shape)
        self.b = conv.params["b"][channels] if "b" in conv.params else None
        self.max_value = expand.relu.upper_limit

    def rows(self, images: Any, first: Any, last: Any, out: Array | None = None) -> Any:
        x = self.x[images, first:last]
        y = scratch("expanded", (*x.shape[:3], self.shape[3]), x.dtype)
        multiply(flat(x), self.w, flat(y))
        if self.b is not None:
            y += self.b
        return y.clip(0, self.max_value, out=y if out is None else out)


class IntoProjection(IntoReLU):
    """A sink that projects what passes the ReLU; with all channels at hand it finishes that."""

    def __init__(self, block: Any, x: Array, out: Array, filtered: Any, channels: Any, lines: Any) -> None:
        super().__init__(out, block.filtering.relu.upper_limit, mask=None)
        self.block, self.x, self.lines = block, x, lines
        self.w = all_filters(block.project, out.shape)[:, :, channels]
        self.shape = *filtered[:3], self.w.shape[2]
        self.whole = self.shape == filtered

    def open(self, images: Any, first: Any, last: Any) -> Any:
        return scratch("sink", (images.stop - images.start, last - first, *self.shape[2:]), self.dtype)

    def close(self, images: Any, first: Any, last: Any, y: Array) -> None:
        super().close(images, first, last, y)
        out = self.out[images, first:last]
        multiply(flat(y), self.w, flat(out))
        if self.whole:
            self.block.finish(out, self.x[images, first:last])
