"""ONNX models that are made of our layers, read through the onnx package (extra "onnx").

An ONNX file holds the graph itself, so no architecture has to be recognised: each node becomes the layer that means the
same, under the node's own name. What means nothing at inference (Dropout, Identity) is left out; a Pad goes into the
convolution behind it; MatMul and the Add of a vector behind it are one FC layer.

    ONNX                                                        here
    x (N, C, H, W), w (F, C/groups, KH, KW)                     x (N, H, W, C), w (KH, KW, C/groups, F)
    Flatten in the order C, H, W, then Gemm                     Flatten in the order H, W, C, rows of w permuted
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.network import Network
from minivis.engine.surgery import for_inference
from minivis.errors import BadFile, BadValue, MinivisError, MissingExtra
from minivis.images.preprocessing import IDENTITY, TORCH, Preprocessing
from minivis.layers import (
    LRN,
    Add,
    AvgPool2D,
    BatchNorm,
    Concat,
    Conv2D,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    ReLU,
    Softmax,
)
from minivis.runtime.files import open_regular
from minivis.weights.arrange import name_classes
from minivis.weights.containers.tensor import check_finite

FILE_LIMIT = 2**31                              # bytes that protobuf can hold; larger models keep numbers beside them
WHERE = "minivis reads ONNX models of its own layers: Conv, Gemm, MaxPool, Relu, ..."


def is_onnx(path):
    """Whether the file starts like a ModelProto: its version (field 1), then its producer, its graph or its opsets."""
    try:
        with open_regular(path) as raw:
            start = raw.read(3)
    except (OSError, MinivisError):
        return False                            # the other readers say what is wrong with it
    return len(start) == 3 and start[0] == 0x08 and 1 <= start[1] <= 32 and start[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


def load(path, *, dtype=np.float32, finite=True, arch=None, preprocess=None, classes=None, size=None):
    """The net of an ONNX file. Raise BadFile with the first node that is none of our layers.

    ``preprocess``, ``classes``, ``size``: as for `read.net_of`; an ONNX file says nothing about its pictures.
    """
    if preprocess is not None:
        preprocess = Preprocessing.named(preprocess)
    if arch is not None:
        raise BadValue(f"{path} is an ONNX file, which holds its own layers: leave --arch out")
    model = parsed(path)
    try:
        graph = Graph(model.graph, path, dtype)
        net = graph.translate(size)
    except MinivisError as error:
        raise BadFile(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise BadFile(f"{path}: the graph is damaged ({type(error).__name__}: {error})") from error
    if finite:
        check_arrays(net, path)
    name_roles(net)
    net.about.update(format="ONNX", architecture=f"{len(net.nodes)} layers, as the file has them",
                     training="unknown", licence="unknown", origin=str(model.producer_name or "unknown"))
    choose_preprocessing(net, model, preprocess)
    if classes is not None:
        name_classes(net, classes)
    elif net.roles["logits"] and net.shapes()[net.roles["logits"]][-1] == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    return net


def parsed(path):
    """The ModelProto in a file, with the numbers that it keeps in files beside it."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtra("ONNX files need the package onnx: pip install 'minivis[onnx]'") from None
    if os.stat(path).st_size > FILE_LIMIT:
        raise BadFile(f"{path} is larger than an ONNX file can be")
    try:
        model = onnx.load_model_from_string(Path(path).read_bytes())
    except DecodeError:
        raise BadFile(f"{path} is a damaged or half-written ONNX file; fetch or copy it again") from None
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(Path(path).resolve().parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        said = " ".join(str(error).split())[:160]
        raise BadFile(f"{path} keeps its numbers in another file, which cannot be read ({said})") from None
    if not model.graph.node:
        raise BadFile(f"{path} is an ONNX file without a graph; fetch or copy it again")
    return model


class Graph:
    """A GraphProto on its way to a `Network`. ``called``: ONNX's name of a value -> the layer that makes it here."""

    def __init__(self, graph, path, dtype):
        from onnx import numpy_helper

        self.graph, self.path, self.dtype = graph, path, np.dtype(dtype)
        self.arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.called, self.padding, self.volumes = {}, {}, {}     # value -> (H, W, C) that was flattened to make it
        self.net = Network()

    def translate(self, size):
        pictures = [value for value in self.graph.input if value.name not in self.arrays]
        if len(pictures) != 1:
            raise BadFile(f"the model has {len(pictures)} inputs ({', '.join(p.name for p in pictures)}); minivis "
                          "reads models of one picture")
        sides = [d.dim_value for d in pictures[0].type.tensor_type.shape.dim]
        if len(sides) != 4 or (sides[1] not in (1, 3)):
            raise BadFile(f"its input is {sides}, not (N, 1 or 3 channels, height, width)")
        fixed = tuple(sides[2:]) if all(s > 0 for s in sides[2:]) else None
        grey = {"channel_order": "grey", "mean": (0.0,), "scale": (1.0,)} if sides[1] == 1 else {}
        self.net.preprocessing = replace(IDENTITY, **grey, size=size or fixed)
        self.called[pictures[0].name] = "input"
        for node in self.graph.node:
            if node.op_type == "Constant":
                self.arrays[node.output[0]] = self.constant(node)
                continue
            make = getattr(self, f"op_{node.op_type.lower()}", None)
            if make is None or node.domain not in ("", "ai.onnx"):
                raise BadFile(f"the node {node.name or node.output[0]!r} is a {node.op_type}, no layer here; {WHERE}")
            make(node, attributes(node))
        return for_inference(self.net)

    # ---- values and names ----

    def constant(self, node):
        from onnx import numpy_helper

        given = attributes(node)
        value = given.get("value", given.get("value_float", given.get("value_int", given.get("value_ints"))))
        return numpy_helper.to_array(value) if hasattr(value, "raw_data") else np.asarray(value)

    def source(self, value, padded=False):
        """The layer that makes a value. Raise BadFile where it is a constant, or ``padded`` and may not be."""
        if value in self.padding and not padded:
            raise BadFile(f"{value!r} is padded, and not for a convolution: no layer here does that")
        if value not in self.called:
            raise BadFile(f"{value!r} is a constant, where a layer's output was expected")
        return self.called[value]

    def weight(self, value):
        if value not in self.arrays:
            raise BadFile(f"{value!r} is computed by the net, where a constant was expected")
        return self.arrays[value]

    def name(self, node):
        wanted = (node.name or node.output[0]).strip("/") or node.output[0]
        return wanted if wanted not in self.net.nodes and wanted != "input" else node.output[0]

    def add(self, node, layer, *values, padded=False):
        """Append a layer that reads these values."""
        sources = [self.source(value, padded) for value in values]
        name = self.name(node)
        self.net.add(name, layer, *sources)
        self.called[node.output[0]] = name

    def same(self, node, value):
        """The node does nothing here: its output is ``value``."""
        for table in (self.called, self.padding, self.volumes):
            if value in table:
                table[node.output[0]] = table[value]

    def shape(self, value):
        """(N, H, W, C) or (N, D) of a value, for a picture of the net's own size."""
        return self.net.shapes()[self.source(value)]

    # ---- one method an operator ----

    def op_conv(self, node, given):
        kernel = self.weight(node.input[1]).astype(self.dtype)                              # (F, C/groups, KH, KW)
        if kernel.ndim != 4:
            raise BadFile(f"{node.name!r} convolves {kernel.ndim - 2} axes; here there are two")
        b = self.weight(node.input[2]).astype(self.dtype) if len(node.input) > 2 and node.input[2] else None
        padding = pads(given)
        if (before := self.padding.get(node.input[0])) is not None:
            if padding == "same":
                raise BadFile(f"{node.name!r} pads what was padded already")
            padding = tuple((low + first, high + last) for (low, high), (first, last) in zip(padding, before))
        layer = Conv2D(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), b, padding=padding,
                       stride=tuple(given.get("strides", (1, 1))), dilation=tuple(given.get("dilations", (1, 1))),
                       groups=given.get("group", 1))
        self.add(node, layer, node.input[0], padded=True)

    def op_relu(self, node, given):
        self.add(node, ReLU(), node.input[0])

    def op_clip(self, node, given):
        low, high = (self.weight(value).item() if value else None for value in (*node.input[1:], "", "")[:2])
        low, high = given.get("min", low), given.get("max", high)
        if low != 0:
            raise BadFile(f"{node.name!r} clips to {low} .. {high}; here there is ReLU, from 0 to a largest value")
        self.add(node, ReLU(max_value=None if high is None or np.isinf(high) else float(high)), node.input[0])

    def op_maxpool(self, node, given):
        if any(d != 1 for d in given.get("dilations", (1,))) or len(node.output) > 1:
            raise BadFile(f"{node.name!r} pools with dilation or hands out its places; here neither is done")
        self.add(node, MaxPool2D(**window(given)), node.input[0])

    def op_averagepool(self, node, given):
        self.add(node, AvgPool2D(**window(given), count_padding=bool(given.get("count_include_pad", 0))), node.input[0])

    def op_globalaveragepool(self, node, given):
        self.add(node, GlobalAvgPool(), node.input[0])

    def op_reducemean(self, node, given):
        axes = given.get("axes", self.arrays[node.input[1]].tolist() if len(node.input) > 1 else ())
        if sorted(axis % 4 for axis in axes) != [2, 3]:
            raise BadFile(f"{node.name!r} takes the mean over axes {list(axes)}; here it goes over all positions")
        self.op_globalaveragepool(node, given)

    def op_flatten(self, node, given):
        shape = self.shape(node.input[0])
        if given.get("axis", 1) not in (1, 1 - len(shape)):
            raise BadFile(f"{node.name!r} flattens from axis {given['axis']} on, not each picture by itself")
        if len(shape) == 2:                                             # GlobalAvgPool has left one position
            return self.same(node, node.input[0])
        self.add(node, Flatten(), node.input[0])
        self.volumes[node.output[0]] = shape[1:]

    def op_reshape(self, node, given):
        shape, wanted = self.shape(node.input[0]), self.weight(node.input[1]).reshape(-1).tolist()
        volume = int(np.prod(shape[1:]))
        if len(shape) == 2 and wanted[1:3] in ([volume], [-1], [volume, 1], [-1, 1]):
            return self.same(node, node.input[0])
        if len(wanted) != 2 or wanted[1] not in (-1, volume) or wanted[0] not in (-1, 0, 1):
            raise BadFile(f"{node.name!r} reshapes to {wanted}; here there is Flatten alone")
        self.op_flatten(node, {})

    def op_squeeze(self, node, given):
        if len(self.shape(node.input[0])) != 2:
            raise BadFile(f"{node.name!r} takes axes away from feature maps; here there is Flatten alone")
        self.same(node, node.input[0])

    def op_gemm(self, node, given):
        if given.get("transA") or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
            raise BadFile(f"{node.name!r} is no x w + b (transA, alpha or beta)")
        w = self.weight(node.input[1])
        b = self.weight(node.input[2]).reshape(-1) if len(node.input) > 2 and node.input[2] else None
        self.dense(node, w.T if given.get("transB") else w, b)

    def op_matmul(self, node, given):
        self.dense(node, self.weight(node.input[1]), None)

    def dense(self, node, w, b):
        """An FC layer of w (in, out); behind a Flatten its rows go from the order C, H, W to H, W, C."""
        value = node.input[0]
        if (volume := self.volumes.get(value)) is not None:
            H, W, C = volume
            w = w.reshape(C, H, W, -1).transpose(1, 2, 0, 3).reshape(H * W * C, -1)
        w = np.ascontiguousarray(w, dtype=self.dtype)
        self.add(node, FullyConnected(w) if b is None else FullyConnected(w, b.astype(self.dtype)), value)

    def op_add(self, node, given):
        constants = [value for value in node.input if value in self.arrays]
        if not constants:
            return self.add(node, Add(), *node.input)
        (other,) = (value for value in node.input if value not in self.arrays)
        name, b = self.source(other), self.weight(constants[0]).reshape(-1).astype(self.dtype)
        made = self.net.nodes.get(name)
        if made is None or not isinstance(made.layer, FullyConnected) or "b" in made.layer.params:
            raise BadFile(f"{node.name!r} adds a constant; here that is the bias of an FC layer alone")
        self.net.nodes[name] = made._replace(layer=FullyConnected(made.layer.params["w"], b))
        self.same(node, other)

    def op_sum(self, node, given):
        self.add(node, Add(), *node.input)

    def op_concat(self, node, given):
        if given.get("axis") not in (1, -3):
            raise BadFile(f"{node.name!r} joins along axis {given.get('axis')}; here channels are joined")
        self.add(node, Concat(), *node.input)

    def op_batchnormalization(self, node, given):
        arrays = [self.weight(value).astype(self.dtype) for value in node.input[1:5]]       # gamma, beta, mean, var
        self.add(node, BatchNorm(*arrays, eps=given.get("epsilon", 1e-5)), node.input[0])

    def op_lrn(self, node, given):
        layer = LRN(size=given["size"], alpha=given.get("alpha", 1e-4), beta=given.get("beta", 0.75),
                    k=given.get("bias", 1.0))
        self.add(node, layer, node.input[0])

    def op_softmax(self, node, given):
        if len(self.shape(node.input[0])) != 2:
            raise BadFile(f"{node.name!r} is a softmax of feature maps; here it is one of classes")
        self.add(node, Softmax(), node.input[0])

    def op_dropout(self, node, given):
        self.same(node, node.input[0])

    op_identity = op_dropout

    def op_pad(self, node, given):
        amounts = given.get("pads") or self.weight(node.input[1]).reshape(-1).tolist()
        filled = self.weight(node.input[2]).item() if len(node.input) > 2 and node.input[2] else given.get("value", 0)
        outside = amounts[0:2] + amounts[4:6]
        if given.get("mode", b"constant") != b"constant" or filled or any(outside) or min(amounts) < 0:
            raise BadFile(f"{node.name!r} pads with something other than zeros around the picture")
        self.called[node.output[0]] = self.source(node.input[0])
        self.padding[node.output[0]] = ((amounts[2], amounts[6]), (amounts[3], amounts[7]))


