"""Codes in other files than HDF5, for other programs: what is written here can be read here, and so can others' files.

    .csv        picture, sha256, and a column for each number of the code; as short as floats can be
    .npz        codes (N, D), paths, sha256, and net, fingerprint, layer, size
    .parquet    picture, sha256, code (a list of D numbers); net, ... as metadata. It needs pyarrow
    .npy        (N, D): only read, without names

A user's own CSV may leave out the header, or have names in its first column, or numbers alone. It does not say of
which net the codes are.
"""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from minivis.errors import BadFile, MissingExtra
from minivis.images.many_channels import array_of
from minivis.runtime.files import atomic_write, read_bytes
from minivis.sweeps.codes_log import Source
from minivis.types import Array, PathLike

Part: TypeAlias = tuple[list[str], list[str], Array]        # paths as they are kept, hashes in hex, codes (n, D)
# codes (N, D), names or None, hashes or None, what the file says of its net
Read: TypeAlias = tuple[Array, list[str] | None, list[str] | None, dict[str, Any]]
MOST = 2**34                                    # bytes of a file that is read as a whole
NAMES = ("picture", "path", "name", "file", "filename", "image", "id", "index", "paths", "names")
ABOUT = ("net", "fingerprint", "layer", "size")
NO_PYARROW = "codes in .parquet need pyarrow, which is not installed: pip install pyarrow, or write a .csv or .npz"


# ---- writing: (path, source, parts), and parts yields (paths, hashes, codes (n, D)) ----

def write_csv(path: PathLike, source: Source, parts: Iterable[Part]) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["picture", "sha256", *range(source.width)])
        for paths, hashes, codes in parts:
            for name, digest, code in zip(paths, hashes, codes.astype(str)):        # the shortest that reads the same
                lines.writerow([name, digest, *code])


def write_npz(path: PathLike, source: Source, parts: Iterable[Part]) -> None:
    paths, hashes, codes = gathered(source, parts)
    with open(path, "wb") as file:
        np.savez(file, codes=codes, paths=np.array(paths), sha256=np.array(hashes), **about(source))


def write_parquet(path: PathLike, source: Source, parts: Iterable[Part]) -> None:
    pa, parquet = pyarrow()
    kept = {b"minivis": json.dumps(about(source)).encode()}
    number = pa.from_numpy_dtype(np.dtype(source.dtype))
    schema = pa.schema([("picture", pa.string()), ("sha256", pa.string()), ("code", pa.list_(number, source.width))],
                       kept)
    with parquet.ParquetWriter(path, schema) as writer:
        for paths, hashes, codes in parts:
            names = [name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in paths]
            code = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(codes).ravel()), source.width)
            writer.write_table(pa.table([pa.array(names, pa.string()), pa.array(hashes, pa.string()), code],
                                        schema=schema))


WRITERS = {".csv": write_csv, ".npz": write_npz, ".parquet": write_parquet}


def write_other(path: PathLike, suffix: str, source: Source, parts: Iterable[Part], force: bool) -> None:
    """Write codes in the format of this suffix of WRITERS; the file appears whole or not at all."""
    with atomic_write(path, force) as temporary:
        WRITERS[suffix](temporary, source, parts)


def about(source: Source) -> dict[str, Any]:
    return {"net": source.net, "fingerprint": source.fingerprint, "layer": source.layer, "size": source.size or 0}


def gathered(source: Source, parts: Iterable[Part]) -> Part:
    """(paths, hashes, codes (N, D)) of all parts."""
    every = list(parts)
    codes = np.concatenate([codes for *_, codes in every] or [np.zeros((0, source.width), source.dtype)])
    return [name for paths, _, _ in every for name in paths], [one for _, hashes, _ in every for one in hashes], codes


def pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(NO_PYARROW) from None
    return pyarrow, pyarrow.parquet


# ---- reading: (path) -> (codes (N, D), names or None, hashes or None, what the file says of its net) ----

