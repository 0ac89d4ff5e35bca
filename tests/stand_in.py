"""A stand-in for CuPy, on the CPU: arrays that act as if they lay on a device and refuse to be taken for NumPy's.

What CuPy raises on a machine with a GPU, this raises here: NumPy called on a device array, an operation between the two
kinds, an index or an ``out=`` of the other kind. So a code path that mixes them, or moves data in silence, is found
without a GPU. `transfers` counts the moves that are asked for. Numbers are NumPy's. CUDA kernels are compiled by g++,
where it is, and run one thread after another: what they compute is tested, not their speed, nor races between threads.
"""

import atexit
import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import scipy.special

FREE = 8 * 2**30                                        # bytes of the device
transfers = {"to device": 0, "to host": 0}              # how often an array was moved on purpose
launched = []                                           # names of the kernels that have run

NOT_IN_CUPY = {"errstate", "seterr", "frompyfunc", "apply_over_axes", "nditer", "ndenumerate", "matrix", "memmap",
               "fromiter", "vectorize_", "block_", "lexsort_", "setdiff1d_"}  # fmt: skip
KEPT = (int, float, bool, complex, str, bytes, type, np.dtype, np.generic, slice, type(None), type(Ellipsis))


def taken(value):
    """What NumPy gets for an argument: the inside of a device array. TypeError for an array that lies on the host."""
    if isinstance(value, ndarray):
        return value._values
    if isinstance(value, np.ndarray):
        raise TypeError(f"a NumPy array {value.shape} where a device array was expected: move it with asarray")
    if isinstance(value, (tuple, list)):
        return type(value)(taken(v) for v in value)
    if isinstance(value, dict):
        return {k: taken(v) for k, v in value.items()}
    if isinstance(value, KEPT) or callable(value):
        return value
    raise TypeError(f"unsupported type {type(value).__name__}")


def made(value):
    """A result of NumPy's as one of the device: arrays and their single numbers; tuples of them; all else as it is."""
    if isinstance(value, (np.ndarray, np.generic)) and not isinstance(value, np.void):
        return ndarray(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map(made, value)) if type(value) in (tuple, list) else tuple(map(made, value))
    return value


class ndarray:
    """An array "on the device"."""

    __array_ufunc__ = None                              # numpy_array + this: the answer is ours, a TypeError
    __hash__ = None

    def __init__(self, values):
        self._values = np.asarray(values)

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion to a NumPy array is not allowed: use .get()")

    def get(self):
        transfers["to host"] += 1
        return self._values.copy()

    def item(self, *args):
        transfers["to host"] += 1
        return self._values.item(*args)

    def tolist(self):
        transfers["to host"] += 1
        return self._values.tolist()

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __bool__(self):
        return bool(self.item())

    def __index__(self):
        return self._values.__index__()

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, where):
        return made(self._values[taken(where)])

    def __setitem__(self, where, value):
        self._values[taken(where)] = taken(value)

    @property
    def T(self):
        return ndarray(self._values.T)

    def __repr__(self):
        return f"device {self._values!r}"

    def __reduce__(self):
        return ndarray, (self._values,)

    def __getattr__(self, name):
        if name.startswith("__"):                       # __array_interface__, __array_function__, ...: not CuPy's
            raise AttributeError(name)
        found = getattr(self._values, name)
        if name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags"):
            return found
        if name in ("real", "imag"):
            return ndarray(found)
        if not callable(found):
            raise AttributeError(name)
        return lambda *args, **kwargs: made(found(*taken(args), **taken(kwargs)))


def _operator(name):
    def operate(self, other):
        if isinstance(other, (list, tuple)):
            raise TypeError(f"a {type(other).__name__} does not combine with a device array")
        return made(getattr(self._values, name)(taken(other)))

    return operate


def _in_place(name):
    def operate(self, other):
        getattr(self._values, name)(taken(other))
        return self

    return operate


def _unary(name):
    return lambda self: made(getattr(self._values, name)())


_BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod"
for _name in _BINARY.split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _operator(f"__r{_name}__"))
    if _name != "divmod":
        setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in ["lt", "le", "gt", "ge", "eq", "ne"]:
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in ["neg", "pos", "abs", "invert"]:
    setattr(ndarray, f"__{_name}__", _unary(f"__{_name}__"))


def asarray(values, dtype=None, **kwargs):
    """Moves a NumPy array to the device; that alone does."""
    if isinstance(values, ndarray):
        return ndarray(np.asarray(values._values, dtype=dtype))
    if isinstance(values, np.ndarray):
        transfers["to device"] += 1
        return ndarray(np.array(values, dtype=dtype))
    return ndarray(np.array(taken(values), dtype=dtype))


