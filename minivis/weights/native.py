"""Our own file: one net in one HDF5 file that explains itself.

    /                   attributes: format "minivis", version 1
    /net                JSON: all that is no array
    /layers/conv1_1     w, b (of a batch norm: gamma, beta, mean, var); float16 allowed, float32 comes out

The JSON holds ``layers``, a list of {"name", "type", "inputs", "parameters", and the settings of that type}, then
``preprocessing``, ``class_names``, ``class_aliases``, ``roles`` and ``about`` (origin, licence, training record).
"""

import hashlib
import inspect
import json

import h5py
import numpy as np

from minivis.engine.network import ROLES, Network
from minivis.errors import BadFile, BadValue, MinivisError, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import LAYER_TYPES
from minivis.runtime.backend import to_cpu
from minivis.weights.containers.hdf5 import child, read_array
from minivis.weights.containers.hdf5_write import new_hdf5

VERSION = 1


def save(net, path, *, dtype=None, force=False):
    """Write ``net`` to ``path``; an existing file is kept unless ``force``. ``dtype="float16"`` halves the size."""
    for name, layer in net.layers.items():
        if type(layer).__name__ not in LAYER_TYPES:
            raise BadValue(f"{name}: a file can only hold the layers of minivis.layers, not {type(layer).__name__}")
    with new_hdf5(path, force, track_order=True) as (file, sink):
        # texts of fixed length: the HDF5 library trips over damage in the heap that keeps the other kind
        file.attrs.update(format=np.bytes_("minivis"), version=VERSION)
        # a dataset, for an attribute ends at 64 KiB, which 1000 class names may pass; JSON as written here is ASCII
        file.create_dataset("net", data=np.bytes_(json.dumps(describe(net), default=_plain)))
        for name, layer in net.layers.items():
            for key, array in layer.params.items():
                with np.errstate(over="ignore", invalid="ignore"):  # said below, with the layer's name
                    array = np.asarray(to_cpu(array), dtype=dtype)
                    finite = np.isfinite(array.sum())               # no second array, unless the sum overflows
                if not finite and not np.isfinite(array).all():
                    raise BadValue(f"{name}: {key} is not finite in {array.dtype}; the file was not written")
                file.create_dataset(f"layers/{name}/{key}", data=array)
                sink.check()


def describe(net):
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


def _plain(value):
    """NumPy's numbers and arrays in ``about`` as JSON's."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise BadValue(f"net.about is of plain values, not of {type(value).__name__}: {value!r}")


def is_native(source):
    """Whether a `Source` is one of our files."""
    found = source.attribute(source.file, "format")
    return isinstance(found, str) and found == "minivis"


def load(source, *, dtype=np.float32, finite=True):
    """The net of a `Source` of ours. Raise BadFile, with one sentence, for anything that does not fit."""
    file, path, version = source.file, source.path, source.attribute(source.file, "version")
    if not isinstance(version, (int, np.integer)):
        raise BadFile(f"{path} is one of our files without a version: it is damaged or half-written")
    if version > VERSION:
        raise BadFile(f"{path} is of version {version} of our format; this minivis reads up to {VERSION}: update it")
    dataset = child(file, "net", h5py.Dataset)
    text = None if dataset is None else source.text(dataset)
    try:
        table = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:        # TypeError: no such dataset, or no text in it
        raise BadFile(f"{path} has no readable description of its net ({error}): damaged or half-written") from None
    return build(table, lambda layer: _arrays(source, layer, dtype, finite), path)


def _arrays(source, layer, dtype, finite):
    group = child(source.file, f"layers/{layer}", h5py.Group)
    datasets = {key: child(group, key, h5py.Dataset) for key in group or ()}
    return {key: read_array(d, dtype, source.path, finite=finite) for key, d in datasets.items() if d is not None}


def build(table, arrays, path):
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
                raise BadFile(f"layer {row['name']!r} has lost its {' and '.join(lost)}")
            net.add(row["name"], make_layer(row["name"], row["type"], found, settings), *row["inputs"])
        shapes = net.shapes()
        net.roles.update(table["roles"])
        check_names(net, shapes)
    except MinivisError as error:
        raise BadFile(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
        raise BadFile(f"{path}: the description of the net is damaged ({type(error).__name__}: {error})") from error
    return net


def check_names(net, shapes):
    """Raise a MinivisError where roles, class names or aliases do not belong to the layers."""
    for role, played in net.roles.items():
        if role not in ROLES:
            raise UnknownName.of("role", role, ROLES)
        for name in [played] if isinstance(played, str) else played or []:
            net.check_name(name)
    if not all(isinstance(name, str) for name in [*net.class_names, *net.class_aliases]):
        raise BadValue("class_names and class_aliases are texts")
    count = shapes[net.roles["logits"]][-1] if net.roles["logits"] else 0
    if net.class_names and len(net.class_names) != count:
        raise BadValue(f"there are {len(net.class_names)} class names for {count} classes")
    if not all(type(number) is int and 0 <= number < count for number in net.class_aliases.values()):
        raise BadValue(f"class_aliases are numbers of classes, 0 to {count - 1}")


def make_layer(name, kind, arrays, settings):
    """One layer from a row of a table. Raise UnknownName, BadFile or BadValue, naming what is missing or too many."""
    if kind not in LAYER_TYPES:
        raise UnknownName.of("layer type", kind, LAYER_TYPES)
    cls = LAYER_TYPES[kind]
    accepted = {k: p for k, p in inspect.signature(cls).parameters.items() if p.kind is not p.VAR_KEYWORD}
    required = {k for k, p in accepted.items() if p.default is p.empty} - set(cls.settings)
    if missing := sorted(required - set(arrays)):
        raise BadFile(f"layer {name!r} ({kind}) has no {' and no '.join(missing)}")
    if unknown := sorted((set(arrays) | set(settings)) - set(accepted)):
        raise BadFile(f"layer {name!r} ({kind}) knows no {' and no '.join(unknown)}")
    try:
        return cls(**arrays, **settings)
    except MinivisError as error:
        raise BadValue(f"layer {name!r}: {error}") from None


def fingerprint(net):
    """SHA-256 of all that decides what ``net`` computes: layers, preprocessing, parameters; not of names or files."""
    table = describe(net)
    digest = hashlib.sha256(json.dumps([table["layers"], table["preprocessing"]], default=_plain).encode())
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            digest.update(f"{name} {key} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(to_cpu(array)).data)
    return digest.hexdigest()
