"""Tiles: nets that compute only some positions of their layers, exactly, from what these see of the picture.

The positions of the layers that are asked for are cut into tiles. From the last layer down, each tile's positions
determine which positions of the layers below they need, to the line (windows, strides, where pools begin), and how much
of that is the padding of the whole picture. A tile is then a small net of the same layers with that padding, for a part
of the picture; it runs as any other net does, and its gradients are those of its positions.

Exact means up to rounding: a tile adds the same products, perhaps in another order. A max pool sends its gradient to
one position. Where two positions of a window differ only by rounding, as in a flat area of a picture, a tile may choose
the other one: the loss is the same up to rounding, and the gradient is just as right, but at another pixel. To make
ties independent of rounding, a pool would need a margin by which the later of two values must be larger. How large
rounding errors are depends on the largest numbers that were added up, which neither a pool nor a tile sees; and a safe
margin would move the gradient of values that really differ. So a pool compares the values as it gets them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from minivis.convolution.window import pair
from minivis.engine import geometry, plan
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode, Layer
from minivis.runtime.backend import get_xp
from minivis.runtime.threads import even_parts
from minivis.types import Array, Gradients, Shape

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network


@dataclass(frozen=True, eq=False)
class Tile:
    """Boxes ((first row, end), (first column, end)) in the whole picture's layers, whose ``shapes`` are given:

    need        layer -> what ``net`` makes of it; of "input": the part of the picture that it reads
    own         layer -> the tile's positions; every position is some tile's
    seeded      layer -> the positions that need a seed for the gradient
    gives       the pixels for which that gradient counts
    """

    net: Any
    need: dict
    own: dict
    seeded: dict
    gives: tuple
    shapes: dict

    def of(self, x: Array) -> Any:
        """The part of the picture x that the net reads."""
        return x[index(self.need["input"])]

    def part(self, acts: Activations, boxes: Any) -> Part:
        """The activations in the boxes: ``own`` or ``seeded``."""
        arrays = {name: acts[name][self.inside(name, box)] for name, box in boxes.items()}
        return Part(arrays, self.net, self.shapes, boxes)

    def spread(self, acts: Activations, seeds: Gradients) -> Any:
        """Seeds at the seeded positions as seeds for the net: zero at the positions around them."""
        spread = {}
        for name, seed in seeds.items():
            spread[name] = get_xp(seed).zeros(acts.shapes[name], seed.dtype)
            spread[name][self.inside(name, self.seeded[name])] = seed
        return spread

    def add(self, dx: Array, own_dx: Any) -> None:
        """Add the net's gradient to the whole picture's."""
        dx[index(self.gives)] += own_dx[self.inside("input", self.gives)]

    def inside(self, name: str, box: Any) -> Any:
        return index(relative(box, self.need[name]))


class Part(dict):
    """Activations at some positions, by layer. Like `Activations`, but ``shapes`` are those of whole pictures."""

    def __init__(self, arrays: Any, net: Network, shapes: dict[str, Shape],
                 boxes: Any = None) -> None:
        super().__init__(arrays)
        self.net, self.shapes, self.boxes = net, shapes, boxes
        self.dtype = next(iter(arrays.values())).dtype

    def cut(self, name: str, whole: Any) -> Any:
        """The part at these positions of ``whole``, an array shaped like layer ``name`` for the whole picture."""
        return whole if self.boxes is None else whole[index(self.boxes[name])]


def tiles(net: Network, shape: Shape, layers: Any, tile: Any, *, add_up: bool = True) -> Any:
    """A list of `Tile`: every position of ``layers``, for pictures of ``shape`` (N, H, W, C), is in one.

    tile: the most pixels of a side, or (rows, columns). BadValue for less than the halo, and for a layer that sees the
    whole picture from each position. add_up: a tile's gradient is that of seeds at its own positions, wherever it
    arrives; those of all tiles add up, as a derivative does. A rule like "guided" does not: False gives tiles whose
    gradient is that of all seeds, for pixels of their own. They see twice as far around.
    """
    names = plan.reached(net, max(layers, key=["input", *net.nodes].index))
    body = replace(net, nodes={name: net.nodes[name] for name in names})
    shapes, sides = body.shapes(shape), pair(tile, "tile")
    check(geometry.receptive_fields(body, shape), layers, sides)
    counts = [
        min(math.ceil(shape[axis] / side), *(shapes[name][axis] for name in ["input", *layers]))
        for axis, side in zip((1, 2), sides)
    ]
    cuts = {name: [even_parts(shapes[name][axis], n) for axis, n in zip((1, 2), counts)] for name in ["input", *layers]}
    found = []
    for i, j in product(*map(range, counts)):
        boxes = {name: (rows[i], columns[j]) for name, (rows, columns) in cuts.items()}
        own = {name: boxes[name] for name in layers}
        reached = own if add_up else readers(body, shapes, boxes["input"])
        seeded = {name: reached[name] for name in layers}
        need, small = small_net(body, shapes, [own, seeded, {"input": boxes["input"]}])
        found.append(Tile(small, need, own, seeded, need["input"] if add_up else boxes["input"], shapes))
    return found


def check(fields: Any, layers: Any, sides: Any) -> None:
    for name in layers:
        if 0 in fields[name].stride:
            raise BadValue(f"{name} sees the whole picture from every position, so it has no tiles; use tile=None")
        halo = tuple(size // 2 for size in fields[name].size)
        if any(side < h for side, h in zip(sides, halo)):
            raise BadValue(
                f"a tile of {sides[0]} x {sides[1]} pixels is smaller than the halo of {name}, which sees "
                f"{halo[0]} rows and {halo[1]} columns to each side: use a larger tile, or tile=None"
            )


def small_net(net: Network, shapes: dict[str, Shape], asked: Any) -> tuple[Any, Any]:
    """The net that computes the boxes ``asked`` for, a list of {layer: box}; and {layer: box} of all it computes."""
    need: dict[str, Any] = {}
    windows = windows_of(net, shapes)
    for boxes in asked:
        for name, box in boxes.items():
            need[name] = hull(need.get(name, box), box)
    for name in reversed(net.nodes):
        if name in need:
            layer, inputs = net.nodes[name]
            need[name], seen, _ = reads(windows[name], shapes[inputs[0]], need[name])
            for source in inputs:
                need[source] = hull(need.get(source, seen), seen)
    small = replace(net, nodes={})
    for name, (layer, inputs) in net.nodes.items():
        if name not in need:
            continue
        _, seen, pads = reads(windows[name], shapes[inputs[0]], need[name])
        sources = [source if need[source] == seen else f"{source} for {name}" for source in inputs]
        for source, cropped in zip(inputs, sources):
            if cropped != source and cropped not in small.nodes:
                small.add(cropped, Crop(*relative(seen, need[source])), source)
        small.add(name, layer if pads is None else padded(name, layer, windows[name], pads), *sources)
    return need, small


def windows_of(net: Network, shapes: dict[str, Shape]) -> dict[Any, Any]:
    """Name -> the layer's `Window`, or None."""
    return {
        name: geometry.window_of(name, layer, shapes[inputs[0]]) for name, (layer, inputs) in net.nodes.items()
    }


