"""A net with some of its units switched off: 0 is what their readers see of them, at every position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from minivis.engine.graph import Node
from minivis.layers import Scale
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.network import Network


def switched_off(net: Network, units: Sequence[tuple[str, int]]) -> Network:
    """``net`` with a layer behind each layer of ``units`` ([(layer, channel), ...]) that sets these channels to 0.

    The layer itself shows what its units would say; all that read it see the zeros. Weights are shared.
    """
    shapes = net.shapes()
    channels: dict[str, list[int]] = {}
    for layer, channel in units:
        channels.setdefault(layer, []).append(channel)
    nodes: dict[str, Node] = {}
    behind: dict[str, str] = {}
    for name, (layer, inputs) in net.nodes.items():
        nodes[name] = Node(layer, tuple(behind.get(source, source) for source in inputs))
        if name in channels:
            w = np.ones(shapes[name][-1], net.dtype)
            w[channels[name]] = 0
            xp_w = like(net, w)
            behind[name] = f"{name} switched"
            nodes[behind[name]] = Node(Scale(xp_w, xp_w * 0), (name,))
    return replace(net, nodes=nodes)


def like(net: Network, array: Array) -> Array:
    """The array on the device of the net's parameters."""
    from minivis.runtime.backend import get_xp

    first = next((value for layer in net.layers.values() for value in layer.params.values()), array)
    return get_xp(first).asarray(array)
