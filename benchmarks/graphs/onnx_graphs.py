"""Some forty ONNX graphs as exporters write them, node by node; ONNX Runtime gives the answers."""

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
        if self.ir == 3:                            # where weights were inputs with a value
            given += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in self.initializers]
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


# ---- shapes and flattening ----


@graph
def gemm_of_a_flatten():
    g = Graph()
    return g, head(g, body(g))


@graph
def open_batch():
    g = Graph(sides=("batch", 3, 24, 20))
    return g, head(g, body(g))


@graph
def open_sizes():
    g = Graph(sides=("batch", 3, "height", "width"))
    x = g.op("GlobalAveragePool", g.op("Relu", conv(g, body(g), 8, 6)))
    return g, g.op("Gemm", g.op("Flatten", x), g.w(6, 4), g.w(4))


@graph
def one_open_side():
    g = Graph(sides=(2, 3, 24, "width"))
    x = g.op("ReduceMean", body(g), axes=[2, 3], keepdims=0)
    return g, g.op("Gemm", x, g.w(8, 4), g.w(4))


@graph
def a_view_by_the_shape():
    """torch's x.view(x.size(0), -1), traced."""
    g = Graph(sides=("batch", 3, 24, 20))
    x = body(g)
    batch = g.op("Unsqueeze", g.op("Gather", g.op("Shape", x), np.array(0), axis=0), ints(0))
    x = g.op("Reshape", x, g.op("Concat", batch, ints(-1), axis=0))
    return g, g.op("Gemm", x, g.w(5, 960), g.w(5), transB=1)


@graph
def a_view_of_opset_9():
    """The same by an old exporter: constants are nodes, axes attributes, and the weights stand among the inputs."""
    g = Graph(opset=9, ir=3, sides=("batch", 3, 24, 20))
    x = body(g)
    zero = g.op("Constant", value=numpy_helper.from_array(np.array(0)))
    rest = g.op("Constant", value=numpy_helper.from_array(ints(-1)))
    batch = g.op("Unsqueeze", g.op("Gather", g.op("Shape", x), zero, axis=0), axes=[0])
    x = g.op("Reshape", x, g.op("Concat", batch, rest, axis=0))
    return g, g.op("Gemm", x, g.w(5, 960), g.w(5), transB=1)


@graph
def a_view_of_the_last_size():
    """torch's x.view(-1, x.size(1) * x.size(2) * x.size(3)): Mul of three Gathers."""
    g = Graph(sides=("batch", 3, 24, 20))
    x = body(g)
    C, H, W = (g.op("Gather", g.op("Shape", x), np.array(i), axis=0) for i in (1, 2, 3))
    total = g.op("Unsqueeze", g.op("Mul", g.op("Mul", C, H), W), ints(0))
    x = g.op("Reshape", x, g.op("Concat", ints(-1), total, axis=0))
    return g, g.op("Gemm", x, g.w(5, 960), g.w(5), transB=1)


@graph
def reshape_to_a_known_width():
    g = Graph(sides=("batch", 3, 24, 20))
    return g, g.op("Gemm", g.op("Reshape", body(g), ints(-1, 960)), g.w(960, 5), g.w(5))


@graph
def squeeze_and_unsqueeze():
    g = Graph(opset=11)
    x = g.op("GlobalAveragePool", body(g))
    x = g.op("Unsqueeze", g.op("Squeeze", x, axes=[2, 3]), axes=[2, 3])
    return g, g.op("Squeeze", conv(g, x, 8, 4, 1), axes=[2, 3])


@graph
def between_flatten_and_gemm():
    g = Graph()
    x = g.op("Clip", g.op("Flatten", body(g)), scalar(0), scalar(0.4))
    x = g.op("BatchNormalization", x, g.w(960) + 1, g.w(960), g.w(960), abs(g.w(960)) + 0.5)
    x = g.op("Concat", g.op("Dropout", x), g.op("Gemm", x, g.w(960, 7)), axis=1)
    return g, g.op("Gemm", x, g.w(967, 5), g.w(5))


# ---- ends ----


@graph
def softmax_of_old_opsets():
    g = Graph(opset=11)
    return g, g.op("Softmax", head(g, body(g)))


@graph
def log_softmax():
    g = Graph()
    return g, g.op("LogSoftmax", head(g, body(g)), axis=1)


@graph
def one_sigmoid():
    g = Graph()
    return g, g.op("Sigmoid", head(g, body(g), 1))


