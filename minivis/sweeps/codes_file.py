"""Codes of many pictures in one HDF5 file, which grows: it can be stopped, gone on with, and added to.

    /           attributes: format "minivis codes", version 1, net (a name or path), fingerprint (of the net), layer,
                size (what pictures were first shrunk to; 0: nothing)
    /codes      (N, D), the net's floats; a layer with positions is written out row by row
    /paths      (N,) as seen from the folder of this file, with slashes
    /sha256     (N,) of the picture files, in hex

While it is being made it is called NAME.checkpoint, so that NAME is always whole.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from minivis.errors import BadFile
from minivis.weights.containers.hdf5 import child, opened

FORMAT, VERSION = "minivis codes", 1
ATTRIBUTES = ("net", "fingerprint", "layer")
NO_CODES = "no file of codes; minivis codes FOLDER -o FILE makes one"
ROWS, PATHS = 4096, 256                         # read at a time
CHUNKS = 2**20                                  # bytes of a part of the file that HDF5 keeps in memory


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

    def blocks(self):
        """Yield (first row, codes (at most ROWS, D))."""
        for first in range(0, len(self), ROWS):
            yield first, self.codes[first : first + ROWS]

    def names(self):
        """Yield the paths as they are kept. (Read at once, each would take the 4096 bytes of its place in the file.)"""
        for first in range(0, len(self), PATHS):
            for path in self.paths[first : first + PATHS]:
                yield path.decode("utf-8", "surrogateescape")

    def append(self, paths, hashes, codes):
        """Add rows; what is written is on the disk when this returns."""
        start, end = len(self), len(self) + len(codes)
        for dataset, rows in ((self.codes, codes), (self.hashes, hashes), (self.paths, self.near(paths))):
            dataset.resize(end, axis=0)
            dataset[start:end] = rows
        self.codes.file.flush()

    def trim(self):
        """Drop rows whose writing was cut off; return how many there are."""
        for dataset in (self.codes, self.hashes, self.paths):
            dataset.resize(len(self), axis=0)
        return len(self)

    def near(self, paths):
        """Paths as they are kept."""
        return [near(path, self.path).encode("utf-8", "surrogateescape") for path in paths]

    def __len__(self):
        return min(len(self.codes), len(self.paths), len(self.hashes))  # equal, unless a write was cut off


def near(path, file):
    """``path`` as seen from the folder of ``file``, with slashes; absolute where there is no such way."""
    try:
        return Path(os.path.relpath(path, os.path.dirname(os.path.abspath(file)))).as_posix()
    except ValueError:                          # another drive
        return Path(os.path.abspath(path)).as_posix()


def create(path, width, dtype, net, fingerprint, layer, size):
    """A new, empty file of codes at ``path``."""
    with h5py.File(path, "w") as file:
        file.attrs.update(format=np.bytes_(FORMAT), version=VERSION, net=np.bytes_(net.encode()), size=size or 0,
                          fingerprint=np.bytes_(fingerprint), layer=np.bytes_(layer.encode()))
        rows = max(1, min(1024, (1 << 20) // (width * np.dtype(dtype).itemsize)))
        file.create_dataset("codes", (0, width), dtype, maxshape=(None, width), chunks=(rows, width))
        file.create_dataset("sha256", (0,), "S64", maxshape=(None,), chunks=(1024,))
        file.create_dataset("paths", (0,), "S4096", maxshape=(None,), chunks=(PATHS,), compression="gzip")


@contextmanager
def open_codes(path, write=False):
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
        if not write:
            yield CodesFile(os.fspath(path), *parts, **about, size=int(size or 0) or None)
            return
    with h5py.File(path, "r+", rdcc_nbytes=CHUNKS) as file:
        yield CodesFile(os.fspath(path), file["codes"], file["paths"], file["sha256"], **about,
                        size=int(size or 0) or None)
