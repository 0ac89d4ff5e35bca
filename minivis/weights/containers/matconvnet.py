"""MatConvNet's .mat files: a list of layers, each a MATLAB struct, in either of the two forms that were published.

    2014 (beta)     weights in the struct's "filters" and "biases", or as a cell in its first field
    since 2015      weights = {kernel, bias} in the field "weights"

Kernels are (KH, KW, in, out) in MATLAB's order, which is ours, and RGB; the FC layers are convolutions, fc6 7 x 7.

A MATLAB file of version 5 is 128 bytes and then elements: type, length, data, filled up to 8 bytes. One of type 14 is
an array, and made of elements itself: flags (its class), dimensions, name, and then numbers, text, or more arrays; one
of type 15 is another, compressed. scipy reads them too, but a damaged file can make it crash, and Python with it.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers.limits import Budget, check_bomb
from minivis.weights.containers.tensor import Tensor

START, START_V7_3 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, CHAR, DOUBLE, SINGLE = 1, 2, 4, 6, 7      # classes of arrays; the others hold no weights
STORED_AS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
DEEPEST, MOST_ITEMS = 8, 20_000                         # of arrays within arrays; of fields and cells (VGG-19: 1000)
MOST_FIELDS = 256                                       # of a struct; MatConvNet's layers have 10


class Damaged(Exception):
    """An impossible length or type."""


@dataclass
class Limits:
    """What a file may still hold: ``items``, the number of arrays, and the bytes of what is unpacked and of numbers."""

    items: int
    unpacked: Budget
    numbers: Budget


def read(raw: Any, path: PathLike) -> tuple[Any, Any, Any]:
    """(name -> `Tensor`, the names of all layers in order, class names or ()) of an open file."""
    try:
        data = variables(raw, path)
        layers = data.get("layers")
        if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
            raise BadFile(f"{path} is a .mat file without a list of layers; minivis reads MatConvNet's")
        found, order = weights(layers, path)
    except (Damaged, zlib.error, struct.error) as error:
        raise BadFile(f"{path} is a damaged or half-written .mat file ({error}); fetch or copy it again") from None
    return found, order, class_names(data)


def weights(layers: Any, path: PathLike) -> tuple[Any, tuple[Any, ...]]:
    """(name -> `Tensor`, all names in order) of the list of layers."""
    found, order = {}, []
    for layer in layers:
        name = layer.get("name") if isinstance(layer.get("name"), str) else ""
        order.append(name)
        arrays = layer.get("weights")
        arrays = arrays if isinstance(arrays, list) else [layer.get("filters"), layer.get("biases")]
        arrays = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.size]
        if not arrays:
            continue
        if len(arrays) != 2 or not name:
            raise BadFile(f"{path}: layer {name or len(order)} of the file has no kernel and bias")
        kernel, bias = arrays
        kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))        # MATLAB drops the last ones
        found[f"{name}.weight"], found[f"{name}.bias"] = Tensor.of(kernel), Tensor.of(bias.reshape(-1))
    return found, tuple(order)


def class_names(data: Any) -> tuple[Any, ...]:
    """The classes' descriptions, first synonym each."""
    for place in (data.get("meta"), data):
        classes = place.get("classes") if isinstance(place, dict) else None
        names = classes.get("description") if isinstance(classes, dict) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(name.split(",")[0].strip() for name in names)
    return ()


# ---- MATLAB's version 5 ----