class Module(ModuleType):
    """``cupy``, or one of its modules: NumPy's functions over device arrays."""

    def __init__(self, name, of):
        super().__init__(name)
        self._of = of

    def __getattr__(self, name):
        if name.startswith("__") or name in NOT_IN_CUPY:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(self._of, name)
        if isinstance(found, ModuleType):
            return Module(f"{self.__name__}.{name}", found)
        if isinstance(found, type) or not callable(found):          # float32, pi, newaxis
            return found
        return Function(found)


class Function:
    """A function of NumPy's over device arrays; a ufunc's own methods too."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *args, **kwargs):
        return made(self._function(*taken(args), **taken(kwargs)))

    def __getattr__(self, name):
        if name not in ("at", "reduce", "accumulate", "outer"):
            raise AttributeError(name)
        return Function(getattr(self._function, name))


# ---- CUDA kernels, compiled for the CPU: one thread after another ----

SHIM = """
struct Index { long long x; };
static Index blockIdx, blockDim, threadIdx;
#define __global__
#define __device__ static
#define __restrict__
%s
extern "C" void run(long long blocks, int threads, %s) {
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) %s(%s);
}
"""
COMPILER = shutil.which("g++")
KERNELS = "MINIVIS_TEST_KERNELS"                        # an environment variable, so that child processes have it too


@functools.cache
def compiled(source, name):
    """A kernel's source as a function of the CPU's."""
    parameters = re.search(rf"{name}\s*\(([^)]*)\)", source).group(1)
    names = ", ".join(re.findall(r"(\w+)\s*(?:,|$)", parameters))
    text = SHIM % (source, parameters, name, names)
    library = kernels() / f"{hashlib.sha256(text.encode()).hexdigest()}.so"
    if not library.exists():
        folder = Path(tempfile.mkdtemp(dir=kernels()))
        (folder / "kernel.cpp").write_text(text)
        strict = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC"]
        subprocess.run([COMPILER, *strict, "-o", folder / "kernel.so", folder / "kernel.cpp"], check=True)
        os.replace(folder / "kernel.so", library)       # whole or not at all: another process may look for it
    return ctypes.CDLL(str(library)).run


def kernels():
    """The folder where the processes of one test run find each other's compiled kernels."""
    if KERNELS not in os.environ:
        os.environ[KERNELS] = tempfile.mkdtemp(prefix="kernels")
        atexit.register(shutil.rmtree, os.environ[KERNELS], ignore_errors=True)
    return Path(os.environ[KERNELS])


class RawKernel:
    def __init__(self, source, name):
        self.run, self.name = compiled(source, name), name

    def __call__(self, blocks, threads, args):
        handed = [ctypes.c_longlong(blocks[0]), ctypes.c_int(threads[0])]
        for a in args:
            if isinstance(a, ndarray):
                handed.append(ctypes.c_void_p(a._values.ctypes.data))
            elif isinstance(a, np.generic):
                handed.append(np.ctypeslib.as_ctypes_type(a.dtype)(a.item()))
            else:
                raise TypeError(f"a kernel takes arrays and numbers of NumPy's, not {type(a).__name__}")
        launched.append(self.name)
        self.run(*handed)


def module(kernels=False):
    """A fresh ``cupy``, with or without `RawKernel`."""
    cupy = Module("cupy", np)
    if kernels:
        cupy.RawKernel = RawKernel
    cupy.ndarray, cupy.asarray, cupy.array = ndarray, asarray, lambda *args, **kw: asarray(*args, **kw).copy()
    cupy.asnumpy = lambda array: array.get()
    cupy.ascontiguousarray = lambda array: ndarray(np.ascontiguousarray(taken(array)))
    error = type("CUDARuntimeError", (RuntimeError,), {})
    cupy.__version__ = "stand-in"
    cupy.cuda = SimpleNamespace(
        runtime=SimpleNamespace(
            getDeviceCount=lambda: 1, memGetInfo=lambda: (FREE, 2 * FREE), CUDARuntimeError=error,
            getDeviceProperties=lambda device: {"name": b"a CPU as a GPU"}, driverGetVersion=lambda: 12080,
        ),
        memory=SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {})),
        Event=Event, get_elapsed_time=lambda begin, end: 1e3 * (end.at - begin.at),
    )
    cupy.get_default_memory_pool = lambda: pool
    return cupy


class Event:
    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        if not hasattr(self, "at"):
            raise RuntimeError("an event that was not recorded")


pool = SimpleNamespace(free_bytes=lambda: 0, total_bytes=lambda: 0, free_all_blocks=lambda: None)


@contextmanager
def installed(kernels=False):
    """``import cupy`` finds the stand-in, and cupyx the error function."""
    names = ("cupy", "cupyx.scipy.special")
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules["cupy"] = cupy = module(kernels)
    sys.modules["cupyx.scipy.special"] = SimpleNamespace(erf=lambda x: made(scipy.special.erf(taken(x))))
    try:
        yield cupy
    finally:
        for name in names:
            sys.modules.pop(name)
        sys.modules.update(before)
