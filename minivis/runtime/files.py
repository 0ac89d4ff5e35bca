"""Files that appear whole or not at all; and reading one with few system calls.

    with atomic_write("goose.h5") as temporary:     # a new, empty file beside goose.h5
        write_weights(temporary)
                                                    # renamed here; removed instead if anything was raised, Ctrl-C too

Renaming within one folder is atomic, so a reader sees the old file or the new one, and never half of one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from minivis.errors import BadFile, BadValue, MinivisError

if TYPE_CHECKING:
    from minivis.types import PathLike

JSON_LIMIT = 2**22                              # bytes of a file of settings; the layer table of ResNet-50 takes 20 kB

# what h5py, zipfile and our readers raise when they walk into a damaged file; h5py also raises TypeError
DAMAGED = (OSError, RuntimeError, KeyError, ValueError, OverflowError, SystemError, zipfile.BadZipFile)

NO_ROOM = {                                     # errno -> what it says about a disk; {disk} is where it is mounted
    errno.ENOSPC: "the disk at {disk} is full ({free:.1f} MB of {total:.1f} MB are free); free some space, or write to "
                  "another disk",
    errno.EDQUOT: "your quota on the disk at {disk} is used up; free some space, or write to another disk",
    errno.EFBIG: "the file would be larger than the disk at {disk}, or `ulimit -f`, allows; raise the limit, or write "
                 "to another disk",
}


def check_output(path: PathLike, force: bool = False) -> Path:
    """Raise BadValue if ``path`` cannot be written; before a long run this saves the run. Return its real Path."""
    if not isinstance(path, (str, os.PathLike)):
        raise BadValue(f"path is the name of a file, not {path!r}")
    path = Path(path)
    if "\0" in str(path) or not path.name:
        raise BadValue(f"{str(path)!r} is not a file name")
    real = Path(os.path.realpath(path))                 # a symbolic link stays one, and its target is replaced
    if not os.path.isdir(real.parent):
        raise BadValue(f"{path} cannot be written: the folder {path.parent} does not exist; make it first")
    try:
        mode = os.lstat(real).st_mode
    except FileNotFoundError:
        return real
    except OSError as error:
        raise BadValue(f"{path} cannot be written ({error.strerror}); choose another folder or name") from None
    if stat.S_ISDIR(mode):
        raise BadValue(f"{path} is a folder; give the name of a file in it")
    if not stat.S_ISREG(mode):
        raise BadValue(f"{path} is a device, not a file that could be replaced; give another name")
    if not force:
        raise BadValue(f"{path} exists and is kept; give another name, or --force to replace it")
    return real


@contextmanager
def atomic_write(path: PathLike, force: bool = False) -> Iterator[Path]:
    """Yield a temporary Path of the same suffix in the same folder; rename it to ``path`` at the end.

    An existing file is kept, with a BadValue, unless ``force``.
    """
    real = check_output(path, force)
    temporary = real.with_name(f".{real.stem[:40]}-{secrets.token_hex(4)}{real.suffix}")
    try:
        with room_for(path):
            # not tempfile.mkstemp: its files are readable only by their owner, and stay so when renamed
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise BadValue(f"{path} cannot be written ({error.strerror}); choose another folder or name") from None
    try:
        with room_for(path):
            yield temporary
            check_output(path, force)                   # another program may have made it meanwhile
            os.replace(temporary, real)
    finally:
        temporary.unlink(missing_ok=True)               # after a rename there is nothing left to remove


@contextmanager
def room_for(path: PathLike) -> Iterator[None]:
    """A context in which a write that fails because the disk is full raises BadFile, naming ``path`` and the disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        disk = os.path.dirname(os.path.realpath(path))
        usage = shutil.disk_usage(disk)
        while not os.path.ismount(disk):
            disk = os.path.dirname(disk)
        reason = NO_ROOM[error.errno].format(disk=disk, free=usage.free / 1e6, total=usage.total / 1e6)
        raise BadFile(f"{path} cannot be written: {reason}") from None


