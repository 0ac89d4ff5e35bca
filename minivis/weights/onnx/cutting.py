"""ONNX operators that take some of the numbers or repeat them: Slice, Split, Gather, Expand, and a Pad of channels."""

from typing import Any, NamedTuple, NoReturn

import numpy as np

from minivis.errors import BadFile
from minivis.layers import Conv2D, Crop2D, MaxPool2D, Slice, Upsample
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import moves


def slice_(graph: Any, node: Any, given: Any) -> None:
    """Slice: channels, rows or columns; of every second position too. Attributes to opset 9, inputs since."""
    starts, ends, axes, steps = (listed(graph, node, given, number, name)
                                 for number, name in enumerate(("starts", "ends", "axes", "steps"), 1))  # fmt: skip
    value = moves.read(graph, node)
    axes = list(range(len(starts))) if axes is None else [a % (value.places.ndim + 1) for a in axes]
    for start, end, axis, step in zip(starts, ends, axes, steps or [1] * len(starts)):
        size = graph.shapes["input"][0] if axis == 0 else value.places.shape[axis - 1]
        first, last, step = slice(start, end, step).indices(size)
        if (first, last, step) == (0, size, 1):
            continue
        if step == -1 and first - last == size and axis:
            value = value._replace(places=np.flip(value.places, axis - 1))
            continue
        if axis == 0 or step < 1 or last <= first:
            raise BadFile(f"{node.name!r} takes {start} to {end} by {step} of axis {axis}; no layer here does that")
        value = cut(graph, node, value, axis, first, last, step)
    graph.values[node.output[0]] = value


def listed(graph: Any, node: Any, given: Any, number: int, name: str) -> Any:
    stored = graph.optional(node, number)
    return given.get(name) if stored is None else stored.reshape(-1).tolist()


def split(graph: Any, node: Any, given: Any) -> None:
    value, sizes = moves.read(graph, node), listed(graph, node, given, 1, "split")
    axis = given.get("axis", 0) % (value.places.ndim + 1)
    if axis == 0:
        raise BadFile(f"{node.name!r} parts one picture from another; no layer here does that")
    total = value.places.shape[axis - 1]
    if sizes is None:
        each = -(-total // len(node.output))            # the last part may be smaller
        sizes = [min(each, total - each * i) for i in range(len(node.output))]
    begin = 0
    for name, size in zip(node.output, sizes):
        if name in graph.readers:
            graph.values[name] = cut(graph, node, value, axis, begin, begin + size, 1)
        begin += size


def cut(graph: Any, node: Any, value: Any, axis: Any, first: Any, last: Any, step: Any) -> Value:
    """The entries ``first`` to ``last`` of an axis of ONNX's, by ``step``."""
    name, shape = graph.name(node), graph.shapes[value.layer]
    if value.places.ndim == 1 and step == 1:
        made = graph.insert(name, Slice(first, last), graph.row(name, value))
        return Value(made, np.arange(last - first))
    turned = len(shape) == 4 and layout.same(value.places, layout.standard(shape).transpose(1, 2, 0))      # N, H, W, C
    axis = {1: "H", 2: "W", 3: "C"}[axis] if turned else {1: "C", 2: "H", 3: "W"}.get(axis)
    source = value.layer if turned else graph.maps_of(name, value)
    if axis == "C" and step == 1:
        made = graph.insert(name, Slice(first, last), source)
    elif axis in ("H", "W"):
        sides = (first, graph.shapes[source]["_HW".index(axis)] - last)
        made = graph.insert(name, Crop2D((sides, (0, 0)) if axis == "H" else ((0, 0), sides)), source)
        if step > 1:
            strides = (step, 1) if axis == "H" else (1, step)
            made = graph.insert(f"{name}, every {step}", MaxPool2D((1, 1), stride=strides), made)
    else:
        raise BadFile(f"{node.name!r} takes every {step}th channel; no layer here does that")
    places = layout.standard(graph.shapes[made])
    return Value(made, places.transpose(1, 2, 0) if turned else places)


def gather(graph: Any, node: Any, given: Any) -> None:
    """Gather of all channels in another order, as RGB to BGR; of a few that follow one another: those."""
    value, indices = moves.read(graph, node), graph.weight(node.input[1])
    axis = given.get("axis", 0) % (value.places.ndim + 1)
    graph.values[node.output[0]] = taken(graph, node, value, axis, indices)


def taken(graph: Any, node: Any, value: Any, axis: Any, indices: Any) -> Any:
    size = value.places.shape[axis - 1] if axis else 0
    wanted = [int(i) + size * (i < 0) for i in indices.reshape(-1)]
    if axis and indices.ndim == 1 and sorted(wanted) == list(range(size)):
        return value._replace(places=value.places.take(wanted, axis - 1))
    if axis and indices.ndim == 1 and wanted == list(range(wanted[0], wanted[-1] + 1)) and wanted[-1] < size:
        return cut(graph, node, value, axis, wanted[0], wanted[-1] + 1, 1)
    raise BadFile(f"{node.name!r} takes {indices.tolist()} of axis {axis}; here it is all channels in another order, "
                  "or some that follow one another")


class Turned(NamedTuple):
    """A value whose first axis is not that of the pictures, as PyTorch's exporter has it for x[:, [2, 1, 0]]."""

    value: Value
    perm: tuple

    @property
    def places(self) -> NoReturn:
        raise BadFile("the shape of pictures moved to another axis is asked for; no layer here does that")

    def follow(self, graph: Any, node: Any, given: Any) -> Any:
        """Gather along the first axis, or the Transpose back."""
        if node.op_type == "Transpose" and given.get("perm") and self.perm[given["perm"][0]] == 0:
            perm = [self.perm[axis] for axis in given["perm"]]
            graph.move(node, self.value, self.value.places.transpose([p - 1 for p in perm[1:]]))
            return None
        axis = given.get("axis", given.get("batch_dims", 0))
        if node.op_type in ("Gather", "GatherND") and axis == 0 and node.input[0] in graph.symbols:
            indices = graph.weight(node.input[1])
            indices = indices[:, 0] if node.op_type == "GatherND" and indices.shape[1:] == (1,) else indices
            return self._replace(value=taken(graph, node, self.value, self.perm[0], indices))
        raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type} of pictures moved to another "
                      "axis; no layer here does that")


