"""Many pictures by name: those of a folder of any size, or some arrays. Each is read on its own, when it is needed.

One file never ends a run over many: whatever is wrong with it, from a named pipe to a lack of memory, is a MinivisError
with its name, which the caller lists.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minivis.errors import BadFile, BadValue, MinivisError, TooLarge
from minivis.images.files import read_image
from minivis.runtime.files import read_bytes

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif", ".ico")
MOST = 2**31                                    # bytes of a file: 300 million pixels of 16 bits, uncompressed, and more


@dataclass(frozen=True)
class Pictures:
    """Pictures by name below a folder ``root``; or, where ``root`` is None, arrays, uint8 (H, W, C)."""

    root: str | None
    names: tuple

    @classmethod
    def of(cls, source):
        """Of a folder (and all below it, sorted by name), a picture file, a list of files, or arrays."""
        if isinstance(source, (str, os.PathLike)):
            return cls.below(os.fspath(source))
        source = tuple(source)
        if not source:
            raise BadValue("no pictures: give at least one")
        if isinstance(source[0], (str, os.PathLike)):
            return cls(os.getcwd(), tuple(os.fspath(path) for path in source))
        return cls(None, source)

    @classmethod
    def below(cls, path):
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
            raise BadFile(f"there is no picture in the folder {path}: none of its files ends in {', '.join(SUFFIXES)}")
        return cls(os.path.abspath(path), tuple(sorted(names)))

    def name(self, i):
        return f"picture {i}" if self.root is None else self.names[i]

    def path(self, i):
        return None if self.root is None else os.path.join(self.root, self.names[i])

    def part(self, first, count):
        return Pictures(self.root, self.names[first : first + count])

    def read(self, i, size=None):
        """(picture i, uint8 (H, W, C); its SHA-256). Raise a MinivisError, with its name, if it can't be read."""
        if self.root is None:
            array = np.asarray(self.names[i])
            return array, hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
        file, digest = self.bytes(i)
        return read_image(file, size), digest

    def bytes(self, i):
        """(an open file in memory, its SHA-256). Raise a MinivisError, with its name, if it can't be read."""
        try:
            data = read_bytes(self.path(i), MOST)
        except BadFile as error:                        # no regular file, or far too large
            raise BadFile(str(error).replace(self.path(i), self.names[i], 1)) from None
        except OSError as error:
            raise BadFile(f"{self.names[i]} cannot be opened ({error.strerror})") from error
        except MemoryError:
            raise TooLarge(f"{self.names[i]} does not fit into memory") from None
        if not data:
            raise BadFile(f"{self.names[i]} is empty; get a whole copy of it")
        file = io.BytesIO(data)
        file.name = self.names[i]                       # for the messages of read_image
        return file, hashlib.sha256(data).hexdigest()

    def hash(self, i):
        """SHA-256 of picture i, whether or not it is a picture; empty if the file can't be read."""
        if self.root is None:
            return self.read(i)[1]
        try:
            return self.bytes(i)[1]
        except MinivisError:
            return ""

    def __len__(self):
        return len(self.names)


def chained(digest, name, content):
    """The hash of a list of pictures after one more has been appended to it."""
    return hashlib.sha256(f"{digest}\0{name}\0{content}".encode(errors="surrogateescape")).hexdigest()


def folder_hash(pictures, count=None):
    """What `Tally.digest` is after a sweep over (the first ``count``) pictures; ``pictures`` may be a folder."""
    pictures, digest = pictures if isinstance(pictures, Pictures) else Pictures.of(pictures), ""
    for i in range(len(pictures) if count is None else count):
        digest = chained(digest, pictures.name(i), pictures.hash(i))
    return digest
