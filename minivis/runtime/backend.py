"""NumPy or CuPy, by the array's own type. The only file that imports cupy."""

import functools
import importlib
import sys
from typing import Any

import numpy as np

from minivis.errors import MissingExtra
from minivis.types import Array


def get_xp(array: Any) -> Any:
    """The module whose functions work on ``array``: cupy for a CuPy array, else numpy."""
    cupy = sys.modules.get("cupy")              # an array of a library that was never imported cannot exist
    return cupy if cupy is not None and isinstance(array, cupy.ndarray) else np


def to_cpu(array: Any) -> Array:
    """``array`` as a NumPy array (itself when it already is one)."""
    return array if get_xp(array) is np else array.get()


def to_gpu(array: Any) -> Any:
    """``array`` as a CuPy array on the current device. Raise MissingExtra where there is no CuPy."""
    return gpu().asarray(array)


def constant(values: Any, like: Any) -> Array:
    """Nested tuples of numbers as an array of ``like``'s library and dtype: moved to a device once, not each time."""
    return _constant(values, get_xp(like), np.dtype(like.dtype))


@functools.lru_cache(maxsize=256)
def _constant(values: Any, xp: Any, dtype: np.dtype) -> Array:
    return xp.asarray(values, dtype=dtype)


def erf(x: Any) -> Array:
    """The error function of each number."""
    special = "scipy.special" if get_xp(x) is np else "cupyx.scipy.special"
    return importlib.import_module(special).erf(x)


# ---- CUDA kernels of our own; each source stands beside the NumPy line that it replaces ----

THREADS = 256                                   # of a block


def has_kernels(array: Any) -> bool:
    """Whether ``array`` lies where CUDA kernels run."""
    return hasattr(get_xp(array), "RawKernel")


def launch(name: str, source: str, count: int, *args: Any) -> None:
    """Run the CUDA kernel ``name`` of ``source`` on ``count`` threads. In it REAL is the dtype of the first array.

    Arrays are handed over as pointers, so they must be contiguous, and None as a pointer to nothing; plain ints as int,
    plain floats as REAL.
    """
    if not count:
        return
    first = next(a for a in args if hasattr(a, "dtype") and a.ndim)
    for array in args:
        if getattr(array, "ndim", 0) and not array.flags.c_contiguous:
            raise ValueError(f"{name}: an array {array.shape} is not contiguous")
    plain = {int: np.int32, float: first.dtype.type, type(None): lambda _: np.intp(0)}
    run = _compiled(get_xp(first), name, source, first.dtype.name)
    run((-(-count // THREADS),), (THREADS,), tuple(plain[type(a)](a) if type(a) in plain else a for a in args))


@functools.cache
def _compiled(xp: Any, name: str, source: str, dtype: str) -> Any:
    real = {"float32": "float", "float64": "double"}[dtype]
    return xp.RawKernel(source.replace("REAL", real), name)


def gpu() -> Any:
    """The cupy module. Raise MissingExtra where CuPy is not installed, finds no device or lacks a part of CUDA."""
    try:
        import cupy
    except ImportError:
        raise MissingExtra("the GPU needs CuPy, which is not installed: pip install 'minivis[gpu]'") from None
    try:
        if cupy.cuda.runtime.getDeviceCount() < 1:
            raise MissingExtra("CuPy is installed, but this machine shows it no GPU; use --device cpu")
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise MissingExtra(f"CuPy is installed, but this machine shows it no GPU ({error}); use --device cpu") from None
    _check_cuda(cupy)
    return cupy


@functools.cache
def _check_cuda(cupy: Any) -> None:
    """Load NVRTC and cuBLAS by a first small kernel and a first small product; CuPy itself loads them on first use."""
    try:
        ones = cupy.ones((8, 8), np.float32)
        cupy.matmul(cupy.add(ones, ones), ones)
    except MemoryError:                             # the device is full: nothing is missing
        raise
    except Exception as error:                      # ImportError, RuntimeError, CompileException: by part
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise MissingExtra(f"CuPy finds a GPU, but not all of CUDA ({reason}): pip install 'cupy-cuda12x[ctk]' "
                           "('cupy-cuda13x[ctk]' for CUDA 13), or use --device cpu") from None  # fmt: skip
