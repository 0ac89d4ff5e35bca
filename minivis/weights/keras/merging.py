"""Layers of Keras that read several others, and arithmetic: between layers, and by constants of each channel."""

import numpy as np

from minivis.errors import BadFile
from minivis.layers import Add, Concat, Conv2D, GlobalAvgPool, Multiply
from minivis.weights import layout
from minivis.weights.keras import functions
from minivis.weights.layout import Value

# ---- several layers ----


def add(graph, step, values):
    return merged(graph, step, values, Add())


def multiply(graph, step, values):
    return product(graph, step, values)


def average(graph, step, values):
    total = merged(graph, step, values, Add(), f"{step.name}_sum")
    return scaled(graph, step, total, 1 / len(values), 0)


def subtract(graph, step, values):
    if len(values) != 2:
        raise step.refuse(f"takes {len(values)} layers from one another; here it is two")
    return difference(graph, step, *values)


def difference(graph, step, a, b):
    negative = scaled(graph, step, b, -1, 0, f"{step.name}_negative")
    return merged(graph, step, [a, negative], Add())


def merged(graph, step, values, layer, name=None):
    """A layer over several whose numbers stand at the same places; rows are brought into Keras' order for it."""
    if len(values) == 1:
        return values[0]
    values = alike(graph, step, [graph.settled(value) for value in values])
    if len({value.places.shape for value in values}) > 1:
        raise step.refuse(f"joins {', '.join(str([None, *value.places.shape]) for value in values)}, which differ")
    made = graph.insert(name or step.name, layer, *(value.layer for value in values))
    return Value(made, values[0].places)


def alike(graph, step, values):
    """The values, with the same places in layers of the same shape."""
    first = values[0]
    if all(layout.same(v.places, first.places) and len(graph.shapes[v.layer]) == len(graph.shapes[first.layer])
           for v in values):
        return values
    if all(value.places.ndim == 3 for value in values):
        layers = [graph.maps(step, value) for value in values]
        return [Value(name, oriented(step, layout.standard(graph.shapes[name]))) for name in layers]
    if all(value.places.ndim == 1 for value in values):
        return [Value(graph.row(step.name, value), np.arange(value.places.size)) for value in values]
    raise step.refuse("joins values whose axes are in different orders")


def oriented(step, places):
    """Places of maps in the order of the step's axes."""
    return places if step.channels_first else places.transpose(1, 2, 0)


def product(graph, step, values):
    """Multiply: maps by maps, or by one number a channel or a position."""
    values = [graph.settled(value) for value in values]
    ranks = {value.places.ndim for value in values}
    if len(ranks) > 1:
        raise step.refuse(f"multiplies {', '.join(str([None, *value.places.shape]) for value in values)}")
    if ranks == {3}:
        layers = [graph.maps(step, value) for value in values]
        name = graph.insert(step.name, Multiply(), *layers)
        return Value(name, oriented(step, layout.standard(graph.shapes[name])))
    return merged(graph, step, values, Multiply())


def concatenate(graph, step, values):
    values = [graph.settled(value) for value in values]
    if len(values) == 1:
        return values[0]
    ndim = values[0].places.ndim
    axis = step.get("axis", "concat_axis", default=-1)
    axis = axis - 1 if axis > 0 else axis + ndim
    if all(value.places.ndim == 1 for value in values):
        values = [Value(graph.row(step.name, value), np.arange(value.places.size)) for value in values]
    shapes = [graph.shapes[value.layer] for value in values]
    if axis not in range(ndim) or any(value.places.ndim != ndim for value in values) \
            or len({len(shape) for shape in shapes}) > 1:
        shown = ", ".join(str([None, *value.places.shape]) for value in values)
        raise step.refuse(f"joins {shown} along axis {axis + 1}")
    try:
        places = layout.join([value.places for value in values], shapes, axis + 1)
        made = graph.insert(step.name, Concat(), *(value.layer for value in values))
    except (ValueError, BadFile) as error:
        raise step.refuse(f"does not join channels: {error}") from None
    return Value(made, places)


# ---- constants ----


def scaled(graph, step, value, w, b, name=None):
    """w * x + b, of arrays along the last axes."""
    value = graph.settled(value)
    return graph.affine(name or step.name, value, np.asarray(w, np.float64), np.asarray(b, np.float64), alone=False)


def rescaling(graph, step, value):
    return scaled(graph, step, value, constant(step.get("scale", default=1)), constant(step.get("offset", default=0)))


def normalization(graph, step, value):
    """(x - mean) / the square root of the variance, or the inverse of it."""
    value = graph.settled(value)
    axis = step.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    ndim = value.places.ndim
    if axis is not None and (type(axis) is not int or (axis not in (-1, ndim) and not 0 < axis < ndim)):
        raise step.refuse(f"normalises over axis {axis}; here it is one axis")
    mean, variance = (constant(step.get(key)) if step.get(key) is not None else graph.read(step.arrays[key])
                      for key in ("mean", "variance"))
    shape = [1] * ndim
    if axis is not None:
        shape[axis - 1 if axis > 0 else axis] = -1
    mean, std = (np.asarray(a, np.float64).reshape(shape) for a in (mean, np.maximum(np.sqrt(variance), 1e-7)))
    if step.get("invert"):
        return scaled(graph, step, value, std, mean)
    return scaled(graph, step, value, 1 / std, -mean / std)


def constant(given):
    """A number or a list of them, which Keras 2 may write as the settings of an array."""
    if isinstance(given, dict):
        given = given.get("value", given.get("config", {}).get("value"))
    return np.asarray(given, np.float64)


