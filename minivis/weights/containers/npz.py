"""NumPy's .npz: a zip archive of arrays, each with its own short header. Nothing is read before it is recognised."""

import zipfile
import zlib
from functools import partial

import numpy as np

from minivis.errors import BadFile
from minivis.weights.containers import zip as archive
from minivis.weights.containers.tensor import STORED_AS, Tensor

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError)


def is_npz(names):
    return bool(names) and all(name.endswith(".npy") for name in names)


def read(raw, path):
    """Name -> `Tensor` of an open file."""
    found = {}
    for name, info in archive.members(raw, path).items():
        archive.check_bomb(name, info.compress_size, info.file_size, path)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise BadFile(f"{path}: {name} is packed in a way that NumPy does not use")
        shape, fortran, dtype, header = read_header(raw, info, path)
        if dtype.name in ("float16", "float32", "float64"):
            if header + int(np.prod(shape, dtype=object)) * dtype.itemsize != info.file_size:
                raise BadFile(f"{path}: {name} should hold {shape} and has {info.file_size - header} bytes of them")
            unpack = partial(read_member, raw, info, shape, fortran, dtype, header)
            found[name[: -len(".npy")]] = Tensor(shape, dtype.name, array=unpack)
        elif dtype.name in STORED_AS:
            found[name[: -len(".npy")]] = Tensor(shape, dtype.name)
    return found


def read_header(raw, info, path):
    """(shape, whether in Fortran's order, dtype, bytes of the header) of one member."""
    formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with zipfile.ZipFile(raw) as file, file.open(info) as member:
            version = np.lib.format.read_magic(member)
            if version not in formats:
                raise ValueError(f"version {version}")
            shape, fortran, dtype = formats[version](member)
            header = member.tell()
    except (*DAMAGED, TypeError, SyntaxError, KeyError, MemoryError, RecursionError, NotImplementedError):
        raise BadFile(f"{path}: {info.filename} in it is damaged; fetch or copy it again") from None
    if dtype.hasobject or any(n < 0 for n in shape):
        raise BadFile(f"{path}: {info.filename} holds Python objects, not numbers; none of it was loaded")
    return shape, fortran, dtype, header


def read_member(raw, info, shape, fortran, dtype, header):
    """The array of one member, unpacked straight into its memory."""
    numbers = np.empty(int(np.prod(shape)), dtype)
    try:
        with zipfile.ZipFile(raw) as file, file.open(info) as member:
            member.read(header)
            view = memoryview(numbers).cast("B") if numbers.size else memoryview(b"")
            while view:
                got = member.readinto(view)
                if not got:
                    raise BadFile("ends before its numbers do: it is truncated; fetch or copy it again")
                view = view[got:]
    except DAMAGED as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"cannot be unpacked ({error}); fetch or copy it again") from None
    return numbers.reshape(shape, order="F" if fortran else "C")
