"""Pickles of NumPy arrays, by Python 2 and 3, in any protocol: nothing in them is run (unpickle.py).

    _reconstruct(ndarray, (0,), b"b")   then  BUILD (version, shape, dtype, whether in Fortran's order, the bytes)
    _frombuffer(bytes, dtype, shape, order)     in protocol 5
    dtype("f4", 0, 1)                   then  BUILD (version, byte order, ...)

Python 2 pickled bytes as text, and Python 3 does for it; both hold a byte a character (latin-1). What is long stays in
the file until it is asked for.
"""

import math
import os
from typing import Any, NoReturn

import numpy as np

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers.limits import is_shape
from minivis.weights.containers.pickle_names import Blank, Name
from minivis.weights.containers.tensor import STORED_AS, Tensor
from minivis.weights.containers.unpickle import Span, build, make_dict

CANNOT_BE = "it describes an impossible array"
DEEPEST = 8                                     # of dicts and lists within each other
MOST_ARRAYS = 100_000


class DType(Blank):
    """The type of an array's elements, such as "f4", and the order of the bytes of a number."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or len(code) > 16:
            raise BadFile(CANNOT_BE)
        self.code, self.order = code, "="

    def fill(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise BadFile(CANNOT_BE)
        self.order = state[1]
        if any(part is not None for part in state[2:5]):
            self.code = "V"                             # of several fields

    def numpy(self) -> Any:
        """NumPy's dtype, for numbers; None for anything else (objects, texts, records)."""
        if self.code[:1] not in tuple("fiub") or not self.code[1:].isdigit():
            return None
        try:
            dtype = np.dtype(self.order.replace("|", "=") + self.code)
        except TypeError:
            raise BadFile(CANNOT_BE) from None
        return dtype if dtype.name in STORED_AS else None


