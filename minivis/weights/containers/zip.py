"""Zip archives that a stranger wrote (torch, npz): what is in them and where, with nothing unpacked."""

import os
import struct
import zipfile
from typing import Any

from minivis.errors import BadFile
from minivis.types import PathLike

DIRECTORY_LIMIT = 2**22                         # bytes of a zip's list of contents; ResNet-50's takes 30 kB


def members(raw: Any, path: PathLike) -> dict[Any, Any]:
    """Name -> ZipInfo of an open zip archive."""
    size = os.fstat(raw.fileno()).st_size
    if directory_bytes(raw, size) > min(DIRECTORY_LIMIT, size):
        raise BadFile(f"{path}: the archive's list of contents is damaged, or too long for weights")
    try:
        raw.seek(0)
        return {info.filename: info for info in zipfile.ZipFile(raw).infolist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error, IndexError) as error:
        raise BadFile(f"{path} is a damaged or half-written archive ({error}); fetch or copy it again") from None


def directory_bytes(raw: Any, size: Any) -> Any:
    """How long the archive's list of contents says it is, from the record at its end; 0 where there is none."""
    start = max(0, size - 2**16 - 42)
    raw.seek(start)
    tail = raw.read(size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    (length,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail.rfind(b"PK\x06\x07", 0, at)
    if locator >= 0 and len(tail) >= locator + 20:      # zip64: the record that it points to has the true length
        (record,) = struct.unpack_from("<Q", tail, locator + 8)
        if record < size:
            raw.seek(record)
            there = raw.read(56)
            if len(there) == 56 and there[:4] == b"PK\x06\x06":
                length = max(struct.unpack_from("<Q", there, 40)[0], length if length != 0xFFFFFFFF else 0)
    return length


def stored_at(raw: Any, info: Any, path: PathLike) -> Any:
    """Where in the file the bytes of a member begin. Raise BadFile for one that is packed or not all there."""
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
        raise BadFile(f"{path}: {info.filename} is compressed or encrypted in the archive; unzip it and store it plain")
    raw.seek(info.header_offset)
    local = raw.read(30)                                # its name and extra field stand between this and the bytes
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise BadFile(f"{path}: the archive is damaged at {info.filename}; fetch or copy it again")
    start = info.header_offset + 30 + sum(struct.unpack("<HH", local[26:]))
    if start + info.file_size > os.fstat(raw.fileno()).st_size:
        raise BadFile(f"{path} ends before {info.filename} does: it is truncated; fetch or copy it again")
    return start
