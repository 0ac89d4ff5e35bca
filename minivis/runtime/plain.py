"""Plain mode, MINIVIS_PLAIN=1: every layer runs separately, as its definition says, without fused or fast steps.

The code that one reads (engine/network.py and minivis/layers) is then the code that runs, several times more slowly.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "MINIVIS_PLAIN"


def is_plain() -> bool:
    """Whether plain mode is on."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def algorithm() -> str:
    """The default algorithm for convolutions."""
    return "im2col" if is_plain() else "auto"


@contextmanager
def plain(wanted: bool = True) -> Iterator[None]:
    """Plain mode inside a with block, here and in the processes started in it."""
    before = os.environ.get(VARIABLE)
    if wanted:
        os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before
