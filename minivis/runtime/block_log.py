"""A file that grows block by block; every whole block can be read back, even if the last one was cut short.

    8 bytes     how many bytes the block has, little endian
    4 bytes     their CRC-32
    ...         the bytes

A full disk, a kill or a power cut can damage only the end: reading stops at the first block that is not whole.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from minivis.runtime.files import open_regular, room_for, write_all

if TYPE_CHECKING:
    from minivis.types import PathLike

HEAD = struct.Struct("<QI")


def blocks(path: PathLike) -> Iterator[tuple[int, bytes]]:
    """Yield (where the block ends, its bytes) for each whole block of the file."""
    with open_regular(path) as file:
        size, end = os.fstat(file.fileno()).st_size, 0
        while len(head := file.read(HEAD.size)) == HEAD.size:
            length, checksum = HEAD.unpack(head)
            end += HEAD.size + length
            if end > size:
                return
            block = file.read(length)
            if len(block) < length or zlib.crc32(block) != checksum:
                return
            yield end, block


class BlockLog:
    """The file at ``path``, open for more blocks after its first ``end`` bytes; what comes after them is dropped."""

    def __init__(self, path: PathLike, end: int = 0) -> None:
        self.path, self.end = path, end
        with room_for(path):
            self.file: Any = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.ftruncate(self.file, end)
        except BaseException:
            self.close()
            raise

    def append(self, *parts: Any) -> None:
        """Write the parts as one block, whole or not at all. Raise BadFile for a full disk."""
        length, checksum = 0, 0
        for part in parts:
            length, checksum = length + memoryview(part).nbytes, zlib.crc32(part, checksum)
        try:
            with room_for(self.path):
                os.lseek(self.file, self.end, os.SEEK_SET)
                for part in (HEAD.pack(length, checksum), *parts):
                    write_all(self.file, part)
        except BaseException:                           # Ctrl-C, too
            with suppress(OSError):                     # if this fails as well, reading will stop there
                os.ftruncate(self.file, self.end)
            raise
        self.end += HEAD.size + length

    def close(self) -> None:
        if self.file is not None:
            os.close(self.file)
        self.file = None

    def __enter__(self) -> BlockLog:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
