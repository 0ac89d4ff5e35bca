"""The net of a Keras file that describes its model (.h5, .keras): built as described, layer by layer (graph.py)."""

import json
from dataclasses import replace
from typing import Any

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.network import Network
from minivis.engine.roles import name_roles
from minivis.engine.surgery import for_inference
from minivis.errors import BadFile, BadValue, MinivisError
from minivis.images.preprocessing import CAFFE_VGG, PREPROCESSINGS, TORCH
from minivis.weights import oxford
from minivis.weights.keras.description import model_of
from minivis.weights.keras.file_layouts import layout
from minivis.weights.keras.graph import Graph, reader
from minivis.weights.keras.variables import Named, Numbered
from minivis.weights.outputs import tell_outputs
from minivis.weights.pictures import choose_preprocessing

USUAL = (                                       # what keras.applications does to pixels, by how it calls its models
    ("caffe", CAFFE_VGG, ("vgg16", "vgg19", "resnet50", "resnet101", "resnet152")),
    ("torch", TORCH, ("densenet121", "densenet169", "densenet201")),
    ("tensorflow", PREPROCESSINGS["tensorflow"], ("resnet50v2", "resnet101v2", "resnet152v2", "xception", "mobilenet",
     "mobilenetv2", "inception_v3", "inception_resnet_v2", "nasnet", "NASNet")),
)  # fmt: skip


def load(source: Any, entry: Any, *, dtype: Any = np.float32, finite: bool = True, arch: str | None = None,
         preprocess: Any = None, size: Any = None, kernels: Any = None) -> Network:
    """The net of a `Source` with the description ``entry``. Raise BadFile with the first layer that is none of ours.

    ``preprocess`` (a `Preprocessing`), ``size``: as for `read.net_of`; a Keras file says nothing about its pictures.
    """
    path = source.path
    if arch is not None or kernels is not None:
        raise BadValue(f"{path} is a Keras file that describes its own layers: leave "
                       f"{'--arch' if arch is not None else 'kernels'} out")
    try:
        graph, net, outputs = built(source, entry, dtype, finite, size)
    except MinivisError as error:
        raise error if str(path) in str(error) else BadFile(f"{path}: {error}") from None
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise BadFile(f"{path}: the description of its model is damaged ({type(error).__name__}: {error})") from error
    if not outputs:
        raise BadFile(f"{path} describes a model without an output")
    name_roles(net, next(iter(outputs.values())))
    tell_outputs(net, outputs)
    what = layout(source)[0]
    net.about.update(format=f"Keras {graph.keras} .keras archive" if source.archive else what, training="unknown",
                     licence="unknown", architecture=f"{graph.model.name!r}: {len(net.nodes)} layers, as the file has "
                     "them")  # fmt: skip
    choose_preprocessing(net, graph, preprocess, usual(net, graph.model))
    if net.roles["logits"] and net.shapes()[net.roles["logits"]][-1] == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    return net


def built(source: Any, entry: Any, dtype: Any, finite: bool, size: Any) -> tuple[Any, Any, Any]:
    """(the `Graph`, its net with batch norm folded, {output: the layer that makes it})."""
    model = model_of(entry)
    version, (_, _, group) = version_of(source), layout(source)
    store = Numbered(source.file, source, model) if source.archive else Named(group, source, model)
    graph = Graph(model, store, reader(source, dtype, finite), dtype, keras=version, channels_first=is_first(entry))
    graph.translate(size)
    net = for_inference(replace(graph.net, roles={**graph.net.roles, "ends": [v.layer for v in graph.outputs]}))
    outputs = dict(zip((ref.layer for ref in model.outputs), net.roles.pop("ends")))
    net.shapes()
    return graph, net, outputs


def version_of(source: Any) -> int:
    """The first number of Keras' version. A file without one is older than Keras 2."""
    said = source.attribute(source.file, "keras_version")
    if source.metadata is not None:
        try:
            said = json.loads(source.metadata)["keras_version"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BadFile("its metadata.json is damaged") from None
    digits = str(said).partition(".")[0] if said else "3" if source.archive else "1"
    return int(digits) if digits.isdigit() and len(digits) < 4 else 3


def is_first(entry: Any) -> bool:
    """Whether the model's picture is (N, C, H, W): where the first layer that says an order says so."""
    waiting = [entry]                                   # the next one last
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            order = item.get("data_format", item.get("dim_ordering"))
            if isinstance(order, str):
                return order in ("channels_first", "th")
            waiting.extend(item[key] for key in ("layers", "config") if isinstance(item.get(key), list | dict))
    return False


def usual(net: Network, model: Any) -> tuple[Any, str] | None:
    """(`Preprocessing`, whose it is) where conv1_1 is Oxford's, or a model is called as one of keras.applications."""
    first = next((layer for layer, inputs in net.nodes.values() if "input" in inputs), None)
    w, b = (getattr(first, "params", {}).get(key) for key in ("w", "b"))
    if w is not None and b is not None and w.ndim == 4 and (found := oxford.recognise(w, b)).net:
        order = replace(CAFFE_VGG, channel_order="RGB", mean=CAFFE_VGG.mean[::-1]) if found.rgb else CAFFE_VGG
        return order, f"Oxford's mean, as conv1_1 is Oxford {found.net}'s (fingerprint)"
    names = [model.name, *(layer.name for layer in model.layers if layer.model)]
    for mode, preprocessing, known in USUAL:
        for name in names:
            if any(name == k or name.startswith(f"{k}_") for k in known):
                return preprocessing, f"{mode}, as in keras.applications for {name!r}: assumed, the file does not say"
    return None
