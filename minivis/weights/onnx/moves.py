"""ONNX operators that only move numbers (Reshape, Transpose, Concat, ...): the same NumPy call on the places."""

from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.layers import Concat
from minivis.types import Array
from minivis.weights import layout
from minivis.weights.layout import Value


def read(graph: Any, node: Any) -> Any:
    return graph.settled(graph.value(node.input[0]))


def flatten(graph: Any, node: Any, given: Any) -> None:
    value = read(graph, node)
    axes = value.places.ndim + 1
    if given.get("axis", 1) not in (1, 1 - axes):
        raise BadFile(f"{node.name!r} flattens from axis {given['axis']} on, not each picture by itself")
    graph.move(node, value, value.places.reshape(-1))


def reshape(graph: Any, node: Any, given: Any) -> None:
    value = read(graph, node)
    after = new_shape(node, graph.onnx_shape(node.input[0]), wanted_shape(graph, node, given), given)
    graph.move(node, value, value.places.reshape(after[1:]))


def wanted_shape(graph: Any, node: Any, given: Any) -> Any:
    return given.get("shape") or graph.weight(node.input[1]).reshape(-1).tolist()


def new_shape(node: Any, before: Any, wanted: Any, given: Any) -> Any:
    """The shape that a Reshape makes of ``before``, its 0 and -1 resolved."""
    after = [before[i] if n == 0 and not given.get("allowzero") and i < len(before) else n
             for i, n in enumerate(wanted)]  # fmt: skip
    if after.count(-1) == 1:
        rest = int(np.prod([n for n in after if n != -1]))
        after[after.index(-1)] = int(np.prod(before)) // max(1, rest)
    if not after or after[0] != before[0] or np.prod(after) != np.prod(before):
        raise BadFile(f"{node.name!r} reshapes {list(before)} to {wanted}, across pictures or in another way that no "
                      "layer here does")
    return after


def transpose(graph: Any, node: Any, given: Any) -> None:
    value = read(graph, node)
    perm = given.get("perm") or list(range(value.places.ndim + 1))[::-1]
    if perm[0] != 0:
        raise BadFile(f"{node.name!r} moves the axis of the pictures ({perm}); no layer here does that")
    graph.move(node, value, value.places.transpose([p - 1 for p in perm[1:]]))


def squeeze(graph: Any, node: Any, given: Any) -> None:
    value = read(graph, node)
    graph.move(node, value, squeezed(node, value.places, axes_of(graph, node, given)))


def squeezed(node: Any, places: Array, axes: Any) -> Any:
    """Places without these axes of ONNX's; without all of one entry, where no axes are named."""
    if axes is None:
        axes = [i + 1 for i, n in enumerate(places.shape) if n == 1]
    axes = [a % (places.ndim + 1) for a in axes]
    if 0 in axes or any(places.shape[a - 1] != 1 for a in axes):
        raise BadFile(f"{node.name!r} takes axes {axes} away, which are not of one entry each")
    return places.squeeze(tuple(a - 1 for a in axes))


def unsqueeze(graph: Any, node: Any, given: Any) -> None:
    value = read(graph, node)
    graph.move(node, value, unsqueezed(node, value.places, axes_of(graph, node, given)))


def unsqueezed(node: Any, places: Array, axes: Any) -> Any:
    axes = sorted(a % (places.ndim + 1 + len(axes)) for a in axes)
    if axes[0] == 0:
        raise BadFile(f"{node.name!r} adds an axis before that of the pictures; no layer here does that")
    return np.expand_dims(places, tuple(a - 1 for a in axes))


def axes_of(graph: Any, node: Any, given: Any) -> Any:
    """The axes of a node, an attribute in old files and an input in newer ones; None if it names none."""
    stored = graph.optional(node, 1)
    return given.get("axes") if stored is None else stored.reshape(-1).tolist()


def amounts(graph: Any, node: Any, given: Any, ndim: int) -> Any:
    """How much a Pad puts around each axis, (ndim, 2): for all axes, or for those that are named (opset 18)."""
    stored = given.get("pads") or graph.weight(node.input[1]).reshape(-1).tolist()
    axes, around = graph.optional(node, 3), np.zeros((ndim, 2), int)
    for place, axis in enumerate(range(ndim) if axes is None else axes.reshape(-1)):
        around[axis] = stored[place], stored[place + len(stored) // 2]
    return around


def concat(graph: Any, node: Any, given: Any) -> Any:
    values = [graph.settled(graph.value(name)) for name in node.input]
    axis = given.get("axis", 1) % (values[0].places.ndim + 1)
    if len(values) == 1:
        return graph.move(node, values[0], values[0].places)
    if all(value.places.ndim == 1 for value in values):         # each in its own order: no one layer would undo that
        values = [Value(graph.row(name, value), np.arange(value.places.size))
                  for name, value in zip(node.input, values)]  # fmt: skip
    shapes = [graph.shapes[value.layer] for value in values]
    if axis == 0 or len({len(shape) for shape in shapes}) > 1:
        raise BadFile(f"{node.name!r} joins along axis {given.get('axis')}; here channels are joined")
    made = graph.insert(graph.name(node), Concat(), *(value.layer for value in values))
    places = layout.join([value.places for value in values], shapes, axis)
    graph.values[node.output[0]] = Value(made, places)


def identity(graph: Any, node: Any, given: Any) -> None:
    graph.values[node.output[0]] = graph.value(node.input[0])


OPERATORS = {
    "Cast": identity, "Concat": concat, "Dropout": identity, "Flatten": flatten, "Identity": identity,
    "Reshape": reshape, "Squeeze": squeeze, "Transpose": transpose, "Unsqueeze": unsqueeze,
}  # fmt: skip
