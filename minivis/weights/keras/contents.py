"""The arrays of a Keras file under names such as PyTorch's, for a layer table: LAYER.weight, LAYER.bias, ...

    kernel, gamma, alpha                weight
    bias, beta                          bias
    moving_mean, moving_variance        running_mean, running_var
    depthwise_kernel (KH, KW, C, M)     weight, for a Conv2D with "groups": "depthwise"
    pointwise_kernel, and its bias      weight and bias of LAYER_pointwise
"""

import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from minivis.errors import BadFile
from minivis.weights.containers.hdf5 import check_stored, child
from minivis.weights.containers.open import Contents
from minivis.weights.containers.tensor import STORED_AS, Tensor
from minivis.weights.keras.file_layouts import LAYERS, layout, number

SUFFIXES = {"kernel": "weight", "depthwise_kernel": "weight", "pointwise_kernel": "weight", "gamma": "weight",
            "alpha": "weight", "W": "weight", "bias": "bias", "beta": "bias", "b": "bias",
            "moving_mean": "running_mean", "moving_variance": "running_var", "running_std": "running_var"}  # fmt: skip
NORMS = {4: ("gamma", "beta", "moving_mean", "moving_variance"), 3: ("beta", "moving_mean", "moving_variance"),
         2: ("moving_mean", "moving_variance")}  # fmt: skip


def contents(source: Any) -> Contents:
    """The `Contents` of a `Source`: each layer by its name, in a model inside another by both, inner/conv1."""
    what, _, group = layout(source)
    found: dict[str, Tensor] = {}
    stored = numbered(group, source) if group.name.strip("/").split("/")[-1] in LAYERS else named(group, source)
    for name, kinds in stored:
        for kind, dataset in kinds.items():
            check_stored(dataset, source.path)
            pointwise = "pointwise_kernel" in kinds and kind in ("pointwise_kernel", "bias")
            key = f"{name}{'_pointwise' * pointwise}.{SUFFIXES.get(kind, kind)}"
            if key in found:
                raise BadFile(f"{source.path} holds two arrays {key!r}: which is meant cannot be told")
            found[key] = tensor(dataset)
    return Contents(found, "Keras 3 .keras archive" if source.archive else what, "HWIO", title=source.path.stem)


def tensor(dataset: Any) -> Tensor:
    """An unread array."""
    if dataset.dtype.name not in STORED_AS:
        raise BadFile(f"{dataset.name} holds {dataset.dtype}, not floats")
    return Tensor(dataset.shape, dataset.dtype.name, array=lambda: np.asarray(dataset[()]))


def named(group: Any, source: Any) -> Iterator[Any]:
    """(layer, {what it is: h5py.Dataset}) of an .h5 file."""
    found: dict[str, dict] = {}
    for layer in source.strings(group, "layer_names") or ():
        inner = child(group, layer, h5py.Group)
        for name in (inner is not None and source.strings(inner, "weight_names")) or ():
            dataset = child(inner, name, h5py.Dataset)
            if dataset is None:
                raise BadFile(f"{source.path}: layer {layer!r} lacks its {name!r}: it is damaged or half-written")
            parts = name.split(":")[0].split("/")
            kind = re.sub(r"_\d+$", "", parts[-1].removeprefix(f"{layer}_"))
            mine = len(parts) < 2 or parts[-2] == layer or re.sub(r"_\d+$", "", parts[-2]) == layer
            kinds = found.setdefault(layer if mine else f"{layer}/{parts[-2]}", {})
            if kind in kinds:
                raise BadFile(f"{source.path} holds two arrays {name!r}: which is meant cannot be told")
            kinds[kind] = dataset
    yield from found.items()


def numbered(group: Any, source: Any, ahead: str = "") -> Iterator[Any]:
    """The same of a .weights.h5 or .keras file, whose arrays have only numbers."""
    for key in sorted(group, key=likely_order):
        one = child(group, key, h5py.Group)
        if one is None:
            continue
        variables = child(one, "vars", h5py.Group)
        name = (variables is not None and source.attribute(variables, "name")) or key
        arrays = [child(variables, k, h5py.Dataset) for k in sorted(variables or (), key=number)]
        arrays = [array for array in arrays if array is not None]
        if arrays:
            yield f"{ahead}{name}", dict(zip(kinds_of(key, arrays), arrays))
        for inner in LAYERS:
            if (deeper := child(one, inner, h5py.Group)) is not None:
                yield from numbered(deeper, source, f"{ahead}{name}/")


def likely_order(key: str) -> tuple[bool, Any, Any]:
    """Groups as they most likely stand in the model: convolutions by number, each with its norm, then matrices."""
    kinds = ("conv2d", "batch_normalization")
    rank = next((rank for rank, kind in enumerate(kinds) if key.startswith(kind)), len(kinds))
    return key.startswith("dense"), number(key), rank


def kinds_of(key: str, arrays: Any) -> Any:
    """What a layer's arrays are, by its class and their number."""
    if key.startswith("batch_normalization"):
        return NORMS.get(len(arrays), ())
    if key.startswith("separable"):
        return ("depthwise_kernel", "pointwise_kernel", "bias")
    return ("kernel", "bias")