# ---- arithmetic between layers, as x * 2 + y ----


def arithmetic(kind):
    def computed(graph, step, a, b=None):
        b = next((step.kwargs[key] for key in ("y", "x2", "b", "bias") if key in step.kwargs), None) if b is None else b
        if not isinstance(a, Value) and not isinstance(b, Value):
            raise step.refuse("computes with constants alone")
        if isinstance(a, Value) and isinstance(b, Value):
            if kind == "+":
                return merged(graph, step, [a, b], Add()) if a.places.shape == b.places.shape else wrong(step)
            if kind == "-":
                return difference(graph, step, a, b)
            return product(graph, step, [a, b]) if kind == "*" else wrong(step)
        if isinstance(b, Value):
            if kind == "/":
                return wrong(step)
            value, k = b, constant(a)
            return scaled(graph, step, value, *{"+": (1, k), "-": (-1, k), "*": (k, 0)}[kind])
        k = constant(b)
        return scaled(graph, step, a, *{"+": (1, k), "-": (1, -k), "*": (k, 0), "/": (1 / k, 0)}[kind])

    return computed


def wrong(step):
    raise step.refuse("is arithmetic between layers that minivis has not")


def negative(graph, step, a):
    return scaled(graph, step, a, -1, 0)


def get_item(graph, step, value, key=None):
    """x[..., ::-1]: the channels the other way round, a 1x1 kernel. Of a picture, `Graph.take_in` makes it BGR."""
    key = step.kwargs.get("slice_spec", key)
    key = [slice(*(part.get(k) for k in ("start", "stop", "step"))) if isinstance(part, dict) else part
           for part in (key if isinstance(key, list) else [key])]  # fmt: skip
    ahead = [part for part in key[:-1] if part is not Ellipsis and part != slice(None)]
    value = graph.settled(value)
    full = Ellipsis in key[:-1] or len(key) == value.places.ndim + 1
    if ahead or not full or key[-1] != slice(None, None, -1) or value.places.ndim != 3:
        raise step.refuse("takes a part of its input; here that is all of it, or x[..., ::-1]")
    name = graph.maps(step, value)
    return graph.add(step, Conv2D(reversal(graph.shapes[name][3], graph.dtype)), name)


def reversal(C, dtype):
    """A 1x1 kernel that turns the order of C channels round."""
    return np.ascontiguousarray(np.eye(C, dtype=dtype)[::-1])[None, None]


def is_reversal(layer):
    if not isinstance(layer, Conv2D) or "b" in layer.params or layer.stride != (1, 1):
        return False
    w = layer.params["w"]
    return w.shape[:3] == (1, 1, w.shape[3]) and np.array_equal(w, reversal(w.shape[3], w.dtype))


def mean(graph, step, value, axis=None, keepdims=None):
    value = graph.settled(value)
    axis = next((given for given in (step.get("axis"), step.kwargs.get("axis"), axis) if given is not None), None)
    axes = sorted(a % 4 for a in axis) if isinstance(axis, list | tuple) and value.places.ndim == 3 else None
    if axes != [1, 2]:
        raise step.refuse(f"takes the mean over axes {axis}; here it goes over all positions")
    name = graph.insert(step.name, GlobalAvgPool(), graph.maps(step, value))
    places = np.arange(graph.shapes[name][1])
    kept = step.get("keepdims") or step.kwargs.get("keepdims") or keepdims
    return Value(name, places.reshape(1, 1, -1) if kept else places)


def named(name):
    """An activation called as a function."""
    def computed(graph, step, value, *rest):
        if rest or any(setting not in (None, False) for setting in step.kwargs.values() if name == "relu"):
            raise step.refuse("has settings of its own; use the layer of that name")
        return functions.function(graph, step, value, name, step.name)

    return computed


OPERATIONS = {
    "Add": arithmetic("+"), "Subtract": arithmetic("-"), "Multiply": arithmetic("*"), "TrueDivide": arithmetic("/"),
    "Divide": arithmetic("/"), "Negative": negative, "GetItem": get_item, "Mean": mean, "Relu": named("relu"),
    "Relu6": named("relu6"), "Sigmoid": named("sigmoid"), "Tanh": named("tanh"), "Silu": named("silu"),
    "Softplus": named("softplus"), "Softsign": named("softsign"), "HardSwish": named("hard_swish"),
    "HardSilu": named("hard_swish"), "HardSigmoid": named("hard_sigmoid"), "Softmax": named("softmax"),
    # Keras 2
    "__operators__.add": arithmetic("+"), "math.add": arithmetic("+"), "math.subtract": arithmetic("-"),
    "math.multiply": arithmetic("*"), "math.truediv": arithmetic("/"), "math.divide": arithmetic("/"),
    "math.negative": negative, "__operators__.getitem": get_item, "math.reduce_mean": mean, "nn.relu": named("relu"),
    "nn.relu6": named("relu6"), "math.sigmoid": named("sigmoid"), "nn.sigmoid": named("sigmoid"),
    "nn.silu": named("silu"), "nn.swish": named("silu"), "nn.softmax": named("softmax"), "math.tanh": named("tanh"),
    "nn.bias_add": arithmetic("+"),
}  # fmt: skip
KINDS = {
    "Add": add, "Average": average, "Concatenate": concatenate, "Multiply": multiply, "Normalization": normalization,
    "Rescaling": rescaling, "Subtract": subtract,
    **{f"operation {name}": computed for name, computed in OPERATIONS.items()},
}  # fmt: skip
