"""Arithmetic on constants in an ONNX graph: shapes that are put together node by node, weights that are computed.

A traced ``x.view(x.size(0), -1)`` is Shape, Gather, Unsqueeze, Concat and Reshape. The shape of every value is known
here, so all but the Reshape is constant, and onnx's own evaluator computes it.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minivis.errors import BadFile

FOLDABLE = {
    "Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Exp", "Expand",
    "Flatten", "Floor", "Gather", "Greater", "Identity", "Less", "Log", "Max", "Min", "Mod", "Mul", "Neg", "NonZero",
    "Not", "Or", "Pow", "Range", "Reciprocal", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "Reshape", "Round", "Shape", "Sign", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum",
    "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where",
}  # fmt: skip
GROWING = {"ConstantOfShape", "Expand", "Range", "Tile"}    # a few numbers can ask for any amount of memory
MOST = 2**24                                            # numbers in what such a node makes: a file may be hostile


def constant(node: Any, given: Any) -> Any:
    """The array of a Constant node."""
    from onnx import numpy_helper

    kinds = ("value", "value_float", "value_int", "value_floats", "value_ints")
    value = next((given[kind] for kind in kinds if kind in given), None)
    if value is None:
        raise BadFile(f"the constant {node.output[0]!r} holds no numbers")
    return numpy_helper.to_array(value) if hasattr(value, "raw_data") else np.asarray(value)


def fold(node: Any, arrays: Any, opset: int) -> list[Any]:
    """The outputs of a node whose inputs ``arrays`` are all constant. Raise BadFile if it asks for too much."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    if node.op_type in GROWING and grown(node.op_type, arrays) > MOST:
        raise BadFile(f"{node.name or node.output[0]!r} ({node.op_type}) makes a constant of more than {MOST} numbers")
    inputs = {name: array for name, array in zip(node.input, arrays) if name}
    types = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
             for name, array in inputs.items()]  # fmt: skip
    outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output]
    model = helper.make_model(helper.make_graph([node], "constants", types, outputs),
                              opset_imports=[helper.make_opsetid("", opset)])  # fmt: skip
    return [np.asarray(made) for made in ReferenceEvaluator(model).run(None, inputs)]


def grown(kind: Any, arrays: Any) -> Any:
    """How many numbers such a node makes."""
    if kind == "Range":
        start, limit, step = (float(a.reshape(-1)[0]) for a in arrays)
        return abs(limit - start) / abs(step) if step else math.inf
    count = math.prod(int(n) for n in arrays[-1].reshape(-1))
    return count * arrays[0].size if kind == "Tile" else max(count, arrays[0].size)


def attributes(node: Any) -> dict[Any, Any]:
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def read_by(graph: Any) -> Iterator[Any]:
    """The names that the nodes of a graph read, those of the branches of an If too, and its outputs."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from read_by(attribute.g)
    yield from (output.name for output in graph.output)
