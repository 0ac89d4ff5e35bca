"""GELU as exporters write it before opset 20, from the error function:

    x * 0.5 * (1 + erf(x / sqrt(2)))            Div, Erf, Add, Mul, Mul, in several orders
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadFile
from minivis.layers import GELU, Scale
from minivis.weights import layout
from minivis.weights.layout import Value


class Phi(NamedTuple):
    """factor * (erf(x / sqrt(2)) + added), of a value x."""

    of: Value
    factor: float = 1.0
    added: float = 0.0

    @property
    def places(self) -> Any:
        return self.of.places

    def follow(self, graph: Any, node: Any, given: Any) -> Any:
        """What a node that reads it makes of it; None if it ends in a layer."""
        first, second = [*node.input, None][:2]
        other = second if graph.symbols.get(first) is self else first
        if other in graph.arrays and graph.arrays[other].size == 1 and node.op_type in ("Add", "Div", "Mul") \
                and (node.op_type != "Div" or other == second):
            number = float(graph.arrays[other].reshape(-1)[0])
            if node.op_type == "Add":
                return self._replace(added=self.added + number / self.factor)
            return self._replace(factor=self.factor * (number if node.op_type == "Mul" else 1 / number))
        if node.op_type == "Mul" and other in graph.values and self.added == 1:
            return self.product(graph, node, other)
        raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type} of an Erf, no layer here but GELU")

    def product(self, graph: Any, node: Any, other: Any) -> None:
        """c * x times it: GELU times 2 c factor."""
        value, c = graph.settled(graph.value(other)), 1.0
        made = graph.net.nodes.get(value.layer)
        if made and value.layer != self.of.layer and isinstance(made.layer, Scale) \
                and made.inputs == (self.of.layer,) and (made.layer.params["w"] == made.layer.params["w"][0]).all() \
                and not made.layer.params["b"].any():
            c = float(made.layer.params["w"][0])
            if graph.readers[other] == 1:
                del graph.net.nodes[value.layer]
            value = Value(self.of.layer, value.places)
        if value.layer != self.of.layer or not layout.same(value.places, self.of.places):
            raise BadFile(f"{node.name!r} multiplies an Erf by another value than its own; here only GELU is known")
        graph.add_keeping(node, GELU(), value.layer, places=value.places)
        graph.scaled(node, 2 * c * self.factor)


def begin(graph: Any, node: Any) -> Phi | None:
    """The `Phi` of an Erf of x / sqrt(2); else None."""
    if node.op_type != "Erf" or node.input[0] not in graph.values:
        return None
    value = graph.settled(graph.value(node.input[0]))
    made = graph.net.nodes.get(value.layer)
    if not made or not isinstance(made.layer, Scale) or made.layer.params["b"].any() \
            or not np.allclose(made.layer.params["w"], math.sqrt(0.5), rtol=1e-5):
        return None
    if graph.readers[node.input[0]] == 1:
        del graph.net.nodes[value.layer]
    return Phi(Value(made.inputs[0], value.places))
