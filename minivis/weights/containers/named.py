"""Find layers by the names that people give to arrays: conv1_1_W, conv1/kernel, conv1.0, conv1.weights, ...

A file that is only a dict of arrays does not say in which order the axes of kernels are (out, in, H, W, or H, W, in,
out), nor those of matrices. The biases show it: there are as many as the layer has outputs.
"""

import re
from typing import Any

from minivis.weights.containers.tensor import Tensor

CALLED = {                                      # the last part of a name, in PyTorch's words
    "weight": r"[._/](W|w|weights|kernel)$",
    "bias": r"[._/](b|biases)$",
    "running_mean": r"([._/]moving_mean|[./]mean)$",
    "running_var": r"([._/]moving_variance|[._/]moving_var|[./]variance|[./]var)$",
}
NORM = {"gamma": "weight", "beta": "bias"}
OURS = "|".join(["weight", "bias", "running_mean", "running_var"])


def layers_of(tensors: dict[str, Any]) -> tuple[dict[Any, Any], Any]:
    """(the tensors under names as PyTorch has them: conv1.weight, conv1.bias; "OIHW" or "HWIO")."""
    found, pairs = {}, pairs_of(tensors)
    for name, tensor in tensors.items():
        short = pairs.get(name, name).removesuffix(":0")                # TensorFlow's first output
        for ours, pattern in CALLED.items():
            short = re.sub(pattern, f".{ours}", short)
        short = re.sub(r"[._/](gamma|beta)$", lambda match: f".{NORM[match[1]]}", short)
        found[re.sub(rf"/({OURS})$", r".\1", short)] = tensor
    if len(found) < len(tensors):
        found = dict(tensors)                                           # two would get the same name
    axes = axes_of(found)
    return {name: turned(name, tensor, found, axes) for name, tensor in found.items()}, axes


def pairs_of(tensors: dict[str, Any]) -> Any:
    """conv1.0 -> conv1.weight, conv1.1 -> conv1.bias: of a layer's two arrays, or one, the vector is its biases."""
    layers: dict[str, list] = {}
    for name in tensors:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    pairs: dict[str, Any] = {}
    for layer, names in layers.items():
        if layer and sorted(len(tensors[name].shape) for name in names) in ([1, 2], [1, 4]):
            pairs |= {name: f"{layer}.{'bias' if len(tensors[name].shape) == 1 else 'weight'}" for name in names}
        elif names == [f"{layer}.0"] and len(tensors[names[0]].shape) in (2, 4):
            pairs[names[0]] = f"{layer}.weight"
    return pairs


def axes_of(tensors: dict[str, Any]) -> str:
    """The order of the kernels' axes: as their biases show it, or else by which two axes are equal, as H and W are."""
    votes = {"OIHW": 0, "HWIO": 0}
    for name, tensor in tensors.items():
        shape, biases = tensor.shape, tensors.get(name.replace(".weight", ".bias"))
        if len(shape) != 4 or not name.endswith(".weight"):
            continue
        if biases is not None and (shape[0] == biases.size) != (shape[3] == biases.size):
            votes["OIHW" if shape[0] == biases.size else "HWIO"] += 2
        elif (shape[0] == shape[1]) != (shape[2] == shape[3]):
            votes["HWIO" if shape[0] == shape[1] else "OIHW"] += 1
    return "HWIO" if votes["HWIO"] > votes["OIHW"] else "OIHW"


def turned(name: str, tensor: Any, tensors: dict[str, Any], axes: Any) -> Any:
    """A matrix in the order that goes with these kernels: (out, in) with OIHW, (in, out) with HWIO."""
    biases = tensors.get(name.replace(".weight", ".bias"))
    if len(tensor.shape) != 2 or not name.endswith(".weight") or biases is None:
        return tensor
    gives = 0 if axes == "OIHW" else 1
    if tensor.shape[gives] == biases.size or tensor.shape[1 - gives] != biases.size:
        return tensor
    return Tensor(tensor.shape[::-1], tensor.dtype, array=lambda: tensor.read().T)
