"""The form of what goes over the WebSocket, and the checks of what comes.

From the page: a picture is binary, its number (4 bytes, little endian) and then a JPEG, PNG or WebP file; everything
else is JSON, {"type": "view" | "explain" | "job" | "stop" | "net", ...}.

To the page: JSON, or an *envelope* for whatever holds arrays:

    4 bytes                 length of the head, little endian
    head                    JSON; "arrays": [{"name", "dtype", "shape"}, ...]; spaces at the end to a multiple of 4
    arrays                  one after the other, each filled up to a multiple of 4 bytes
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from minivis.errors import BadValue, UnknownName
from minivis.types import Array

MAX_PICTURE = 4 * 2**20                         # bytes of a picture's file
MAX_TEXT = 20_000                               # characters of a message
MAX_LIST = 64                                   # texts in a list
TYPES = ("view", "explain", "job", "stop", "net")
MAGIC = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WebP"}


def envelope(head: dict[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a message that holds ``arrays`` (name -> array)."""
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    listed = [{"name": name, "dtype": str(a.dtype), "shape": list(a.shape)} for name, a in arrays.items()]
    text = as_json({**head, "arrays": listed}).encode()
    text += b" " * (-len(text) % 4)
    parts = [struct.pack("<I", len(text)), text]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(-array.nbytes % 4)]
    return b"".join(parts)


def opened(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """(head, arrays) of an envelope: what the page does, in Python."""
    (length,) = struct.unpack_from("<I", data)
    head, at, arrays = json.loads(data[4 : 4 + length]), 4 + length, {}
    for part in head.pop("arrays"):
        dtype = np.dtype(part["dtype"])
        count = int(np.prod(part["shape"], dtype=np.int64))
        arrays[part["name"]] = np.frombuffer(data, dtype, count, at).reshape(part["shape"])
        at += count * dtype.itemsize + -count * dtype.itemsize % 4
    return head, arrays


def as_json(message: dict[str, Any]) -> str:
    """JSON as JavaScript reads it, which has no NaN."""
    return json.dumps(message, separators=(",", ":"), default=lambda value: value.tolist(), allow_nan=False)


def split_picture(data: bytes) -> tuple[int, bytes]:
    """(number, file) of a binary message."""
    if len(data) > MAX_PICTURE:
        raise BadValue(f"the picture has {len(data)} bytes; the limit is {MAX_PICTURE}: send a smaller one")
    if len(data) < 5 or not data[4:].startswith(tuple(MAGIC)):
        raise BadValue("a binary message must be a picture: its number in 4 bytes, then a JPEG, PNG or WebP file")
    return struct.unpack_from("<I", data)[0], data[4:]


def parsed(text: str) -> dict[str, Any]:
    """A message as a dict with a known type. Raise BadValue or UnknownName for anything else."""
    if len(text) > MAX_TEXT:
        raise BadValue(f"the message has {len(text)} characters; the limit is {MAX_TEXT}")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadValue("a message must be JSON, and this is not") from None
    if not isinstance(message, dict):
        raise BadValue(f"a message must be a JSON object with a type, not a {type(message).__name__}")
    if message.get("type") not in TYPES:
        raise UnknownName.of("type of message", message.get("type"), TYPES)
    return message


def text_of(message: dict[str, Any], key: str, default: str | None = None) -> Any:
    """A field that is a text, or ``default`` where it is missing or null; BadValue for anything else."""
    value = message.get(key)
    if value is None:
        return default
    if not isinstance(value, str) or len(value) > 200:
        raise BadValue(f"{key} must be a text of up to 200 characters, not {str(value)[:40]!r}")
    return value


def texts_of(message: dict[str, Any], key: str) -> tuple[str, ...] | None:
    """A field that is a list of texts, as a tuple; None if it is missing; BadValue for anything else."""
    values = message.get(key)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) > MAX_LIST:
        raise BadValue(f"{key} must be a list of up to {MAX_LIST} texts, not {str(values)[:40]!r}")
    return tuple(text_of({key: value}, key, "") for value in values)
