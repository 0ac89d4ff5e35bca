"""The layouts in which Keras has saved weights, each read into the same list. Told by what is in the file.

    /block1_conv1/block1_conv1_W_1:0                            Keras 1; attributes layer_names, weight_names
    /block1_conv1/block1_conv1/kernel:0                         Keras 2
    /block1_conv1/block1_conv1/kernel                           Keras 3, .h5
    /model_weights/block1_conv1/...                             Keras 1 to 3, whole model
    /layers/conv2d_10/vars/0                                    Keras 3, .weights.h5 and .keras; attribute name
    /layer_1/param_0                                            before Keras 1 (Baraldi's vgg16_weights.h5, 2015)
"""

import re
from typing import Any, NamedTuple

import h5py
import numpy as np

from minivis.errors import BadFile, some_of
from minivis.models.vgg import BLOCKS, conv_names
from minivis.types import PathLike
from minivis.weights.containers.hdf5 import child
from minivis.weights.keras.config import WHOLE

LAYERS = ("layers", "_layer_checkpoint_dependencies")           # Keras 3; 2.12 to 2.15


class Stored(NamedTuple):
    """One layer with weights: its name in the file and its two datasets, unread."""

    name: str
    kernel: h5py.Dataset
    bias: h5py.Dataset


def layout(source: Any) -> Any:
    """What kind of Keras file a `Source` is, the function that lists its layers, and the group to list; or None."""
    file = source.file
    for group, what in ((file, "weights"), (child(file, "model_weights", h5py.Group), "whole model")):
        if group is not None and ("layer_names" in group.attrs or "layer_names0" in group.attrs):
            version = str(source.attribute(group, "keras_version") or 1)[:1]            # before 2 Keras wrote none
            return f"Keras {version} HDF5, {what}", named_layers, group
    for name in LAYERS:
        if (group := child(file, name, h5py.Group)) is not None:
            return "Keras 3 .weights.h5" if name == "layers" else "Keras 2 .weights.h5", numbered_layers, group
    return ("Keras before 1.0, layer_N/param_M", baraldi_layers, file) if "nb_layers" in file.attrs else None


# ---- one reader a layout: its layers with weights, in the model's order ----

def named_layers(group: Any, source: Any) -> Any:
    """Keras' own HDF5 layout since 1.0: attributes list the layers, and the weights of each, by name."""
    found, path = [], source.path
    for name in source.strings(group, "layer_names"):
        layer = child(group, name, h5py.Group)
        weights = None if layer is None else source.strings(layer, "weight_names")
        if weights is None:
            raise BadFile(f"{path} lists a layer {name!r} and does not hold it: the file is damaged or half-written")
        found += stored(name, [(weight, child(layer, weight, h5py.Dataset)) for weight in weights], path)
    return found


def numbered_layers(group: Any, source: Any) -> Any:
    """Keras 3: groups by class and number (conv2d, conv2d_1, ... conv2d_10); the layer's name is an attribute."""
    found, path = [], source.path
    for key in sorted(group, key=number):
        variables = child(group, f"{key}/vars", h5py.Group)
        if variables is not None:
            (name,) = source.strings(variables, "name") or [key]
            found += stored(name, [(i, child(variables, i, h5py.Dataset)) for i in sorted(variables, key=number)], path)
        if any((inner := child(group, f"{key}/{name}", h5py.Group)) is not None and len(inner) for name in LAYERS):
            raise BadFile(f"{path}: {key} is a whole model inside a larger one; {WHOLE}")
    return found


def number(key: str) -> int:
    """conv2d -> 0, conv2d_1 -> 1: the order of one class's layers in the model."""
    digits = re.search(r"(\d{1,9})$", key if "_" in key or key.isdigit() else "")
    return int(digits[1]) if digits else 0


def baraldi_layers(group: Any, source: Any) -> list[Any]:
    """Layers by their number in a Sequential model that counts the padding: which VGG it is, the numbers tell."""
    path, count = source.path, source.attribute(group, "nb_layers")
    if not isinstance(count, (int, np.integer)) or not 0 < count < 1000:
        raise BadFile(f"{path}: nb_layers is {count!r}, no number of layers; the file is damaged")
    found = {}
    for k in range(count):
        layer = child(group, f"layer_{k}", h5py.Group)
        if layer is None:
            raise BadFile(f"{path} should hold {count} layers and has no layer_{k}: it is damaged or half-written")
        for item in stored(f"layer_{k}", [(i, child(layer, i, h5py.Dataset)) for i in sorted(layer)], path):
            found[k] = item
    convs = [k for k, item in found.items() if item.kernel.ndim == 4]
    for name in BLOCKS:
        if convs == baraldi_numbers(name):
            names = dict(zip(convs, keras_names(name)))
            return [item._replace(name=names.get(k, item.name)) for k, item in found.items()]
    raise BadFile(f"{path} has convolutions at layers {listed(convs)}, as no VGG has (VGG16: 1, 3, 6, 8, 11, ...)")


def baraldi_numbers(name: str) -> Any:
    """Where the convolutions are when each has a padding before it, and each block a pool after it."""
    found, k = [], 0
    for count in BLOCKS[name]:
        found += [k + 2 * i + 1 for i in range(count)]
        k += 2 * count + 1
    return found


def stored(name: str, weights: Any, path: PathLike) -> list[Any]:
    """[Stored], or [] for a layer without weights. Raise BadFile for any number of arrays but a kernel and a bias."""
    for weight, dataset in weights:
        if dataset is None:
            raise BadFile(f"{path}: layer {name!r} lacks its {weight!r}: the file is damaged or half-written")
    if not weights:
        return []
    arrays = [dataset for _, dataset in weights]
    if sorted(dataset.ndim for dataset in arrays) not in ([1, 2], [1, 4]):
        shapes = some_of((dataset.shape for dataset in arrays), 4)
        raise BadFile(f"{path} is not a VGG: layer {name!r} holds {shapes}, not a kernel and a bias; {WHOLE}")
    bias, kernel = sorted(arrays, key=lambda dataset: dataset.ndim)
    return [Stored(name, kernel, bias)]


def keras_names(name: str) -> list[Any]:
    return [conv.replace("conv", "block").replace("_", "_conv") for conv in conv_names(name)]


def listed(items: Any, most: Any = 6) -> Any:
    """The first few, for a message."""
    return ", ".join(map(str, items[:most])) + (", ..." if len(items) > most else "")
