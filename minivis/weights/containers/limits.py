"""How much memory a file may take: a few times its own size, because weights hardly shrink when they are compressed."""

from typing import Any

from minivis.errors import BadFile
from minivis.types import PathLike

FREE_BYTES, MOST_RATIO = 2**26, 20              # unpacked: up to 64 MiB is always allowed, beyond it 20 times the file
LONGEST_AXIS = 2**63                            # of an array; no file format of today counts further


def check_bomb(what: str, packed: Any, unpacked: Any, path: PathLike) -> None:
    """Raise BadFile for something that is small in the file and huge when unpacked."""
    if unpacked > FREE_BYTES and unpacked > packed * MOST_RATIO:
        raise BadFile(f"{path}: {what} would unpack from {packed} to {unpacked} bytes, which weights never do")


class Budget:
    """The bytes that all arrays of one file may take together, however often they share the same bytes of it."""

    def __init__(self, path: PathLike, size: Any) -> None:
        self.path, self.size, self.taken = path, size, 0

    def take(self, count: int) -> None:
        """Raise BadFile if ``count`` more bytes would be too many."""
        self.taken += count
        check_bomb("the arrays in it", self.size, self.taken, self.path)


def is_shape(numbers: Any) -> bool:
    """Whether ``numbers`` can be the shape of an array: at most 32 whole numbers, none negative or absurdly large."""
    return len(numbers) <= 32 and all(type(n) is int and 0 <= n < LONGEST_AXIS for n in numbers)
