"""What each ONNX operator that computes is here, one function an operator: ``(graph, node, attributes)``.

    ONNX                                                        here
    x (N, C, H, W), w (F, C/groups, KH, KW)                     x (N, H, W, C), w (KH, KW, C/groups, F)
    Gemm, MatMul: rows of w in the order of the value           rows of w in the order of our layer
    Sub, Mul, ... by a constant, ahead of everything            the preprocessing
"""

import numpy as np

from minivis.errors import BadFile
from minivis.layers import (
    LRN,
    Add,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    ReLU,
    Softmax,
)
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import moves

# ---- layers with weights ----


def conv(graph, node, given):
    kernel = graph.weight(node.input[1]).astype(graph.dtype)                                # (F, C/groups, KH, KW)
    if kernel.ndim != 4:
        raise BadFile(f"{node.name!r} convolves {kernel.ndim - 2} axes; here there are two")
    b = graph.optional(node, 2)
    b = None if b is None else b.astype(graph.dtype)
    value = graph.value(node.input[0])
    if len(graph.shapes[value.layer]) == 2 and kernel.shape[2:] == (1, 1) and given.get("group", 1) == 1:
        return dense(graph, node, kernel[:, :, 0, 0].T, b)          # behind a global pool: a 1x1 kernel is an FC layer
    padding = pads(graph, value, given, kernel.shape[2:])
    if value.pads is not None and value.fill == 0 and padding != "same":
        padding = tuple((low + first, high + last) for (low, high), (first, last) in zip(padding, value.pads))
    elif value.pads is not None:
        value = graph.settled(value)
        graph.values[node.input[0]] = value
    layer = Conv2D(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), b, padding=padding,
                   stride=tuple(given.get("strides", (1, 1))), dilation=tuple(given.get("dilations", (1, 1))),
                   groups=given.get("group", 1))
    graph.add(node, layer, graph.maps(node.input[0], padded=True))


def gemm(graph, node, given):
    if given.get("transA"):
        raise BadFile(f"{node.name!r} transposes what the net computes (transA); no layer here does that")
    w, b = graph.weight(node.input[1]) * given.get("alpha", 1.0), graph.optional(node, 2)
    w = w.T if given.get("transB") else w
    b = b if b is None else b * given.get("beta", 1.0)
    dense(graph, node, w, b if b is None else np.broadcast_to(b, (1, w.shape[1]))[0])


def matmul(graph, node, given):
    dense(graph, node, graph.weight(node.input[1]), None)


def dense(graph, node, w, b):
    """An FC layer of w (in, out), its rows in the order of our layer; along the channels of a map: a 1x1 kernel."""
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
    if value.places.size != w.shape[0] or len(graph.shapes[value.layer]) != 2:
        raise BadFile(f"{node.name!r} multiplies {list(graph.onnx_shape(node.input[0]))} by {list(w.shape)}; an FC "
                      "layer takes one row a picture")
    w = np.ascontiguousarray(layout.scattered(w, value.places.reshape(-1)), dtype=graph.dtype)
    made = graph.insert(graph.name(node), FullyConnected(w, b), value.layer)
    shape = value.places.shape if value.places.ndim == 1 else (w.shape[1], 1, 1)
    graph.values[node.output[0]] = Value(made, np.arange(w.shape[1]).reshape(-1, *shape[1:]))


def batch_norm(graph, node, given):
    value = graph.settled(graph.value(node.input[0]))
    training = given.get("training_mode", 0) if graph.opset >= 14 else len([name for name in node.output if name]) > 1
    if training:
        raise BadFile(f"{node.name!r} takes mean and variance from the pictures, as in training: call eval() on the "
                      "model before you export it")
    axes = (-1, *(1,) * (value.places.ndim - 1))
    arrays = [per_channel(graph, graph.weight(name).reshape(axes), value) for name in node.input[1:5]]
    layer = BatchNorm(*arrays, eps=given.get("epsilon", 1e-5))              # gamma, beta, mean, var
    graph.add_keeping(node, layer, value.layer, places=value.places)


def per_channel(graph, array, value):
    return layout.per_channel(array, value.places, graph.shapes[value.layer], graph.dtype)