def read_other(path: PathLike) -> Read | None:
    """What the file at ``path`` holds, by its first bytes; None for what is none of these formats."""
    try:
        data = read_bytes(path, MOST)
    except OSError:
        return None                             # whoever reads it next has the sentence
    kind = next((read for start, read in READERS.items() if data.startswith(start)), None)
    if kind is None and not str(path).lower().endswith((".csv", ".tsv")):
        return None
    codes, names, hashes, said = (kind or read_csv)(data, str(path))
    if codes.dtype.kind not in "fiu" or codes.ndim != 2 or not codes.size:
        raise BadFile(f"{path} holds {codes.dtype} {codes.shape}; codes are an array (N, D) of numbers, a row for each "
                      "picture")
    codes = codes if codes.dtype.kind == "f" else codes.astype(np.float32)
    if not np.isfinite(codes).all():
        raise BadFile(f"{path} holds codes that are infinite or NaN; replace them first")
    if names is not None and len(names) != len(codes):
        raise BadFile(f"{path} holds {len(codes)} codes and {len(names)} names; a name belongs to each code")
    return codes, names, hashes, said


def read_npy(data: bytes, path: str) -> Read:
    return array_of(data, path, MOST), None, None, {}


def read_npz(data: bytes, path: str) -> Read:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except Exception as error:                  # zipfile and NumPy raise many kinds for a damaged file
        raise BadFile(f"{path} is a damaged .npz file ({str(error)[:80]})") from None
    tables = [name for name, array in found.items() if array.ndim == 2 and array.dtype.kind in "fiu"]
    name = "codes" if "codes" in found else tables[0] if len(tables) == 1 else None
    if name is None:
        raise BadFile(f"{path} holds {', '.join(found) or 'nothing'}, and none of it is called codes")
    names = next(([str(one) for one in found[key]] for key in NAMES if key in found and found[key].ndim == 1), None)
    hashes = [str(one) for one in found["sha256"]] if "sha256" in found else None
    return found[name], names, hashes, {key: found[key].item() for key in ABOUT if key in found and not found[key].ndim}


def read_parquet(data: bytes, path: str) -> Read:
    pa, parquet = pyarrow()
    try:
        table = parquet.read_table(pa.BufferReader(data))
        said = json.loads((table.schema.metadata or {}).get(b"minivis", b"{}"))
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        texts = {name: column.to_pylist() for name, column in columns.items() if pa.types.is_string(column.type)}
        if "code" in columns:
            codes = np.array(columns["code"].to_pylist(), columns["code"].type.value_type.to_pandas_dtype())
        else:
            codes = np.column_stack([column.to_numpy(zero_copy_only=False) for name, column in columns.items()
                                     if name not in texts])
    except (pa.ArrowException, ValueError, AttributeError) as error:
        raise BadFile(f"{path} is a damaged Parquet file, or holds no codes ({str(error)[:80]})") from None
    return codes, next((texts[key] for key in NAMES if key in texts), None), texts.get("sha256"), said


def read_csv(data: bytes, path: str) -> Read:
    lines = [line for line in csv.reader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""),
                                         delimiter="\t" if path.lower().endswith(".tsv") else ",") if line]
    top = [word.strip().lower() for word in lines[0]] if lines else []
    head = top if top and (top[0] in ("", *NAMES) or not any(map(is_number, top))) else []
    rows = lines[1:] if head else lines
    if not rows:
        raise BadFile(f"{path} holds no codes: a row for each picture is expected")
    named = (head[:1] and head[0] in ("", *NAMES)) or not is_number(rows[0][0])
    hashed = named and head[1:2] == ["sha256"]
    first = bool(named) + bool(hashed)
    codes = np.zeros((len(rows), len(rows[0]) - first), np.float32)
    for number, row in enumerate(rows):
        try:
            codes[number] = np.array(row[first:], np.float32)
        except ValueError:
            raise BadFile(f"{path}: row {number + 1 + bool(head)} is not {codes.shape[1]} numbers, as the first "
                          "is") from None
    return (codes, [row[0] for row in rows] if named else None, [row[1] for row in rows] if hashed else None, {})


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


READERS = {b"\x93NUMPY": read_npy, b"PK\3\4": read_npz, b"PAR1": read_parquet}


def source_of(codes: Array, said: dict[str, Any]) -> Source:
    """The `Source` of codes that were read; what the file does not say is empty."""
    text = {key: str(said.get(key) or "") for key in ("net", "fingerprint", "layer")}
    return Source(**text, size=int(said.get("size") or 0) or None, width=codes.shape[1], dtype=str(codes.dtype))
