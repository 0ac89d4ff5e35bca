"""What the C library keeps of memory that was freed, given back to the system.

glibc keeps what threads have freed for what they ask for next. A server whose jobs come from several threads, each with
its own peak, would hold the sum of these peaks for ever.
"""

import ctypes
import sys

trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None      # musl has none


def give_back() -> None:
    """Give back what is free, in all threads. Nothing happens where the C library cannot."""
    if trim is not None:
        trim(0)
