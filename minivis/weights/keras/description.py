"""What a Keras file says of its model: layers, and which reads which. Keras 2 and 3 spell it in two ways, read as one.

A Sequential model becomes a chain of calls, so whoever builds a net meets one kind of model.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadFile

MODELS = ("Functional", "Model", "Sequential")
DEEPEST = 20                                    # of models inside models
OPERATIONS = ("TFOpLambda", "SlicingOpLambda")  # Keras 2's name for arithmetic between layers
CONSTANT = "_CONSTANT_VALUE"                    # ... for a number where a layer could stand


class Ref(NamedTuple):
    """One output of one call of a layer."""

    layer: str
    call: int = 0
    output: int = 0


class Call(NamedTuple):
    """What a layer is called with: `Ref`s and constants, lists of them too."""

    args: tuple
    kwargs: dict


@dataclass(frozen=True)
class Described:
    """One layer. ``operation``: whether it is arithmetic (x * 2), not a layer; ``model``: the model that it is;
    ``first``: the number of its first call."""

    name: str
    kind: str
    settings: dict
    calls: tuple
    operation: bool = False
    model: "Model | None" = None
    first: int = 0


@dataclass(frozen=True)
class Model:
    name: str
    layers: tuple
    inputs: tuple
    outputs: tuple


def model_of(entry: Any, depth: int = 0) -> Any:
    """The `Model` of a description as JSON has it. Raise BadFile for one that is damaged."""
    try:
        return described_model(entry, depth)
    except BadFile:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise BadFile(f"its description of the model is damaged ({type(error).__name__}: {error})") from error


def described_model(entry: Any, depth: int) -> Any:
    kind, config = entry["class_name"], entry["config"]
    if kind not in MODELS:
        raise BadFile(f"the model is a {kind} of its author's own, whose code Keras does not save: build it again with "
                      "keras.Sequential or keras.Model(inputs, outputs), and save that")
    if depth > DEEPEST:
        raise BadFile(f"models stand more than {DEEPEST} deep in one another")
    if kind == "Sequential":
        return sequential(config, entry, depth)
    layers = tuple(described(row, calls(row.get("inbound_nodes", ())), depth) for row in config["layers"])
    names = [layer.name for layer in layers]
    if len(set(names)) < len(names):
        raise ValueError("two layers have one name")
    return Model(str(config.get("name", kind)), layers, ends(config["input_layers"]), ends(config["output_layers"]))


def sequential(config: Any, entry: Any, depth: int) -> Model:
    """A chain: each layer is called once, with what the one before made."""
    rows = config["layers"] if isinstance(config, dict) else config             # Keras 1: the list alone
    name = config.get("name", "sequential") if isinstance(config, dict) else "sequential"
    layers: list[Any] = []
    before: Any = None                              # the name of the layer before, as soon as there is one
    for row in rows:
        if row["class_name"] == "InputLayer":
            layers.append(described(row, (), depth))
        else:
            if before is None:
                shape = first_shape(row, config, entry)
                layers.append(Described(f"{name}_input", "InputLayer", {"batch_shape": shape}, ()))
                before = layers[-1].name
            layers.append(described(row, (Call((Ref(before),), {}),), depth))
        before = layers[-1].name
    return Model(str(name), tuple(layers), (Ref(layers[0].name),), (Ref(before),))


def first_shape(row: Any, config: Any, entry: Any) -> Any:
    """The input's shape where a Sequential model has no input layer; None if nothing tells it."""
    built = [config, entry.get("build_config") or {}] if isinstance(config, dict) else []
    return shape_of(row["config"]) or next(
        (b[key] for b in built for key in ("build_input_shape", "input_shape") if b.get(key)), None)


def shape_of(settings: Any) -> Any:
    """The input's shape (N, ...) by a layer's settings, None for what is open; None if they do not say."""
    shape = settings.get("batch_shape") or settings.get("batch_input_shape")
    return shape or ([None, *settings["input_shape"]] if settings.get("input_shape") else None)


