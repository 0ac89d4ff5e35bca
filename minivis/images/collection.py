"""Many pictures by name: the files of a folder, or arrays. Each is read when it is needed.

One bad file never ends a run over many: any problem with it, from a named pipe to a lack of memory, becomes a
MinivisError that names it, and the caller lists it.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minivis.errors import BadFile, BadValue, MinivisError, TooLarge
from minivis.images.files import read_image
from minivis.images.given import as_picture
from minivis.runtime.files import read_bytes

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif", ".ico",
            ".npy", ".heic", ".heif")
MOST = 2**31                                    # bytes of a file: enough for 300 million uncompressed pixels of 16 bits


@dataclass(frozen=True)
class Pictures:
    """Pictures by name below a folder ``root``, or arrays, uint8 (H, W, C), if ``root`` is None."""

    root: str | None
    names: tuple

    @classmethod
    def of(cls, source: Any) -> Any:
        """From a folder (and all below it, sorted by name), a picture file, or a list of what `as_picture` takes."""
        if isinstance(source, (str, os.PathLike)):
            return cls.below(os.fspath(source))
        if isinstance(source, (bytes, bytearray, memoryview)) or hasattr(source, "read"):
            source = (source,)
        try:
            source = tuple(source)
        except TypeError:
            source = (source,)
        if not source:
            raise BadValue("give at least one picture")
        if all(isinstance(one, (str, os.PathLike)) for one in source):
            return cls(os.getcwd(), tuple(os.fspath(path) for path in source))
        pictures = tuple(as_picture(one) for one in source)
        if not all(np.ndim(one) for one in pictures):
            raise BadValue(f"pictures are a folder, a list of files, or arrays, not {source!r}")
        return cls(None, pictures)

    @classmethod
    def below(cls, path: Any) -> "Pictures":
        if os.path.isfile(path):
            return cls(os.path.abspath(os.path.dirname(path)), (os.path.basename(path),))
        if not os.path.isdir(path):
            raise BadFile(f"{path} is a pipe or a device, not a folder" if os.path.exists(path) else
                          f"there is no folder {path}")
        names = []
        for folder, below, files in os.walk(path):
            below[:] = [name for name in below if not name.startswith(".")]
            near = Path(folder).relative_to(path).as_posix()
            names += [file if near == "." else f"{near}/{file}" for file in files
                      if file.lower().endswith(SUFFIXES) and not file.startswith(".")]
        if not names:
            raise BadFile(f"there is no picture in the folder {path}: no file in it ends in one of "
                          f"{', '.join(SUFFIXES)}")
        return cls(os.path.abspath(path), tuple(sorted(names)))

    def name(self, i: int) -> str:
        return f"picture {i}" if self.root is None else self.names[i]

    def path(self, i: int) -> Any:
        return None if self.root is None else os.path.join(self.root, self.names[i])

    def part(self, first: Any, count: int) -> "Pictures":
        return Pictures(self.root, self.names[first : first + count])

    def read(self, i: int, size: Any = None, channels: int | None = None) -> tuple[Any, Any]:
        """(picture i, uint8 (H, W, C); its SHA-256). Raise a MinivisError that names the file if it cannot be read."""
        if self.root is None:
            array = np.asarray(self.names[i])
            return array, hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
        file, digest = self.bytes(i)
        return read_image(file, size, channels=channels), digest

    def bytes(self, i: int) -> tuple[Any, Any]:
        """(the file, open in memory; its SHA-256). Raise a MinivisError that names the file if it cannot be read."""
        try:
            data = read_bytes(self.path(i), MOST)
        except BadFile as error:                        # not a regular file, or far too large
            raise BadFile(str(error).replace(self.path(i), self.names[i], 1)) from None
        except OSError as error:
            raise BadFile(f"{self.names[i]} cannot be opened ({error.strerror})") from error
        except MemoryError:
            raise TooLarge(f"{self.names[i]} does not fit into memory") from None
        if not data:
            raise BadFile(f"{self.names[i]} is empty; get a complete copy of it")
        file = io.BytesIO(data)
        file.name = self.names[i]                       # for the messages of read_image
        return file, hashlib.sha256(data).hexdigest()

    def hash(self, i: int) -> Any:
        """The SHA-256 of file i, even if it is not a picture; an empty string if the file cannot be read."""
        if self.root is None:
            return self.read(i)[1]
        try:
            return self.bytes(i)[1]
        except MinivisError:
            return ""

    def __len__(self) -> int:
        return len(self.names)


def chained(digest: Any, name: str, content: Any) -> Any:
    """The hash of a list of pictures after one more picture is appended to it."""
    return hashlib.sha256(f"{digest}\0{name}\0{content}".encode(errors="surrogateescape")).hexdigest()


def folder_hash(pictures: Any, count: int | None = None) -> Any:
    """What `Tally.digest` is after a sweep over the pictures (or the first ``count``); ``pictures`` may be a folder."""
    pictures, digest = pictures if isinstance(pictures, Pictures) else Pictures.of(pictures), ""
    for i in range(len(pictures) if count is None else count):
        digest = chained(digest, pictures.name(i), pictures.hash(i))
    return digest