@graph
def a_1x1_convolution_of_pooled_maps():
    g = Graph()
    x = conv(g, g.op("GlobalAveragePool", body(g)), 8, 4, 1)
    return g, g.op("Softmax", g.op("Flatten", x), axis=-1)


@graph
def pooled_scores_of_a_convolution():
    """SqueezeNet's and NIN's end: a score map a class, and then the mean of each."""
    g = Graph()
    x = g.op("GlobalAveragePool", g.op("Relu", conv(g, body(g), 8, 5, 1)))
    return g, g.op("Reshape", x, ints(0, -1))


@graph
def two_outputs():
    g = Graph()
    x = g.op("Flatten", g.op("GlobalAveragePool", body(g)))
    return g, [g.op("Gemm", x, g.w(8, 3), g.w(3)), g.op("Softmax", g.op("Gemm", x, g.w(8, 4)), axis=1)]


@graph
def maps():
    g = Graph()
    return g, conv(g, body(g), 8, 4, 1)


# ---- TensorFlow, by tf2onnx ----


@graph
def channels_last():
    g = Graph((2, 24, 20, 3), sides=("batch", 24, 20, 3), producer="tf2onnx", opset=15)
    x = g.op("Relu", conv(g, g.op("Transpose", X, perm=[0, 3, 1, 2]), 3, 8))
    x = g.op("Transpose", g.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), perm=[0, 2, 3, 1])
    x = g.op("Add", g.op("MatMul", g.op("Reshape", x, ints(-1, 960)), g.w(960, 5)), g.w(5))
    return g, g.op("Softmax", x, axis=-1)


@graph
def channels_last_with_pairs_of_transposes():
    """What tf2onnx' optimiser leaves where a Pad or an Add of NHWC stands between two convolutions."""
    g = Graph((2, 24, 20, 3), sides=("batch", 24, 20, 3), producer="tf2onnx", opset=13)
    x = g.op("Transpose", g.op("Pad", X, ints(0, 0, 0, 0, 0, 1, 1, 0)), perm=[0, 3, 1, 2])
    x = g.op("Transpose", conv(g, x, 3, 8, strides=[2, 2], pads=[0, 0, 0, 0]), perm=[0, 2, 3, 1])
    x = g.op("Transpose", g.op("Relu", g.op("Add", x, g.w(8))), perm=[0, 3, 1, 2])
    x = g.op("Conv", x, g.w(8, 1, 3, 3), group=8, auto_pad="SAME_UPPER", strides=[2, 2])
    x = g.op("ReduceMean", g.op("Transpose", x, perm=[0, 2, 3, 1]), axes=[1, 2], keepdims=0)
    return g, g.op("Add", g.op("MatMul", x, g.w(8, 4)), g.w(4))


@graph
def channels_last_with_its_scaling():
    """Keras' Rescaling(1 / 127.5, -1) inside the model."""
    g = Graph((2, 24, 20, 3), producer="tf2onnx", opset=13)
    g.pixels = True
    x = g.op("Add", g.op("Mul", X, scalar(1 / 127.5)), scalar(-1))
    x = conv(g, g.op("Transpose", x, perm=[0, 3, 1, 2]), 3, 8, strides=[2, 2])
    x = g.op("Squeeze", g.op("Transpose", g.op("GlobalAveragePool", x), perm=[0, 2, 3, 1]), ints(1, 2))
    return g, g.op("Sigmoid", g.op("Add", g.op("MatMul", x, g.w(8, 3)), g.w(3)))


# ---- arithmetic ----


@graph
def mean_and_std_inside():
    g = Graph()
    g.pixels = True
    mean, std = floats(123.7, 116.3, 103.5).reshape(1, 3, 1, 1), floats(58.4, 57.1, 57.4).reshape(1, 3, 1, 1)
    return g, head(g, body(g, g.op("Div", g.op("Sub", X, mean), std)))


@graph
def bgr_inside():
    """Keras' and Caffe's way, in the graph: channels in reverse order, less a mean."""
    g = Graph()
    g.pixels = True
    x = g.op("Gather", X, ints(2, 1, 0), axis=1)
    x = g.op("Add", x, floats(-103.939, -116.779, -123.68).reshape(1, 3, 1, 1))
    return g, head(g, body(g, x))


@graph
def grey():
    g = Graph((2, 1, 24, 20))
    return g, head(g, body(g, C=1))


@graph
def a_constant_a_channel():
    g = Graph()
    x = g.op("Add", g.op("Mul", body(g), g.w(8, 1, 1) + 1), g.w(1, 8, 1, 1))
    return g, head(g, g.op("Sub", scalar(1), g.op("Div", x, scalar(2))))


