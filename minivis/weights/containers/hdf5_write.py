"""Write a new HDF5 file where the disk may be full.

HDF5 does not recover from a write that fails: the process ends in a segmentation fault when it closes the file. So the
library never meets a failure here. It writes through `Sink`, which keeps what the disk has refused, and the error; the
error is raised once HDF5 has closed its file.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from minivis.runtime.files import atomic_write, write_all
from minivis.types import PathLike


class Sink(io.RawIOBase):
    """The file at ``path`` for h5py, which never sees a write fail: ``error`` is the first that did."""

    def __init__(self, path: PathLike) -> None:
        self.file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self.error: OSError | None = None
        self.refused: list[tuple[int, bytes]] = []      # (offset, bytes) that the disk did not take, in order
        self.position = 0

    def check(self) -> None:
        """Raise what has gone wrong so far: the writer should stop, and HDF5 may close the file."""
        if self.error is not None:
            raise self.error

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        if self.error is None:
            try:
                os.lseek(self.file, self.position, os.SEEK_SET)
                write_all(self.file, data)
            except OSError as error:
                self.error = error
        if self.error is not None:
            self.refused.append((self.position, bytes(data)))
        self.position += len(data)
        return len(data)

    def readinto(self, buffer: Any) -> int:
        os.lseek(self.file, self.position, os.SEEK_SET)
        wanted = memoryview(buffer).cast("B")
        data = bytearray(os.read(self.file, len(wanted)).ljust(len(wanted), b"\0"))
        for offset, late in self.refused:
            start, end = max(offset, self.position), min(offset + len(late), self.position + len(wanted))
            if start < end:
                data[start - self.position : end - self.position] = late[start - offset : end - offset]
        wanted[:] = data
        self.position += len(wanted)
        return len(wanted)

    def truncate(self, size: int | None = None) -> int:
        size = self.position if size is None else size
        if self.error is None:
            try:
                os.ftruncate(self.file, size)
            except OSError as error:
                self.error = error
        return size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: os.fstat(self.file).st_size}[whence]
        self.position = start + offset
        return self.position

    def tell(self) -> Any:
        return self.position

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            os.close(self.file)
        super().close()


@contextmanager
def new_hdf5(path: PathLike, force: bool = False, **settings: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (an empty h5py.File, its `Sink`); it becomes ``path`` at the end, if nothing was raised.

    Raise BadFile for a full disk. Whoever writes much calls ``check`` of the sink in between, so that what the disk
    refuses does not pile up in memory. settings: of h5py.File.
    """
    with atomic_write(path, force) as temporary, Sink(temporary) as sink:
        try:
            with h5py.File(sink, "w", **settings) as file:
                yield file, sink
        except (OSError, RuntimeError, ValueError):     # HDF5 may have stumbled over what the disk refused
            sink.check()
            raise
        sink.check()
