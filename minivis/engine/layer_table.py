"""A net as a table of plain values, and a net from such a table, for minivis' own files and for all importers.

The table is a dict: ``layers``, a list of {"name", "type", "inputs", "parameters", and the settings of that type}, then
``preprocessing``, ``class_names``, ``class_aliases``, ``roles`` and ``about``. Arrays are stored separately.
"""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from minivis.engine.ending import check_count, class_count
from minivis.engine.network import ROLES, Network
from minivis.errors import BadFile, BadValue, MinivisError, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import LAYER_TYPES
from minivis.runtime.backend import to_cpu
from minivis.types import PathLike, Shape


def describe(net: Network) -> dict[Any, Any]:
    """All of a net but its arrays, as plain values for JSON."""
    return {
        "layers": [
            {"name": name, "type": type(layer).__name__, "inputs": list(inputs), "parameters": list(layer.params)}
            | layer.config()
            for name, (layer, inputs) in net.nodes.items()
        ],
        "preprocessing": net.preprocessing.as_dict(),
        "class_names": list(net.class_names),
        "class_aliases": net.class_aliases,
        "roles": net.roles,
        "about": net.about,
    }


def as_plain(value: Any) -> Any:
    """NumPy's numbers and arrays in ``about`` as JSON's."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise BadValue(f"net.about must hold plain values, not {type(value).__name__}: {value!r}")


def as_text(value: Any) -> Any:
    """A setting as text: a user's own layer may have any, and for a fingerprint they only have to tell nets apart."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)


def build(table: dict[str, Any], arrays: Callable[[str], dict[str, Any]], path: PathLike) -> Any:
    """A net from its layer table and a function from a layer's name to {"w": array, ...}."""
    try:
        net = Network(
            preprocessing=Preprocessing.from_dict(table["preprocessing"]),
            class_names=tuple(table["class_names"]),
            class_aliases=dict(table["class_aliases"]),
            about=dict(table["about"]),
        )
        for row in table["layers"]:
            settings = {k: v for k, v in row.items() if k not in ("name", "type", "inputs", "parameters")}
            found = arrays(row["name"])
            if lost := [key for key in row.get("parameters", ()) if key not in found]:
                raise BadFile(f"layer {row['name']!r} lacks its {' and '.join(lost)}")
            net.add(row["name"], make_layer(row["name"], row["type"], found, settings), *row["inputs"])
        shapes = net.shapes()
        net.roles.update(table["roles"])
        check_names(net, shapes)
    except MinivisError as error:
        raise BadFile(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
        raise BadFile(f"{path}: the description of the net is damaged ({type(error).__name__}: {error})") from error
    return net


def check_order(rows: Any) -> None:
    """Raise a MinivisError unless each row has a name of its own and reads layers that come before it."""
    known = {"input": None}
    for row in rows:
        name, inputs = row["name"], row["inputs"]
        if name in known:
            raise BadValue(f"two layers are called {name!r}: give each a name of its own" if name != "input" else
                           "'input' is what the first layer reads: give the layer another name")
        if not (isinstance(inputs, list) and inputs) or not all(isinstance(source, str) for source in inputs):
            raise BadValue(f"layer {name!r}: its inputs are a list of layers' names, not {inputs!r}")
        for source in inputs:
            if source not in known:
                raise UnknownName(f"layer {name!r} reads {source!r}, and no layer before it has that name")
        known[name] = None


def check_names(net: Network, shapes: dict[str, Shape]) -> None:
    """Raise a MinivisError if roles, class names or aliases do not fit the layers."""
    for role, played in net.roles.items():
        if role not in ROLES:
            raise UnknownName.of("role", role, ROLES)
        for name in [played] if isinstance(played, str) else played or []:
            net.check_name(name)
    if not all(isinstance(name, str) for name in [*net.class_names, *net.class_aliases]):
        raise BadValue("class_names and class_aliases must be strings")
    outputs = shapes[net.roles["logits"]][-1] if net.roles["logits"] else 0
    if net.class_names:
        check_count(net.class_names, outputs)
    count = class_count(net)
    if not all(type(number) is int and 0 <= number < count for number in net.class_aliases.values()):
        raise BadValue(f"class_aliases must be numbers of classes, 0 to {count - 1}")


def make_layer(name: str, kind: str, arrays: Any, settings: dict[str, Any]) -> Any:
    """One layer from a row of a table. Raise UnknownName, BadFile or BadValue, naming what is missing or unknown."""
    if kind not in LAYER_TYPES:
        raise UnknownName.of("layer type", kind, LAYER_TYPES)
    cls = LAYER_TYPES[kind]
    accepted, required = keywords(cls)
    if missing := sorted(required - set(arrays)):
        raise BadFile(f"layer {name!r} ({kind}) has no {' and no '.join(missing)}")
    if unknown := sorted((set(arrays) | set(settings)) - accepted):
        raise BadFile(f"layer {name!r} ({kind}) has no setting and no parameter {' or '.join(unknown)}")
    try:
        return cls(**arrays, **settings)
    except MinivisError as error:
        raise BadValue(f"layer {name!r}: {error}") from None


@cache
def keywords(cls: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The names of all arguments of a type of layer, and of the arrays among them that it needs."""
    accepted = {k: p for k, p in inspect.signature(cls).parameters.items() if p.kind is not p.VAR_KEYWORD}
    required = {k for k, p in accepted.items() if p.default is p.empty} - set(cls.settings)
    return frozenset(accepted), frozenset(required)


def fingerprint(net: Any) -> Any:
    """SHA-256 of all that decides what ``net`` computes: layers, preprocessing and parameters, not class names."""
    table = describe(replace(net, preprocessing=replace(net.preprocessing, names=(), show=())))
    digest = hashlib.sha256(json.dumps([table["layers"], table["preprocessing"]], default=as_text).encode())
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            digest.update(f"{name} {key} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(to_cpu(array)).data)
    return digest.hexdigest()
