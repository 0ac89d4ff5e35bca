"""From the arrays of another program's file to a net: each array goes to its layer, with its axes in our order.

    kernels                     (out, in, KH, KW) -> (KH, KW, in, out)
    rows of the first FC layer  C, H, W -> H, W, C, whatever is between it and the Flatten; see `order_of`
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from minivis.engine import layer_table
from minivis.engine.ending import without_lone_softmax
from minivis.engine.network import Network
from minivis.engine.surgery import for_inference
from minivis.errors import BadFile, BadValue
from minivis.models.known import SUFFIXES
from minivis.types import Array, PathLike
from minivis.weights.containers.limits import Budget
from minivis.weights.containers.tensor import check_finite

BY_SHAPE = "by shape"                           # groups of a row: the shapes determine how many
# whose rows files count as we do: they mix all numbers, leave one per channel, or are told an order by the table
IN_ONE_ORDER = ("Conv2D", "ConvTranspose2D", "FullyConnected", "GlobalAvgPool", "Permute")


def build(table: dict[str, Any], prefix: Callable[[str], str], tensors: dict[str, Any], axes: Any, dtype: Any,
          path: PathLike, finite: bool = True) -> Network:
    """The net of a layer table, with batch norm folded; ``prefix`` says what the file calls a layer."""
    channels = len(table["preprocessing"]["mean"])
    arrays: dict = {"input": {"w": np.empty((0, channels))}}            # the form that `channels_of` reads
    rows = {row["name"]: row for row in table["layers"]}
    budget = Budget(path, os.path.getsize(path))
    for name, row in rows.items():
        arrays[name] = {}
        for key, suffix in SUFFIXES.get(row["type"], {}).items():
            stored = f"{prefix(name)}.{suffix}"
            if stored not in tensors:
                continue                                # a missing bias is fine; layer_table.build reports the rest
            budget.take(tensors[stored].size * tensors[stored].itemsize)
            try:
                arrays[name][key] = arrange(row, key, tensors[stored], axes, rows, arrays, dtype)
                if finite:
                    check_finite(arrays[name][key])
            except (BadFile, BadValue) as error:
                raise BadFile(f"{path}: {stored}: {error}") from None
        if row.get("groups") == "depthwise":
            row["groups"] = arrays[name]["w"].shape[3] if "w" in arrays[name] else 1
        if row.get("groups") == BY_SHAPE:
            reads = arrays[name]["w"].shape[2] if "w" in arrays[name] else 0
            row["groups"] = max(1, (channels_of(row["inputs"][0], rows, arrays) or 1) // max(1, reads))
    net = layer_table.build(table, arrays.__getitem__, path)
    if axes == "OIHW":
        check_end(net, rows, arrays, path)
    return for_inference(without_lone_softmax(net))


def arrange(row: Any, key: str, tensor: Any, axes: Any, rows: Any, arrays: Any, dtype: Any) -> Array:
    """An array of the file in the form that our layers take."""
    first_in_file = axes == "OIHW"                              # C, H, W: else rows are H, W, C already
    if row["type"] not in ("Conv2D", "ConvTranspose2D", "FullyConnected"):
        values = tensor.read(dtype).reshape(-1)
        if row["type"] == "PReLU" and values.size == 1:         # PyTorch's default: one slope for all channels
            return values.repeat(channels_of(row["inputs"][0], rows, arrays) or 1)
        return reordered(values, order_of(row["inputs"][0], rows, arrays)) if first_in_file else values
    if key != "w":
        return tensor.read(dtype).reshape(-1)
    if row["type"] in ("Conv2D", "ConvTranspose2D"):            # both swap in and out, and so do their definitions
        if len(tensor.shape) != 4:
            raise BadFile(f"is {list(tensor.shape)}, not a kernel of four axes")
        w = tensor.read(dtype)
        if not first_in_file and row.get("groups") == "depthwise" and w.shape[2] > 1:     # Keras: (KH, KW, C, M)
            row["groups"] = w.shape[2]
            return w.reshape(*w.shape[:2], 1, -1)
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0)) if first_in_file else w
    if len(tensor.shape) not in (2, 4):
        raise BadFile(f"is {list(tensor.shape)}, not a matrix")
    if not first_in_file:
        w = tensor.read(dtype)
        return w.reshape(-1, w.shape[-1])
    order = order_of(row["inputs"][0], rows, arrays)
    if order is None or len(order) == 1:                        # by blocks: VGG's fc6 is not held twice
        return transposed(tensor, tensor.shape[0], order and order[0][0], dtype)
    return np.ascontiguousarray(reordered(tensor.read(dtype).reshape(tensor.shape[0], -1).T, order))


def order_of(name: str, rows: Any, arrays: Any) -> list[tuple[int, int | None]] | None:
    """In which order a file from PyTorch or Caffe counts the output of the layer ``name``, if it differs from ours.

    None for the same order. Otherwise the parts that a row consists of, [(channels, numbers)]: maps of this many
    channels each, in the order C, H, W, where ours is H, W, C. ``numbers`` is None if the table does not determine it.
    Maps of one channel represent numbers that are in the same order in both.
    """
    if name not in rows or rows[name]["type"] in IN_ONE_ORDER:
        return None
    row = rows[name]
    if row["type"] == "Flatten":
        channels = channels_of(row["inputs"][0], rows, arrays)
        return None if channels is None else [(channels, None)]
    orders = [order_of(source, rows, arrays) for source in row["inputs"]]
    if all(order is None for order in orders):
        return None
    if row["type"] == "Concat":
        return [part for source, order in zip(row["inputs"], orders)
                for part in order or [(1, channels_of(source, rows, arrays))]]  # fmt: skip
    if any(order != orders[0] for order in orders):
        raise BadFile(f"{name!r} adds flattened maps to something that is counted in another order")
    return orders[0]                                            # one by one: every number stays in its place


def reordered(rows: Any, order: Any) -> Any:
    """An array whose rows are in the file's ``order`` (see `order_of`), with its rows in our order."""
    if order is None:
        return rows
    rest = len(rows) - sum(numbers or 0 for _, numbers in order)
    if sum(numbers is None for _, numbers in order) > 1:
        raise BadFile("reads several flattened maps, and the table does not tell how large each is")
    parts, begin = [], 0
    for channels, numbers in order:
        part = rows[begin : begin + (rest if numbers is None else numbers)]
        begin += len(part)
        if len(part) % channels:
            raise BadFile(f"has {len(part)} rows for flattened maps of {channels} channels")
        maps = part.reshape(channels, len(part) // channels, *rows.shape[1:])
        parts.append(maps.swapaxes(0, 1).reshape(part.shape))
    return np.concatenate(parts)


def check_end(net: Network, rows: Any, arrays: Any, path: PathLike) -> None:
    """Raise BadFile for a net that ends in a row of flattened maps: its classes would come out in our order."""
    shapes, last = net.shapes(), list(net.nodes)[-1]
    for channels, _ in order_of(last, rows, arrays) or ():
        positions = shapes[last][-1] // channels
        if positions > 1 and channels > 1:
            raise BadFile(f"{path}: {last!r} answers in flattened maps, which the file counts C, H, W and we H, W, C: "
                          f'put {{"type": "Permute", "shape": [{positions}, {channels}], "axes": [1, 0]}} behind '
                          "the Flatten")


def transposed(tensor: Any, units: int, channels: Any, dtype: Any) -> Array:
    """(out, in) -> (in, out), its rows from the order C, H, W to H, W, C; a block at a time, so not held twice."""
    inputs = tensor.size // max(1, units)
    if not inputs or (channels and inputs % channels):
        raise BadFile(f"is {list(tensor.shape)}, and {channels} channels come in")
    positions = inputs // channels if channels else 1
    w = np.empty((positions, inputs // positions, units), dtype)
    for start, stop, block in tensor.blocks(dtype):
        w[:, :, start:stop] = block.reshape(stop - start, -1, positions).transpose(2, 1, 0)
    return w.reshape(inputs, units)


def channels_of(name: str, rows: Any, arrays: Any, known: Any = None) -> int | None:
    """How many channels a layer has as its output, from the arrays read so far; None if that is not known."""
    known = {} if known is None else known      # of a Concat's parts, which several Concats may share
    first = name
    while (name in rows or name == "input") and name not in known:
        w = arrays.get(name, {}).get("w")
        if w is not None and rows.get(name, {}).get("type") == "ConvTranspose2D":
            known[name] = w.shape[2] * rows[name].get("groups", 1)
        elif w is not None:
            known[name] = w.shape[-1]
        elif rows[name]["type"] == "Concat":
            parts: list[Any] = [channels_of(source, rows, arrays, known) for source in rows[name]["inputs"]]
            known[name] = sum(parts) if None not in parts else None
        else:
            name = rows[name]["inputs"][0]
    known[first] = known.get(name)
    return known[first]
