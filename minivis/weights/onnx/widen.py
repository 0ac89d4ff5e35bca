"""A model in half precision as one in float32, in which we compute and in which it can be compared to 1e-6."""

from typing import Any


def widened(model: Any) -> Any:
    """Change a ModelProto in place, and return it: float16 and bfloat16 become float32, wherever they stand."""
    from onnx import TensorProto, numpy_helper

    half = (TensorProto.FLOAT16, TensorProto.BFLOAT16)

    def tensor(proto: Any) -> None:
        if proto.data_type in half:
            proto.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(proto).astype("f4"), proto.name))

    def graph(proto: Any) -> None:
        for initializer in proto.initializer:
            tensor(initializer)
        for value in (*proto.input, *proto.output):
            if value.type.tensor_type.elem_type in half:
                value.type.tensor_type.elem_type = TensorProto.FLOAT
        del proto.value_info[:]
        for node in proto.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    tensor(attribute.t)
                elif attribute.HasField("g"):
                    graph(attribute.g)
                elif node.op_type == "Cast" and attribute.name == "to" and attribute.i in half:
                    attribute.i = TensorProto.FLOAT

    graph(model.graph)
    return model