def described(row: Any, made: Any, depth: int) -> Described:
    kind, settings = row["class_name"], row.get("config") or {}
    if not isinstance(kind, str):
        raise TypeError("a layer without a class")
    named = settings.get("name") if isinstance(settings, dict) else None
    name = str(row.get("name") or named or kind)
    if kind in MODELS:
        return Described(name, kind, {}, made, model=described_model(row, depth + 1), first=first_call(row))
    operation = is_operation(row, kind, settings)
    own = str(row.get("registered_name") or "")
    if ">" in own:                              # somebody's own class, which may be called as one of Keras'
        kind = own
    return Described(name, kind, dict(settings), made, operation)


def is_operation(row: Any, kind: Any, settings: Any) -> bool:
    """Whether it is arithmetic. Keras 3's .h5 does not say; there only layers have a setting "trainable"."""
    if row.get("module") is not None or kind in OPERATIONS:
        return kind in OPERATIONS or str(row["module"]).startswith("keras.src.ops")
    called = [node for node in row.get("inbound_nodes", ()) if isinstance(node, dict)]
    return bool(called) and "trainable" not in settings


def first_call(row: Any) -> int:
    """The number of a model's first call: 1 in Keras 2, where it was called once already, with its own input."""
    old = any(isinstance(node, list) for node in row.get("inbound_nodes", ()))
    layers = row["config"]["layers"] if isinstance(row["config"], dict) else row["config"]
    return int(old and layers[0]["class_name"] == "InputLayer")


# ---- calls ----

def calls(nodes: Any) -> tuple[Any, ...]:
    """The `Call`s of a layer from its inbound nodes, a dict each in Keras 3 and a list of inputs in Keras 1 and 2."""
    return tuple(Call(tuple(map(plain, node["args"])), {k: plain(v) for k, v in node.get("kwargs", {}).items()})
                 if isinstance(node, dict) else old_call(node) for node in nodes)


def old_call(node: Any) -> Call:
    """Keras 2: [[layer, call, output, {keyword: value}], ...], or for arithmetic the one list alone."""
    given = [node] if isinstance(node[0], str) else node
    args = [entry[2] if entry[0] == CONSTANT else Ref(*entry[:3]) for entry in given]
    kwargs = given[0][3] if len(given[0]) > 3 and given[0][3] else {}
    return Call((args[0] if len(args) == 1 else args,), {key: old_value(value) for key, value in kwargs.items()})


def old_value(value: Any) -> Any:
    if isinstance(value, list):
        reference = len(value) == 3 and isinstance(value[0], str) and type(value[1]) is int
        return Ref(*value) if reference else [old_value(v) for v in value]
    if isinstance(value, dict) and set(value) == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    return plain(value)


def plain(value: Any) -> Any:
    """An argument of a call as Keras 3 writes it: references, slices, arrays and numbers."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config", {})
    if kind == "__keras_tensor__":
        return Ref(*config["keras_history"])
    if kind in ("__tensor__", "__numpy__"):
        return np.array(config["value"], np.float64)
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__slice__":
        return slice(config["start"], config["stop"], config["step"])
    return value


def refs(value: Any) -> tuple[Any, ...]:
    """All references in arguments."""
    if isinstance(value, Ref):
        return (value,)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return tuple(ref for part in parts for ref in refs(part))


def ends(value: Any) -> tuple[Any, ...]:
    """A model's inputs or outputs: [layer, call, output], or a list or dict of them, in their order."""
    parts = list(value.values()) if isinstance(value, dict) else value
    if len(parts) == 3 and isinstance(parts[0], str):
        return (Ref(*parts),)
    return tuple(ref for part in parts for ref in ends(part))


def snake_case(kind: Any) -> str:
    """What Keras 3 calls a class in a file of weights: BatchNormalization -> batch_normalization, ReLU -> re_lu."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()
