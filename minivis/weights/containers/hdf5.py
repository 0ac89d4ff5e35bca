"""Open HDF5 that a stranger wrote, and take arrays out of it without trusting a number in it.

A damaged file may claim any shape, point anywhere, or refer to other files; h5py would follow. Here links and storage
outside the file are refused, the length that an array claims is compared with what the file holds, and texts are read
only after a check of where they are kept.
"""

import io
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minivis.errors import BadFile
from minivis.runtime.files import reading
from minivis.types import Array, PathLike
from minivis.weights.containers.hdf5_heaps import check_heaps
from minivis.weights.containers.limits import Budget, check_bomb
from minivis.weights.containers.tensor import count_not_finite

READABLE = (
    "minivis' own HDF5 file, a model saved by Keras (.h5, .keras, or a VGG's .weights.h5), PyTorch's .pth, "
    ".safetensors, .caffemodel (.h5 too), MatConvNet's .mat, .npz, .npy and pickles of NumPy arrays, and .onnx"
)
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MODEL, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"          # members of a .keras archive
TEXT_LIMIT = 2**23                                      # bytes of a description; VGG19's by Keras takes 30 kB
DEFLATE_LIMIT = 1100                                    # deflate can't shrink by more than 1032


@dataclass
class Source:
    """An open HDF5 file, its bytes, the path to name in messages; of a .keras archive also its two texts."""

    file: h5py.File
    raw: Any
    path: Path
    archive: bool = False
    config: bytes | None = None
    metadata: bytes | None = None
    heaps_checked: bool = False
    budget: Budget | None = None                        # of bytes, for all arrays that are read

    def __post_init__(self) -> None:
        self.budget = Budget(self.path, self.raw.seek(0, io.SEEK_END))

    def attribute(self, item: Any, key: str) -> Any:
        """An attribute of a group or file, bytes as str; None if there is none."""
        if key not in item.attrs:
            return None
        self.check_plain(item.attrs.get_id(key).dtype, key)
        value = item.attrs[key]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def strings(self, item: Any, key: str) -> Any:
        """An attribute that is a list of names, in one piece or, as Keras splits long ones, as key0, key1, ...

        None if there is none.
        """
        keys = [key] if key in item.attrs else []
        while keys != [key] and f"{key}{len(keys)}" in item.attrs:
            keys.append(f"{key}{len(keys)}")
        values = [value for part in keys for value in np.atleast_1d(self.attribute(item, part))]
        if not all(isinstance(value, bytes | str) for value in values):
            raise BadFile(f"{self.path}: the attribute {key} is not a list of names; the file is damaged")
        texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
        return texts if keys else None

    def text(self, dataset: Any) -> Any:
        """What a dataset that is one text holds, as bytes or str; None if it is something else."""
        if dataset.shape != () or not h5py.check_string_dtype(dataset.dtype):
            return None
        self.check_plain(dataset.dtype, dataset.name)
        if dataset.dtype.itemsize > TEXT_LIMIT:
            raise BadFile(f"{self.path}: {dataset.name} is a text of {dataset.dtype.itemsize} bytes: far too long")
        text = dataset[()]
        if len(text) > TEXT_LIMIT:
            raise BadFile(f"{self.path}: {dataset.name} is a text of {len(text)} bytes: far too long")
        return text

    def check_plain(self, dtype: Any, name: str) -> None:
        """Raise BadFile unless ``dtype`` is numbers or texts; for texts of any length, run `check_heaps` once first."""
        if dtype.kind != "O":
            return
        if not h5py.check_string_dtype(dtype):
            raise BadFile(f"{self.path}: {name} holds neither numbers nor texts; the file is damaged")
        if not self.heaps_checked:
            check_heaps(self)
            self.heaps_checked = True


@contextmanager
def opened(path: PathLike,
           otherwise: Any = f"not a file of weights that minivis knows; it reads {READABLE}") -> Iterator[Source]:
    """The `Source` at ``path``: an HDF5 file, or a .keras archive of one. Anything wrong with it is a BadFile.

    otherwise: what a file of another kind is, in words.
    """
    path = Path(path)
    with reading(path) as raw:
        start = raw.read(8)
        if start == SIGNATURE:
            with h5py.File(path, "r", locking=False) as file:
                yield Source(file, raw, path)
        elif start.startswith(b"PK"):
            window, config, metadata = keras_archive(raw, path)
            with h5py.File(window, "r") as file:
                yield Source(file, window, path, True, config, metadata)
        elif not start:
            raise BadFile(f"{path} is empty; fetch or copy it again")
        else:
            raise BadFile(f"{path} is {otherwise}")