def padded(name: str, layer: Any, window: Any, pads: Any) -> Any:
    """The layer with the padding that a tile needs. Raise BadValue, with its name, if its padding cannot change."""
    if pads == window.padding and min(*window.padding[0], *window.padding[1]) >= 0:
        return layer
    try:
        return layer.with_padding(pads)
    except BadValue as error:
        raise BadValue(f"{name}: {error}; this net cannot run in tiles, use tile=None") from None


def reads(window: Any, shape: Shape, box: Any) -> Any:
    """What the positions ``box`` of a layer read of an input of ``shape``: the box there, and the padding around it.

    A box that sees nothing but padding is made larger until it sees a line of the picture, and comes back first.
    """
    if window is None:
        return box, box, None
    boxes, seen, pads = [], [], []
    for (low, high), size, stride, start, (_, most), n in zip(box, *window, shape[1:3]):
        while start + stride * (high - 1) + size <= 0:
            high += 1
        while start + stride * low >= n:
            low -= 1
        begin, end = start + stride * low, start + stride * (high - 1) + size
        boxes.append((low, high))
        seen.append((max(0, begin), min(n, end)))
        pads.append((max(0, -begin), min(max(0, end - n), max(0, most))))     # a ceil window may see less
    return tuple(boxes), tuple(seen), tuple(pads)


def readers(net: Network, shapes: dict[str, Shape], box: Any) -> Any:
    """layer -> the box of the positions that see some of the pixels in ``box``, and perhaps a few more."""
    boxes = {"input": box}
    for name, (layer, inputs) in net.nodes.items():
        below = boxes[inputs[0]]
        for source in inputs[1:]:
            below = hull(below, boxes[source])
        window = geometry.window_of(name, layer, shapes[inputs[0]])
        if window is not None:
            sides = []
            for (low, high), size, stride, start, n in zip(below, *window[:3], shapes[name][1:3]):
                first = min(max(0, -(-(low - start - size + 1) // stride)), n - 1)
                sides.append((first, min(max(first + 1, (high - 1 - start) // stride + 1), n)))
            below = tuple(sides)
        boxes[name] = below
    return boxes


class Crop(Layer):
    """Some rows and columns of another layer's output, of which other readers need more."""

    def __init__(self, rows: Any, columns: int) -> None:
        super().__init__()
        self.where = index((rows, columns))

    def forward(self, x: Array, *, mode: ForwardMode) -> Any:
        return x[self.where], x.shape

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> Any:
        dx = get_xp(dout).zeros(cache, dout.dtype)
        dx[self.where] = dout
        return (dx,), {}


def hull(a: Any, b: Any) -> tuple[Any, ...]:
    return tuple((min(p[0], q[0]), max(p[1], q[1])) for p, q in zip(a, b))


def relative(box: Any, to: Any) -> tuple[Any, ...]:
    """``box`` counted from where ``to`` begins."""
    return tuple((low - begin, high - begin) for (low, high), (begin, _) in zip(box, to))


def index(box: Any) -> tuple[Any, ...]:
    return (slice(None), *(slice(low, high) for low, high in box))
