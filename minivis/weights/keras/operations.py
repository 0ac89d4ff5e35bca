"""Operations between layers, as x * 2 + y, keras.ops.relu(x) or x[..., ::-1]: in Keras 3 by class, in Keras 2 by name.

    Keras 3                             Keras 2
    {"class_name": "TrueDivide"}        {"class_name": "TFOpLambda", "config": {"function": "math.truediv"}}

Their settings stand in the config, among the arguments or among the keywords.
"""

from typing import Any

import numpy as np

from minivis.layers import (
    ELU,
    GELU,
    Add,
    AvgPool2D,
    Conv2D,
    GlobalAvgPool,
    GlobalMaxPool,
    LeakyReLU,
    LogSoftmax,
    MaxPool2D,
    ReLU,
    Slice,
    Softmax,
)
from minivis.weights.keras import functions, layers, merging
from minivis.weights.keras.merging import constant, difference, merged, product, scaled
from minivis.weights.layout import Value


def given(step: Any, *names: str, default: Any = None) -> Any:
    """The first of these settings that there is, in the config or among the keywords."""
    found = step.get(*names)
    if found is None:
        found = next((step.kwargs[name] for name in names if step.kwargs.get(name) is not None), default)
    return found


# ---- arithmetic ----


def arithmetic(kind: Any) -> Any:
    def computed(graph: Any, step: Any, a: Any, b: Any = None) -> Any:
        b = given(step, "y", "x2", "b", "bias") if b is None else b
        if not isinstance(a, Value) and not isinstance(b, Value):
            raise step.refuse("computes only with constants")
        if isinstance(a, Value) and isinstance(b, Value):
            return of_layers(graph, step, kind, a, b)
        if isinstance(b, Value):
            if kind == "/":
                raise step.refuse("divides a constant by a layer, which minivis cannot")
            k = constant(a)
            return scaled(graph, step, b, *{"+": (1, k), "-": (-1, k), "*": (k, 0)}[kind])
        k = constant(b)
        return scaled(graph, step, a, *{"+": (1, k), "-": (1, -k), "*": (k, 0), "/": (1 / k, 0)}[kind])

    return computed


def of_layers(graph: Any, step: Any, kind: Any, a: Any, b: Any) -> Any:
    if kind == "*":
        return product(graph, step, [a, b])
    if kind == "/" or a.places.shape != b.places.shape:
        raise step.refuse(f"computes {[None, *a.places.shape]} {kind} {[None, *b.places.shape]}, which minivis cannot")
    return difference(graph, step, a, b) if kind == "-" else merged(graph, step, [a, b], Add())


def negative(graph: Any, step: Any, a: Any) -> Any:
    return scaled(graph, step, a, -1, 0)


def square(graph: Any, step: Any, a: Any) -> Any:
    return product(graph, step, [a, a])


def extreme(sign: float) -> Any:
    """The larger (sign 1) or the smaller (-1) of two layers, or of one and a number."""
    def computed(graph: Any, step: Any, a: Any, b: Any = None) -> Any:
        b = given(step, "y", "x2") if b is None else b
        if isinstance(a, Value) and isinstance(b, Value):
            return merging.extreme(sign)(graph, step, [a, b])
        value, k = (a, b) if isinstance(a, Value) else (b, a)
        return clipped(graph, step, value, *((float(k), None) if sign > 0 else (None, float(k))))

    return computed


def clip(graph: Any, step: Any, value: Any, low: Any = None, high: Any = None) -> Any:
    low = given(step, "x_min", "clip_value_min", default=low)
    high = given(step, "x_max", "clip_value_max", default=high)
    return clipped(graph, step, value, float(low), float(high))


def clipped(graph: Any, step: Any, value: Any, low: Any, high: Any) -> Any:
    """Not below ``low`` and not above ``high``: a ReLU, between two shifts where ``low`` is not 0."""
    if low is None:                                     # -max(-x, -high)
        below = clipped(graph, merging.renamed(step, "below"), scaled(graph, step, value, -1, 0), -high, None)
        return scaled(graph, step, below, -1, 0)
    if low:
        value = scaled(graph, merging.renamed(step, "shift"), value, 1, -low)
    name = step.name if not low else f"{step.name}_relu"
    made = graph.keep(step, ReLU(None if high is None else high - low), value, name)
    return scaled(graph, step, made, 1, low) if low else made


# ---- functions of each number ----


def named(name: str) -> Any:
    """An activation called as a function."""
    def computed(graph: Any, step: Any, value: Any, *rest: Any) -> Any:
        if rest:
            raise step.refuse("has settings of its own; use the layer of that name")
        return functions.function(graph, step, value, name, step.name)

    return computed


def leaky_relu(graph: Any, step: Any, value: Any, slope: Any = None) -> Any:
    return graph.keep(step, LeakyReLU(float(given(step, "negative_slope", "alpha", default=slope or 0.2))), value)


