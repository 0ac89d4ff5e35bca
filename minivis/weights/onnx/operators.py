"""What each ONNX operator that computes is here, one function an operator: ``(graph, node, attributes)``.

    ONNX                                                        here
    x (N, C, H, W), w (F, C/groups, KH, KW)                     x (N, H, W, C), w (KH, KW, C/groups, F)
    Gemm, MatMul: rows of w in the order of the value           rows of w in the order of our layer
    Sub, Mul, ... by a constant, ahead of everything            the preprocessing
"""

from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.layers import (
    Add,
    BatchNorm,
    Conv2D,
    FullyConnected,
    ReLU,
    Softmax,
    Upsample,
)
from minivis.types import Array
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import moves, windows

# ---- layers with weights ----


def conv(graph: Any, node: Any, given: Any) -> Any:
    kernel = graph.weight(node.input[1]).astype(graph.dtype)                                # (F, C/groups, KH, KW)
    if kernel.ndim != 4:
        raise BadFile(f"{node.name!r} convolves {kernel.ndim - 2} axes; here there are two")
    b = graph.optional(node, 2)
    b = None if b is None else b.astype(graph.dtype)
    value = graph.value(node.input[0])
    if len(graph.shapes[value.layer]) == 2 and kernel.shape[2:] == (1, 1) and given.get("group", 1) == 1:
        return dense(graph, node, kernel[:, :, 0, 0].T, b, axis=0)  # after a global pool: a 1x1 kernel is an FC layer
    if given.get("group", 1) == 1 and value.pads is None:
        kernel, value = of_our_channels(graph, kernel, value)
    padding = windows.pads(graph, value, given, kernel.shape[2:])
    if value.pads is not None and value.fill == 0 and padding != "same":
        padding = tuple((low + first, high + last) for (low, high), (first, last) in zip(padding, value.pads))
    elif value.pads is not None:
        value = graph.settled(value)
    layer = Conv2D(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), b, padding=padding,
                   stride=tuple(given.get("strides", (1, 1))), dilation=tuple(given.get("dilations", (1, 1))),
                   groups=given.get("group", 1))
    graph.add(node, layer, graph.maps_of(node.input[0], value))


def of_our_channels(graph: Any, kernel: Any, value: Any) -> tuple[Any, Any]:
    """A kernel (F, C, KH, KW) for our own order of channels, where the graph's is another (BGR); and the value so."""
    shape = graph.shapes[value.layer]
    if len(shape) != 4 or value.places.shape != (shape[3], *shape[1:3]) or kernel.shape[1] != shape[3]:
        return kernel, value
    standard = layout.standard(shape)
    order = value.places[:, 0, 0]
    if sorted(order) != list(range(shape[3])) or layout.same(order, standard[:, 0, 0]) \
            or not layout.same(value.places, standard[order]):
        return kernel, value
    return layout.scattered(kernel.transpose(1, 0, 2, 3), order).transpose(1, 0, 2, 3), value._replace(places=standard)


def gemm(graph: Any, node: Any, given: Any) -> None:
    if given.get("transA"):
        raise BadFile(f"{node.name!r} transposes what the net computes (transA); no layer here does that")
    w, b = graph.weight(node.input[1]) * given.get("alpha", 1.0), graph.optional(node, 2)
    w = w.T if given.get("transB") else w
    b = b if b is None else b * given.get("beta", 1.0)
    dense(graph, node, w, b if b is None else np.broadcast_to(b, (1, w.shape[1]))[0])


def matmul(graph: Any, node: Any, given: Any) -> None:
    dense(graph, node, graph.weight(node.input[1]), None)


def dense(graph: Any, node: Any, w: Any, b: Any, axis: Any = -1) -> None:
    """An FC layer of w (in, out), its rows in the order of our layer; along the channels of a map: a 1x1 kernel.

    ``axis``: of the picture's axes in ONNX, the one that is multiplied.
    """
    value = graph.settled(graph.value(node.input[0]))
    if w.ndim != 2:
        raise BadFile(f"{node.name!r} multiplies by an array of {w.ndim} axes; an FC layer's has two")
    b = None if b is None else b.astype(graph.dtype)
    if value.places.ndim == 3 and len(graph.shapes[value.layer]) == 4 and value.places.shape[2] == w.shape[0]:
        last = layout.standard(graph.shapes[value.layer]).transpose(1, 2, 0)                # (H, W, C)
        if not layout.same(value.places, last):
            raise BadFile(f"{node.name!r} multiplies the axis of {node.input[0]!r} that is not its channels'")
        name = graph.insert(graph.name(node), Conv2D(w.astype(graph.dtype)[None, None], b), value.layer)
        graph.values[node.output[0]] = Value(name, layout.standard(graph.shapes[name]).transpose(1, 2, 0))
        return
    if value.places.shape[axis] != w.shape[0] or value.places.size != w.shape[0] or len(graph.shapes[value.layer]) != 2:
        raise BadFile(f"{node.name!r} multiplies {list(graph.onnx_shape(node.input[0]))} by {list(w.shape)}; an FC "
                      "layer takes one row per picture")
    w = np.ascontiguousarray(layout.scattered(w, value.places.reshape(-1)), dtype=graph.dtype)
    made = graph.insert(graph.name(node), FullyConnected(w, b), value.layer)
    after = list(value.places.shape)
    after[axis] = w.shape[1]
    graph.values[node.output[0]] = Value(made, np.arange(w.shape[1]).reshape(after))


