"""One process at a time: a lock file that a process holds as long as it lives, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from minivis.errors import BadValue
from minivis.runtime.files import room_for

if TYPE_CHECKING:
    from minivis.types import PathLike

try:
    import fcntl
except ImportError:                                     # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_one(path: PathLike) -> Iterator[None]:
    """Hold the lock of the file ``path`` that is being made. Raise BadValue while another process holds it."""
    name = f"{os.fspath(path)}.lock"
    opened = _opened(name)
    file: int | None = opened                           # None once it is closed
    try:
        if not _locked(opened, name):
            raise BadValue(f"{path} is being written by another minivis: wait until that is done, or write to another "
                           "file")
        try:
            yield
        finally:
            if fcntl is None:                           # there an open file can't be removed
                os.close(opened)
                file = None
            with suppress(OSError):
                os.unlink(name)                         # while it is held: whoever has opened it will see that
    finally:
        if file is not None:
            os.close(file)


def _opened(name: str) -> int:
    try:
        with room_for(name):
            return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BadValue(f"{name} cannot be written ({error.strerror}); choose another folder or name") from None


def _locked(file: int, name: str) -> bool:
    """Whether the lock is ours now: nobody else has it, and the file still has its name."""
    try:
        if fcntl is None:
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            return True
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:                                     # a file system without locks
        return True
    with suppress(OSError):
        return os.path.samestat(os.fstat(file), os.stat(name))
    return False
