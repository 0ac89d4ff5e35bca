"""ONNX operators on single numbers, and those that make maps larger: one function an operator, as in operators.py."""

import numpy as np

from minivis.errors import BadFile
from minivis.layers import (
    ConvTranspose2D,
    GlobalMaxPool,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    Sigmoid,
    SiLU,
    Tanh,
    Upsample,
)
from minivis.weights import layout
from minivis.weights.onnx import moves, operators
from minivis.weights.onnx.operators import elementwise, per_channel


def gated(graph, node):
    """x * Sigmoid(x) and x * HardSigmoid(x) as one layer, whose gate nobody else reads. True where it was that."""
    layers = graph.net.nodes
    for gate_name, x_name in (node.input, reversed(node.input)):
        gate, x = graph.value(gate_name), graph.value(x_name)
        made = layers.get(gate.layer)
        if made is None or made.inputs != (x.layer,) or graph.readers[gate_name] != 1 \
                or not layout.same(gate.places, x.places):
            continue
        hard = isinstance(made.layer, HardSigmoid) and abs(made.layer.slope - 1 / 6) < 1e-6 and made.layer.offset == 0.5
        if not hard and not isinstance(made.layer, Sigmoid):
            continue
        del layers[gate.layer], graph.shapes[gate.layer], graph.values[gate_name]
        graph.add_keeping(node, HardSwish() if hard else SiLU(), x.layer, places=x.places)
        return True
    return False


def multiply(graph, node, given):
    if any(name in graph.arrays for name in node.input):
        return operators.arithmetic(graph, node, given)
    if not gated(graph, node):
        raise BadFile(f"the node {node.name or node.output[0]!r} is a Mul of two layers, no layer here")


def prelu(graph, node, given):
    value = graph.settled(graph.value(node.input[0]))
    slope = per_channel(graph, graph.weight(node.input[1]), value)
    graph.add_keeping(node, PReLU(slope), value.layer, places=value.places)


def log_softmax(graph, node, given):
    operators.softmax(graph, node, given, LogSoftmax())


def global_max_pool(graph, node, given):
    value = graph.settled(graph.value(node.input[0]))
    if len(graph.shapes[value.layer]) == 2:
        return moves.identity(graph, node, given)
    operators.global_pool(graph, node, GlobalMaxPool(), (1, 1))


def upsample(graph, node, given):
    """Upsample (to opset 9) and Resize: nearest, by whole factors."""
    name = graph.maps(node.input[0])
    before = graph.onnx_shape(node.input[0])
    arrays = [graph.optional(node, number) for number in range(1, len(node.input))]
    arrays = [a for a in arrays[-2:] if a is not None and a.size == 4]
    if given.get("mode", b"nearest") != b"nearest":
        raise BadFile(f"{node.name!r} makes maps larger by {given['mode'].decode()}; here that is nearest alone")
    if "scales" in given:
        factors = np.array(given["scales"])
    elif not arrays:
        raise BadFile(f"{node.name!r} does not say by how much it makes maps larger")
    else:
        factors = arrays[-1] / before if arrays[-1].dtype.kind == "i" else arrays[-1]
    if (factors[:2] != 1).any() or (factors < 1).any() or (factors != np.round(factors)).any():
        raise BadFile(f"{node.name!r} makes maps {factors.tolist()} times as large; here factors are whole numbers")
    graph.add(node, Upsample((int(factors[2]), int(factors[3]))), name)


def conv_transpose(graph, node, given):
    w, b = graph.weight(node.input[1]).astype(graph.dtype), graph.optional(node, 2)         # (C, F/groups, KH, KW)
    if w.ndim != 4 or given.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in given:
        raise BadFile(f"{node.name!r} has padding that follows from its output; here a ConvTranspose gives it")
    top, left, bottom, right = given.get("pads", (0, 0, 0, 0))
    padding = (top, bottom), (left, right)
    layer = ConvTranspose2D(
        np.ascontiguousarray(w.transpose(2, 3, 1, 0)), b if b is None else b.astype(graph.dtype),
        stride=tuple(given.get("strides", (1, 1))), padding=padding, groups=given.get("group", 1),
        dilation=tuple(given.get("dilations", (1, 1))), output_padding=tuple(given.get("output_padding", (0, 0))))
    graph.add(node, layer, graph.maps(node.input[0]))


OPERATORS = {
    "ConvTranspose": conv_transpose,
    "GlobalMaxPool": global_max_pool,
    "HardSigmoid": lambda graph, node, given: elementwise(
        graph, node, HardSigmoid(given.get("alpha", 0.2), given.get("beta", 0.5))),
    "HardSwish": lambda graph, node, given: elementwise(graph, node, HardSwish()),
    "LeakyRelu": lambda graph, node, given: elementwise(graph, node, LeakyReLU(given.get("alpha", 0.01))),
    "LogSoftmax": log_softmax,
    "Mul": multiply,
    "PRelu": prelu,
    "Resize": upsample,
    "Sigmoid": lambda graph, node, given: elementwise(graph, node, Sigmoid()),
    "Tanh": lambda graph, node, given: elementwise(graph, node, Tanh()),
    "Upsample": upsample,
}  # fmt: skip
