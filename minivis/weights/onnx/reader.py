"""ONNX models that are made of our layers, read through the onnx package (extra "onnx").

An ONNX file holds the graph itself, so no architecture has to be recognised: each node becomes the layer that means the
same, under the node's own name (graph.py). What means nothing at inference (Dropout, Identity) is left out; a Pad goes
into the convolution after it; MatMul and the Add of a vector after it are one FC layer. The result is then compared
with the graph itself (proof.py).
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.network import Network
from minivis.engine.roles import name_roles
from minivis.engine.surgery import for_inference
from minivis.errors import BadFile, BadValue, MinivisError, MissingExtra
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.runtime.files import open_regular
from minivis.types import PathLike
from minivis.weights.containers.tensor import check_finite
from minivis.weights.onnx import proof
from minivis.weights.onnx.graph import Graph
from minivis.weights.onnx.widen import widened
from minivis.weights.outputs import tell_outputs
from minivis.weights.pictures import choose_preprocessing

FILE_LIMIT = 2**31                              # bytes that protobuf can hold; larger models keep numbers beside them
SIDES = (64, 224, 32, 28, 96, 128, 160, 192, 227, 256, 299, 320, 384, 448, 512)   # tried where a file leaves it open
MOST_NODES = 20_000                             # translated in all these tries


def is_onnx(path: PathLike) -> Any:
    """Whether the file starts like a ModelProto: its version (field 1), then its producer, its graph or its opsets."""
    try:
        with open_regular(path) as raw:
            start = raw.read(3)
    except (OSError, MinivisError):
        return False                            # the other readers say what is wrong with it
    return len(start) == 3 and start[0] == 0x08 and 1 <= start[1] <= 32 and start[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


def load(path: PathLike, *, dtype: Any = np.float32, finite: bool = True, arch: str | None = None,
         preprocess: Any = None, size: Any = None) -> Network:
    """The net of an ONNX file. Raise BadFile with the first node that is none of our layers.

    ``preprocess``, ``size``: as for `read.net_of`; an ONNX file says nothing about its pictures.
    """
    if preprocess is not None:
        preprocess = Preprocessing.named(preprocess)
    if arch is not None:
        raise BadValue(f"{path} is an ONNX file, which holds its own layers: leave --arch out")
    model = parsed(path)
    graph = translated(model, path, dtype, size)
    net, layer_of = folded(graph)
    if finite:
        check_arrays(net, path)
        net.about["proof"] = proof.prove(model, graph, net, layer_of, path)
    outputs = {name: layer_of[value.layer] for name, value in graph.outputs.items()}
    name_roles(net, next(iter(outputs.values())))
    tell_outputs(net, outputs)
    net.about.update(format="ONNX", architecture=f"{len(net.nodes)} layers, as the file has them",
                     training="unknown", licence="unknown", origin=str(model.producer_name or "unknown"))
    torchs = (TORCH, "torchvision's: assumed, the file does not say")
    choose_preprocessing(net, graph, preprocess, torchs if "pytorch" in model.producer_name.lower() else None)
    if net.roles["logits"] and net.shapes()[net.roles["logits"]][-1] == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    return net


def translated(model: Any, path: PathLike, dtype: Any, size: Any) -> Any:
    """The `Graph` with its net. A file that leaves its size open is tried with several: an FC layer fits only one."""
    first: MinivisError | None = None
    for side in SIDES[: max(1, MOST_NODES // len(model.graph.node))]:
        try:
            graph = Graph(model, dtype)
            graph.translate(size, side)
            return graph
        except MinivisError as error:
            first = first or BadFile(f"{path}: {error}" if str(path) not in str(error) else str(error))
            if not getattr(graph, "open", False):
                break
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
            raise BadFile(f"{path}: the graph is damaged ({type(error).__name__}: {error})") from error
    assert first is not None                    # one side at least was tried
    raise first from None


def folded(graph: Any) -> tuple[Any, Any]:
    """The net for use, and {layer of the graph's net: the layer that has its output now}."""
    net = replace(graph.net, roles={**graph.net.roles, "every": list(graph.net.nodes)})
    net = for_inference(net)
    layer_of = {"input": "input", **dict(zip(graph.net.nodes, net.roles.pop("every")))}
    return net, layer_of


def parsed(path: PathLike) -> Any:
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
        stored = {entry.value for tensor in model.graph.initializer for entry in tensor.external_data
                  if entry.key == "location"}  # fmt: skip
        if missing := [name for name in sorted(stored) if not Path(path).parent.joinpath(name).exists()]:
            raise BadFile(f"{path} keeps its numbers in {missing[0]}, which is not there: copy it into the same folder"
                          ) from None
        said = " ".join(str(error).split())[:160]
        raise BadFile(f"{path} keeps its numbers in another file, which cannot be read ({said})") from None
    if not model.graph.node:
        raise BadFile(f"{path} is an ONNX file without a graph; fetch or copy it again")
    if not all(isinstance(text, str) for text in texts(model)):         # protobuf has bytes for what is no UTF-8
        raise BadFile(f"{path} is a damaged ONNX file: a name in it is not text; fetch or copy it again")
    try:
        return widened(model)
    except (ValueError, TypeError, AttributeError, RuntimeError) as error: # bytes that its shape does not fit
        raise BadFile(f"{path}: the graph is damaged ({type(error).__name__}: {error})") from error


def texts(model: Any) -> Iterator[Any]:
    """Every text that a graph consists of."""
    graph = model.graph
    yield model.producer_name
    yield from (item.name for several in (graph.initializer, graph.input, graph.output) for item in several)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def check_arrays(net: Network, path: PathLike) -> None:
    """Raise BadFile for NaN and infinite weights."""
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            try:
                check_finite(array)
            except MinivisError as error:
                raise BadFile(f"{path}: {name}: {key}: {error}") from None
