"""Build a `Network` from another program's graph, whose values may be in another order than ours: see layout.py."""

from collections import Counter
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadFile
from minivis.layers import Conv2D, FullyConnected, Pad2D, Permute, Scale, Unflatten
from minivis.weights import layout
from minivis.weights.layout import Value


class Builder:
    """The net so far, and what is known about it.

    ``values``: the other program's name -> `Value`; ``shapes``: layer -> output shape for a picture of the current
    size. ``scale`` and ``shift``: what the graph does to each channel of a picture before the first layer;
    ``flipped``: whether the order of the channels is reversed before that.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.values: dict[str, Value] = {}
        self.shapes: dict[str, Any] = {}
        self.net = Network()
        self.repeats: Counter[str] = Counter()                  # how often a name that is taken was asked for
        self.scale, self.shift, self.flipped = np.ones(1), np.zeros(1), False

    def reads_pixels(self) -> bool:
        """Whether the graph's first arithmetic on a picture is meant for pixels from 0 to 255, not from 0 to 1."""
        return bool(abs(self.scale).max() < 0.1 or abs(self.shift / self.scale).max() > 2)

    # ---- what layers read ----

    def value(self, name: str) -> Value:
        if name not in self.values:
            raise BadFile(f"{name!r} is a constant, where a layer's output was expected")
        return self.values[name]

    def maps_of(self, name: str, value: Any) -> str:
        """The layer whose (N, H, W, C) holds a value's (N, C, H, W)."""
        shape = self.shapes[value.layer]
        if len(shape) == 2 and value.places.ndim == 3:
            return self.unflattened(name, value)
        if len(shape) != 4 or value.places.ndim != 3:
            raise BadFile(f"{name!r} is {[shape[0], *value.places.shape]} and not feature maps of (N, C, H, W)")
        standard = layout.standard(shape)
        if layout.same(value.places, standard):
            return value.layer
        order = value.places.reshape(shape[3], -1)[:, 0] if value.places.shape == standard.shape else np.zeros(1)
        found = layout.transposition(order)
        if found is None or not layout.same(value.places, standard[order]):
            raise BadFile(f"{name!r}: its axes are not in an order that a layer here reads")
        return self.insert(f"{name} shuffled", Permute(*found), value.layer, once=True)

    def unflattened(self, name: str, value: Any) -> str:
        """The layer that turns a row into the maps that the graph takes it for."""
        places = value.places.transpose(1, 2, 0)                                                    # (H, W, C)
        row = self.row(name, Value(value.layer, places.reshape(-1)))
        return self.insert(f"{name} as maps", Unflatten(places.shape), row, once=True)

    def row(self, name: str, value: Any) -> str:
        """The layer whose (N, D) holds a value in the graph's own order; a `Permute` is added if ours differs."""
        if layout.same(value.places, np.arange(value.places.size)):
            return value.layer
        found = layout.transposition(value.places)
        if found is None:
            raise BadFile(f"{name!r}: its numbers are in an order that no layer here makes")
        return self.insert(f"{name} in order", Permute(*found), value.layer, once=True)

    def settled(self, value: Any) -> Value:
        """A value whose padding, if no layer has absorbed it, has become a layer of its own."""
        if value.pads is None:
            return value
        name = self.insert(f"{value.layer} padded {value.pads} {value.fill:g}", Pad2D(value.pads, value.fill),
                           value.layer, once=True)
        return Value(name, layout.standard(self.shapes[name]))

    # ---- what is added ----

    def insert(self, name: str, layer: Any, *sources: str, once: bool = False) -> str:
        """Append a layer and return its name. ``once``: if there is one with this name already, use that."""
        if once and name in self.net.nodes:
            return name
        wanted = name
        while name in self.net.nodes or name == "input":
            self.repeats[wanted] += 1
            name = f"{wanted} {self.repeats[wanted] + 1}"
        self.net.add(name, layer, *sources)
        try:
            self.shapes[name] = layer.output_shape(*(self.shapes[source] for source in sources))
        except ValueError as error:
            raise BadFile(f"{name}: {error}") from None
        return name

    def affine(self, name: str, value: Any, w: Any, b: Any, *, alone: bool) -> Value:
        """The `Value` of w * x + b, as a part of the preprocessing, the bias of the layer before, or a `Scale`.

        ``name``: the name of the `Scale`, if one is needed. ``alone``: whether nothing else reads the value.
        """
        w, b = (layout.per_channel(a, value.places, self.shapes[value.layer], np.float64) for a in (w, b))
        if value.layer == "input" and alone and not self.net.nodes:
            self.scale, self.shift = self.scale * w, self.shift * w + b
            return value
        made = self.net.nodes.get(value.layer)
        if made and (w == 1).all() and alone and isinstance(made.layer, Conv2D | FullyConnected) \
                and "b" not in made.layer.params:
            layer = made.layer.with_params(w=made.layer.params["w"], b=b.astype(self.dtype))
            self.net.nodes[value.layer] = made._replace(layer=layer)
            return value
        source = value.layer
        if made and alone and isinstance(made.layer, Scale):                    # combine two Scales into one
            w, b = w * made.layer.params["w"], b + w * made.layer.params["b"]
            source = made.inputs[0]
            del self.net.nodes[value.layer]
            if (w == 1).all() and not b.any():
                return Value(source, value.places)
        layer = Scale(w.astype(self.dtype), b.astype(self.dtype))
        return Value(self.insert(name, layer, source), value.places)