@graph
def gemm_with_alpha_and_beta():
    g = Graph()
    x = g.op("Gemm", g.op("Flatten", body(g)), g.w(7, 960), g.w(7), transB=1, alpha=0.5, beta=2.0)
    return g, g.op("Gemm", g.op("Relu", x), g.w(7, 4), g.w(1, 4))


@graph
def matmul_and_add():
    g = Graph()
    x = g.op("Relu", g.op("Add", g.w(9), g.op("MatMul", g.op("Flatten", body(g)), g.w(960, 9))))
    return g, g.op("MatMul", x, g.w(9, 4))


@graph
def batch_norms():
    g = Graph()
    norm = [lambda n: g.w(n) + 1, g.w, g.w, lambda n: abs(g.w(n)) + 0.3]
    x = g.op("BatchNormalization", X, *(make(3) for make in norm))
    x = g.op("BatchNormalization", conv(g, x, 3, 8), *(make(8) for make in norm), epsilon=1e-3)
    x = g.op("BatchNormalization", g.op("Relu", x), *(make(8) for make in norm))
    return g, g.op("Gemm", g.op("Flatten", g.op("GlobalMaxPool", x)), g.w(8, 4), g.w(4))


@graph
def residual_and_branches():
    g = Graph()
    x = body(g)
    y = g.op("Relu", g.op("Add", conv(g, g.op("Relu", conv(g, x, 8, 8)), 8, 8), x))
    parts = [conv(g, y, 8, 4, 1), conv(g, y, 8, 6, 3),
             g.op("AveragePool", y, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)]  # fmt: skip
    x = g.op("Sum", g.op("Concat", *parts, axis=1), conv(g, y, 8, 18, 1))
    return g, g.op("ReduceMean", x, axes=[-1, -2], keepdims=0)


# ---- activations ----


@graph
def clip_by_attributes():
    g = Graph(opset=9)
    return g, head(g, g.op("Clip", body(g), min=0.0, max=0.5))


@graph
def hard_swish_as_composed():
    """torch to opset 13: x * clip(x + 3, 0, 6) / 6."""
    g = Graph(opset=12)
    x = body(g)
    return g, head(g, g.op("Div", g.op("Mul", x, g.op("Clip", g.op("Add", x, scalar(3)), scalar(0), scalar(6))),
                           scalar(6)))  # fmt: skip


@graph
def hard_swish():
    g = Graph()
    x = g.op("HardSwish", body(g))
    return g, head(g, g.op("Mul", x, g.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)))


@graph
def gelu_of_an_erf():
    g = Graph(opset=17)
    x = body(g)
    erf = g.op("Erf", g.op("Div", x, scalar(2**0.5)))
    return g, head(g, g.op("Mul", g.op("Mul", x, g.op("Add", erf, scalar(1))), scalar(0.5)))


@graph
def silu_prelu_and_tanh():
    g = Graph()
    x = conv(g, X, 3, 8)
    x = g.op("PRelu", g.op("Mul", x, g.op("Sigmoid", x)), abs(g.w(8, 1, 1)))
    x = g.op("MaxPool", g.op("Tanh", g.op("LeakyRelu", x, alpha=0.2)), kernel_shape=[2, 2], strides=[2, 2])
    return g, head(g, x)


# ---- windows ----


@graph
def pad_before_pools():
    g = Graph(opset=10)
    x = g.op("Pad", g.op("Relu", conv(g, X, 3, 8)), pads=[0, 0, 0, 1, 0, 0, 1, 0], value=-1e30)
    x = g.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    x = g.op("AveragePool", g.op("Pad", x, pads=[0, 0, 1, 1, 0, 0, 1, 1]), kernel_shape=[3, 3], ceil_mode=1)
    return g, g.op("Gemm", g.op("Flatten", g.op("GlobalAveragePool", x)), g.w(8, 4), g.w(4))


@graph
def pad_of_some_axes():
    """Opset 18: which axes are padded is an input."""
    g = Graph(opset=18)
    x = g.op("Pad", X, ints(2, 1, 0, 1), scalar(0), ints(2, 3))
    x = g.op("Relu", conv(g, x, 3, 8, pads=[0] * 4))
    x = g.op("ReduceMean", x, ints(2, 3), keepdims=1)
    return g, g.op("Flatten", conv(g, x, 8, 4, 1))


