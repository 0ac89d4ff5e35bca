"""BLAS with one thread, while minivis' own threads share out the work.

The number of BLAS' threads may be the user's: who enters `ONE_BLAS_THREAD` saves it, and who leaves restores it. Most
libraries have one number for the process; the first thread to enter saves that, the last to leave restores it. In MKL,
and in an OpenBLAS that is built with OpenMP, each thread has a number of its own: then each that enters saves and
restores its own, and minivis' workers set theirs once (`hold_this_thread`). Where only the process' number was set
there, VGG16's forward with MKL took 378 ms on two threads instead of 171, since each worker started threads.
"""

import functools
import os
import threading
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

ACCELERATE = "accelerate"               # Apple's BLAS, which threadpoolctl does not recognise


class OneBlasThread:
    """A context in which BLAS has one thread. Any number of threads may be inside, in any order of coming and going."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.saved: list[tuple[Any, int]] = []  # (library, its number of threads before)
        self.here = threading.local()           # .inside and .saved, of libraries whose number is a thread's own

    @functools.cached_property
    def libraries(self) -> list[Any]:
        return ThreadpoolController().select(user_api="blas").lib_controllers       # milliseconds: once

    @functools.cached_property
    def of_threads(self) -> list[Any]:
        """Those whose number of threads belongs to the thread that sets it."""
        return [lib for lib in self.libraries if belongs_to_thread(lib)]

    @functools.cached_property
    def of_process(self) -> list[Any]:
        return [lib for lib in self.libraries if not belongs_to_thread(lib)]

    @functools.cached_property
    def works(self) -> bool:
        """Whether BLAS can be held to one thread at all, or the environment held it when it was loaded."""
        if numpys_blas() == ACCELERATE:
            return os.environ.get("VECLIB_MAXIMUM_THREADS") == "1"
        return bool(self.libraries)

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0 and self.works:
                self.saved = held(self.of_process)
            self.inside += 1
        if self.of_threads:
            inside = getattr(self.here, "inside", 0)
            if inside == 0:
                self.here.saved = held(self.of_threads)
            self.here.inside = inside + 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                restore(self.saved)
                self.saved = []
        if self.of_threads:
            self.here.inside -= 1
            if self.here.inside == 0:
                restore(self.here.saved)

    def hold_this_thread(self) -> None:
        """Hold BLAS to one thread for good in this thread, one of our own, where that is the thread's own number."""
        held(self.of_threads)


def belongs_to_thread(lib: Any) -> bool:
    """Whether the number of threads of a library is the calling thread's own."""
    api, layer = lib.internal_api, lib.info().get("threading_layer")
    return (api == "mkl" and layer != "sequential") or (api == "openblas" and layer == "openmp")


def held(libraries: list[Any]) -> list[tuple[Any, int]]:
    """Set each library to one thread; return what `restore` needs."""
    before = [(lib, lib.num_threads) for lib in libraries]
    for lib in libraries:
        set_blas_threads(lib, 1)
    return before


def restore(before: list[tuple[Any, int]]) -> None:
    for lib, count in before:
        set_blas_threads(lib, count)


def set_blas_threads(lib: Any, count: int) -> None:
    """Set the number of threads of a BLAS library, from any thread.

    Since version 3.8 threadpoolctl obeys only the first thread that sets OpenBLAS, and silently ignores all others.
    """
    free = getattr(lib, "clear_controlling_thread", lambda force: None)
    free(force=True)
    lib.set_num_threads(count)
    free(force=True)                            # and the user's threads can set it, too


def numpys_blas() -> str:
    """The name of the BLAS that NumPy was built with, in lower case; "" where NumPy does not say it (before 1.26)."""
    try:
        built: Any = np.show_config(mode="dicts")
        return str(built["Build Dependencies"]["blas"]["name"]).lower()
    except (TypeError, KeyError):
        return ""


ONE_BLAS_THREAD = OneBlasThread()
