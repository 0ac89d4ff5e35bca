"""Any file of weights that minivis knows, told by its content and never by its name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minivis.engine.ending import name_classes
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.types import PathLike
from minivis.weights import keras, layer_table_file, native
from minivis.weights import onnx as onnx_file
from minivis.weights.arrange import build
from minivis.weights.class_file import read_classes
from minivis.weights.containers import caffe_hdf5, hdf5
from minivis.weights.containers.hdf5 import READABLE
from minivis.weights.containers.open import Contents, opened
from minivis.weights.fit import table_of
from minivis.weights.keras import file_layouts
from minivis.weights.outputs import choose_output, tell_outputs, with_answers
from minivis.weights.pictures import as_asked
from minivis.weights.recognise import recognise
from minivis.weights.training_of import finish

SETTINGS = ("arch", "preprocess", "classes", "size", "kernels", "part", "output", "answers")


def read_file(path: PathLike, *, dtype: Any = np.float32, finite: bool = True, part: str | None = None,
              output: str | None = None, answers: Any = None, classes: Any = None, **settings: Any) -> Network:
    """The net in the file at ``path``. Raise BadFile, with one sentence, for anything else.

    ``finite=False`` lets NaN and infinite weights through, for looking into a broken file. ``settings`` (kernels, size)
    are for what a file of another program leaves open: `keras.load`. ``part``: which of the nets in a checkpoint that
    holds several. ``output``: which output is the answer, where there are several. ``answers``: "one" where one class
    is right, "several" where any number may be. ``classes``: their names, or a file of them.
    """
    dtype = check_dtype(dtype)
    for name in settings:
        if name not in SETTINGS:
            raise UnknownName.of("setting of a file", name, SETTINGS)
    names = read_classes(classes) if isinstance(classes, (str, os.PathLike)) else classes
    net = as_stored(path, dtype, finite, part, settings)
    if output is not None:
        choose_output(net, output)
    if answers is not None:
        net = with_answers(net, answers)
    if names is not None:
        name_classes(net, names)
    return net


def as_stored(path: PathLike, dtype: Any, finite: bool, part: str | None, settings: dict[str, Any]) -> Any:
    """The net that the file holds, whatever kind of file it is."""
    if onnx_file.is_onnx(path):
        if part is not None:
            raise BadValue(f"{path} is one net: leave --part {part} out")
        return onnx_file.load(path, dtype=dtype, finite=finite, **settings)
    with opened(path, part) as contents:
        if contents is not None:
            return net_of(path, contents, dtype=dtype, finite=finite, **settings)
    with hdf5.opened(path) as source:
        if native.is_native(source):
            if settings:
                raise BadValue(f"{path} is minivis' own file, which leaves nothing open: no {', '.join(settings)}")
            return native.load(source, dtype=dtype, finite=finite)
        if caffe_hdf5.is_caffe(source):
            return net_of(path, caffe_contents(source), dtype=dtype, finite=finite, **settings)
        if file_layouts.layout(source):
            if str(settings.get("arch", "")).endswith(".json") and "kernels" not in settings:
                return net_of(path, keras.contents(source), dtype=dtype, finite=finite, **settings)
            return keras.load(source, dtype=dtype, finite=finite, **settings)
        inside = file_layouts.listed(list(source.file)) or "nothing"
        raise BadFile(f"{path} is an HDF5 file of another kind (it holds {inside}); minivis reads {READABLE}")


def caffe_contents(source: Any) -> Contents:
    return Contents(caffe_hdf5.read(source), ".caffemodel.h5", order=caffe_hdf5.order(source))


@contextmanager
def arrays_of(path: PathLike, part: str | None = None) -> Iterator[Any]:
    """The `Contents` of a file that holds arrays and no description of its layers, for a layer table; else None."""
    with opened(path, part) as contents:
        if contents is not None or onnx_file.is_onnx(path):
            yield contents
            return
    with hdf5.opened(path) as source:
        if caffe_hdf5.is_caffe(source):
            yield caffe_contents(source)
            return
        silent = file_layouts.layout(source) and not native.is_native(source) and keras.config.parsed(source) is None
        yield keras.contents(source) if silent else None


def net_of(path: PathLike, contents: Any, *, dtype: Any = np.float32, finite: bool = True, arch: str | None = None,
           preprocess: Any = None, size: Any = None) -> Network:
    """The net of an open file's `Contents`.

    ``arch``: the name of an architecture, or the path of a layer table (.json) of your own. ``preprocess``: a name of
    `PREPROCESSINGS` or a `Preprocessing`. ``size``: (height, width) of the input.
    """
    if preprocess is not None:
        preprocess = Preprocessing.named(preprocess)
    if arch is not None and str(arch).endswith(".json"):
        net = layer_table_file.load(arch, path, contents, dtype=dtype, finite=finite)
    else:
        match = recognise(contents, path, arch)
        table, prefix = table_of(match)
        net = build(table, prefix, match.tensors, contents.axes, dtype, path, finite)
        net = finish(net, match.known, contents)
        if match.pixels:
            net.about["preprocessing"] = "in the net, which itself subtracts its mean and divides by its std"
        tell_outputs(net, match.head.outputs if match.head else {})
    return as_asked(net, preprocess, size)


def layer_names(net: Network, path: PathLike, *, arch: str | None = None, part: str | None = None) -> Any:
    """What the file calls its layers -> the layer of ``net`` that puts the same out; {} if the names are ours.

    A batch norm that was folded is the layer that it was folded into, and what that one put out before is None.
    """
    if onnx_file.is_onnx(path):
        return {}
    with opened(path, part) as contents:
        if contents is None:
            return {}
        if arch is not None and str(arch).endswith(".json"):
            table, prefixes = layer_table_file.read(arch)
            prefix = prefixes.__getitem__
        else:
            table, prefix = table_of(recognise(contents, path, arch))
    names = {prefix(row["name"]): row["name"] for row in table["layers"]}
    for row in table["layers"]:
        before = row["inputs"][0]
        if row["type"] == "BatchNorm" and row["name"] not in net.nodes and before in net.nodes:
            names |= {prefix(row["name"]): before, prefix(before): None}
    return names


def check_dtype(dtype: Any) -> Any:
    """As a numpy dtype; BadValue unless it is one that a net computes in."""
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise BadValue(f"{dtype!r} is not a dtype; a net computes in float32 or float64") from None
    if dtype not in (np.float32, np.float64):
        raise BadValue(f"a net computes in float32 or float64, not in {dtype}")
    return dtype
