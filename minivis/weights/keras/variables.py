"""Which arrays of a Keras file belong to which layer of its description.

    /model_weights/conv/conv/kernel:0           Keras 1 to 3, .h5: a group a layer, names in its attribute weight_names;
                                                a model inside another is one group, with all of its arrays in it
    /layers/conv2d_1/vars/0                     Keras 3, .keras: a group a layer by class and number, arrays by number,
                                                and models inside as groups of the same kind
"""

import re
from typing import Any

import h5py

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers.hdf5 import child
from minivis.weights.keras.description import snake_case
from minivis.weights.keras.file_layouts import LAYERS, number

OLD_NAMES = {                                   # Keras 1, and what Keras 2 calls the kernel of a DepthwiseConv2D
    "W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance", "alphas": "alpha",
}  # fmt: skip


def variables(layer: Any) -> tuple[Any, ...]:
    """What a layer's arrays are called, in the order in which Keras makes them."""
    settings = layer.settings
    bias = ("bias",) if settings.get("use_bias", settings.get("bias", True)) else ()
    if layer.kind in ("Conv2D", "Convolution2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D"):
        return ("kernel", *bias)
    if layer.kind in ("SeparableConv2D", "SeparableConvolution2D"):
        return ("depthwise_kernel", "pointwise_kernel", *bias)
    if layer.kind == "BatchNormalization":
        learned = [name for name, key in (("gamma", "scale"), ("beta", "center")) if settings.get(key, True)]
        return (*learned, "moving_mean", "moving_variance")
    if layer.kind == "PReLU":
        return ("alpha",)
    if layer.kind == "Normalization" and settings.get("mean") is None:
        return ("mean", "variance")             # and a count, which is not needed
    return ()


def is_weighted(layer: Any) -> bool:
    """Whether a layer, or one in it, has arrays."""
    return any(map(is_weighted, layer.model.layers)) if layer.model else bool(variables(layer))


def damaged(path: PathLike, name: str, what: str) -> BadFile:
    return BadFile(f"{path}: the layer {name!r} lacks its {what}: the file is damaged or half-written")


class Named:
    """The groups of an .h5 file, one for each layer of the outermost model."""

    def __init__(self, group: Any, source: Any, model: Any) -> None:
        self.group, self.source, self.model = group, source, model

    def stored(self, layer: Any) -> Any:
        """[(name, h5py.Dataset), ...] of a layer of the outermost model."""
        group = child(self.group, layer.name, h5py.Group)
        names = None if group is None else self.source.strings(group, "weight_names")
        if names is None:
            raise damaged(self.source.path, layer.name, "weights")
        found = [(name, child(group, name, h5py.Dataset)) for name in names]
        for name, dataset in found:
            if dataset is None:
                raise damaged(self.source.path, layer.name, repr(name))
        return found

    def arrays(self, layer: Any) -> Any:
        """{what it is: h5py.Dataset}."""
        names = variables(layer)
        found = {kind_of(name, layer): dataset for name, dataset in self.stored(layer)} if names else {}
        for name in names:
            if name not in found:
                raise damaged(self.source.path, layer.name, name)
        return found

    def inside(self, layer: Any) -> Any:
        """Where a model inside keeps its arrays."""
        return Pooled(self.stored(layer), self.source, (layer.name,)) if is_weighted(layer) else self


class Pooled:
    """All arrays of a model inside another, whose names end in that of their layer and in what they are."""

    def __init__(self, stored: Any, source: Any, models: Any) -> None:
        self.pool, self.source, self.models = stored, source, models

    def arrays(self, layer: Any) -> Any:
        found = {}
        for kind in variables(layer):
            fitting = [(name, dataset) for name, dataset in self.pool
                       if layer_of(name) == layer.name and kind_of(name, layer) == kind]
            inner = [item for item in fitting if set(self.models[1:]) <= set(item[0].split("/"))]
            fitting = inner if len(fitting) > 1 else fitting
            if len(fitting) > 1:
                raise BadFile(f"{self.source.path} has {len(fitting)} arrays that may be the {kind} of {layer.name!r} "
                              "in a model inside a model: save it as .keras, which tells them apart")
            if not fitting:
                raise damaged(self.source.path, f"{'/'.join(self.models)}/{layer.name}", kind)
            found[kind] = fitting[0][1]
        return found

    def inside(self, layer: Any) -> "Pooled":
        return Pooled(self.pool, self.source, (*self.models, layer.name))


class Numbered:
    """The groups of a .keras archive for the layers of one model."""

    def __init__(self, group: Any, source: Any, model: Any) -> None:
        self.source, self.group, self.groups = source, group, {}
        container = next((c for c in (child(group, name, h5py.Group) for name in LAYERS) if c is not None), None)
        if container is None:
            return
        counted: dict[str, Any] = {}                            # class -> its groups that hold arrays, by number
        for key in sorted(container, key=number):
            one = child(container, key, h5py.Group)
            if one is not None and holds_arrays(one):
                counted.setdefault(re.sub(r"_\d+$", "", key), []).append(one)
        called = {self.source.attribute(one["vars"], "name"): one for some in counted.values() for one in some
                  if child(one, "vars", h5py.Group) is not None}
        for layer in model.layers:
            if layer.operation or not is_weighted(layer):
                continue
            of_class = counted.get(snake_case(layer.kind), [])
            by_name = called.get(layer.name)
            found = by_name if by_name is not None else of_class[0] if of_class else None
            if found is not None:
                self.groups[layer.name] = found
                counted[snake_case(layer.kind)] = [one for one in of_class if one.name != found.name]

    def group_of(self, layer: Any) -> Any:
        if layer.name not in self.groups:
            raise damaged(self.source.path, layer.name, "weights")
        return self.groups[layer.name]

    def arrays(self, layer: Any) -> dict[Any, Any]:
        names = variables(layer)
        if not names:
            return {}
        group = child(self.group_of(layer), "vars", h5py.Group)
        found = [] if group is None else [child(group, key, h5py.Dataset) for key in sorted(group, key=number)]
        found = [dataset for dataset in found if dataset is not None]
        if len(found) < len(names):
            raise damaged(self.source.path, layer.name, names[len(found)])
        return dict(zip(names, found))

    def inside(self, layer: Any) -> "Numbered":
        group = self.group_of(layer) if is_weighted(layer) else self.group
        return Numbered(group, self.source, layer.model)


def holds_arrays(group: Any) -> bool:
    """Whether a layer's group, or that of a layer in it, has variables."""
    variables = child(group, "vars", h5py.Group)
    if variables is not None and len(variables):
        return True
    inner = (child(group, name, h5py.Group) for name in LAYERS)
    return any(holds_arrays(one) for container in inner if container is not None for key in container
               if (one := child(container, key, h5py.Group)) is not None)


def layer_of(name: str) -> Any:
    """The layer in a weight's name: conv1 of inner/conv1/kernel:0."""
    parts = name.split("/")
    return parts[-2] if len(parts) > 1 else ""


def kind_of(name: str, layer: Any) -> Any:
    """What a weight is by its name: kernel of inner/conv1/kernel:0, of conv1_W (Keras 1) and of conv1/kernel_1:0."""
    last = name.split("/")[-1].split(":")[0]
    known = variables(layer)
    for candidate in (last, re.sub(r"_\d+$", "", last), last.removeprefix(f"{layer.name}_")):
        found = OLD_NAMES.get(candidate, candidate)
        if found == "depthwise_kernel" and "depthwise_kernel" not in known:
            found = "kernel"
        if found in known:
            return found
    return last
