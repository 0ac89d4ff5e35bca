"""Layers of Keras that read several others, and those that compute with constants of each channel."""

from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.layers import Add, Concat, Multiply, ReLU
from minivis.types import Array
from minivis.weights import layout
from minivis.weights.layout import Value

# ---- several layers ----


def add(graph: Any, step: Any, values: Any) -> Any:
    return merged(graph, step, values, Add())


def multiply(graph: Any, step: Any, values: Any) -> Any:
    return product(graph, step, values)


def average(graph: Any, step: Any, values: Any) -> Any:
    total = merged(graph, step, values, Add(), f"{step.name}_sum")
    return scaled(graph, step, total, 1 / len(values), 0)


def subtract(graph: Any, step: Any, values: Any) -> Any:
    if len(values) != 2:
        raise step.refuse(f"takes {len(values)} layers from one another; here it is two")
    return difference(graph, step, *values)


def difference(graph: Any, step: Any, a: Any, b: Any) -> Any:
    negative = scaled(graph, step, b, -1, 0, f"{step.name}_negative")
    return merged(graph, step, [a, negative], Add())


def extreme(sign: float) -> Any:
    """The larger of layers (sign 1) or the smaller (-1), two at a time: a + relu(b - a), or a - relu(a - b)."""
    def found(graph: Any, step: Any, values: Any) -> Any:
        result = graph.settled(values[0])
        for number, value in enumerate(values[1:]):
            last = number == len(values) - 2
            part = type(step)(step.name if last else f"{step.name}_{number}", step.kind, step.settings)
            apart = difference(graph, renamed(part, "apart"), *((value, result) if sign > 0 else (result, value)))
            over = graph.keep(renamed(part, "over"), ReLU(), apart)
            over = over if sign > 0 else scaled(graph, renamed(part, "under"), over, -1, 0)
            result = merged(graph, part, [result, over], Add())
        return result

    return found


def renamed(step: Any, ending: Any) -> Any:
    return type(step)(f"{step.name}_{ending}", step.kind, step.settings)


def merged(graph: Any, step: Any, values: Any, layer: Any, name: str | None = None) -> Any:
    """A layer over several whose numbers stand at the same places; rows are brought into Keras' order for it."""
    if len(values) == 1:
        return values[0]
    values = alike(graph, step, [graph.settled(value) for value in values])
    if len({value.places.shape for value in values}) > 1:
        raise step.refuse(f"joins {', '.join(str([None, *value.places.shape]) for value in values)}, which differ")
    made = graph.insert(name or step.name, layer, *(value.layer for value in values))
    return Value(made, values[0].places)


def alike(graph: Any, step: Any, values: Any) -> Any:
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


def oriented(step: Any, places: Array) -> Any:
    """Places of maps in the order of the step's axes."""
    return places if step.channels_first else places.transpose(1, 2, 0)


def product(graph: Any, step: Any, values: Any) -> Any:
    """Multiply: maps by maps, or by one number per channel or per position."""
    values = [graph.settled(value) for value in values]
    ranks = {value.places.ndim for value in values}
    if len(ranks) > 1:
        raise step.refuse(f"multiplies {', '.join(str([None, *value.places.shape]) for value in values)}")
    if ranks == {3}:
        layers = [graph.maps(step, value) for value in values]
        name = graph.insert(step.name, Multiply(), *layers)
        return Value(name, oriented(step, layout.standard(graph.shapes[name])))
    return merged(graph, step, values, Multiply())


def concatenate(graph: Any, step: Any, values: Any) -> Any:
    values = [graph.settled(value) for value in values]
    if len(values) == 1:
        return values[0]
    ndim = values[0].places.ndim
    asked = step.get("axis", "concat_axis", default=-1)
    axis = asked - 1 if asked > 0 else asked + ndim
    if all(value.places.ndim == 1 for value in values):
        values = [Value(graph.row(step.name, value), np.arange(value.places.size)) for value in values]
    shapes = [graph.shapes[value.layer] for value in values]
    if axis not in range(ndim) or any(value.places.ndim != ndim for value in values) \
            or len({len(shape) for shape in shapes}) > 1:
        shown = ", ".join(str([None, *value.places.shape]) for value in values)
        raise step.refuse(f"joins {shown} along axis {asked}")
    try:
        places = layout.join([value.places for value in values], shapes, axis + 1)
        made = graph.insert(step.name, Concat(), *(value.layer for value in values))
    except (ValueError, BadFile) as error:
        raise step.refuse(f"does not join channels: {error}") from None
    return Value(made, places)


# ---- constants ----


def scaled(graph: Any, step: Any, value: Any, w: Any, b: Any, name: str | None = None) -> Any:
    """w * x + b, of arrays along the last axes."""
    value = graph.settled(value)
    return graph.affine(name or step.name, value, np.asarray(w, np.float64), np.asarray(b, np.float64), alone=False)


def rescaling(graph: Any, step: Any, value: Any) -> Any:
    return scaled(graph, step, value, constant(step.get("scale", default=1)), constant(step.get("offset", default=0)))


def normalization(graph: Any, step: Any, value: Any) -> Any:
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


def constant(given: Any) -> Array:
    """A number or a list of them, which Keras 2 may write as the settings of an array."""
    if isinstance(given, dict):
        given = given.get("value", given.get("config", {}).get("value"))
    return np.asarray(given, np.float64)


KINDS = {
    "Add": add, "Average": average, "Concatenate": concatenate, "Maximum": extreme(1), "Minimum": extreme(-1),
    "Multiply": multiply, "Normalization": normalization, "Rescaling": rescaling, "Subtract": subtract,
}  # fmt: skip