def batch_norm(graph: Any, node: Any, given: Any) -> None:
    value = graph.settled(graph.value(node.input[0]))
    training = given.get("training_mode", 0) if graph.opset >= 14 else len([name for name in node.output if name]) > 1
    if training:
        raise BadFile(f"{node.name!r} takes mean and variance from the pictures, as in training: call eval() on the "
                      "model before you export it")
    axes = (-1, *(1,) * (value.places.ndim - 1))
    gamma, beta, mean, var = (per_channel(graph, graph.weight(name).reshape(axes), value) for name in node.input[1:5])
    layer = BatchNorm(gamma, beta, mean, var, given.get("epsilon", 1e-5))
    graph.add_keeping(node, layer, value.layer, places=value.places)


def per_channel(graph: Any, array: Array, value: Any) -> Any:
    return layout.per_channel(array, value.places, graph.shapes[value.layer], graph.dtype)


# ---- arithmetic ----


def arithmetic(graph: Any, node: Any, given: Any) -> Any:
    """Add, Sub, Mul, Div of two values, or of a value and a constant."""
    constants = [name for name in node.input if name in graph.arrays]
    if not constants:
        return merge(graph, node)
    (other,) = (name for name in node.input if name not in graph.arrays)
    kind, number = node.op_type, graph.weight(constants[0]).astype(np.float64)
    value = graph.settled(graph.value(other))
    if "axis" in given:                                     # to opset 6: the axis where the constant's first one stands
        axis = given["axis"] % (value.places.ndim + 1)
        number = number.reshape(*number.shape, *(1,) * (value.places.ndim + 1 - axis - number.ndim))
    if kind == "Div":
        if node.input[0] != other:
            raise BadFile(f"{node.name!r} divides a constant by what the net computes; no layer here does that")
        number = 1 / number
    first = 1.0 if kind in ("Add", "Sub") else number
    second = 0.0 if kind in ("Mul", "Div") else number if kind == "Add" else -number
    if kind == "Sub" and node.input[0] != other:                    # a constant minus x
        first, second = -1.0, number
    graph.values[node.output[0]] = graph.affine(graph.name(node), value, np.asarray(first), np.asarray(second),
                                                alone=graph.readers[other] == 1)


def merge(graph: Any, node: Any) -> Any:
    """The sum of values that the net computes."""
    if node.op_type == "Sub":
        first, second = (graph.settled(graph.value(name)) for name in node.input)
        second = graph.affine(f"{graph.name(node)}, negative", second, np.asarray(-1.0), np.asarray(0.0), alone=False)
        return added(graph, node, [first, second])
    if node.op_type not in ("Add", "Sum"):
        raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type} of two layers, no layer here")
    values = [graph.settled(graph.value(name)) for name in node.input]
    if len(values) == 1:
        return moves.identity(graph, node, {})
    added(graph, node, values)


def added(graph: Any, node: Any, values: Any) -> None:
    if len({value.places.shape for value in values}) > 1:
        values = [spread(graph, name, value, values) for name, value in zip(node.input, values)]
    if not all(layout.same(value.places, values[0].places) for value in values):
        if any(value.places.ndim != 1 for value in values):
            raise BadFile(f"{node.name!r} adds maps whose axes are in different orders; no layer here does that")
        values = [Value(graph.row(name, value), np.arange(value.places.size))
                  for name, value in zip(node.input, values)]
    graph.add_keeping(node, Add(), *(value.layer for value in values), places=values[0].places)


