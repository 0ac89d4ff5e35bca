"""What the two halves of the arithmetic share: the names of single numbers, and how a long sum is cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivis import layers as L
from minivis.engine.units import Unit, unit_positions
from minivis.errors import BadValue

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

At: TypeAlias = tuple[int, ...]                 # of one number in a picture: (row, column, channel) or (channel,)
GROUPS, TERMS = 6, 8                            # shown of a sum: windows of a convolution, single products


def place(acts: Activations, unit: Unit) -> At:
    """The index of a unit in one picture's output: (row, column, channel) or (channel,)."""
    if acts[unit.layer].ndim != 4:
        return (unit.channel,)
    if unit.where is None:
        raise BadValue(f"{unit}: add the place of the number, as in {unit}@3,4 or {unit}@max")
    return (*(int(p[0]) for p in unit_positions(acts, unit)), unit.channel)


def named(net: Network, layer: str, at: At) -> str:
    """The unit string of an index."""
    where = f"@{at[0]},{at[1]}" if len(at) == 3 else ""
    names = net.class_names if layer in (net.roles.get("logits"), net.roles.get("prob")) else ()
    return f"{layer}:{names[at[-1]] if at[-1] < len(names) else at[-1]}{where}"


def source_name(net: Network, acts: Activations, layer: str, at: At) -> str:
    """The unit behind one input; behind a Flatten, what it was before."""
    while layer != "input" and isinstance(net.nodes[layer].layer, L.Flatten):
        layer = net.nodes[layer].inputs[0]
        at = tuple(int(i) for i in np.unravel_index(at[-1], acts.shapes[layer][1:]))
    return named(net, layer, at)


def rest(values: Any, shown: Any) -> dict[str, Any]:
    left = np.delete(np.asarray(values, np.float64), shown)
    return {"count": int(left.size), "sum": float(left.sum())}