def elu(graph: Any, step: Any, value: Any, alpha: Any = None) -> Any:
    return graph.keep(step, ELU(float(given(step, "alpha", default=alpha or 1.0))), value)


def gelu(graph: Any, step: Any, value: Any, approximate: Any = None) -> Any:
    by_tanh = given(step, "approximate", default=approximate)
    return graph.keep(step, GELU((by_tanh is None and step.keras >= 3) or bool(by_tanh)), value)


def softmax(layer: Any) -> Any:
    def computed(graph: Any, step: Any, value: Any, axis: Any = None) -> Any:
        axis = given(step, "axis", default=-1 if axis is None else axis)
        return functions.softmax(graph, step, value, layer(), axis, step.name)

    return computed


# ---- what moves numbers ----


def reshape(graph: Any, step: Any, value: Any, shape: Any = None) -> Any:
    shape = list(given(step, "newshape", "shape", default=shape))
    value = graph.settled(value)
    places = value.places.reshape(shape[1:])            # the first axis is the pictures'
    return graph.flat(step, value._replace(places=places)) if places.ndim == 1 else value._replace(places=places)


def transpose(graph: Any, step: Any, value: Any, axes: Any = None) -> Any:
    axes = given(step, "axes", "perm", default=axes)
    value = graph.settled(value)
    if not axes or axes[0] != 0:
        raise step.refuse("moves the axis of the pictures")
    return value._replace(places=value.places.transpose([axis - 1 for axis in axes[1:]]))


def squeeze(graph: Any, step: Any, value: Any, axis: Any = None) -> Any:
    value = graph.settled(value)
    return value._replace(places=value.places.squeeze(tuple(axes_of(step, axis, value.places.ndim))))


def expand_dims(graph: Any, step: Any, value: Any, axis: Any = None) -> Any:
    value = graph.settled(value)
    return value._replace(places=np.expand_dims(value.places, tuple(axes_of(step, axis, value.places.ndim + 1))))


def axes_of(step: Any, axis: Any, ndim: int) -> list[Any]:
    """The axes of a setting, without that of the pictures, counted from 0."""
    axis = given(step, "axis", default=axis)
    axes = [a % (ndim + 1) for a in (axis if isinstance(axis, list | tuple) else [axis])]
    if 0 in axes:
        raise step.refuse("works on the axis of the pictures")
    return sorted(a - 1 for a in axes)


def concatenate(graph: Any, step: Any, values: Any, axis: Any = None) -> Any:
    axis = given(step, "axis", default=-1 if axis is None else axis)
    return merging.concatenate(graph, type(step)(step.name, step.kind, {"axis": axis}), values)


