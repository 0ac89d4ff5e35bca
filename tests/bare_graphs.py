"""An ONNX graph on its way to a net, made by hand: neither a file nor the onnx package is needed."""

from collections import Counter
from types import SimpleNamespace

import numpy as np

from minivis.engine.network import Network
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx.graph import Graph


def bare_graph(shape, **arrays):
    """A `Graph` whose picture ``x`` is (N, H, W, C) = ``shape``; ``arrays``: its constants."""
    graph = Graph.__new__(Graph)
    graph.arrays, graph.readers, graph.symbols, graph.divided = dict(arrays), Counter(["x"]), {}, set()
    graph.net, graph.dtype, graph.opset, graph.open = Network(), np.dtype("f4"), 17, False
    graph.shapes, graph.values = {"input": shape}, {"x": Value("input", layout.standard(shape))}
    graph.scale, graph.shift = np.ones(shape[-1]), np.zeros(shape[-1])
    return graph


def node(kind, *inputs):
    return SimpleNamespace(op_type=kind, name=kind, input=list(inputs), output=["y"])
