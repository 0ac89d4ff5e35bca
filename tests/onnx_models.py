"""Small ONNX models, made node by node with the onnx package; importing this needs it."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model
from onnx.reference import ReferenceEvaluator

import minivis as mv

N = "input"


class Model:
    """An ONNX graph as it grows: ``op("Conv", x, w, strides=[2, 2])`` returns the name of the output."""

    def __init__(self, shape=(1, 3, 13, 11), seed=0, opset=17, sides=None):
        self.shape, self.nodes, self.initializers, self.opset = shape, [], [], opset
        self.sides = sides or shape                     # as the file says them: texts are open
        self.channels = shape[1] if shape[1] <= 4 else shape[3]
        self.rng = np.random.default_rng(seed)

    def op(self, kind, *inputs, name=None, outputs=1, **attributes):
        names = [self.constant(i) if isinstance(i, np.ndarray) else i for i in inputs]
        out = f"{kind.lower()}{len(self.nodes)}"
        names = ["" if i is None else i for i in names]
        more = [f"{out}_{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(kind, names, [out, *more], name=name or "", **attributes))
        return [out, *more] if more else out

    def constant(self, array):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def w(self, *shape):
        return self.rng.standard_normal(shape).astype("f4") / np.sqrt(np.prod(shape[1:], dtype=float)).astype("f4")

    def proto(self, producer="pytorch"):
        given = helper.make_tensor_value_info(N, TensorProto.FLOAT, self.sides)
        out = helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "net", [given], [out], self.initializers)
        return helper.make_model(graph, producer_name=producer, opset_imports=[helper.make_opsetid("", self.opset)])

    def save(self, path):
        save_model(self.proto(), str(path))
        return path


def everything():
    """Each operator that is read, in odd geometries; two branches that meet in Concat and Add."""
    m = Model()
    x = m.op("Pad", N, np.array([0, 0, 1, 0, 0, 0, 0, 2]), mode="constant")
    x = m.op("Conv", x, m.w(8, 3, 3, 3), m.w(8), strides=[1, 1], pads=[1, 0, 0, 1], name="/features/conv1")
    gamma, beta, mean = m.w(8) + 1, m.w(8), m.w(8)
    x = m.op("BatchNormalization", x, gamma, beta, mean, abs(m.w(8)) + 0.5, epsilon=1e-3)
    x = m.op("Relu", x)
    x = m.op("LRN", x, size=5, alpha=0.3, beta=0.75, bias=2.0)
    x = m.op("MaxPool", x, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)
    a = m.op("Conv", x, m.w(8, 1, 3, 3), group=8, auto_pad="SAME_UPPER", strides=[1, 1])
    a = m.op("Clip", a, np.array(0, "f4"), np.array(6, "f4"))
    b = m.op("Conv", x, m.w(8, 4, 3, 3), m.w(8), group=2, dilations=[2, 2], pads=[2, 2, 2, 2])
    x = m.op("Add", a, m.op("Identity", b))
    x = m.op("Concat", x, m.op("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), axis=1)
    x = m.op("Flatten", m.op("Dropout", x))
    x = m.op("Gemm", x, m.w(12, 16 * 6 * 6), m.w(12), transB=1)
    x = m.op("Add", m.op("MatMul", m.op("Relu", x), m.w(12, 10)), m.w(10))
    m.op("Softmax", x, axis=1)
    return m


def pooled():
    m = Model((1, 1, 9, 8))
    x = m.op("Relu", m.op("Conv", N, m.w(6, 1, 5, 3), strides=[2, 1]))
    x = m.op("AveragePool", x, kernel_shape=[2, 2], strides=[1, 2], pads=[1, 0, 0, 1], count_include_pad=1)
    x = m.op("Reshape", m.op("GlobalAveragePool", x), np.array([0, -1]))
    m.op("Gemm", x, m.w(6, 4), m.w(4))
    return m


def check(m, tmp_path, tolerance=1e-5, **settings):
    """The net of a model, every output held to the evaluator's: the largest value counts as 1."""
    net = mv.load(m.save(tmp_path / "a.onnx"), preprocess="none" if m.channels == 3 else None, **settings)
    x = m.rng.standard_normal(m.shape).astype("f4")
    wanted = ReferenceEvaluator(m.proto()).run(None, {N: x})[0]
    acts = net.forward(np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if m.channels == m.shape[1] else x)
    got = list(acts.values())[-1]
    got = (got.transpose(0, 3, 1, 2) if got.ndim == 4 else got).reshape(len(x), -1)
    assert abs(got - wanted.reshape(len(x), -1)).max() <= tolerance * abs(wanted).max()
    assert "compared with the file's own graph" in net.about["proof"]
    return net