# ---- arithmetic ----


def arithmetic(graph, node, given):
    """Add, Sub, Mul, Div of two values, or of a value and a constant."""
    constants = [name for name in node.input if name in graph.arrays]
    if not constants:
        return merge(graph, node)
    (other,) = (name for name in node.input if name not in graph.arrays)
    kind, number = node.op_type, graph.weight(constants[0]).astype(np.float64)
    value = graph.settled(graph.value(other))
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


def merge(graph, node):
    """The sum of values that the net computes."""
    if node.op_type not in ("Add", "Sum"):
        raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type} of two layers, no layer here")
    values = [graph.settled(graph.value(name)) for name in node.input]
    if len(values) == 1:
        return moves.identity(graph, node, {})
    if not all(layout.same(value.places, values[0].places) for value in values):
        if any(value.places.ndim != 1 for value in values):
            raise BadFile(f"{node.name!r} adds maps whose axes are in different orders; no layer here does that")
        values = [Value(graph.row(name, value), np.arange(value.places.size))
                  for name, value in zip(node.input, values)]
    graph.add_keeping(node, Add(), *(value.layer for value in values), places=values[0].places)


# ---- element by element ----


def relu(graph, node, given):
    elementwise(graph, node, ReLU())


def elementwise(graph, node, layer):
    value = graph.settled(graph.value(node.input[0]))
    graph.add_keeping(node, layer, value.layer, places=value.places)


def clip(graph, node, given):
    low, high = ((a.item() if a is not None else None) for a in (graph.optional(node, 1), graph.optional(node, 2)))
    low, high = given.get("min", low), given.get("max", high)
    if low != 0:
        raise BadFile(f"{node.name!r} clips to {low} .. {high}; here there is ReLU, from 0 to a largest value")
    elementwise(graph, node, ReLU(max_value=None if high is None or high > 3e38 else float(high)))


def softmax(graph, node, given, layer=None):
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


# ---- windows ----


def max_pool(graph, node, given):
    if any(d != 1 for d in given.get("dilations", (1,))) or len([name for name in node.output if name]) > 1:
        raise BadFile(f"{node.name!r} pools with dilation or hands out its places; here neither is done")
    graph.add(node, MaxPool2D(**window(graph, node, given)), graph.maps(node.input[0]))


def average_pool(graph, node, given):
    layer = AvgPool2D(**window(graph, node, given), count_padding=bool(given.get("count_include_pad", 0)))
    graph.add(node, layer, graph.maps(node.input[0]))


def global_average_pool(graph, node, given):
    value = graph.settled(graph.value(node.input[0]))
    if len(graph.shapes[value.layer]) == 2:
        return moves.identity(graph, node, given)
    global_pool(graph, node, GlobalAvgPool(), (1, 1))


def global_pool(graph, node, layer, ones):
    """A pool over all positions; ``ones``: the axes that ONNX leaves, of one entry each."""
    made = graph.insert(graph.name(node), layer, graph.maps(node.input[0]))
    graph.values[node.output[0]] = Value(made, np.arange(graph.shapes[made][1]).reshape(-1, *ones))


def reduce_mean(graph, node, given):
    value, axes = graph.settled(graph.value(node.input[0])), moves.axes_of(graph, node, given)
    shape, ndim = graph.shapes[value.layer], value.places.ndim + 1
    axes = list(range(ndim)) if axes is None else sorted(a % ndim for a in axes)
    kept = [a for a in range(1, ndim) if a not in axes]
    rows = value.places.transpose([a - 1 for a in kept + [a for a in axes if a]])
    rows = rows.reshape(int(np.prod([value.places.shape[a - 1] for a in kept])), -1) % shape[-1]
    if 0 in axes or len(shape) != 4 or len(rows) != shape[-1] or (rows != rows[:, :1]).any():
        raise BadFile(f"{node.name!r} takes the mean over axes {axes}; here it goes over all positions")
    made = graph.insert(graph.name(node), GlobalAvgPool(), value.layer)
    after = [1 if a in axes else value.places.shape[a - 1] for a in range(1, ndim) if a in kept or
             given.get("keepdims", 1)]
    graph.values[node.output[0]] = Value(made, rows[:, 0].reshape(after))