class Array(Blank):
    """An array as the pickle describes it: not yet checked, and empty before its BUILD."""

    def __init__(self, shape: Any = (0,), dtype: Any = None, data: Any = b"", fortran: Any = False,
                 axes: Any = None) -> None:
        self.shape, self.dtype, self.data, self.fortran, self.axes = shape, dtype, data, fortran, axes
        self.check()

    def check(self) -> None:
        whole = isinstance(self.shape, tuple) and is_shape(self.shape)
        if not whole or not isinstance(self.dtype, DType | None):
            raise BadFile(CANNOT_BE)

    def fill(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise BadFile(CANNOT_BE)
        _, self.shape, self.dtype, self.fortran, self.data = state
        self.check()

    @property
    def objects(self) -> Any:
        """The objects that it is an array of; None if it is one of numbers or texts."""
        return self.data if isinstance(self.data, list) else None

    @property
    def is_of_numbers(self) -> bool:
        return self.dtype is not None and self.dtype.numpy() is not None

    def tensor(self, raw: Any) -> Tensor | None:
        """A `Tensor` of the numbers; None if they are none."""
        dtype = self.dtype and self.dtype.numpy()
        if dtype is None:
            return None
        data = self.data.encode("latin-1") if isinstance(self.data, str) else self.data
        length = data.length if isinstance(data, Span) else len(data) if isinstance(data, bytes | bytearray) else -1
        if length != math.prod(self.shape) * dtype.itemsize:
            raise BadFile(f"an array in it should hold {self.shape} {dtype.name} and has {max(length, 0)} bytes")
        if isinstance(data, Span) and dtype == np.dtype(STORED_AS[dtype.name]) and not self.axes:
            strides = tuple(math.prod(self.shape[:i]) for i in range(len(self.shape))) if self.fortran else None
            return Tensor(self.shape, dtype.name, raw, data.start, strides)
        shape = tuple(self.shape[i] for i in self.axes) if self.axes else self.shape
        return Tensor(shape, dtype.name, array=lambda: self.numbers(data, dtype, raw))

    def numbers(self, data: Any, dtype: Any, raw: Any) -> Any:
        if isinstance(data, Span):
            raw.seek(data.start)
            data = raw.read(data.length)
            if len(data) < math.prod(self.shape) * dtype.itemsize:
                raise BadFile("ends before its numbers do: it is truncated; fetch or copy it again")
        array = np.frombuffer(data, dtype).reshape(self.shape, order="F" if self.fortran else "C")
        return array.transpose(self.axes) if self.axes else array


# ---- what calling the names of a pickle of arrays makes ----

def reconstruct(kind: Any, shape: Any, _: Any) -> Array:
    if not isinstance(kind, Name) or kind.name != "numpy.ndarray":
        raise BadFile("it holds a kind of array that minivis does not know")
    return Array(shape)


def from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Array:
    if axes is not None and (not isinstance(axes, tuple) or sorted(axes) != list(range(len(shape)))):
        raise BadFile(CANNOT_BE)
    return Array(shape, dtype, data, order == "F", axes)


def encode(text: str, coding: str = "latin1") -> bytes:
    if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
        raise BadFile("it encodes a text in a way that arrays do not need")
    return text.encode("latin-1")


def no_call(*_: Any) -> NoReturn:
    raise BadFile("it calls something that is not a function")


CALLS = {
    "collections.OrderedDict": make_dict,
    "_codecs.encode": encode,
    "__builtin__.bytes": lambda: b"",
    "builtins.bytes": lambda: b"",
    "numpy.ndarray": no_call,
    "numpy.dtype": DType,
}
for numpy_core in ("numpy.core", "numpy._core"):        # before NumPy 2, and since
    CALLS |= {
        f"{numpy_core}.multiarray._reconstruct": reconstruct,
        f"{numpy_core}.multiarray.scalar": lambda dtype, data=b"": Array((), dtype, data),
        f"{numpy_core}.numeric._frombuffer": from_buffer,
    }


# ---- what is in them ----

def is_pickle(start: bytes) -> bool:
    """Whether a file that starts so may be a pickle: of protocol 2 and later, or a dict or list of an earlier one."""
    return start.startswith(
        (b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5", b"(dp", b"(lp", b"}q", b"]q", b"ccollections\nOrderedDict\n",
         b"cnumpy.core.multiarray\n")
    )  # fmt: skip


def read(raw: Any, path: PathLike) -> Any:
    """The object of the pickle at the file's position: dicts, lists, numbers and texts as they are, each array of
    numbers a `Tensor`, an array of objects (numpy.save of a dict) the list of them or, where it is one, that."""
    try:
        return plain(build(raw, CALLS, os.fstat(raw.fileno()).st_size, spans=True), raw, Count())
    except BadFile as error:
        raise BadFile(f"{path} is not read: {error}") from None


class Count:
    """How many arrays and containers were met: the same list may stand in a list a thousand times."""

    def __init__(self) -> None:
        self.left = MOST_ARRAYS
        self.tensors: dict[int, Any] = {}       # by the identity of the `Array`

    def tensor(self, array: Any, raw: Any) -> Any:
        """One for each array, however often it is met."""
        if id(array) not in self.tensors:
            self.tensors[id(array)] = array.tensor(raw)
        return self.tensors[id(array)]

    def one(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise BadFile(f"it refers to more than {MOST_ARRAYS} things: a list of weights never does")


def plain(value: Any, raw: Any, count: Count, depth: int = DEEPEST) -> Any:
    """A value of `build` with `Tensor`s in place of arrays."""
    if isinstance(value, Array):
        count.one()
        if value.objects is None:
            return count.tensor(value, raw)
        value = value.objects[0] if value.shape == () and len(value.objects) == 1 else value.objects
    if not isinstance(value, dict | list | tuple) or isinstance(value, Name | Span):
        return None if isinstance(value, Blank | Name | Span) else value
    count.one()
    if not depth:
        raise BadFile(f"its arrays are more than {DEEPEST} lists or dicts deep")
    if isinstance(value, dict):
        return {key: plain(item, raw, count, depth - 1) for key, item in value.items()}
    return [plain(item, raw, count, depth - 1) for item in value]


def named(value: Any, name: str = "") -> Any:
    """Name -> `Tensor` of all in a value of `read`: {"conv1": [w, b]} makes conv1.0 and conv1.1."""
    if isinstance(value, Tensor):
        return {name: value}
    if not isinstance(value, dict | list):
        return {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for key, item in items:
        found |= named(item, f"{name}.{key}" if name else str(key))
    return found
