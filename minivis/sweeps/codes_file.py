"""Codes of many pictures in one HDF5 file.

    /           attributes: format "minivis codes", version 1, net (a name or path), fingerprint (of the net), layer,
                size (what pictures were first shrunk to; 0: nothing)
    /codes      (N, D), the net's floats; a layer with positions is written out row by row
    /paths      (N,) relative to the folder of this file, with slashes
    /sha256     (N,) of the picture files, in hex

It is written at once, from a `CodesLog` and the file that it replaces, and appears whole or not at all.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from minivis.errors import BadFile
from minivis.sweeps.codes_log import Source
from minivis.weights.containers.hdf5 import child, opened
from minivis.weights.containers.hdf5_write import new_hdf5

FORMAT, VERSION = "minivis codes", 1
ATTRIBUTES = ("net", "fingerprint", "layer")
NO_CODES = "not a file of codes; minivis codes FOLDER -o FILE makes one"
ROWS, PATHS = 4096, 256                         # read at a time
BLOCK = 2**28                                   # bytes of codes read at a time
CHUNKS = 2**20                                  # bytes of each dataset that HDF5 keeps in memory while writing


@dataclass(frozen=True)
class CodesFile:
    """An open file of codes; ``codes`` is a dataset, of which only what is asked for is read."""

    path: str
    codes: h5py.Dataset
    paths: h5py.Dataset
    hashes: h5py.Dataset
    net: str
    fingerprint: str
    layer: str
    size: int | None

    def picture(self, i):
        """Where picture i lies."""
        path = self.paths[i].decode("utf-8", "surrogateescape")
        return os.path.normpath(os.path.join(os.path.dirname(self.path), path))

    @property
    def source(self):
        """What these are the codes of."""
        return Source(self.net, self.fingerprint, self.layer, self.size, self.codes.shape[1], str(self.codes.dtype))

    def blocks(self):
        """Yield (first row, codes (at most ROWS, D))."""
        rows = max(1, min(ROWS, BLOCK // (self.codes.shape[1] * self.codes.dtype.itemsize or 1)))
        for first in range(0, len(self), rows):
            yield first, self.codes[first : min(first + rows, len(self))]

    def names(self):
        """Yield the paths as they are kept. (Read at once, each would take the 4096 bytes of its place in the file.)"""
        for first in range(0, len(self), PATHS):
            for path in self.paths[first : min(first + PATHS, len(self))]:
                yield path.decode("utf-8", "surrogateescape")

    def __len__(self):
        return min(len(self.codes), len(self.paths), len(self.hashes))  # equal, unless a write was cut off


def near(path, file):
    """``path`` relative to the folder of ``file``, with slashes; absolute if that is impossible."""
    try:
        return Path(os.path.relpath(path, os.path.dirname(os.path.abspath(file)))).as_posix()
    except ValueError:                          # another drive
        return Path(os.path.abspath(path)).as_posix()


def write_file(path, source, parts, *, force=False):
    """Write a new file of codes; ``parts`` yields (paths as they are kept, hashes in hex, codes (n, D))."""
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


def parts_of(path):
    """What `write_file` takes, of the file of codes at ``path``."""
    with open_codes(path) as file:
        rows = max(1, min(PATHS, CHUNKS * 16 // (file.codes.shape[1] * file.codes.dtype.itemsize or 1)))
        for first in range(0, len(file), rows):
            part = slice(first, min(first + rows, len(file)))
            yield ([path.decode("utf-8", "surrogateescape") for path in file.paths[part]],
                   [digest.decode() for digest in file.hashes[part]], file.codes[part])


@contextmanager
def open_codes(path):
    """The `CodesFile` at ``path``; BadFile for anything else."""
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
        yield CodesFile(os.fspath(path), *parts, **about, size=int(size or 0) or None)