def spread(graph: Any, name: str, value: Any, others: Any) -> Value:
    """A value of a single position over as many positions as the largest of them has."""
    shapes = [other.places.shape for other in others]
    if any(len(shape) != 3 or shape[0] != shapes[0][0] for shape in shapes):
        raise BadFile(f"{name!r} is added to values of other shapes ({shapes}); here they agree but for positions")
    source = graph.maps_of(name, value)
    factor = tuple(max(shape[i] for shape in shapes) // value.places.shape[i] for i in (1, 2))
    if factor != (1, 1):
        source = graph.insert(f"{name}, spread", Upsample(factor), source, once=True)
    return Value(source, layout.standard(graph.shapes[source]))


# ---- element by element ----


def relu(graph: Any, node: Any, given: Any) -> None:
    elementwise(graph, node, ReLU())


def elementwise(graph: Any, node: Any, layer: Any) -> None:
    value = graph.settled(graph.value(node.input[0]))
    graph.add_keeping(node, layer, value.layer, places=value.places)


def clip(graph: Any, node: Any, given: Any) -> None:
    low, high = ((a.item() if a is not None else None) for a in (graph.optional(node, 1), graph.optional(node, 2)))
    clipped(graph, node, node.input[0], given.get("min", low), given.get("max", high))


def extreme(graph: Any, node: Any, given: Any) -> Any:
    """Max and Min of a value and one number; of two values, a + ReLU(b - a) and a - ReLU(a - b)."""
    if len(node.input) == 2 and not any(name in graph.arrays for name in node.input):
        sign, name = 1.0 if node.op_type == "Max" else -1.0, graph.name(node)
        a, b = (graph.settled(graph.value(name)) for name in node.input)
        opposite = graph.affine(f"{name}, negative", a, np.asarray(-1.0), np.asarray(0.0), alone=False)
        if not layout.same(a.places, b.places):
            raise BadFile(f"{node.name!r} compares values whose axes are in different orders; no layer here does that")
        more = graph.insert(f"{name}, difference", Add(), b.layer, opposite.layer)
        if sign < 0:
            more = graph.affine(f"{name}, turned", Value(more, a.places), np.asarray(-1.0), np.asarray(0.0),
                                alone=False).layer
        more = Value(graph.insert(f"{name}, relu", ReLU(), more), a.places)
        more = graph.affine(f"{name}, back", more, np.asarray(sign), np.asarray(0.0), alone=False) if sign < 0 else more
        return graph.add_keeping(node, Add(), a.layer, more.layer, places=a.places)
    constants = [name for name in node.input if name in graph.arrays]
    if len(node.input) != 2 or len(constants) != 1 or graph.arrays[constants[0]].size != 1:
        raise BadFile(f"{node.name!r} is a {node.op_type} of {len(node.input)} values; here it is one of two, or of a "
                      "value and a number")
    number = float(graph.arrays[constants[0]].reshape(-1)[0])
    (name,) = (name for name in node.input if name not in constants)
    clipped(graph, node, name, *((number, None) if node.op_type == "Max" else (None, number)))


def clipped(graph: Any, node: Any, name: str, low: Any, high: Any) -> None:
    """A ReLU with a largest value, of x moved to where it begins at 0 and back; without a lowest, of -x."""
    low, high = (None if n is None or abs(n) > 3e38 else float(n) for n in (low, high))
    value = graph.settled(graph.value(name))
    if low is None and high is None:
        graph.values[node.output[0]] = value
        return
    sign, begin = (1.0, low) if low is not None else (-1.0, -high)
    if sign < 0 or begin:
        value = graph.affine(f"{graph.name(node)}, moved", value, np.asarray(sign), np.asarray(-begin), alone=False)
    largest = None if low is None or high is None else high - low
    graph.add_keeping(node, ReLU(max_value=largest), value.layer, places=value.places)
    graph.scaled(node, sign, sign * begin)


def negative(graph: Any, node: Any, given: Any) -> None:
    value = graph.settled(graph.value(node.input[0]))
    graph.values[node.output[0]] = graph.affine(graph.name(node), value, np.asarray(-1.0), np.asarray(0.0), alone=False)


def softmax(graph: Any, node: Any, given: Any, layer: Any = None) -> None:
    layer = layer or Softmax()
    value = graph.settled(graph.value(node.input[0]))
    if value.places.ndim == 1 or value.places.size == value.places.shape[0]:
        flat = Value(value.layer, value.places.reshape(-1))
        name = graph.insert(graph.name(node), layer, graph.row(node.input[0], flat))
        graph.values[node.output[0]] = Value(name, np.arange(value.places.size).reshape(value.places.shape))
        return
    axis = given.get("axis", -1 if graph.opset >= 13 else 1) % (value.places.ndim + 1)
    if graph.opset < 13 or axis == 0 or not layout.same(value.places, layout.standard(graph.shapes[value.layer])) \
            or axis != 1:
        raise BadFile(f"{node.name!r} is a softmax of feature maps; here it is one of classes")
    elementwise(graph, node, layer)


OPERATORS = {
    "Add": arithmetic, "BatchNormalization": batch_norm, "Clip": clip, "Conv": conv, "Div": arithmetic, "Gemm": gemm,
    "MatMul": matmul, "Max": extreme, "Min": extreme, "Mul": arithmetic, "Neg": negative, "Relu": relu,
    "Softmax": softmax, "Sub": arithmetic,
    "Sum": lambda graph, node, given: merge(graph, node),
}  # fmt: skip