def begin(graph: Any, node: Any, given: Any) -> Turned | None:
    """The `Turned` of a Transpose that moves the axis of the pictures; else None."""
    perm = given.get("perm")
    if node.op_type != "Transpose" or not perm or perm[0] == 0 or node.input[0] not in graph.values:
        return None
    return Turned(moves.read(graph, node), tuple(perm))


def expand(graph: Any, node: Any, given: Any) -> Any:
    """Expand: one number per channel over all positions."""
    value, wanted = moves.read(graph, node), graph.weight(node.input[1]).reshape(-1).tolist()
    before = graph.onnx_shape(node.input[0])
    try:
        after = np.broadcast_shapes(before, tuple(wanted))
    except ValueError:
        raise BadFile(f"{node.name!r} expands {list(before)} to {wanted}, which do not go together") from None
    if after == before:
        return moves.identity(graph, node, given)
    if len(before) != 4 or len(after) != 4 or after[:2] != before[:2]:
        raise BadFile(f"{node.name!r} expands {list(before)} to {wanted}; here maps are repeated over positions")
    factor = tuple(n // m for n, m in zip(after[2:], before[2:]))
    graph.add(node, Upsample(factor), graph.maps_of(node.input[0], value))


def padded_channels(graph: Any, node: Any, value: Any, before: Any, after: Any) -> Value:
    """Channels of zeros around a map's: a 1x1 convolution that copies, as in the shortcuts of small ResNets."""
    source = graph.maps_of(node.input[0], value)
    C = graph.shapes[source][3]
    kernel = np.pad(np.eye(C, dtype=graph.dtype), ((0, 0), (before, after)))
    made = graph.insert(f"{graph.name(node)}, channels", Conv2D(kernel[None, None]), source)
    return Value(made, layout.standard(graph.shapes[made]))


OPERATORS = {"Expand": expand, "Gather": gather, "Slice": slice_, "Split": split}