def lrn(graph, node, given):
    layer = LRN(size=given["size"], alpha=given.get("alpha", 1e-4), beta=given.get("beta", 0.75),
                k=given.get("bias", 1.0))
    graph.add(node, layer, graph.maps(node.input[0]))


def pad(graph, node, given):
    amounts = given.get("pads") or graph.weight(node.input[1]).reshape(-1).tolist()
    filled = graph.optional(node, 2)
    fill = given.get("value", 0.0) if filled is None else filled.item()
    value, axes = graph.settled(graph.value(node.input[0])), graph.optional(node, 3)
    ndim = value.places.ndim + 1
    around = np.zeros((ndim, 2), int)
    for place, axis in enumerate(range(ndim) if axes is None else axes.reshape(-1)):
        around[axis] = amounts[place], amounts[place + len(amounts) // 2]
    if not around.any():
        return moves.identity(graph, node, given)
    shape = graph.shapes[value.layer]
    last = len(shape) == 4 and layout.same(value.places, layout.standard(shape).transpose(1, 2, 0))
    rows, columns, rest = (1, 2, (0, 3)) if last else (2, 3, (0, 1))
    name = value.layer if last else graph.maps(node.input[0])
    if given.get("mode", b"constant") != b"constant" or around[[*rest]].any() or min(amounts) < 0:
        raise BadFile(f"{node.name!r} pads with something other than a number around the picture")
    padding = tuple(around[rows].tolist()), tuple(around[columns].tolist())
    padded = Value(name, layout.standard(graph.shapes[name]), padding, fill)
    if last:
        padded = graph.settled(padded)
        padded = Value(padded.layer, padded.places.transpose(1, 2, 0))
    graph.values[node.output[0]] = padded


def pads(graph, value, given, kernel):
    """The padding of a node as our layers take it: ((top, bottom), (left, right)), or "same", TensorFlow's rule."""
    auto = given.get("auto_pad", b"NOTSET")
    if auto == b"SAME_UPPER":                           # the odd zero goes after
        return "same"
    if auto == b"SAME_LOWER":
        return same_lower(graph, value, given, kernel)
    if auto not in (b"NOTSET", b"VALID"):
        raise BadFile(f"padding by {auto.decode()}, which no layer here does")
    top, left, bottom, right = given.get("pads", (0, 0, 0, 0)) if auto == b"NOTSET" else (0, 0, 0, 0)
    return (top, bottom), (left, right)


def same_lower(graph, value, given, kernel):
    """The padding that makes ceil(H / stride) rows, the odd zero ahead, for the size in hand."""
    strides, dilations = given.get("strides", (1, 1)), given.get("dilations", (1, 1))
    if graph.open and tuple(strides) != (1, 1):
        raise BadFile("padding by SAME_LOWER depends on the size of the picture, which the file leaves open; export it "
                      "with a fixed size")
    sizes = graph.shapes[graph.settled(value).layer][1:3]
    totals = [max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
              for n, s, k, d in zip(sizes, strides, kernel, dilations)]  # fmt: skip
    return tuple((total - total // 2, total // 2) for total in totals)


def window(graph, node, given):
    """The geometry of a pooling node; ONNX's stride is 1 where none is given."""
    size = tuple(given["kernel_shape"])
    return {"size": size, "stride": tuple(given.get("strides", (1, 1))), "ceil": bool(given.get("ceil_mode", 0)),
            "padding": pads(graph, graph.value(node.input[0]), given, size)}


OPERATORS = {
    "Add": arithmetic, "AveragePool": average_pool, "BatchNormalization": batch_norm, "Clip": clip, "Conv": conv,
    "Div": arithmetic, "Gemm": gemm, "GlobalAveragePool": global_average_pool, "LRN": lrn, "MatMul": matmul,
    "MaxPool": max_pool, "Mul": arithmetic, "Pad": pad, "ReduceMean": reduce_mean, "Relu": relu, "Softmax": softmax,
    "Sub": arithmetic, "Sum": lambda graph, node, given: merge(graph, node),
}  # fmt: skip
