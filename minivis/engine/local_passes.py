"""Passes over variants of one picture, each changed only inside a box: what they share is not computed again.

    local = LocalPasses(net, x, ["prob"])               one clean pass over x (1, H, W, C)
    acts = local.forward(boxes, covers)                 of x with each box of pixels covered: acts["prob"] (N, classes)

A position of a layer can only differ if it sees a pixel of the box, so layer by layer only these are computed,
in a batch of small pieces, and all others are taken from the clean pass. The result is that of whole passes, up to
rounding. The pieces grow from layer to layer; a layer that sees everything gets its whole input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine import geometry, plan
from minivis.engine.tiles import Part
from minivis.errors import BadValue
from minivis.layers.base import ForwardMode
from minivis.runtime import plain
from minivis.runtime.backend import get_xp
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.network import Network

NO_PADDING = ((0, 0), (0, 0))


class Pieces:
    """What has changed in a layer: ``arrays`` (N, h, w, C), each from its own position ``low`` (N, 2) on."""

    def __init__(self, low: Any, arrays: Any) -> None:
        self.low, self.arrays = low, arrays

    @property
    def high(self) -> Any:
        return self.low + self.arrays.shape[1:3]


class LocalPasses:
    """The clean pass over x (1, H, W, C) as far as ``layers``, and passes over variants of x."""

    def __init__(self, net: Network, x: Array, layers: Any) -> None:
        if len(x) != 1:
            raise BadValue(f"one picture at a time, not {len(x)}")
        self.net, self.layers = net, net.check_names(layers)
        self.until = max(self.layers, key=["input", *net.nodes].index)
        self.mode = ForwardMode(None, algorithm=plain.algorithm(), workspace=net.workspace())
        self.names = plan.reached(net, self.until)
        self.unused = plan.unused_after(net, self.names, self.layers)
        shapes = geometry.shapes(net, x.shape, self.until)
        self.windows = {}
        for name in self.names:
            layer, inputs = net.nodes[name]
            self.windows[name] = geometry.window_of(name, layer, shapes[inputs[0]])
        laid_over = {source for name in self.names for source in net.nodes[name].inputs
                     if self.windows[name] is not None or len(net.nodes[name].inputs) > 1}
        self.clean = net.forward(x, until=self.until, grad=None, fuse=False, keep={"input", *laid_over, *self.layers})
        padless = {name: without_padding(net.nodes[name].layer, window) for name, window in self.windows.items()}
        self.padless = {name: layer for name, layer in padless.items() if layer is not None}

    def forward(self, boxes: Any, covers: Any) -> Any:
        """The layers asked for, for x with each of ``boxes`` (top, left, bottom, right) replaced by its part of a
        picture: ``covers`` (1 or N, H, W, C)."""
        made = {"input": self.covered(boxes, covers)}
        for name in self.names:
            layer, inputs = self.net.nodes[name]
            sources = [made[source] for source in inputs]
            if name in self.padless and isinstance(sources[0], Pieces):
                made[name] = self.slide(name, layer, inputs[0], sources[0])
            elif self.windows[name] is None and all(isinstance(s, Pieces) for s in sources):
                made[name] = self.elementwise(name, layer, inputs, sources)
            else:
                whole = [self.whole(source, value) for source, value in zip(inputs, sources)]
                made[name] = layer.forward(*whole, mode=self.mode)[0]
            for source in self.unused[name]:
                del made[source]
        arrays = {name: self.whole(name, made[name]) for name in self.layers}
        return Part(arrays, self.net, {name: array.shape for name, array in arrays.items()})

    def covered(self, boxes: Any, covers: Any) -> Any:
        """The changed pixels. All boxes get the size of the largest; around a smaller one, nothing changes."""
        low, high = np.array(boxes)[:, :2], np.array(boxes)[:, 2:]
        low, size = self.one_size("input", low, high)
        x = self.cut("input", low, size)
        for i, (top, left, bottom, right) in enumerate(boxes):
            a, b = (top, left) - low[i]
            x[i, a : a + bottom - top, b : b + right - left] = covers[i % len(covers), top:bottom, left:right]
        return self.made("input", low, x)

    def slide(self, name: str, layer: Any, source: str, pieces: Any) -> Any:
        """A convolution or a pool over pieces: only the windows that see one."""
        kernel, stride, start = (np.array(pair) for pair in self.windows[name][:3])
        low = -(-(pieces.low - start - kernel + 1) // stride)
        high = (pieces.high - 1 - start) // stride + 1
        low, size = self.one_size(name, low, high)
        seen = self.cut(source, start + stride * low, stride * (size - 1) + kernel, layer.padding_value, pieces)
        return self.made(name, low, self.padless[name].forward(seen, mode=self.mode)[0])

    def elementwise(self, name: str, layer: Any, inputs: Sequence[Array], sources: Any) -> Any:
        """A layer whose every position sees that position alone, perhaps in several inputs."""
        low, high = np.min([s.low for s in sources], axis=0), np.max([s.high for s in sources], axis=0)
        low, size = self.one_size(inputs[0], low, high)
        same = [s.arrays.shape[1:3] == tuple(size) and (s.low == low).all() for s in sources]
        seen = [s.arrays if fits else self.cut(name, low, size, 0, s) for name, s, fits in zip(inputs, sources, same)]
        return self.made(name, low, layer.forward(*seen, mode=self.mode)[0])

    def made(self, name: str, low: Any, arrays: Any) -> Any:
        """The pieces of a layer; only the arrays if they cover the whole layer."""
        return arrays if arrays.shape[1:3] == self.clean.shapes[name][1:3] else Pieces(low, arrays)

    def one_size(self, name: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """Boxes (N, 2) of one size that hold those from ``low`` to ``high`` and lie inside the layer; and that size."""
        end = self.clean.shapes[name][1:3]
        low, high = np.clip(low, 0, np.array(end) - 1), np.clip(high, 1, end)
        size = np.maximum(1, (high - low).max(axis=0))
        return np.minimum(low, end - size), size

    def cut(self, name: Any, low: Any, size: Any, edge: Any = 0, pieces: Any = None) -> Any:
        """(N, *size, C) of a layer from ``low`` (N, 2) on, with ``pieces`` laid over it, and ``edge`` outside."""
        clean = self.clean[name]
        xp = get_xp(clean)
        empty = self.mode.empty if xp is np else xp.empty
        out = empty((len(low), *size, clean.shape[3]), clean.dtype)
        outside = (low < 0).any(axis=1) | (low + size > clean.shape[1:3]).any(axis=1)
        for i, begin in enumerate(low):
            if outside[i]:
                out[i] = edge
            lay(out[i], begin, clean[0], (0, 0))
            if pieces is not None:
                lay(out[i], begin, pieces.arrays[i], pieces.low[i])
        return out

    def whole(self, name: str, value: Any) -> Any:
        """The whole layer for each variant."""
        if not isinstance(value, Pieces):
            return value
        end = self.clean.shapes[name][1:3]
        return self.cut(name, 0 * value.low, end, 0, value)


def without_padding(layer: Any, window: Any) -> Any:
    """The layer without its padding, to run over pieces that already contain it; None if it needs its whole input.

    It can run over pieces if its windows see a part of the picture, and a single number in the padding.
    """
    if window is None or 0 in window.stride or layer.padding_value is None:
        return None
    if window.padding == NO_PADDING and "padding" not in layer.settings:
        return layer
    try:
        return layer.with_padding(NO_PADDING)
    except BadValue:
        return None


def lay(out: Array, begin: Any, array: Array, low: Any) -> None:
    """Copy ``array`` (h, w, C), which begins at ``low``, into ``out``, which begins at ``begin``."""
    (a, b), (c, d) = (low[0] - begin[0], low[1] - begin[1]), (begin[0] - low[0], begin[1] - low[1])
    part = array[max(0, c) : max(0, c + out.shape[0]), max(0, d) : max(0, d + out.shape[1])]
    out[max(0, a) : max(0, a) + part.shape[0], max(0, b) : max(0, b) + part.shape[1]] = part
