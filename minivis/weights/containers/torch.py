"""PyTorch's .pth and .pt files without PyTorch, and without running anything that is in them (unpickle.py).

    since 1.6       a zip archive: <name>/data.pkl, and <name>/data/0, 1, ... with the numbers
    before 1.6      a stream: four pickles (magic number, version, about the machine, the object), a fifth with the keys
                    of the storages, and then each storage: how many numbers, and the numbers
    before 0.1.11   a tar archive; not read
"""

import io
import math
import os
from collections.abc import Iterable
from typing import Any

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers import pickle
from minivis.weights.containers import zip as archive
from minivis.weights.containers.net_in_checkpoint import net_dict
from minivis.weights.containers.pickle_names import SAVE_PLAIN
from minivis.weights.containers.tensor import STORED_AS, Tensor
from minivis.weights.containers.unpickle import CALLS, PICKLE_BYTES, View, build

MAGIC = 0x1950A86A20F9469CFC6C
STREAM_START = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."


def is_stream(start: bytes) -> bool:
    """Whether a file that starts so is PyTorch's older stream."""
    return start.startswith(STREAM_START[:4]) and start[4:14] == STREAM_START[4:14]


def is_archive(names: Iterable[str]) -> bool:
    """Whether a zip archive with these members is PyTorch's."""
    return any(name.endswith("/data.pkl") for name in names)


def read_archive(raw: Any, path: PathLike, part: str | None = None) -> Any:
    """Name -> `Tensor` of an open .pth that is a zip archive."""
    found = archive.members(raw, path)
    pickles = [name for name in found if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise BadFile(f"{path} is an archive with {len(pickles)} of data.pkl; PyTorch writes one")
    folder = pickles[0][: -len("data.pkl")]
    if any(name.startswith(f"{folder}code/") for name in found):
        raise BadFile(f"{path} is TorchScript, a program and not only weights: {SAVE_PLAIN}")
    order = found.get(f"{folder}byteorder")
    if order and raw_bytes(raw, order, path).startswith(b"big"):
        raise BadFile(f"{path} was written on a big-endian machine, which minivis does not read")
    info = found[pickles[0]]
    if info.file_size > PICKLE_BYTES:
        raise BadFile(f"{path}: its pickle has {info.file_size} bytes: a list of weights never has that many")
    raw.seek(archive.stored_at(raw, info, path))
    pickled = io.BytesIO(raw.read(info.file_size))          # it ends here, whatever the archive holds next

    def locate(storage: Any) -> Any:
        info = found.get(f"{folder}data/{storage.key}")
        if info is None:
            raise BadFile(f"it has no storage {storage.key[:40]!r}")
        return archive.stored_at(raw, info, path), info.file_size

    return tensors(run(pickled, path), locate, raw, path, part)


def raw_bytes(raw: Any, info: Any, path: PathLike, most: Any = 64) -> Any:
    raw.seek(archive.stored_at(raw, info, path))
    return raw.read(min(most, info.file_size))


def read_stream(raw: Any, path: PathLike, part: str | None = None) -> Any:
    """Name -> `Tensor` of an open .pth in the form from before PyTorch 1.6."""
    raw.seek(0)
    magic, version, machine = run(raw, path), run(raw, path), run(raw, path)
    if magic != MAGIC or version != 1001:
        raise BadFile(f"{path} is of a version of PyTorch's format that minivis does not know ({str(version)[:20]})")
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise BadFile(f"{path} was written on a big-endian machine, which minivis does not read")
    dtypes: dict[str, str] = {}
    state, keys = run(raw, path, dtypes), run(raw, path)
    if not isinstance(keys, list):
        raise BadFile(f"{path}: the list of its storages is damaged; fetch or copy it again")
    size, places = os.fstat(raw.fileno()).st_size, {}
    for key in keys:
        if not isinstance(key, str) or key in places or key not in dtypes:
            break                                       # no tensor here uses it, so its length is unknown
        count = int.from_bytes(raw.read(8), "little")
        start, length = raw.tell(), count * itemsize(dtypes[key])
        if start + length > size:
            raise BadFile(f"{path} ends before its numbers do: it is truncated; fetch or copy it again")
        places[key] = start, length
        raw.seek(start + length)

    def locate(storage: Any) -> Any:
        if storage.key not in places:
            raise BadFile(f"it has no storage {storage.key[:40]!r}")
        return places[storage.key]

    return tensors(state, locate, raw, path, part)


def run(raw: Any, path: PathLike, storages: Any = None) -> Any:
    try:
        return build(raw, {**pickle.CALLS, **CALLS}, storages=storages)
    except BadFile as error:
        raise BadFile(f"{path} is not read: {error}") from None


def itemsize(dtype: Any) -> int:
    return int(STORED_AS[dtype][-1])


def is_tensor(value: Any) -> bool:
    """A tensor of PyTorch's, or an array of NumPy's in its place."""
    return isinstance(value, View) or (isinstance(value, pickle.Array) and value.is_of_numbers)


def tensors(state: Any, locate: Any, raw: Any, path: PathLike, part: str | None = None) -> Any:
    """Name -> `Tensor`: every view checked against the storage that it is a part of."""
    found = {}
    for name, view in net_dict(state, path, is_tensor, part).items():
        try:
            if isinstance(view, pickle.Array):
                found[name] = view.tensor(raw)
            else:
                start, length = locate(view.storage)
                found[name] = tensor(view, start, length, raw)
        except BadFile as error:
            raise BadFile(f"{path}: the tensor {name[:80]!r}: {error}") from None
    return found


def tensor(view: Any, start: int, length: Any, raw: Any) -> Tensor:
    """The `Tensor` of a view of a storage that is ``length`` bytes at ``start``."""
    storage, shape = view.storage, view.shape
    size, first, step = math.prod(shape), storage.start + view.offset, itemsize(storage.dtype)
    last = first + sum((n - 1) * s for n, s in zip(shape, view.strides)) if size else first - 1
    if last >= length // step or size > length // step:
        place = f"{shape} with strides {view.strides} from number {first} on"
        raise BadFile(f"{place} reaches beyond its {length // step} numbers")
    in_order = view.strides == tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    return Tensor(shape, storage.dtype, raw, start + first * step, None if in_order or size < 2 else view.strides)
