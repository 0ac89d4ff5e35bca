"""NumPy's .npz: a zip archive of arrays, each with its own short header. Nothing is read before it is recognised."""

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.types import PathLike
from minivis.weights.containers import zip as archive
from minivis.weights.containers.limits import check_bomb, is_shape
from minivis.weights.containers.tensor import STORED_AS, Tensor

DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError)
START = b"\x93NUMPY"
HEADER_LIMIT = 2**14                            # bytes; NumPy writes 118
DESCR = re.compile(r"""['"]descr['"]: *['"]([<>|=]?[A-Za-z]\d{0,4})['"]""")
FORTRAN = re.compile(r"""['"]fortran_order['"]: *(True|False)""")
SHAPE = re.compile(r"""['"]shape['"]: *\(([\d ,L]*)\)""")               # L: a long of Python 2


def is_npz(names: Iterable[str]) -> bool:
    return bool(names) and all(name.endswith(".npy") for name in names)


def read(raw: Any, path: PathLike) -> Any:
    """Name -> `Tensor` of an open file."""
    found, members = {}, archive.members(raw, path)
    check_bomb("all of it", os.fstat(raw.fileno()).st_size, sum(info.file_size for info in members.values()), path)
    for name, info in members.items():
        check_bomb(name, info.compress_size, info.file_size, path)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise BadFile(f"{path}: {name} is compressed by a method that NumPy does not use")
        shape, fortran, dtype, header = read_header(raw, info, path)
        if dtype.kind == "f" and dtype.name in STORED_AS:
            if header + math.prod(shape) * dtype.itemsize != info.file_size:
                raise BadFile(f"{path}: {name} should hold {shape} and has {info.file_size - header} bytes of them")
            unpack = partial(read_member, raw, info, shape, fortran, dtype, header)
            found[name[: -len(".npy")]] = Tensor(shape, dtype.name, array=unpack)
        elif dtype.name in STORED_AS:
            found[name[: -len(".npy")]] = Tensor(shape, dtype.name)
    return found


def read_header(raw: Any, info: Any, path: PathLike) -> Any:
    """(shape, whether in Fortran's order, dtype, bytes of the header) of one member."""
    try:
        with zipfile.ZipFile(raw) as file, file.open(info) as member:
            header = header_of(member)
    except (*DAMAGED, TypeError, KeyError, RuntimeError):
        raise BadFile(f"{path}: {info.filename} in it is damaged; fetch or copy it again") from None
    if header[2].hasobject:
        raise BadFile(f"{path}: {info.filename} holds Python objects, not numbers; none of it was loaded")
    if not is_shape(header[0]):
        raise BadFile(f"{path}: {info.filename} has an impossible shape; fetch or copy it again")
    return header


def header_of(member: Any) -> tuple[tuple[Any, ...], bool, Any, Any]:
    """(shape, whether in Fortran's order, dtype, its own length) of an array at its start. Raise one of many errors.

    NumPy's own reader evaluates the header as Python, and warns on stderr where it has to guess; here it is matched.
    """
    start = member.read(8)
    width = {START + b"\1": 2, START + b"\2": 4, START + b"\3": 4}[start[:7]]
    length = int.from_bytes(member.read(width), "little")
    if length > HEADER_LIMIT:
        raise ValueError(f"a header of {length} bytes")
    text = member.read(length).decode("utf-8")
    found = [match[1] for pattern in (DESCR, FORTRAN, SHAPE) if (match := pattern.search(text))]
    if len(found) < 3:
        raise ValueError("a header without dtype, order or shape")
    descr, fortran, sizes = found
    return tuple(int(n) for n in re.findall(r"\d+", sizes)), fortran == "True", np.dtype(descr), member.tell()


def read_one(raw: Any, path: PathLike) -> tuple[Any, Any]:
    """What a .npy file holds: (shape, None) for numbers, (shape, where the pickle begins) for objects."""
    raw.seek(0)
    try:
        shape, _, dtype, place = header_of(raw)
    except (*DAMAGED, TypeError, KeyError):
        raise BadFile(f"{path} is a damaged .npy; fetch or copy it again") from None
    return shape, place if dtype.hasobject else None


def read_member(raw: Any, info: Any, shape: Any, fortran: Any, dtype: Any, header: Any) -> Any:
    """The array of one member, unpacked straight into its memory."""
    numbers = np.empty(int(np.prod(shape)), dtype)
    try:
        with zipfile.ZipFile(raw) as file, file.open(info) as member:
            member.read(header)
            view = numbers.data.cast("B") if numbers.size else memoryview(b"")
            while view:
                got = member.readinto(view)             # type: ignore[attr-defined]      # it is a ZipExtFile
                if not got:
                    raise BadFile("ends before its numbers do: it is truncated; fetch or copy it again")
                view = view[got:]
    except DAMAGED as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"cannot be unpacked ({error}); fetch or copy it again") from None
    return numbers.reshape(shape, order="F" if fortran else "C")
