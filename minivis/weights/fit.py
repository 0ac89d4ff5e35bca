"""The layer table of a `Match`: the architecture's own, adapted to what the file's shapes tell.

    channels    of the picture: what the first convolution reads
    stem        a 3x3 convolution where the architecture has 7x7: stride 1 and no pool after it, as people have it for
                pictures of 32 x 32 pixels
    size        of the picture, where VGG's first FC layer reads a certain number of positions of the last pool
    groups      as many as the channels that come in are more than a filter reads; arrange.py finds them

What is assumed is said in ``about``, in one sentence each.
"""

import math
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from minivis.engine import layer_table
from minivis.errors import some_of
from minivis.images.preprocessing import Preprocessing
from minivis.models.vgg import input_size
from minivis.weights.arrange import BY_SHAPE
from minivis.weights.containers.tensor import Tensor

SMALL = (32, 32)                                # CIFAR's pictures
LARGEST_UNIT_MEAN = 2                           # a mean beyond it is one of pixels of 0 to 255
GREY_MEAN, GREY_SCALE = 0.449 * 255, 0.226 * 255        # ImageNet's, over all colours


def table_of(match: Any) -> tuple[Any, Any]:
    """(the layer table, layer -> what the file calls it)."""
    known, head = match.known, match.head
    table = deepcopy(layer_table.describe(known.net))
    rows = {row["name"]: row for row in table["layers"]}
    about, prefixes = table["about"], {name: match.prefix + known.prefix(name) for name in rows}
    if head is not None:
        rows = {name: rows[name] for name in known.body} | {row["name"]: row for row in head.rows}
        prefixes |= head.prefixes
        table["roles"].update(head.roles)
        if head.said:
            about["head"] = head.said
    for name, row in rows.items():
        if row.get("groups", 1) > 1:
            row["groups"] = BY_SHAPE
        if row["type"] == "Conv2D" and f"{prefixes[name]}.bias" not in match.tensors:
            row["parameters"] = ["w"]

    def shape(name: str) -> Any:
        """Of a layer's weights in the file: out, in, and a kernel's H, W."""
        found = match.tensors[f"{prefixes[name]}.weight"].shape
        return found if match.oihw else found[-1:] + found[-2:-1] + found[:-2]

    first = next(name for name, row in rows.items() if row["type"] == "Conv2D")
    size = fit_stem(rows, first, shape(first), about) or fit_size(rows, shape)
    fit_channels(table, shape(first)[1])
    if size:
        table["preprocessing"]["size"] = size
    if match.pixels:
        fit_pixels(rows, match, table["preprocessing"], prefixes)
    if match.aside:
        about["aside"] = f"arrays that the net does not need: {some_of(match.aside, 6)}"
    table["layers"] = list(rows.values())
    return table, lambda name: prefixes.get(name, name)


def fit_stem(rows: Any, first: Any, shape: Any, about: Any) -> list[Any] | None:
    """Where the file's stem is the small one: exchange it, and return the size of the pictures."""
    row = rows[first]
    if shape[2:] != (3, 3) or np.ravel(row["padding"]).tolist() != [3, 3, 3, 3]:
        return None
    row.update(stride=1, padding=1)
    pool = next(name for name, row in rows.items() if row["type"] == "MaxPool2D")
    source = rows.pop(pool)["inputs"][0]
    for row in rows.values():
        row["inputs"] = [source if name == pool else name for name in row["inputs"]]
    about["stem"] = f"{first} is 3x3 and not 7x7: stride 1, no pool after it and pictures of 32 x 32 are assumed"
    return list(SMALL)


def fit_size(rows: Any, shape: Any) -> Any:
    """What VGG's pictures measure, from the positions that the first FC layer reads; None if that is no VGG."""
    fc = next((name for name, row in rows.items() if row["type"] == "FullyConnected"), None)
    if fc is None or "pool5" not in rows or "conv1_1" not in rows:
        return None
    channels = shape(next(name for name in reversed(rows) if name.startswith("conv5_")))[0]
    return input_size(math.prod(shape(fc)[1:]) // channels)


def fit_channels(table: dict[str, Any], channels: Any) -> None:
    """The preprocessing of pictures of this many channels."""
    preprocessing = Preprocessing.from_dict(table["preprocessing"])
    if channels == preprocessing.channels:
        return
    many = f"{channels} channel{'s' * (channels > 1)}"
    table["about"]["channels"] = (f"the first convolution reads {many} and not {preprocessing.channels}: the mean of "
                                  "ImageNet over all colours is assumed for each")
    if channels != 1:
        mean, scale = (GREY_MEAN,) * channels, (GREY_SCALE,) * channels
        table["preprocessing"] = replace(preprocessing, channel_order="as given", mean=mean, scale=scale).as_dict()
        return
    grey = replace(preprocessing, channel_order="grey", mean=(GREY_MEAN,), scale=(GREY_SCALE,))
    table["preprocessing"] = grey.as_dict()


def fit_pixels(rows: Any, match: Any, preprocessing: Any, prefixes: Any) -> None:
    """A first layer for a mean and a std that the net itself takes off its pictures, and these as they come: 0 to 1."""
    mean, std = (tensor.read(np.float64).reshape(-1) for tensor in match.pixels)
    channels = len(preprocessing["mean"])
    for key, numbers in (("weight", 1 / std), ("bias", -mean / std)):
        match.tensors[f"normalize.{key}"] = Tensor.of(np.broadcast_to(numbers, channels).astype(np.float64))
    prefixes["normalize"] = "normalize"
    for row in rows.values():
        row["inputs"] = ["normalize" if name == "input" else name for name in row["inputs"]]
    kept = dict(rows)
    rows.clear()
    rows["normalize"] = {"name": "normalize", "type": "Scale", "inputs": ["input"], "parameters": ["w", "b"]}
    rows.update(kept)
    unit = 255.0 if abs(mean).max() < LARGEST_UNIT_MEAN else 1.0
    preprocessing.update(mean=[0.0] * channels, scale=[unit] * channels)
