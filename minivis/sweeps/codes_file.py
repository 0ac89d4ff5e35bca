"""Codes of many pictures in one HDF5 file; codes_formats.py has the other formats, which a name's ending chooses.

    /           attributes: format "minivis codes", version 1, net (a name or path), fingerprint (of the net), layer,
                size (what pictures were first shrunk to; 0: nothing)
    /codes      (N, D), the net's floats; a layer with positions is written out row by row
    /paths      (N,) relative to the folder of this file, with slashes
    /sha256     (N,) of the picture files, in hex

It is written at once, from a `CodesLog` and the file that it replaces, and appears whole or not at all.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minivis.errors import BadFile, BadValue
from minivis.images.collection import Pictures
from minivis.sweeps.codes_formats import WRITERS, Part, pyarrow, read_other, source_of, write_other
from minivis.sweeps.codes_log import Source
from minivis.types import Array, PathLike, Picture
from minivis.weights.containers.hdf5 import child, opened
from minivis.weights.containers.hdf5_write import new_hdf5

FORMAT, VERSION = "minivis codes", 1
ATTRIBUTES = ("net", "fingerprint", "layer")
NO_CODES = "not a file of codes; minivis codes FOLDER -o FILE makes one"
ROWS, PATHS = 4096, 256                         # read at a time
SUFFIXES = (".h5", ".hdf5", *WRITERS)
BLOCK = 2**28                                   # bytes of codes read at a time
CHUNKS = 2**20                                  # bytes of each dataset that HDF5 keeps in memory while writing


@dataclass(frozen=True)
class CodesFile:
    """An open file of codes; ``codes`` is a dataset, of which only what is asked for is read, or an array.

    ``net``, ``fingerprint`` and ``layer`` are empty if nobody said of which net the codes are; ``pictures``: the
    pictures themselves in the order of the codes, where they are not at ``paths``.
    """

    path: str
    codes: Any
    paths: Any
    hashes: Any
    net: str
    fingerprint: str
    layer: str
    size: int | None
    pictures: Pictures | None = None
    nameless: bool = False                      # no picture has a name: ``paths`` are numbers

    def picture(self, i: int) -> str:
        """Where picture i lies."""
        if self.pictures is not None:
            return self.pictures.path(i) or self.pictures.name(i)
        path = self.paths[i].decode("utf-8", "surrogateescape")
        return path if self.nameless else os.path.normpath(os.path.join(os.path.dirname(self.path), path))

    def read(self, i: int, channels: int | None = None) -> tuple[Picture, bool]:
        """(picture i, uint8 (H, W, C); whether it has changed since). Raise a MinivisError if it cannot be read."""
        if self.pictures is not None:
            return self.pictures.read(i, channels=channels)[0], False
        if self.nameless:
            raise BadValue(f"{self.path} names no pictures")
        image, digest = Pictures("", (self.picture(i),)).read(0, channels=channels)
        known = self.hashes[i].decode()
        return image, known not in ("", digest)

    @property
    def source(self) -> Source:
        """What these are the codes of."""
        return Source(self.net, self.fingerprint, self.layer, self.size, self.codes.shape[1], str(self.codes.dtype))

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Yield (first row, codes (at most ROWS, D))."""
        rows = max(1, min(ROWS, BLOCK // (self.codes.shape[1] * self.codes.dtype.itemsize or 1)))
        for first in range(0, len(self), rows):
            yield first, self.codes[first : min(first + rows, len(self))]

    def names(self) -> Iterator[str]:
        """Yield the paths as they are kept. (Read at once, each would take the 4096 bytes of its place in the file.)"""
        for first in range(0, len(self), PATHS):
            for path in self.paths[first : min(first + PATHS, len(self))]:
                yield path.decode("utf-8", "surrogateescape")

    def __len__(self) -> int:
        return min(len(self.codes), len(self.paths), len(self.hashes))  # equal, unless a write was cut off


def near(path: PathLike, file: PathLike) -> str:
    """``path`` relative to the folder of ``file``, with slashes; absolute if that is impossible."""
    try:
        return Path(os.path.relpath(path, os.path.dirname(os.path.abspath(file)))).as_posix()
    except ValueError:                          # another drive
        return Path(os.path.abspath(path)).as_posix()


def check_ending(path: PathLike) -> str:
    """The ending of a file of codes, in lower case; BadValue for any other."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadValue(f"{path}: the name of a file of codes must end in one of {', '.join(SUFFIXES)}")
    if suffix == ".parquet":
        pyarrow()
    return suffix


def write_file(path: PathLike, source: Source, parts: Iterable[Part], *, force: bool = False) -> None:
    """Write a new file of codes; ``parts`` yields (paths as they are kept, hashes in hex, codes (n, D))."""
    if (suffix := check_ending(path)) in WRITERS:
        write_other(path, suffix, source, parts, force)
        return
    width, dtype = source.width, np.dtype(source.dtype)
    with new_hdf5(path, force, rdcc_nbytes=CHUNKS) as (file, sink):
        file.attrs.update(format=np.bytes_(FORMAT), version=VERSION, net=np.bytes_(source.net.encode()),
                          size=source.size or 0, fingerprint=np.bytes_(source.fingerprint),
                          layer=np.bytes_(source.layer.encode()))
        rows = max(1, min(1024, (1 << 20) // (width * dtype.itemsize)))
        file.create_dataset("codes", (0, width), dtype, maxshape=(None, width), chunks=(rows, width))
        file.create_dataset("sha256", (0,), "S64", maxshape=(None,), chunks=(1024,))
        file.create_dataset("paths", (0,), "S4096", maxshape=(None,), chunks=(PATHS,), compression="gzip")
        count = 0
        for paths, hashes, codes in parts:
            encoded = [path.encode("utf-8", "surrogateescape") for path in paths]
            for name, values in (("codes", codes), ("sha256", [h.encode() for h in hashes]), ("paths", encoded)):
                file[name].resize(count + len(paths), axis=0)
                file[name][count:] = values
            count += len(paths)
            sink.check()


def parts_of(path: PathLike) -> Iterator[Part]:
    """What `write_file` takes, of the file of codes at ``path``."""
    with open_codes(path) as file:
        rows = max(1, min(PATHS, CHUNKS * 16 // (file.codes.shape[1] * file.codes.dtype.itemsize or 1)))
        for first in range(0, len(file), rows):
            part = slice(first, min(first + rows, len(file)))
            yield ([path.decode("utf-8", "surrogateescape") for path in file.paths[part]],
                   [digest.decode() for digest in file.hashes[part]], file.codes[part])


@contextmanager
def open_codes(path: PathLike) -> Iterator[CodesFile]:
    """The `CodesFile` at ``path``, of any format; BadFile for anything else."""
    other = read_other(path)
    if other is not None:
        yield held(path, *other)
        return
    with opened(path, NO_CODES) as source:      # its checks, and its sentences
        found = source.attribute(source.file, "format")
        if found != FORMAT:
            raise BadFile(f"{path} is {NO_CODES}")
        if source.attribute(source.file, "version") != VERSION:
            raise BadFile(f"{path} is of another version of the format of codes than this minivis reads")
        about = {key: source.attribute(source.file, key) for key in ATTRIBUTES}
        size = source.attribute(source.file, "size")
        parts = [child(source.file, name, h5py.Dataset) for name in ("codes", "paths", "sha256")]
        if not all(isinstance(value, str) for value in about.values()) or any(part is None for part in parts) or (
                parts[0].ndim != 2 or parts[0].dtype.kind != "f" or any(p.ndim != 1 or p.dtype.kind != "S"
                                                                       for p in parts[1:])):
            raise BadFile(f"{path} is damaged: it lacks a part of what a file of codes holds; make it again")
        codes, paths, hashes = parts
        yield CodesFile(os.fspath(path), codes, paths, hashes, size=int(size or 0) or None, **about)


def held(path: PathLike, codes: Array, names: list[str] | None = None, hashes: list[str] | None = None,
         said: dict[str, Any] | None = None, pictures: Pictures | None = None) -> CodesFile:
    """The `CodesFile` of codes (N, D) in memory. ``names``, ``hashes``: of the pictures; ``said``: of which net."""
    source = source_of(codes, said or {})
    kept = [str(i) for i in range(len(codes))] if names is None else names
    return CodesFile(os.fspath(path), codes, [name.encode("utf-8", "surrogateescape") for name in kept],
                     [digest.encode() for digest in hashes or [""] * len(kept)], source.net, source.fingerprint,
                     source.layer, source.size, pictures, nameless=names is None and pictures is None)


@contextmanager
def codes_source(codes: Any, pictures: Any = None) -> Iterator[CodesFile]:
    """The `CodesFile` of what a user has: a path, an open file of codes, the result of `mv.codes`, or an array (N, D).

    pictures: a folder, a list of files, or arrays, in the order of the codes; by default those that the codes name.
    """
    if isinstance(codes, CodesFile):
        found = codes
    elif not isinstance(codes, (str, os.PathLike)):
        found = in_memory(codes)
    elif os.path.isdir(codes):
        raise BadFile(f"{codes} is a folder of pictures: mv.codes(net, folder) makes their codes")
    else:
        with open_codes(codes) as found:
            yield found if pictures is None else replace(found, pictures=checked(pictures, found), nameless=False)
        return
    yield found if pictures is None else replace(found, pictures=checked(pictures, found), nameless=False)


def in_memory(codes: Any) -> CodesFile:
    """The `CodesFile` of an array, or of what `mv.codes` returns."""
    values = np.asarray(getattr(codes, "values", codes))
    if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.size:
        raise BadValue(f"codes are an array (N, D) of numbers, a row for each picture, not {values.dtype} "
                       f"{values.shape}")
    root = getattr(codes, "root", None)
    names = None if root is None else [os.path.join(root, name) for name in codes.names]
    layer = getattr(codes, "layer", "")
    return held("these codes", values, names, said={"layer": layer})


def checked(pictures: Any, file: CodesFile) -> Pictures:
    """The `Pictures` in the order of the codes of a file; BadValue if there are more or fewer."""
    pictures = Pictures.of(pictures)
    if len(pictures) != len(file):
        raise BadValue(f"there are {len(pictures)} pictures and {len(file)} codes: a picture belongs to each code")
    return pictures