def keras_archive(raw: Any, path: PathLike) -> tuple[Any, ...]:
    """Of an open .keras archive: its HDF5 file, as a `Window` (nothing is unpacked), config.json and metadata.json."""
    with zipfile.ZipFile(raw) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if MODEL not in members:
            raise BadFile(f"{path} is a zip archive without {MODEL}, so it is not a .keras file; minivis reads "
                          f"{READABLE}")
        model = members[MODEL]
        if model.compress_type != zipfile.ZIP_STORED or model.flag_bits & 1:
            raise BadFile(f"{path}: {MODEL} is compressed in it, which Keras never does; unzip it and load {MODEL}")
        texts = []
        for text in (members.get(CONFIG), members.get(METADATA)):
            if text and max(text.file_size, text.compress_size) > TEXT_LIMIT:
                raise BadFile(f"{path}: {text.filename} in it is too large to be a description of a net")
            texts.append(archive.read(text) if text else None)
    raw.seek(model.header_offset)
    local = raw.read(30)                                # the local header: its name and extra field precede the data
    start = model.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    if start + model.file_size > os.fstat(raw.fileno()).st_size:
        raise BadFile(f"{path} ends before {MODEL} does: it is truncated; fetch or copy it again")
    return Window(raw, start, model.file_size), *texts


class Window(io.RawIOBase):
    """``size`` bytes of an open file from ``start`` on, as a file of its own."""

    def __init__(self, raw: Any, start: int, size: Any) -> None:
        self.raw, self.start, self.size, self.position = raw, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> Any:
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def tell(self) -> Any:
        return self.position

    def readinto(self, buffer: Any) -> Any:
        wanted = max(0, min(len(buffer), self.size - self.position))
        self.raw.seek(self.start + self.position)
        got = self.raw.readinto(memoryview(buffer)[:wanted])
        self.position += got
        return got


def child(group: Any, name: str, kind: Any) -> Any:
    """The h5py.Group or h5py.Dataset (``kind``) called ``name`` below ``group``; None if there is none.

    Only hard links are followed: no file of weights has others, and they could lead anywhere.
    """
    for part in str(name).strip("/").split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(part, getlink=True), h5py.HardLink):
            return None
        group = group[part]
    return group if isinstance(group, kind) else None


def check_stored(dataset: Any, path: PathLike) -> None:
    """Raise BadFile unless ``dataset`` holds floats, in this file, and as many as its shape says."""
    name, dtype, on_disk = dataset.name, dataset.dtype, dataset.id.get_storage_size()
    if dtype.kind != "f" or dataset.shape is None:
        raise BadFile(f"{path}: {name} holds {dtype}, not floats")
    if dataset.external or dataset.is_virtual:
        raise BadFile(f"{path}: {name} lies in another file; save the weights as one file")
    packed, size = dataset.id.get_create_plist().get_nfilters() > 0, dataset.nbytes
    if size > on_disk * (DEFLATE_LIMIT if packed else 1) or on_disk > dataset.file.id.get_filesize():
        raise BadFile(
            f"{path}: {name} should be {size} bytes for its shape {dataset.shape} and {on_disk} are there: "
            "the file is damaged or half-written; fetch or copy it again"
        )
    check_bomb(name, on_disk, size, path)
    chunk = math.prod(dataset.chunks or ()) * dtype.itemsize                # unpacked whole, whatever lies outside
    check_bomb(f"a part of {name}", size, chunk, path)


def read_array(dataset: Any, dtype: Any, source: Any, *, finite: bool = True) -> Any:
    """A dataset as an array of ``dtype``, read straight into its memory; BadFile when it holds a NaN or an infinity."""
    check_stored(dataset, source.path)
    source.budget.take(dataset.nbytes)
    array = np.empty(dataset.shape, dtype)
    if array.size:
        dataset.read_direct(array)
    return check_finite(array, dataset, source.path) if finite else array


def check_finite(array: Array, dataset: Any, path: PathLike) -> Array:
    """Return ``array``; raise BadFile, with the count, where it holds a NaN or an infinity."""
    if bad := count_not_finite(array):
        raise BadFile(f"{path}: {dataset.name} is NaN or infinite in {bad} of {array.size} places; fetch it again")
    return array