def variables(raw: Any, path: PathLike) -> Any:
    """Name -> value: an array (numbers), a str, a list (a cell array, or several structs) or a dict (a struct)."""
    size, at, found = os.fstat(raw.fileno()).st_size, 128, {}
    limits = Limits(MOST_ITEMS, Budget(path, size), Budget(path, size))
    while at < size:
        raw.seek(at)
        tag = raw.read(8)
        kind, length = struct.unpack("<II", tag) if len(tag) == 8 else (0, 0)
        if kind not in (COMPRESSED, MATRIX) or at + 8 + length > size:
            raise Damaged("it ends too early")
        body = raw.read(length)
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            head = unpacker.decompress(body[:4096], 8)
            kind, unpacked = struct.unpack("<II", head)
            check_bomb("it", length, unpacked, path)
            limits.unpacked.take(unpacked)
            body = zlib.decompressobj().decompress(body, 8 + unpacked)[8:]
            if kind != MATRIX or len(body) != unpacked:
                raise Damaged("a compressed part is not as long as it says")
        name, value = matrix(memoryview(body), DEEPEST, limits)
        found[name] = value
        at += 8 + length
    return found


def element(data: Any, at: int) -> tuple[Any, Any, Any]:
    """(type, data, where the next one begins) of the element at a byte; a small one holds its data in its tag."""
    kind, length = struct.unpack_from("<II", data, at)
    if kind >> 16:
        kind, length, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
    else:
        start = at + 8
        end = min(start + -(-length // 8) * 8, max(len(data), start + length))
    if length > len(data) - start or (end == at + 8 and start == at + 4 and length > 4):
        raise Damaged("an element reaches beyond its end")
    return kind, data[start : start + length], end


def matrix(data: Any, depth: int, limits: Any) -> tuple[str, Any]:
    """(name, value) of the body of an array."""
    limits.items -= 1
    if not depth or limits.items < 0:
        raise Damaged("too many arrays within arrays")
    if not data:
        return "", None
    _, flags, at = element(data, 0)
    kind, dims, at = element(data, at)
    if len(flags) != 8 or kind != 5 or len(dims) % 4 or len(dims) > 128:
        raise Damaged("an array without dimensions")
    shape = struct.unpack(f"<{len(dims) // 4}i", dims)
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count > len(data):
        raise Damaged("an array is longer than what is there")
    _, name, at = element(data, at)
    return bytes(name).decode("latin-1"), content(flags[0], shape, count, data, at, depth, limits)


def content(kind: Any, shape: Any, count: int, data: Any, at: int, depth: int, limits: Any) -> Any:
    """What follows an array's name; None for kinds of arrays that hold no weights."""
    if kind == CELL:
        return [item for item, at in matrices(data, at, count, depth, limits)]
    if kind == STRUCT:
        _, width, at = element(data, at)
        _, text, at = element(data, at)
        length = struct.unpack("<i", width)[0]
        if not 0 < length <= 64 or len(text) > MOST_FIELDS * length or count * len(text) > MOST_ITEMS * length:
            raise Damaged("a struct without field names")
        names = [bytes(text[i : i + length]) for i in range(0, len(text), length)]
        fields = [name.partition(b"\0")[0].decode("latin-1") for name in names]
        values = [item for item, at in matrices(data, at, count * len(fields), depth, limits)]
        records = [dict(zip(fields, values[i * len(fields) : (i + 1) * len(fields)])) for i in range(count)]
        return records[0] if count == 1 else records
    if kind not in (CHAR, DOUBLE, SINGLE) or not count:
        return "" if kind == CHAR else None
    stored, numbers, at = element(data, at)
    if kind == CHAR:
        return bytes(numbers).decode("utf-16-le" if stored in (4, 17) else "utf-8", "replace")
    if stored not in STORED_AS or len(numbers) != count * np.dtype(STORED_AS[stored]).itemsize:
        raise Damaged("an array is not as long as its dimensions say")
    limits.numbers.take(count * 8)
    array = np.frombuffer(numbers, STORED_AS[stored]).reshape(shape, order="F")
    return array.astype("f8" if kind == DOUBLE else "f4", copy=False)


def matrices(data: Any, at: int, count: int, depth: int, limits: Any) -> Iterator[tuple[Any, int]]:
    """(value, where the next begins) of ``count`` arrays, one after the other."""
    for _ in range(count):
        kind, body, at = element(data, at)
        if kind != MATRIX:
            raise Damaged("an array was expected")
        yield matrix(body, depth - 1, limits)[1], at