def write_all(descriptor: int, data: Any) -> None:
    """Write all bytes of ``data`` to an open file; one system call may take fewer. Raise OSError."""
    left = memoryview(data)
    left = left.cast("B") if left.nbytes else memoryview(b"")       # one without elements can't be cast
    while len(left):
        left = left[os.write(descriptor, left) :]


def read_bytes(path: PathLike, most: float | None = None) -> bytes:
    """The bytes of a regular file. Raise OSError; BadFile for a pipe or a device, or for more than ``most`` bytes.

    Each system call releases Python's lock and regains it late while other threads compute: this function makes four
    calls, ``open(path, "rb").read()`` eight.
    """
    about = os.stat(path)                               # before opening: a pipe would wait for a writer
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(about.st_mode):
        raise BadFile(f"{path} is a pipe or a device, not a regular file")
    if most is not None and about.st_size > most:
        raise BadFile(f"{path} has {about.st_size / 1e9:.1f} GB; minivis reads files of up to {most / 1e9:.1f} GB here")
    # O_NONBLOCK: if a pipe has taken the file's place since, reading finds its end at once
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        data = os.read(file, about.st_size)
        while len(data) < about.st_size and (more := os.read(file, about.st_size - len(data))):     # beyond 2 GB
            data += more
        return data
    finally:
        os.close(file)


def file_hash(path: PathLike, kind: str = "sha256") -> str:
    """The SHA-256 (or MD5, to compare with what others published) of a file, in hex."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def reading(path: PathLike) -> Iterator[BinaryIO]:
    """Open the file of weights or codes at ``path``. Errors that a damaged file causes while it is read become BadFile.

    A TypeError from our own code is a bug in it, says nothing about the file, and ends in a traceback.
    """
    try:
        with open_regular(path) as raw:
            yield raw
    except MinivisError as error:
        if (said := printable(error)) != str(error):    # a damaged file puts anything into the names in it
            raise type(error)(said) from None
        raise
    except MemoryError:
        raise BadFile(f"{path} asks for more memory than there is: damaged, or too large for this machine") from None
    except (*DAMAGED, TypeError) as error:
        if isinstance(error, TypeError) and raised_in(error) == "minivis":
            raise
        said = printable(error)[:160] or type(error).__name__
        raise BadFile(f"{path} is damaged or half-written ({said}); fetch or copy it again") from error


def raised_in(error: BaseException) -> str:
    """The package whose code raised an error: "h5py", "minivis"."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__", "").partition(".")[0]


def open_regular(path: PathLike) -> BinaryIO:
    """The file at ``path``, open for reading. Raise BadFile for a folder, a device, or a file that cannot be read."""
    try:
        mode = os.stat(path).st_mode                    # before opening: a pipe would wait for a writer
        if stat.S_ISREG(mode):
            return open(path, "rb")
    except FileNotFoundError:
        raise BadFile(f"there is no file {path}") from None
    except (OSError, ValueError) as error:              # ValueError: a null character in the name
        raise BadFile(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if stat.S_ISDIR(mode):
        raise BadFile(f"{path} is a folder; name a file of weights in it")
    raise BadFile(f"{path} is a device or a pipe, not a file of weights")


def printable(error: object, most: int = 800) -> str:
    """An error's text on one line that any terminal can show; the middle of a very long text is left out."""
    said = "".join(c if c.isprintable() else "?" for c in str(error))
    return said if len(said) <= most else f"{said[: most // 2]} ... {said[-most // 2 :]}"


def read_json(path: PathLike, what: str, limit: int = JSON_LIMIT) -> Any:
    """The value in a JSON file that should hold ``what``. Raise BadFile, with one sentence, for anything else."""
    try:
        data = read_bytes(path)
        if len(data) > limit:
            raise BadFile(f"{path} is too large to be {what}")
        return json.loads(data)
    except BadFile:
        raise
    except FileNotFoundError:
        raise BadFile(f"there is no file {path}") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path} is not JSON ({str(error)[:80]})") from None
