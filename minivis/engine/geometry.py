"""Shapes, receptive fields and sizes of every layer of a net, from its layers' own geometry, without running it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers.base import Window
from minivis.types import Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network


class ReceptiveField(NamedTuple):
    """Position (i, j) of the layer sees ``size[0]`` rows, from row ``start[0] + i*stride[0]`` on; columns likewise.

    All are in pixels of the net's input; ``start`` is negative where padding is seen. A layer that sees the whole
    picture from every unit has stride 0.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]

    def box(self, row: int, column: int, image_size: Sequence[int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) seen by one position, clipped to an image of (H, W)."""
        begin = [s + step * i for s, step, i in zip(self.start, self.stride, (row, column))]
        low = [max(0, b) for b in begin]
        high = [min(n, b + size) for n, b, size in zip(image_size, begin, self.size)]
        return low[0], low[1], high[0], high[1]


def preprocessing_of(net: Network) -> Any:
    """The net's preprocessing. For a net without one, the identity on as many channels as its first layer reads."""
    if not does_nothing(net.preprocessing):
        return net.preprocessing
    channels = first_channels(net)
    return net.preprocessing if channels is None else net.preprocessing.of_channels(channels)


@lru_cache
def does_nothing(preprocessing: Preprocessing) -> bool:
    """Whether it leaves the levels as they are. Every step of a run asks this, and the answer takes long to find."""
    return replace(preprocessing, size=None, show=()) == Preprocessing()


def first_channels(net: Network) -> Any:
    """How many channels the layers that read the input need; None if they take any number."""
    first = (layer for layer, inputs in net.nodes.values() if "input" in inputs)
    return next((layer.channels for layer in first if layer.channels is not None), None)


def input_channels(net: Network) -> Any:
    """How many channels an input has."""
    return preprocessing_of(net).channels


def default_shape(net: Network) -> tuple[Any, ...]:
    """(1, H, W, C) of the net's own size, or of 224 x 224 where it takes any."""
    return (1, *(net.input_size or (224, 224)), net.input_channels)


LARGE = 600                                     # pixels: no known net needs larger pictures


def shapes(net: Network, input_shape: Shape | None = None, until: str | None = None) -> Any:
    """Name -> output shape, "input" included, up to ``until``. Raise BadValue, naming the layer that does not fit."""
    found = {"input": tuple(input_shape or default_shape(net))}
    for name, (layer, inputs) in net.nodes.items():
        try:
            found[name] = layer.output_shape(*(found[source] for source in inputs))
        except BadValue as error:
            raise BadValue(f"{name}: {error}{fitting_sizes(net, found['input'], name)}") from None
        if name == until:
            break
    return found


def fitting_sizes(net: Network, shape: Shape, name: str) -> str:
    """The end of the message about a picture that does not fit layer ``name``: which sizes would; "" if unknown."""
    if len(shape) != 4 or shape[3] != net.input_channels:
        return ""
    (H, W), large = shape[1:3], furthest(net, (1, LARGE, LARGE, shape[3]))
    if name in large:                           # it is the size that is too small
        least = bisect.bisect_left(range(LARGE), True, lo=min(H, W), key=lambda side: len(furthest(
            net, (1, side, side, shape[3]))) >= len(large))
        return f"; the picture has {W} x {H} pixels, and this net needs at least {least} x {least}"
    if net.input_size is None or tuple(net.input_size) == (H, W):
        return ""
    h, w = net.input_size
    return (f"; from {name} on this net is made for pictures of {w} x {h} pixels, and this one has {W} x {H}: use that "
            f"size, or a layer below {name}")


def furthest(net: Network, shape: Shape) -> Any:
    """Name -> output shape of the layers before the first one that a picture of this shape does not fit."""
    found = {"input": shape}
    for name, (layer, inputs) in net.nodes.items():
        try:
            found[name] = layer.output_shape(*(found[source] for source in inputs))
        except BadValue:
            break
    return found


def receptive_fields(net: Network, input_shape: Shape | None = None) -> Any:
    """Name -> `ReceptiveField`, from the windows of the layers: sizes and strides multiply up from the image.

    A layer with several inputs sees the hull of what they see. Araujo et al. 2019, "Computing receptive fields of
    convolutional neural networks", section 2.
    """
    shape_of = shapes(net, input_shape)
    fields = {"input": ReceptiveField((1, 1), (1, 1), (0, 0))}
    for name, (layer, inputs) in net.nodes.items():
        below = _hull([fields[source] for source in inputs])
        window = window_of(name, layer, shape_of[inputs[0]])
        fields[name] = below if window is None else _see_through(below, *window[:3])
    return fields


def window_of(name: str, layer: Any, shape: Shape) -> Any:
    """``layer.window(shape)`` as a `Window`, or None. Raise BadValue if it is None although the positions change."""
    window = layer.window(shape)
    if window is not None:
        return Window(*window)
    if layer.inputs == 1 and len(shape) == 4 and tuple(layer.output_shape(shape))[1:3] != tuple(shape[1:3]):
        raise BadValue(f"{name}: {type(layer).__name__}.window(shape) is None, as if each position saw itself alone, "
                       "but the output has other positions than the input; let window(shape) say what a position sees")
    return None


def _see_through(below: Any, kernel: tuple[int, int], stride: Any, start: Any) -> ReceptiveField:
    return ReceptiveField(
        tuple(size + (k - 1) * step for size, k, step in zip(below.size, kernel, below.stride)),
        tuple(step * s for step, s in zip(below.stride, stride)),
        tuple(first + step * s for first, step, s in zip(below.start, below.stride, start)),
    )


def _hull(fields: Any) -> ReceptiveField:
    start = tuple(min(f.start[axis] for f in fields) for axis in (0, 1))
    end = [max(f.start[axis] + f.size[axis] for f in fields) for axis in (0, 1)]
    stride = tuple(min(f.stride[axis] for f in fields) for axis in (0, 1))      # 0: one of them sees everything
    return ReceptiveField(tuple(e - s for s, e in zip(start, end)), stride, start)


class Row(NamedTuple):
    """One line of the table of a net."""

    name: str
    type: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    field: ReceptiveField
    parameters: int
    multiply_adds: int


def layer_table(net: Network, input_shape: Shape | None = None) -> list[Any]:
    """One `Row` per layer: shape (without the batch axis), receptive field, parameters, multiply-adds for one image."""
    shape_of, fields = shapes(net, input_shape), receptive_fields(net, input_shape)
    return [
        Row(
            name, type(layer).__name__, inputs, shape_of[name][1:], fields[name],
            sum(p.size for p in layer.params.values()), layer.multiply_adds(shape_of[inputs[0]], shape_of[name]),
        )
        for name, (layer, inputs) in net.nodes.items()
    ]  # fmt: skip