def split(graph: Any, step: Any, value: Any, parts: Any = None) -> list[Any]:
    """Equal parts of the channels."""
    parts = given(step, "indices_or_sections", "num_or_size_splits", default=parts)
    value = graph.settled(value)
    name, ndim = graph.maps(step, value), value.places.ndim
    C = graph.shapes[name][3]
    if axes_of(step, None, ndim) != [ndim - 1] or type(parts) is not int or C % parts:
        raise step.refuse("splits something other than channels into equal parts")
    return [part_of(graph, step, name, i * C // parts, (i + 1) * C // parts) for i in range(parts)]


def part_of(graph: Any, step: Any, name: str, start: int, stop: Any) -> Any:
    return graph.add(step, Slice(start, stop), name)


def get_item(graph: Any, step: Any, value: Any, key: Any = None) -> Any:
    """All of a layer, some neighbouring channels x[..., a:b], or x[..., ::-1]: the channels the other way round.

    That is a 1x1 kernel; of a picture, `Graph.take_in` makes it BGR.
    """
    key = given(step, "slice_spec", default=key)
    key = key if isinstance(key, list) else [key]
    value = graph.settled(value)
    ahead = [part for part in key[:-1] if part is not Ellipsis and part != slice(None)]
    whole = Ellipsis in key[:-1] or len(key) == value.places.ndim + 1
    last = key[-1]
    if ahead or not whole or not isinstance(last, slice) or value.places.ndim != 3:
        raise step.refuse("takes a part of its input; here that is x[..., a:b] or x[..., ::-1]")
    if last == slice(None):
        return value
    name = graph.maps(step, value)
    C = graph.shapes[name][3]
    if last == slice(None, None, -1):
        return graph.add(step, Conv2D(reversal(C, graph.dtype)), name)
    start, stop, jump = last.indices(C)
    if jump != 1:
        raise step.refuse("takes every other channel of its input")
    return part_of(graph, step, name, start, stop)


def flip(graph: Any, step: Any, value: Any, axis: Any = None) -> Any:
    value = graph.settled(value)
    if axes_of(step, axis, value.places.ndim) != [2]:
        raise step.refuse("turns its input round; here that is its channels")
    name = graph.maps(step, value)
    return graph.add(step, Conv2D(reversal(graph.shapes[name][3], graph.dtype)), name)


def reversal(C: int, dtype: Any) -> Any:
    """A 1x1 kernel that turns the order of C channels round."""
    return np.ascontiguousarray(np.eye(C, dtype=dtype)[::-1])[None, None]


def is_reversal(layer: Any) -> Any:
    if not isinstance(layer, Conv2D) or "b" in layer.params or layer.stride != (1, 1):
        return False
    w = layer.params["w"]
    return w.shape[:3] == (1, 1, w.shape[3]) and np.array_equal(w, reversal(w.shape[3], w.dtype))


# ---- windows ----


def over_positions(layer: Any) -> Any:
    """A mean or a maximum over all positions."""
    def computed(graph: Any, step: Any, value: Any, axis: Any = None, keepdims: Any = None) -> Value:
        value = graph.settled(value)
        axis = given(step, "axis", default=axis)
        if axis is None or value.places.ndim != 3 or axes_of(step, axis, 3) != [0, 1]:
            raise step.refuse(f"goes over axes {axis}; here it goes over all positions")
        name = graph.insert(step.name, layer(), graph.maps(step, value))
        places = np.arange(graph.shapes[name][1])
        return Value(name, places.reshape(1, 1, -1) if given(step, "keepdims", default=keepdims) else places)

    return computed


def pad(graph: Any, step: Any, value: Any, widths: Any = None) -> Any:
    widths = given(step, "pad_width", "paddings", default=widths)
    if given(step, "mode", default="constant").lower() != "constant" or given(step, "constant_values", default=0) != 0 \
            or len(widths) != 4 or any(widths[0]) or any(widths[3]):
        raise step.refuse("pads with something other than zeros around the maps")
    around = type(step)(step.name, step.kind, {"padding": widths[1:3]})
    return layers.zero_padding(graph, around, value)


OPERATIONS = {
    "Add": arithmetic("+"), "AveragePool": layers.pool(AvgPool2D, count_padding=False), "Cast": functions.nothing,
    "Clip": clip, "Concatenate": concatenate, "Divide": arithmetic("/"), "Elu": elu, "ExpandDims": expand_dims,
    "Flip": flip, "Gelu": gelu, "GetItem": get_item, "HardSigmoid": named("hard_sigmoid"),
    "HardSilu": named("hard_silu"), "HardSwish": named("hard_swish"), "Identity": functions.nothing,
    "LeakyRelu": leaky_relu, "LogSoftmax": softmax(LogSoftmax), "Max": over_positions(GlobalMaxPool),
    "MaxPool": layers.pool(MaxPool2D), "Maximum": extreme(1), "Mean": over_positions(GlobalAvgPool),
    "Minimum": extreme(-1), "Multiply": arithmetic("*"), "Negative": negative, "Pad": pad, "Relu": named("relu"),
    "Relu6": named("relu6"), "Reshape": reshape, "Selu": named("selu"), "Sigmoid": named("sigmoid"),
    "Silu": named("silu"), "Softmax": softmax(Softmax), "Softplus": named("softplus"), "Softsign": named("softsign"),
    "Split": split, "Square": square, "Squeeze": squeeze, "Subtract": arithmetic("-"), "Tanh": named("tanh"),
    "Transpose": transpose, "TrueDivide": arithmetic("/"),
    # Keras 2
    "__operators__.add": arithmetic("+"), "__operators__.getitem": get_item, "cast": functions.nothing,
    "clip_by_value": clip, "concat": concatenate, "expand_dims": expand_dims, "identity": functions.nothing,
    "math.add": arithmetic("+"), "math.divide": arithmetic("/"), "math.maximum": extreme(1),
    "math.minimum": extreme(-1), "math.multiply": arithmetic("*"), "math.negative": negative,
    "math.reduce_max": over_positions(GlobalMaxPool), "math.reduce_mean": over_positions(GlobalAvgPool),
    "math.sigmoid": named("sigmoid"), "math.square": square, "math.subtract": arithmetic("-"),
    "math.tanh": named("tanh"), "math.truediv": arithmetic("/"), "nn.bias_add": arithmetic("+"), "nn.elu": elu,
    "nn.gelu": gelu, "nn.leaky_relu": leaky_relu, "nn.relu": named("relu"), "nn.relu6": named("relu6"),
    "nn.sigmoid": named("sigmoid"), "nn.silu": named("silu"), "nn.softmax": softmax(Softmax),
    "nn.swish": named("silu"), "nn.tanh": named("tanh"), "pad": pad, "reshape": reshape, "split": split,
    "squeeze": squeeze, "transpose": transpose,
}  # fmt: skip
KINDS = {f"operation {name}": computed for name, computed in OPERATIONS.items()}
