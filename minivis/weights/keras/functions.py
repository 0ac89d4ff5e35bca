"""Activations of Keras, as layers and inside others, and layers that work on every number alone or move numbers."""

from typing import Any

import numpy as np

from minivis.layers import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    ThresholdReLU,
)
from minivis.weights import layout
from minivis.weights.layout import Value

SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}       # Klambauer et al. 2017
SIMPLE = {                                                              # name -> layer, from the version's number
    "elu": lambda keras: ELU(), "gelu": lambda keras: GELU(), "hard_swish": lambda keras: HardSwish(),
    "hard_silu": lambda keras: HardSwish(), "leaky_relu": lambda keras: LeakyReLU(0.2), "mish": lambda keras: Mish(),
    "hard_sigmoid": lambda keras: HardSigmoid() if keras >= 3 else HardSigmoid(0.2),
    "relu": lambda keras: ReLU(), "relu6": lambda keras: ReLU(6), "selu": lambda keras: ELU(**SELU),
    "sigmoid": lambda keras: Sigmoid(), "silu": lambda keras: SiLU(), "softplus": lambda keras: Softplus(),
    "softsign": lambda keras: Softsign(), "swish": lambda keras: SiLU(), "tanh": lambda keras: Tanh(),
}  # fmt: skip
NOTHING = (                                     # at inference
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity",
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom", "SpatialDropout1D", "SpatialDropout2D",
)  # fmt: skip


# ---- activations ----

def activated(graph: Any, step: Any, value: Any) -> Any:
    """What a layer's setting ``activation`` makes of it: a layer of its own, named after both."""
    given = step.get("activation", default="linear")
    if isinstance(given, dict) and given.get("class_name") not in (None, "function"):
        inner = type(step)(f"{step.name}_{given['class_name']}", given["class_name"], given.get("config", {}),
                           keras=step.keras)
        if inner.kind not in KINDS or inner.kind == "PReLU":
            raise step.refuse(f"ends in {inner.kind}, which minivis has not")
        return KINDS[inner.kind](graph, inner, value)
    name = given.get("config") if isinstance(given, dict) else given
    return function(graph, step, value, name, f"{step.name}_{name}")


def function(graph: Any, step: Any, value: Any, name: Any, title: str) -> Any:
    """An activation by its name."""
    if name == "linear":
        return value
    if name in ("softmax", "log_softmax"):
        return softmax(graph, step, value, Softmax() if name == "softmax" else LogSoftmax(), -1, title)
    if name not in SIMPLE:
        raise step.refuse(f"has the activation {name!r}; minivis has {', '.join(['linear', 'softmax', *SIMPLE])}")
    return graph.keep(step, SIMPLE[name](step.keras), value, title)


def activation(graph: Any, step: Any, value: Any) -> Any:
    given = step.get("activation", default="linear")
    if isinstance(given, str):
        return function(graph, step, value, given, step.name)
    return activated(graph, step, value)


def relu(graph: Any, step: Any, value: Any) -> Any:
    largest = step.get("max_value")
    slope, threshold = (number(step.get(name, default=0)) for name in ("negative_slope", "threshold"))
    if slope == 0 and threshold == 0:
        return graph.keep(step, ReLU(largest), value)
    if largest is None and threshold == 0:
        return graph.keep(step, LeakyReLU(slope), value)
    return graph.keep(step, ThresholdReLU(largest, slope, threshold), value)


def number(given: Any) -> float:
    """A number, which Keras 2 writes as a NumPy array's settings."""
    return float(given["value"] if isinstance(given, dict) and "value" in given else given)


def leaky_relu(graph: Any, step: Any, value: Any) -> Any:
    return graph.keep(step, LeakyReLU(number(step.get("negative_slope", "alpha", default=0.3))), value)


def elu(graph: Any, step: Any, value: Any) -> Any:
    return graph.keep(step, ELU(number(step.get("alpha", default=1))), value)


def prelu(graph: Any, step: Any, value: Any) -> Any:
    value = graph.settled(value)
    alpha = graph.read(step.arrays["alpha"])
    slopes = layout.per_channel(alpha, value.places, graph.shapes[value.layer], graph.dtype)
    return graph.keep(step, PReLU(slopes), value)


def softmax_layer(graph: Any, step: Any, value: Any) -> Any:
    axis = step.get("axis", default=-1)
    return softmax(graph, step, value, Softmax(), axis[0] if isinstance(axis, list) and len(axis) == 1 else axis,
                   step.name)


def softmax(graph: Any, step: Any, value: Any, layer: Any, axis: Any, title: str) -> Any:
    """Over all numbers of a row, in Keras' order; over the channels of maps."""
    value = graph.settled(value)
    ndim, shape = value.places.ndim, graph.shapes[value.layer]
    if type(axis) is not int or axis == 0 or not -ndim <= axis <= ndim:
        raise step.refuse(f"is a softmax over axis {axis}")
    axis = axis - 1 if axis > 0 else axis
    if len(shape) == 2 and value.places.shape[axis] == value.places.size:
        flat = Value(value.layer, value.places.reshape(-1))
        name = graph.insert(title, layer, graph.row(step.name, flat))
        return Value(name, np.arange(flat.places.size).reshape(value.places.shape))
    C = shape[-1]
    rows = np.moveaxis(value.places, axis, -1)
    if len(shape) == 2 or rows.shape[-1] != C or not (rows - rows[..., :1] == np.arange(C)).all() \
            or (rows[..., 0] % C).any():
        raise step.refuse("is a softmax over an axis that is not its input's channels")
    return graph.keep(step, layer, value, title)


# ---- nothing, and what moves numbers ----

def nothing(graph: Any, step: Any, value: Any) -> Any:
    return value


def flatten(graph: Any, step: Any, value: Any) -> Any:
    value = graph.settled(value)
    places = value.places
    if step.channels_first and places.ndim == 3:                        # Keras puts channels last before it flattens
        places = places.transpose(1, 2, 0)
    return graph.flat(step, value._replace(places=places.reshape(-1)))


def reshape(graph: Any, step: Any, value: Any) -> Any:
    value = graph.settled(value)
    shape = list(step.get("target_shape", default=[-1]))
    places = value.places.reshape(shape)
    return graph.flat(step, value._replace(places=places)) if places.ndim == 1 else value._replace(places=places)


def permute(graph: Any, step: Any, value: Any) -> Any:
    value = graph.settled(value)
    return value._replace(places=value.places.transpose([axis - 1 for axis in step.get("dims")]))


KINDS = {
    **dict.fromkeys(NOTHING, nothing), "Activation": activation, "ELU": elu, "Flatten": flatten,
    "LeakyReLU": leaky_relu, "PReLU": prelu, "Permute": permute, "ReLU": relu, "Reshape": reshape,
    "Softmax": softmax_layer,
}  # fmt: skip
