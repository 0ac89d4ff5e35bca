"""What the two halves of the arithmetic share: the names of single numbers, and how a long sum is cut short."""

import numpy as np

from minivis import layers as L
from minivis.engine.units import unit_positions
from minivis.errors import BadValue

GROUPS, TERMS = 6, 8                            # shown of a sum: windows of a convolution, single products


def place(acts, unit):
    """The index of a unit in one picture's output: (row, column, channel) or (channel,)."""
    if acts[unit.layer].ndim != 4:
        return (unit.channel,)
    if unit.where is None:
        raise BadValue(f"{unit}: add the place of the number, as in {unit}@3,4 or {unit}@max")
    return (*(int(p[0]) for p in unit_positions(acts, unit)), unit.channel)


def named(net, layer, at):
    """The unit string of an index."""
    where = f"@{at[0]},{at[1]}" if len(at) == 3 else ""
    names = net.class_names if layer in (net.roles.get("logits"), net.roles.get("prob")) else ()
    return f"{layer}:{names[at[-1]] if at[-1] < len(names) else at[-1]}{where}"


def source_name(net, acts, layer, at):
    """The unit behind one input; behind a Flatten, what it was before."""
    while layer != "input" and isinstance(net.nodes[layer].layer, L.Flatten):
        layer = net.nodes[layer].inputs[0]
        at = tuple(int(i) for i in np.unravel_index(at[-1], acts[layer].shape[1:]))
    return named(net, layer, at)


def rest(values, shown):
    left = np.delete(np.asarray(values, np.float64), shown)
    return {"count": int(left.size), "sum": float(left.sum())}
