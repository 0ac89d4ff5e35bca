"""Forty ONNX graphs as exporters write them, node by node; ONNX Runtime gives the answers."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from cases import Case
from onnx import TensorProto, helper, numpy_helper

X = "input"


class Graph:
    """An ONNX graph as it grows: ``op("Conv", x, w, strides=[2, 2])`` returns the name of the output.

    ``sides``: the input's shape as the file says it, where texts are open; ``shape``: that of the picture.
    """

    def __init__(self, shape=(2, 3, 24, 20), *, sides=None, opset=17, ir=8, seed=0, producer="pytorch"):
        self.shape, self.sides, self.opset, self.ir, self.producer = shape, sides or shape, opset, ir, producer
        self.rng = np.random.default_rng(seed)
        self.nodes: list = []
        self.initializers: list = []
        self.channels_last = shape[1] > 4
        self.pixels = False                         # whether the graph takes 0..255

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [self.constant(i) if isinstance(i, np.ndarray) else i or "" for i in inputs]
        made = [f"{kind}_{len(self.nodes)}" + f"_{i}" * (outputs > 1) for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, names, made, name=f"/{made[0]}", **attributes))
        return made if outputs > 1 else made[0]

    def constant(self, array):
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def w(self, *shape):
        return (self.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:], dtype=float))).astype("f4")

    def proto(self, *ends):
        given = [helper.make_tensor_value_info(X, TensorProto.FLOAT, self.sides)]
        made = [helper.make_tensor_value_info(end, TensorProto.FLOAT, None) for end in ends]
        graph = helper.make_graph(self.nodes, "net", given, made, self.initializers)
        return helper.make_model(graph, ir_version=self.ir, producer_name=self.producer,
                                 opset_imports=[helper.make_opsetid("", self.opset)])  # fmt: skip


def floats(*values):
    return np.array(values, "f4")


def ints(*values):
    return np.array(values, "i8")


def scalar(value):
    return np.array(value, "f4")


def conv(g, x, C, F, k=3, **attributes):
    return g.op("Conv", x, g.w(F, C, k, k), g.w(F), **{"pads": [k // 2] * 4} | attributes)


def body(g, x=X, C=3):
    """Maps (N, 8, 12, 10) of a picture of 24 x 20."""
    return g.op("MaxPool", g.op("Relu", conv(g, x, C, 8)), kernel_shape=[2, 2], strides=[2, 2])


def head(g, x, n=5):
    """Classes of maps (N, 8, 12, 10)."""
    return g.op("Gemm", g.op("Flatten", x), g.w(n, 960), g.w(n), transB=1)


GRAPHS: dict[str, Callable] = {}


def graph(make):
    GRAPHS[make.__name__] = make
    return make


@graph
def plain():
    g = Graph()
    return g, head(g, body(g))


def make(folder):
    for name, build in GRAPHS.items():
        g, end = build()
        path = folder / f"{name}.onnx"
        proto = g.proto(end)
        path.write_bytes(proto.SerializeToString())
        x = g.rng.uniform(0, 255, g.shape) if g.pixels else g.rng.standard_normal(g.shape)
        y = onnxruntime.InferenceSession(str(path)).run(None, {X: x.astype("f4")})[0]
        yield Case(name, path, x if g.channels_last else x.transpose(0, 2, 3, 1), maps_last(y))


def maps_last(y):
    """Maps (N, C, H, W) as (N, H, W, C)."""
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y
