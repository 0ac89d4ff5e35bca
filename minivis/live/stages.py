"""The strip of stages: a net's layers folded into what one thinks of as steps, and a small picture of each.

A convolution with its norm and its ReLU is one stage; so is anything else with the layers behind it that change each
number by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis import layers as L
from minivis.runtime.backend import to_cpu
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.network import Network

FOLDED = (L.BatchNorm, L.Scale, L.LRN, L.Dropout, L.Flatten)      # besides those that are ``elementwise``
KINDS = {L.Conv2D: "conv", L.FullyConnected: "fc", L.MaxPool2D: "pool", L.AvgPool2D: "pool", L.GlobalAvgPool: "pool",
         L.GlobalMaxPool: "pool", L.Softmax: "fc"}
SMALL = 24                                      # pixels of a small picture
FITS = 8                                        # letters of a name that a stage of the strip has room for as it is
LONGEST = 14                                    # and of a line of one that it has not


def stages(net: Network) -> list[dict[str, Any]]:
    """[{"name", "label" (two lines), "layers", "shows" (the layer to look at), "kind", "shape"}, ...], in the order of
    the net."""
    readers = Counter(source for _, inputs in net.nodes.values() for source in inputs)
    shapes, ends = net.shapes(), {net.roles.get("logits"), net.roles.get("prob")}
    found: list[dict[str, Any]] = []
    for name, (layer, inputs) in net.nodes.items():
        last = found[-1]["layers"][-1] if found else None
        changes_little = layer.elementwise or isinstance(layer, FOLDED)
        if changes_little and tuple(inputs) == (last,) and readers[last] == 1 and name not in ends:
            found[-1]["layers"].append(name)
        else:
            found.append({"name": name, "layers": [name], "kind": KINDS.get(type(layer), "")})
    for stage, label in zip(found, labels([stage["name"] for stage in found])):
        stage["label"] = label
        whole = [name for name in stage["layers"] if not isinstance(net.layers[name], L.Flatten)]
        stage["shows"] = (whole or stage["layers"])[-1]
        stage["shape"] = list(shapes[stage["shows"]][1:])
    return found


def labels(names: Sequence[str]) -> list[tuple[str, str]]:
    """Of each stage a block and a part of it, in few letters that tell it from all others.

    "fire2/expand3x3" and "block3_expand" are parts of the blocks "fire2" and "block3"; "conv3_1" is short enough.
    """
    whole = [split(name, names) for name in names]
    short = [(shortened(block), shortened(part)) for block, part in whole]
    count = Counter(short)
    return [one if count[one] == 1 else same for one, same in zip(short, whole)]


def split(name: str, names: Sequence[str]) -> tuple[str, str]:
    """A long name's block and part: at the slash, or else at the last mark behind which others go on, too."""
    if len(name) <= FITS:
        return "", name
    block, slash, part = name.partition("/")
    if block and slash and part:
        return block, part
    for end in range(len(name) - 2, 0, -1):
        if name[end] in "._" and sum(other.startswith(name[: end + 1]) for other in names) > 1:
            return name[:end], name[end + 1 :]
    return "", name


def shortened(text: str) -> str:
    """A long text without its middle."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[half + 1 - LONGEST:]}"


def small_pictures(passes: Iterable[Mapping[str, Array]], stages: Sequence[dict[str, Any]]) -> Array:
    """(stages, SMALL, SMALL) bytes: of each stage the map with the largest number, or its numbers row by row.

    passes: the activations, segment by segment.
    """
    found = np.zeros((len(stages), SMALL, SMALL), np.uint8)
    for acts in passes:
        for picture, stage in zip(found, stages):
            if stage["shows"] in acts:
                draw(picture, abs(to_cpu(acts[stage["shows"]])[0]))
    return found


def draw(picture: Array, value: Array) -> None:
    """One output of a layer, at least 0, into a small picture."""
    if value.ndim == 3 and value.shape[:2] != (1, 1):
        value = value[..., int(value.max(axis=(0, 1)).argmax())]
    else:
        side = int(np.ceil(np.sqrt(value.size)))
        value = np.pad(value.ravel(), (0, side * side - value.size)).reshape(side, side)
    rows, columns = (np.arange(SMALL) * n // SMALL for n in value.shape)
    picture[...] = value[rows][:, columns] * (255 / max(float(value.max()), 1e-30))
