"""Caffe's .caffemodel: a protobuf message, read field by field without protobuf.

    field = key, value        key = number << 3 | wire type, as a varint: 7 bits a byte, the least first
    wire type 0: a varint    1: 8 bytes    2: a length and its bytes (text, a message, packed numbers)    5: 4 bytes

    NetParameter        name 1, layers 2 (V1LayerParameter), layer 100 (LayerParameter)
    V1LayerParameter    name 4, type 5 (a number), blobs 6;  field 1 holds the layer itself in files from before 2014
    LayerParameter      name 1, type 2 (text), blobs 7
    BlobProto           num 1, channels 2, height 3, width 4 (before 2014), data 5, shape 7 {dim 1}, double_data 8

Reading skips from length to length; the numbers stay in the file until they are asked for.
"""

import math
import mmap
from collections.abc import Iterator
from typing import Any, NamedTuple

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers.tensor import Tensor

MOST_FIELDS = 100_000                           # GoogLeNet has 5000
V1_INNER_PRODUCT = 14


class Damaged(Exception):
    """An impossible length or varint."""


class Message:
    """The fields of a message between two bytes of a buffer."""

    def __init__(self, buffer: Any, start: int, end: int, budget: Any) -> None:
        self.buffer, self.start, self.end, self.budget = buffer, start, end, budget

    def fields(self) -> Iterator[tuple[Any, Any, Any]]:
        """(number, wire type, value): an int, or the `Message` of a length."""
        at = self.start
        while at < self.end:
            self.budget[0] -= 1
            if self.budget[0] < 0:
                raise Damaged(f"more than {MOST_FIELDS} fields")
            key, at = self.varint(at)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = self.varint(at)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
                value, at = self.part(at, at + length), at + length
            elif wire == 2:
                length, at = self.varint(at)
                value, at = self.part(at, at + length), at + length
            else:
                raise Damaged(f"a field of wire type {wire}")
            if not number:
                raise Damaged("a field without a number")
            yield number, wire, value

    def part(self, start: int, end: int) -> "Message":
        if end > self.end:
            raise Damaged(f"a length of {end - start} where {self.end - start} bytes are left")
        return Message(self.buffer, start, end, self.budget)

    def varint(self, at: int) -> tuple[Any, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= self.end:
                break
            byte = self.buffer[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
        raise Damaged("a number that does not end")

    def varints(self) -> Any:
        at = self.start
        found: list[int] = []
        while at < self.end and len(found) <= 32:
            value, at = self.varint(at)
            found.append(value)
        return found

    def text(self) -> str:
        if self.end - self.start > 1000:
            raise Damaged("a name of more than 1000 bytes")
        return self.buffer[self.start : self.end].decode("utf-8", "replace")


class Layer(NamedTuple):
    name: str
    dense: bool                                         # InnerProduct
    blobs: list


def read(raw: Any, path: PathLike) -> tuple[Any, tuple[Any, ...], Any]:
    """(name -> `Tensor`, the names of all layers in order, the net's name) of an open file.

    Blob 0 of layer conv1 is "conv1.weight", blob 1 "conv1.bias".
    """
    try:
        with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            net, layers = parse(buffer, raw, path)
    except Damaged as error:
        raise BadFile(f"{path} is a damaged or half-written .caffemodel ({error}); fetch or copy it again") from None
    found: dict[str, Tensor] = {}
    for layer in layers:
        for i, (shape, tensor) in enumerate(layer.blobs):
            key = f"{layer.name}.{('weight', 'bias')[i] if i < 2 else i}"
            found.setdefault(key, tensor_of(layer, i, shape, tensor, path))
    return found, tuple(layer.name for layer in layers), net


def looks_like(start: bytes, size: Any) -> bool:
    """Whether a file that starts with these bytes may be a NetParameter: a name comes first, or else a layer."""
    if size < 4 or (start[:1] not in (b"\x0a", b"\x12") and start[:2] != b"\xa2\x06"):
        return False
    at = 2 if start[:1] == b"\xa2" else 1
    try:
        length, at = Message(start, 0, len(start), [9]).varint(at)
    except Damaged:
        return False
    text = start[at : at + min(length, 8)]
    return at + length <= size and (start[:1] != b"\x0a" or all(32 <= byte < 127 for byte in text))


def parse(buffer: Any, raw: Any, path: PathLike) -> tuple[Any, Any]:
    net, layers = "", []
    for number, wire, value in Message(buffer, 0, len(buffer), [MOST_FIELDS]).fields():
        if number in (2, 100) and wire == 2:
            layers.append(parse_layer(value, number == 2, raw, path))
        elif number == 1 and wire == 2:
            net = value.text()
    return net, layers


def parse_layer(message: Any, old: bool, raw: Any, path: PathLike) -> Layer:
    name, dense, blobs = "", False, []
    for number, wire, value in message.fields():
        if old and number == 1 and wire == 2:
            raise BadFile(f"{path} is a Caffe file from before 2014; upgrade_net_proto_binary makes it readable")
        if number == (4 if old else 1) and wire == 2:
            name = value.text()
        elif number == (6 if old else 7) and wire == 2:
            blobs.append(parse_blob(value, raw))
        elif old and number == 5 and wire == 0:
            dense = value == V1_INNER_PRODUCT
        elif not old and number == 2 and wire == 2:
            dense = value.text() == "InnerProduct"
    return Layer(name, dense, blobs)


def parse_blob(message: Any, raw: Any) -> tuple[tuple[Any, ...], Any]:
    """(shape as written, `Tensor` of the numbers in one row)."""
    four, shape, data = [1, 1, 1, 1], None, []
    for number, wire, value in message.fields():
        if 1 <= number <= 4 and wire == 0:
            four[number - 1] = value
        elif number == 7 and wire == 2:
            shape = [dim for n, w, v in value.fields() if n == 1 for dim in (v.varints() if w == 2 else [v])]
        elif number in (5, 8):
            if wire != 2:
                raise Damaged("numbers that are not packed")
            data.append((value, 4 if number == 5 else 8))
    if len(data) > 1:
        raise Damaged("a blob in several pieces")
    if not data:
        return tuple(four if shape is None else shape), None
    part, size = data[0]
    length = part.end - part.start
    if length % size:
        raise Damaged(f"{length} bytes of numbers of {size}")
    tensor = Tensor((length // size,), "float32" if size == 4 else "float64", raw, part.start)
    return tuple(four if shape is None else shape), tensor


def tensor_of(layer: Any, i: int, shape: Any, tensor: Any, path: PathLike) -> Tensor:
    """The numbers in their shape, without the ones that Caffe put in front before 2014."""
    count = tensor.size if tensor else 0
    if not all(isinstance(n, int) for n in shape) or len(shape) > 32 or math.prod(shape) != count or not count:
        raise BadFile(f"{path}: a blob of layer {layer.name[:80]!r} should hold {shape} and holds {count} numbers")
    if i == 0 and layer.dense:
        shape = shape[-2:]
    elif i > 0:
        shape = (count,)
    if math.prod(shape) != count:
        raise BadFile(f"{path}: the matrix of layer {layer.name[:80]!r} has {count} numbers, not {shape}")
    return Tensor(shape, tensor.dtype, tensor.file, tensor.offset)
