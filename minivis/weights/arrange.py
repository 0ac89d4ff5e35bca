"""From the arrays of another program's file to a net: each array goes where it belongs, its axes in our order.

    kernels                     (out, in, KH, KW) -> (KH, KW, in, out)
    rows of the first FC layer  C, H, W -> H, W, C
"""

import numpy as np

from minivis.engine import layer_table
from minivis.engine.surgery import for_inference
from minivis.errors import BadFile, BadValue
from minivis.models.known import SUFFIXES
from minivis.models.vgg import input_size
from minivis.weights.containers.tensor import check_finite


def table_of(known):
    """The layer table of an architecture; a convolution with a group a channel has one at any width."""
    table = layer_table.describe(known.net)
    for row in table["layers"]:
        if row.get("groups", 1) > 1 and known.net.layers[row["name"]].params["w"].shape[2] == 1:
            row["groups"] = "depthwise"
    return table


def build(table, prefix, tensors, axes, dtype, path, finite=True):
    """The net of a layer table, with batch norm folded; ``prefix`` says what the file calls a layer."""
    arrays: dict = {}
    rows = {row["name"]: row for row in table["layers"]}
    for name, row in rows.items():
        arrays[name] = {}
        for key, suffix in SUFFIXES.get(row["type"], {}).items():
            stored = f"{prefix(name)}.{suffix}"
            if stored not in tensors:
                continue                                # a missing bias is fine, the rest layer_table.build misses
            try:
                arrays[name][key] = arrange(row, key, tensors[stored], axes, rows, arrays, dtype)
                if finite:
                    check_finite(arrays[name][key])
            except (BadFile, BadValue) as error:
                raise BadFile(f"{path}: {stored}: {error}") from None
        if row.get("groups") == "depthwise":
            row["groups"] = arrays[name]["w"].shape[3] if "w" in arrays[name] else 1
    dense = [arrays[name]["w"] for name in ("fc6",) if "w" in arrays.get(name, {})]
    if dense and "pool5" in rows and "conv1_1" in rows:
        table["preprocessing"]["size"] = input_size(len(dense[0]) // channels_of("pool5", rows, arrays))
    return for_inference(layer_table.build(table, arrays.__getitem__, path))


def arrange(row, key, tensor, axes, rows, arrays, dtype):
    """An array of the file as our layers want it."""
    if key != "w":
        return tensor.read(dtype).reshape(-1)
    if row["type"] == "Conv2D":
        if len(tensor.shape) != 4:
            raise BadFile(f"is {list(tensor.shape)}, no kernel of four axes")
        w = tensor.read(dtype)
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0)) if axes == "OIHW" else w
    if len(tensor.shape) not in (2, 4):
        raise BadFile(f"is {list(tensor.shape)}, no matrix")
    if axes == "HWIO":
        w = tensor.read(dtype)                          # rows H, W, C already
        return w.reshape(-1, w.shape[-1])
    units = tensor.shape[0]
    source = row["inputs"][0]
    channels = channels_of(source, rows, arrays) if rows.get(source, {}).get("type") == "Flatten" else None
    return transposed(tensor, units, channels, dtype)


def transposed(tensor, units, channels, dtype):
    """(out, in) -> (in, out), its rows from the order C, H, W to H, W, C; a block at a time, so not held twice."""
    inputs = tensor.size // max(1, units)
    if not inputs or (channels and inputs % channels):
        raise BadFile(f"is {list(tensor.shape)}, and {channels} channels come in")
    positions = inputs // channels if channels else 1
    w = np.empty((positions, inputs // positions, units), dtype)
    for start, stop, block in tensor.blocks(dtype):
        w[:, :, start:stop] = block.reshape(stop - start, -1, positions).transpose(2, 1, 0)
    return w.reshape(inputs, units)


def channels_of(name, rows, arrays):
    """How many channels a layer puts out, from the arrays read so far; None where that is not known."""
    while name in rows:
        if arrays.get(name, {}).get("w") is not None:
            return arrays[name]["w"].shape[-1]
        if rows[name]["type"] == "Concat":
            parts = [channels_of(source, rows, arrays) for source in rows[name]["inputs"]]
            return sum(parts) if None not in parts else None
        name = rows[name]["inputs"][0]
    return None


def name_classes(net, names):
    logits = net.roles["logits"]
    count = net.shapes()[logits][-1] if logits else 0
    if len(names) != count:
        raise BadValue(f"there are {len(names)} class names for {count} classes")
    net.class_names, net.class_aliases = tuple(str(name) for name in names), {}
