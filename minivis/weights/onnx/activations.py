"""ONNX operators on single numbers, and those that make maps larger: one function an operator, as in operators.py."""

from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.layers import (
    ELU,
    GELU,
    ConvTranspose2D,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    Multiply,
    PReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    ThresholdReLU,
    Upsample,
)
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import moves, operators
from minivis.weights.onnx.operators import elementwise, per_channel


def gated(graph: Any, node: Any) -> bool:
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


def multiply(graph: Any, node: Any, given: Any) -> Any:
    if any(name in graph.arrays for name in node.input):
        return operators.arithmetic(graph, node, given)
    if not gated(graph, node):
        product(graph, node)


def product(graph: Any, node: Any) -> Any:
    """Of what the net computes: number by number, or maps by one number per channel or per position."""
    values = [graph.settled(graph.value(name)) for name in node.input]
    first, second = values
    if layout.same(first.places, second.places) and len({len(graph.shapes[v.layer]) for v in values}) == 1:
        return graph.add_keeping(node, Multiply(), first.layer, second.layer, places=first.places)
    if all(value.places.ndim == 1 for value in values):
        return graph.add(node, Multiply(), *(graph.row(name, value) for name, value in zip(node.input, values)))
    turned = any(is_channels_last(graph, value) for value in values)
    if turned:
        values = [value._replace(places=value.places.transpose(2, 0, 1)) for value in values]
    made = graph.insert(graph.name(node), Multiply(), *map(graph.maps_of, node.input, values))
    places = layout.standard(graph.shapes[made])
    graph.values[node.output[0]] = Value(made, places.transpose(1, 2, 0) if turned else places)


def is_channels_last(graph: Any, value: Any) -> Any:
    shape = graph.shapes[value.layer]
    return len(shape) == 4 and layout.same(value.places, layout.standard(shape).transpose(1, 2, 0)) \
        and not layout.same(value.places, layout.standard(shape))


def prelu(graph: Any, node: Any, given: Any) -> None:
    value = graph.settled(graph.value(node.input[0]))
    slope = per_channel(graph, graph.weight(node.input[1]), value)
    graph.add_keeping(node, PReLU(slope), value.layer, places=value.places)


def power(graph: Any, node: Any, given: Any) -> Any:
    """Pow: a square or a cube, as a product."""
    exponent = graph.weight(node.input[1])
    if exponent.size != 1 or exponent.item() not in (1, 2, 3):
        raise BadFile(f"{node.name!r} raises to the power of {exponent.tolist()}; here that is 1, 2 or 3")
    value, count = graph.settled(graph.value(node.input[0])), int(exponent.item())
    if count == 1:
        return moves.identity(graph, node, given)
    graph.add_keeping(node, Multiply(), *[value.layer] * count, places=value.places)


def celu(graph: Any, node: Any, given: Any) -> None:
    if given.get("alpha", 1.0) != 1:
        raise BadFile(f"{node.name!r} is a Celu of alpha {given['alpha']:g}; here there is ELU, the same for 1")
    elementwise(graph, node, ELU())


def simple(make: Any) -> Any:
    """An operator on single numbers: ``make(attributes)`` is its layer."""
    return lambda graph, node, given: elementwise(graph, node, make(given))


def log_softmax(graph: Any, node: Any, given: Any) -> None:
    operators.softmax(graph, node, given, LogSoftmax())


def upsample(graph: Any, node: Any, given: Any) -> None:
    """Upsample (to opset 9) and Resize: nearest, by whole factors."""
    name = graph.maps(node.input[0])
    before = graph.onnx_shape(node.input[0])
    arrays = [graph.optional(node, number) for number in range(1, len(node.input))]
    arrays = [a for a in arrays[-2:] if a is not None and a.size == 4]
    mode = given.get("mode", b"nearest")
    if mode != b"nearest":
        raise BadFile(f"{node.name!r} makes maps larger by {mode.decode()}; here it can only be nearest")
    if "scales" in given:
        factors = np.array(given["scales"])
    elif not arrays:
        raise BadFile(f"{node.name!r} does not say by how much it makes maps larger")
    else:
        factors = arrays[-1] / before if arrays[-1].dtype.kind == "i" else arrays[-1]
    if (factors[:2] != 1).any() or (factors < 1).any() or (factors != np.round(factors)).any():
        raise BadFile(f"{node.name!r} makes maps {factors.tolist()} times as large; here factors are whole numbers")
    check_nearest(node, given, graph.shapes[name][1:3], factors[2:])
    graph.add(node, Upsample((int(factors[2]), int(factors[3]))), name)


def check_nearest(node: Any, given: Any, sizes: Any, factors: Any) -> None:
    """Raise BadFile if a Resize takes another position than the one that Upsample repeats, i // factor."""
    if node.op_type == "Upsample":
        return
    way, rounding = (given.get(name, default).decode() for name, default in (
        ("coordinate_transformation_mode", b"half_pixel"), ("nearest_mode", b"round_prefer_floor")))
    for size, factor in zip(sizes, factors):
        i, last = np.arange(size * int(factor)), max(1, size * int(factor) - 1)
        places = {"asymmetric": i / factor, "align_corners": i * (size - 1) / last,
                  "tf_half_pixel_for_nn": (i + 0.5) / factor}.get(way, (i + 0.5) / factor - 0.5)  # fmt: skip
        taken = {"floor": np.floor(places), "ceil": np.ceil(places), "round_prefer_ceil": np.floor(places + 0.5)}.get(
            rounding, np.ceil(places - 0.5))
        if (np.clip(taken, 0, size - 1) != i // factor).any():
            raise BadFile(f"{node.name!r} takes the nearest position by {way} and {rounding}; here each position is "
                          "repeated")


def conv_transpose(graph: Any, node: Any, given: Any) -> None:
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
    "Abs": simple(lambda given: LeakyReLU(-1.0)),
    "Celu": celu,
    "ConvTranspose": conv_transpose,
    "Elu": simple(lambda given: ELU(given.get("alpha", 1.0))),
    "Gelu": simple(lambda given: GELU(given.get("approximate", b"none") == b"tanh")),
    "HardSigmoid": simple(lambda given: HardSigmoid(given.get("alpha", 0.2), given.get("beta", 0.5))),
    "HardSwish": simple(lambda given: HardSwish()),
    "LeakyRelu": simple(lambda given: LeakyReLU(given.get("alpha", 0.01))),
    "LogSoftmax": log_softmax,
    "Mish": simple(lambda given: Mish()),
    "Mul": multiply,
    "PRelu": prelu,
    "Pow": power,
    "Resize": upsample,
    "Selu": simple(lambda given: ELU(given.get("alpha", 1.67326319217681884765625),
                                     given.get("gamma", 1.05070102214813232421875))),
    "Sigmoid": simple(lambda given: Sigmoid()),
    "Softplus": simple(lambda given: Softplus()),
    "Softsign": simple(lambda given: Softsign()),
    "Tanh": simple(lambda given: Tanh()),
    "ThresholdedRelu": simple(lambda given: ThresholdReLU(threshold=given.get("alpha", 1.0))),
    "Upsample": upsample,
}  # fmt: skip
