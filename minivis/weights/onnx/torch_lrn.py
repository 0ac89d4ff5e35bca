"""PyTorch's local response norm, which its exporters write as the dozen nodes that it consists of:

    x / (k + alpha * mean over size channels of x^2) ^ beta

    Mul (x, x), Reshape, Pad along the channels, AveragePool of (size, 1, 1), Squeeze, Reshape, Mul, Add, Pow, Div

On the way there the squares are not a layer's output; a `Squares` follows what the nodes do to them.
"""

from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadFile
from minivis.layers import LRN
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import moves

ZERO = -1                                               # the place of a number that a Pad added


class Squares(NamedTuple):
    """The squares of a value, or their means over ``size`` channels, alpha times that plus k, to the power of beta."""

    of: Value
    places: np.ndarray                                  # as `Value.places`, or ZERO
    size: int = 0
    alpha: float = 1.0
    k: float = 0.0
    beta: float = 1.0

    def follow(self, graph: Any, node: Any, given: Any) -> Any:
        """What a node that reads them makes of them; None if it ends in a layer."""
        if node.op_type not in STEPS:
            raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type} of squares, no layer here")
        return STEPS[node.op_type](graph, node, given)


def begin(graph: Any, node: Any) -> Squares | None:
    """The `Squares` of a node that squares what a Div after it divides by what becomes of them; else None."""
    if node.op_type == "Mul":
        square = len(node.input) == 2 and node.input[0] == node.input[1]
    else:
        square = node.op_type == "Pow" and node.input[1] in graph.arrays and (graph.arrays[node.input[1]] == 2).all()
    if not square or node.input[0] not in graph.values or node.input[0] not in graph.divided:
        return None
    value = graph.settled(graph.value(node.input[0]))
    if not layout.same(value.places, layout.standard(graph.shapes[value.layer])):
        raise BadFile(f"{node.name!r} squares maps whose axes are in an order that no layer here reads")
    return Squares(value, value.places)


def read(graph: Any, node: Any, number: int = 0) -> Any:
    return graph.symbols[node.input[number]]


# ---- what moves them ----


def shape_of(graph: Any, squares: Any) -> tuple[Any, ...]:
    return (graph.shapes["input"][0], *squares.places.shape)


def reshape(graph: Any, node: Any, given: Any) -> Any:
    squares = read(graph, node)
    after = moves.new_shape(node, shape_of(graph, squares), moves.wanted_shape(graph, node, given), given)
    return squares._replace(places=squares.places.reshape(after[1:]))


def squeeze(graph: Any, node: Any, given: Any) -> Any:
    squares = read(graph, node)
    return squares._replace(places=moves.squeezed(node, squares.places, moves.axes_of(graph, node, given)))


def unsqueeze(graph: Any, node: Any, given: Any) -> Any:
    squares = read(graph, node)
    return squares._replace(places=moves.unsqueezed(node, squares.places, moves.axes_of(graph, node, given)))


def pad(graph: Any, node: Any, given: Any) -> Any:
    squares = read(graph, node)
    around = moves.amounts(graph, node, given, squares.places.ndim + 1)
    return squares._replace(places=np.pad(squares.places, around[1:], constant_values=ZERO))


# ---- what computes ----


def mean(graph: Any, node: Any, given: Any) -> Any:
    """An average over windows over channels only, which begin size // 2 ahead of each."""
    squares, kernel = read(graph, node), list(given["kernel_shape"])
    size, wanted = kernel[0], squares.of.places
    channels = wanted.shape[0]
    window = squares.places.reshape(channels + size - 1, -1) if len(squares.places) == 1 else np.zeros((0, 0))
    around = [(size // 2, (size - 1) // 2), (0, 0)]
    if squares.size or kernel[1:] != [1] * (len(kernel) - 1) or any(given.get("pads", ())) \
            or any(s != 1 for s in given.get("strides", ())) \
            or not np.array_equal(window, np.pad(wanted.reshape(channels, -1), around, constant_values=ZERO)):
        raise BadFile(f"{node.name!r} averages squares in another way than a local response norm")
    inner = squares.places[:, size // 2 : size // 2 + channels]
    return squares._replace(places=inner, size=size)


def number(graph: Any, node: Any, squares_at: Any) -> float:
    """The constant, one number, beside squares."""
    array = graph.weight(node.input[1 - squares_at])
    if array.size != 1:
        raise BadFile(f"{node.name!r} weighs squares by {array.size} numbers; a local response norm has one")
    return float(array.reshape(-1)[0])


def place_of(graph: Any, node: Any) -> int:
    return 0 if node.input[0] in graph.symbols else 1


def scale(graph: Any, node: Any, given: Any) -> Any:
    at = place_of(graph, node)
    squares, factor = read(graph, node, at), number(graph, node, at)
    return squares._replace(alpha=squares.alpha * factor, k=squares.k * factor)


def add(graph: Any, node: Any, given: Any) -> Any:
    at = place_of(graph, node)
    squares = read(graph, node, at)
    return squares._replace(k=squares.k + number(graph, node, at))


def power(graph: Any, node: Any, given: Any) -> Any:
    return read(graph, node)._replace(beta=number(graph, node, 0))


def divide(graph: Any, node: Any, given: Any) -> Any:
    """The end: x divided by it all. Or squares divided by a constant."""
    if node.input[0] in graph.symbols:
        squares, factor = read(graph, node), 1 / number(graph, node, 0)
        return squares._replace(alpha=squares.alpha * factor, k=squares.k * factor)
    squares, x = read(graph, node, 1), graph.settled(graph.value(node.input[0]))
    if x.layer != squares.of.layer or not squares.size or not layout.same(squares.places, x.places):
        raise BadFile(f"{node.name!r} divides by squares in another way than a local response norm")
    graph.add_keeping(node, LRN(squares.size, squares.alpha, squares.beta, squares.k), x.layer, places=x.places)
    return None


STEPS = {"Add": add, "AveragePool": mean, "Div": divide, "Mul": scale, "Pad": pad, "Pow": power, "Reshape": reshape,
         "Squeeze": squeeze, "Unsqueeze": unsqueeze}  # fmt: skip
