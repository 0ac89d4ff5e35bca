"""safetensors: eight bytes with the header's length, the header in JSON, the numbers.

    {"conv1.weight": {"dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [0, 37632]}, "__metadata__": {...}}

The format is a page long, so reading it takes no package; what a package would check is checked here.
"""

import json
import math
import os
from typing import Any

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers.limits import is_shape
from minivis.weights.containers.tensor import STORED_AS, Tensor

HEADER_LIMIT = 2**23                            # bytes; 80,000 tensors
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
          "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}  # fmt: skip


def is_safetensors(start: bytes, size: Any) -> bool:
    """Whether a file of ``size`` bytes that starts so may be one."""
    length = int.from_bytes(start[:8], "little")
    return len(start) >= 10 and start[8:9] == b"{" and (8 + length <= size or start[9] in b'"}')


def read(raw: Any, path: PathLike) -> dict[Any, Any]:
    """Name -> `Tensor` of an open file."""
    size = os.fstat(raw.fileno()).st_size
    raw.seek(0)
    length = int.from_bytes(raw.read(8), "little")
    if length > HEADER_LIMIT:
        raise BadFile(f"{path}: the header would take {length} bytes: the file is damaged, or made to do harm")
    if 8 + length > size:
        raise BadFile(f"{path} ends inside its header: it is truncated; fetch or copy it again")
    try:
        header = json.loads(raw.read(length))
        entries = {k: v for k, v in header.items() if k != "__metadata__"}
    except (ValueError, AttributeError, RecursionError):
        raise BadFile(f"{path}: the header is damaged; fetch or copy it again") from None
    return {name: tensor(name, entry, 8 + length, size, raw, path) for name, entry in entries.items()}


def tensor(name: str, entry: Any, start: int, size: Any, raw: Any, path: PathLike) -> Tensor:
    """The `Tensor` of one entry of the header; the numbers of all begin at byte ``start``."""
    try:
        kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = is_shape(shape) and is_shape([begin, end])
        known = isinstance(kind, str)
    except (KeyError, TypeError, ValueError):
        whole = known = False
    if not whole or not known:
        raise BadFile(f"{path}: the header's entry of {name[:80]!r} is damaged; fetch or copy it again")
    if kind not in DTYPES:
        raise BadFile(f"{path}: {name[:80]!r} is stored as {kind[:20]}; minivis reads {', '.join(DTYPES)}")
    dtype = DTYPES[kind]
    wanted = math.prod(shape) * int(STORED_AS[dtype][-1])
    if end - begin != wanted:
        given = end - begin
        raise BadFile(f"{path}: {name[:80]!r} of shape {shape} would take {wanted} bytes, not the {given} it is given")
    if start + end > size:
        raise BadFile(f"{path} ends before {name[:80]!r} does: it is truncated; fetch or copy it again")
    return Tensor(shape, dtype, raw, start + begin)