def attributes(node):
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def pads(given):
    """The padding of a node as our layers take it."""
    auto = given.get("auto_pad", b"NOTSET")
    if auto == b"SAME_UPPER":                           # TensorFlow's rule: the odd zero goes after
        return "same"
    if auto not in (b"NOTSET", b"VALID"):
        raise BadFile(f"padding by {auto.decode()}, which no layer here does")
    top, left, bottom, right = given.get("pads", (0, 0, 0, 0)) if auto == b"NOTSET" else (0, 0, 0, 0)
    return (top, bottom), (left, right)


def window(given):
    """The geometry of a pooling node; ONNX's stride is 1 where none is given."""
    return {"size": tuple(given["kernel_shape"]), "stride": tuple(given.get("strides", (1, 1))),
            "padding": pads(given), "ceil": bool(given.get("ceil_mode", 0))}


def check_arrays(net, path):
    """Raise BadFile for NaN and infinite weights."""
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            try:
                check_finite(array)
            except MinivisError as error:
                raise BadFile(f"{path}: {name}: {key}: {error}") from None


def name_roles(net):
    """Roles by what the layers are: the softmax at the end, the last FC layer, and the ReLUs before each pool."""
    shapes, nodes = net.shapes(), list(net.nodes)
    last = nodes[-1]
    if isinstance(net.layers[last], Softmax):
        net.roles.update(prob=last, logits=net.nodes[last].inputs[0])
    elif len(shapes[last]) == 2:
        net.roles["logits"] = last
    flat = [n for n in nodes if len(shapes[n]) == 2 and isinstance(net.layers[n], ReLU)]
    if net.roles["logits"]:
        net.roles["code"] = flat[-1] if flat else net.nodes[net.roles["logits"]].inputs[0]
    maps = [n for n in nodes if isinstance(net.layers[n], ReLU) and len(shapes[n]) == 4]
    first = {shapes[n][1:3]: n for n in reversed(maps)}                 # of each size the first
    style = [n for n in maps if n in first.values()][:5]
    if style:
        net.roles.update(style=style, content=style[min(3, len(style) - 1)], dream=style[min(3, len(style) - 1)])


def choose_preprocessing(net, model, preprocess):
    """As asked for; else torchvision's for three channels out of PyTorch, and pixels in 0..1 for everything else."""
    size, channels = net.preprocessing.size, net.preprocessing.channels
    if preprocess is not None:
        net.preprocessing, said = replace(preprocess, size=size), "as asked for"
    elif "pytorch" in model.producer_name.lower() and channels == 3:
        net.preprocessing, said = replace(TORCH, size=size), "torchvision's: assumed, the file does not say"
    else:
        order = "grey" if channels == 1 else "RGB"
        unit = Preprocessing(order, (0.0,) * channels, (255.0,) * channels, size=size)
        net.preprocessing, said = unit, "pixels in 0..1: assumed, the file does not say"
    net.about["preprocessing"] = f"{said}; --preprocess tells otherwise" if "assumed" in said else said
