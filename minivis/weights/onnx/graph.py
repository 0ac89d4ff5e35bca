"""From an ONNX graph to a `Network`, node by node: constants are computed, every other node becomes a layer.

Each value that depends on the picture is a `layout.Value`: which layer makes it, and where its numbers stand there.
What an operator is here stands in operators.py and moves.py.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.images.preprocessing import IDENTITY
from minivis.layers import Flatten
from minivis.types import Array
from minivis.weights import layout
from minivis.weights.builder import Builder
from minivis.weights.layout import Value
from minivis.weights.onnx import activations, constants, cutting, gelu, moves, operators, torch_lrn, windows

WHERE = "minivis reads ONNX models of its own layers: Conv, Gemm, MaxPool, Relu, ..."
OPERATORS = {**moves.OPERATORS, **cutting.OPERATORS, **windows.OPERATORS, **operators.OPERATORS,
             **activations.OPERATORS}


class Graph(Builder):
    """A GraphProto on its way to a `Network`.

    ``values``: ONNX's name -> `Value`; ``arrays``: its name -> constant; ``symbols``: its name -> a step
    on the way to one layer, of a composition (torch_lrn.py, gelu.py).
    """

    def __init__(self, model: Any, dtype: Any) -> None:
        from onnx import numpy_helper

        super().__init__(dtype)
        self.graph = model.graph
        self.opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
        self.arrays = {t.name: numpy_helper.to_array(t) for t in self.graph.initializer}
        self.symbols: dict = {}
        self.one_size = False                           # whether a layer is right only for pictures of one size
        self.readers = Counter(constants.read_by(self.graph))
        self.divided = {node.input[0] for node in self.graph.node if node.op_type == "Div"}

    # ---- the whole ----

    def translate(self, size: Any, side: Any) -> Any:
        """The net; its input's size is ``size``, else the file's, else any, and ``side`` serves for what is open."""
        self.begin(size, side)
        for node in self.graph.node:
            self.take(node)
        self.outputs = {output.name: self.finished(output.name) for output in self.graph.output}
        if self.one_size or any(isinstance(layer, Flatten) for layer in self.net.layers.values()):
            self.net.preprocessing = replace(self.net.preprocessing, size=self.shapes["input"][1:3])
        return self.net

    def begin(self, size: Any, side: Any) -> None:
        """Take in the picture: which of its axes are the channels, and of what size it is."""
        pictures = [value for value in self.graph.input if value.name not in self.arrays]
        if len(pictures) != 1:
            raise BadFile(f"the model has {len(pictures)} inputs ({', '.join(p.name for p in pictures)}); minivis "
                          "reads models of one picture")
        self.picture = pictures[0].name
        sides = [d.dim_value for d in pictures[0].type.tensor_type.shape.dim]
        if len(sides) != 4:
            raise BadFile(f"its input is {sides}, not (N, channels, height, width)")
        self.channels_last = self.is_channels_last(sides)
        C, H, W = (sides[3], *sides[1:3]) if self.channels_last else sides[1:]
        if C < 1:
            raise BadFile(f"its input is {sides}, which leaves open how many channels its pictures have")
        fixed = (H, W) if H > 0 and W > 0 else None
        self.net.preprocessing = replace(IDENTITY.of_channels(C), size=size or fixed)
        self.open = fixed is None and size is None
        height, width = size or (H or W or side, W or H or side)
        self.shapes["input"] = (sides[0] or 1, height, width, C)
        self.scale, self.shift = np.ones(C), np.zeros(C)
        places = layout.maps(height, width, C)
        self.values[self.picture] = Value("input", places.transpose(1, 2, 0) if self.channels_last else places)

    def is_channels_last(self, sides: Any) -> bool:
        """Whether the picture comes as N, H, W, C: TensorFlow's exports do, and transpose it first."""
        first = [node for node in self.graph.node if self.picture in node.input]
        if first and all(node.op_type == "Transpose" for node in first):
            return all(constants.attributes(node).get("perm") == [0, 3, 1, 2] for node in first)
        return sides[3] in (1, 3) and sides[1] not in (1, 3)

    def take(self, node: Any) -> None:
        """Compute a node whose inputs are constants; add a layer for any other."""
        given, names = constants.attributes(node), [name for name in node.input if name]
        if node.op_type == "Constant":
            self.arrays[node.output[0]] = constants.constant(node, given)
        elif node.op_type == "Shape" and names[0] not in self.arrays:
            shape = np.array(self.onnx_shape(names[0]), np.int64)
            self.arrays[node.output[0]] = shape[given.get("start", 0) : given.get("end")]
        elif node.op_type == "If" and names[0] in self.arrays:
            self.branch(node, given["then_branch" if self.arrays[names[0]].any() else "else_branch"])
        elif node.op_type in constants.FOLDABLE and all(name in self.arrays for name in names):
            made = constants.fold(node, [self.arrays.get(name) for name in node.input], self.opset)
            self.arrays.update(zip(node.output, made))
        elif known := [self.symbols[name] for name in names if name in self.symbols]:
            made = known[0].follow(self, node, given)
            if made is not None:
                self.symbols[node.output[0]] = made
        elif begun := torch_lrn.begin(self, node) or gelu.begin(self, node) or cutting.begin(self, node, given):
            self.symbols[node.output[0]] = begun
        elif node.op_type in OPERATORS and node.domain in ("", "ai.onnx"):
            OPERATORS[node.op_type](self, node, given)
        else:
            raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type}, no layer here; {WHERE}")

    def branch(self, node: Any, graph: Any) -> None:
        """Take the nodes of one branch of an If, whose condition is known here."""
        from onnx import numpy_helper

        self.arrays.update((t.name, numpy_helper.to_array(t)) for t in graph.initializer)
        for inner in graph.node:
            self.take(inner)
        tables: tuple[dict[str, Any], ...] = (self.values, self.arrays, self.symbols)
        for name, made in zip(node.output, graph.output):
            for known in tables:
                if made.name in known:
                    known[name] = known[made.name]

    def finished(self, name: str) -> Any:
        """The `Value` of an output, in ONNX's order where it is a row."""
        value = self.settled(self.value(name))
        return value if value.places.ndim != 1 else Value(self.row(name, value), np.arange(value.places.size))

    # ---- what nodes read ----

    def value(self, name: str) -> Any:
        if name in self.symbols:
            raise BadFile(f"{name!r} is part of a {type(self.symbols[name]).__name__}, of which no layer came about")
        return super().value(name)

    def weight(self, name: str) -> Any:
        if name not in self.arrays:
            raise BadFile(f"{name!r} is computed by the net, where a constant was expected")
        return self.arrays[name]

    def optional(self, node: Any, number: int) -> Any:
        """The constant that is input ``number`` of a node; None if it is left out."""
        return self.weight(node.input[number]) if len(node.input) > number and node.input[number] else None

    def onnx_shape(self, name: str) -> tuple[Any, ...]:
        """The shape of a value as ONNX has it."""
        value = self.symbols[name] if name in self.symbols else self.settled(self.value(name))
        return (self.shapes["input"][0], *value.places.shape)

    def maps(self, name: str) -> Any:
        """The layer whose (N, H, W, C) is a value's (N, C, H, W)."""
        return self.maps_of(name, self.settled(self.value(name)))

    # ---- what nodes make ----

    def add(self, node: Any, layer: Any, *sources: str) -> None:
        """Append a layer, under the node's name, that reads these layers of ours; its output is in our own order."""
        made = self.insert(self.name(node), layer, *sources)
        self.values[node.output[0]] = Value(made, layout.standard(self.shapes[made]))

    def add_keeping(self, node: Any, layer: Any, *sources: str, places: Array) -> None:
        """Append a layer that leaves every number where it stands."""
        self.values[node.output[0]] = Value(self.insert(self.name(node), layer, *sources), places)

    def scaled(self, node: Any, w: Any, b: Any = 0.0) -> None:
        """What the node has put out becomes w times it, plus b."""
        if w != 1 or b:
            value = self.value(node.output[0])
            self.values[node.output[0]] = self.affine(f"{self.name(node)}, scaled", value, np.asarray(w), np.asarray(b),
                                                      alone=False)

    def name(self, node: Any) -> Any:
        """What a layer is called: as its node, or as the value that it makes."""
        wanted = (node.name or node.output[0]).strip("/") or node.output[0]
        return wanted if wanted not in self.net.nodes else node.output[0]

    def flat(self, node: Any, value: Any, places: Array) -> None:
        """Reshape to a row: a Flatten under the node's name, if our layer makes maps."""
        layer = value.layer
        if len(self.shapes[layer]) == 4:
            layer = self.insert(self.name(node), Flatten(), layer)
        self.values[node.output[0]] = Value(layer, places)

    def move(self, node: Any, value: Any, places: Array) -> None:
        """The node only moves numbers: here that is another way to count them."""
        if places.ndim == 1:
            self.flat(node, value, places)
        else:
            self.values[node.output[0]] = Value(value.layer, places)
