"""Files that are small and ask for much, and a way to see that they are refused before it is taken."""

import time
import tracemalloc

import pytest

import minivis as mv
from minivis.errors import BadFile

MEGABYTES, SECONDS = 300, 10                    # what a small file may take; those that were found took 0.5 to 3.6 GB


def refused(path, message, read=mv.load):
    """Assert that ``read(path)`` raises a BadFile of one line that matches, with little memory and soon."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(BadFile, match=message) as caught:
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500
    assert peak < MEGABYTES * 1e6, f"{peak / 1e6:.0f} MB"
    assert time.process_time() - began < SECONDS