@graph
def groups_dilation_and_ceil():
    g = Graph()
    x = g.op("Conv", X, g.w(6, 1, 3, 3), g.w(6), group=3, dilations=[2, 1], strides=[1, 2], pads=[2, 0, 1, 1])
    x = g.op("MaxPool", g.op("Relu", x), kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)
    return g, g.op("ReduceMean", x, axes=[2, 3], keepdims=0)


@graph
def lrn():
    g = Graph()
    return g, head(g, g.op("LRN", body(g), size=5, alpha=0.02, beta=0.75, bias=2.0))


@graph
def same_lower():
    g = Graph()
    x = g.op("Conv", X, g.w(8, 3, 3, 3), g.w(8), auto_pad="SAME_LOWER", strides=[2, 2])
    x = g.op("MaxPool", x, auto_pad="SAME_LOWER", kernel_shape=[2, 2], strides=[1, 1])
    return g, head(g, x)


@graph
def upsample_of_opset_9():
    g = Graph(opset=9)
    x = g.op("Upsample", body(g), floats(1, 1, 2, 3), mode="nearest")
    return g, conv(g, x, 8, 4)


@graph
def resize_by_scales():
    g = Graph(opset=11)
    x = g.op("Resize", body(g), floats(), floats(1, 1, 2, 2), mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric")  # fmt: skip
    return g, conv(g, x, 8, 4)


@graph
def resize_to_the_size_of_a_skip():
    """U-Net: as large as the maps that it is joined to, whose sizes the graph computes."""
    g = Graph(opset=13, sides=("batch", 3, "height", "width"), shape=(1, 3, 32, 32))
    skip = g.op("Relu", conv(g, X, 3, 8))
    x = g.op("MaxPool", skip, kernel_shape=[2, 2], strides=[2, 2])
    sizes = g.op("Concat", g.op("Slice", g.op("Shape", x), ints(0), ints(2), ints(0)),
                 g.op("Slice", g.op("Shape", skip), ints(2), ints(4), ints(0)), axis=0)  # fmt: skip
    x = g.op("Resize", x, None, None, sizes, mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric")  # fmt: skip
    return g, conv(g, g.op("Concat", x, skip, axis=1), 16, 4)


@graph
def conv_transpose():
    g = Graph()
    x = g.op("ConvTranspose", body(g), g.w(8, 6, 3, 3), g.w(6), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])
    return g, g.op("Sigmoid", g.op("ConvTranspose", g.op("Relu", x), g.w(6, 2, 2, 2), strides=[2, 2], group=1))


# ---- channels ----


@graph
def a_split_of_channels():
    """ShuffleNet: half of the channels goes by, then both are joined and shuffled."""
    g = Graph()
    a, b = g.op("Split", body(g), ints(4, 4), axis=1, outputs=2)
    x = g.op("Concat", a, g.op("Relu", conv(g, b, 4, 4)), axis=1)
    x = g.op("Transpose", g.op("Reshape", x, ints(2, 2, 4, 12, 10)), perm=[0, 2, 1, 3, 4])
    return g, head(g, g.op("Reshape", x, ints(2, 8, 12, 10)))


@graph
def a_slice_of_channels():
    g = Graph()
    x = body(g)
    x = g.op("Concat", g.op("Slice", x, ints(2), ints(2**62), ints(1)), g.op("Slice", x, ints(0), ints(2), ints(1)),
             axis=1)  # fmt: skip
    return g, head(g, x)


@graph
def squeeze_and_excite():
    g = Graph()
    x = body(g)
    gate = g.op("Relu", conv(g, g.op("GlobalAveragePool", x), 8, 2, 1))
    return g, head(g, g.op("Mul", x, g.op("HardSigmoid", conv(g, gate, 2, 8, 1))))


def make(folder):
    for name, build in GRAPHS.items():
        g, ends = build()
        ends = ends if isinstance(ends, list) else [ends]
        path = folder / f"{name}.onnx"
        proto = g.proto(*ends)
        path.write_bytes(proto.SerializeToString())
        x = g.rng.uniform(0, 255, g.shape) if g.pixels else g.rng.standard_normal(g.shape)
        answers = onnxruntime.InferenceSession(str(path)).run(None, {X: x.astype("f4")})
        answers = [maps_last(g, y) for y in answers]
        yield Case(name, path, maps_last(g, x), dict(zip(ends, answers)) if len(ends) > 1 else answers[0])


def maps_last(g, array):
    """Maps (N, C, H, W) as (N, H, W, C)."""
    return array if array.ndim != 4 or g.channels_last else np.ascontiguousarray(array.transpose(0, 2, 3, 1))
