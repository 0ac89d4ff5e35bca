"""Weights that PyTorch stores as a formula: weight norm and spectral norm, as plain weights.

    weight norm         w = g * v / |v|         weight_g, weight_v; since 2.0 parametrizations.weight.original0 and 1
    spectral norm       w = w' / (u . w' v)     weight_orig, weight_u, weight_v; parametrizations.weight.original,
                                                parametrizations.weight.0._u and _v

|v| is over all axes but those that g has; u and v are the vectors of the last step of the power iteration, as in use.
"""

import re
from functools import partial
from typing import Any

import numpy as np

from minivis.weights.containers.tensor import Tensor

PARTS = {                                       # the end of a name -> its letter in the formula
    "weight_g": "g", "parametrizations.weight.original0": "g", "parametrizations.weight.original1": "v",
    "weight_orig": "w", "parametrizations.weight.original": "w", "weight_u": "u", "parametrizations.weight.0._u": "u",
    "weight_v": "v", "parametrizations.weight.0._v": "v",
}  # fmt: skip
ENDS = re.compile(rf"^(|.*\.)({'|'.join(map(re.escape, PARTS))})$")


def plain_weights(tensors: dict[str, Any]) -> Any:
    """The tensors with each formula's parts replaced by the weight that they make."""
    parts: dict[str, dict] = {}
    for name, tensor in tensors.items():
        if end := ENDS.match(name):
            parts.setdefault(end[1], {})[PARTS[end[2]]] = tensor
    made = {prefix: tensor for prefix, found in parts.items() if (tensor := weight_of(found)) is not None}
    plain = {}
    for name, tensor in tensors.items():
        end = ENDS.match(name)
        if end and end[1] in made:
            plain[f"{end[1]}weight"] = made[end[1]]
        else:
            plain[re.sub(r"parametrizations\.bias\.original$", "bias", name)] = tensor
    return plain


def weight_of(parts: Any) -> Tensor | None:
    """The `Tensor` that a formula's parts make; None if they do not fit one of the formulas."""
    if parts.keys() == {"g", "v"} and parts["g"].size <= parts["v"].size:
        return Tensor(parts["v"].shape, "float64", array=partial(weight_normed, parts["g"], parts["v"]))
    if parts.keys() == {"w", "u", "v"} and parts["u"].size * parts["v"].size == parts["w"].size:
        return Tensor(parts["w"].shape, "float64", array=partial(spectrally_normed, *(parts[key] for key in "wuv")))
    return None


def weight_normed(g: Any, v: Any) -> Any:
    g, v = g.read(np.float64), v.read(np.float64)
    over = tuple(axis for axis in range(v.ndim) if g.ndim != v.ndim or g.shape[axis] == 1)
    return g * v / np.sqrt((v * v).sum(axis=over, keepdims=True))


def spectrally_normed(w: Any, u: Any, v: Any) -> Any:
    w, u, v = (part.read(np.float64) for part in (w, u, v))
    matrix = w if w.shape[0] == u.size else w.swapaxes(0, 1)            # of a transposed convolution
    return w / (u @ matrix.reshape(u.size, -1) @ v)
