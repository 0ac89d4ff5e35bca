"""The state of a run on disk, so that it can be continued: arrays, and JSON of the rest, in one .npz.

The file appears whole or not at all and carries a checksum of its contents: a run continues only from what a run has
left, so later code need not check shapes or settings again.
"""

import hashlib
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minivis.errors import BadFile, BadValue
from minivis.runtime.files import atomic_write
from minivis.types import PathLike

FORMAT = 2
# what reading a damaged .npz, or the JSON in it, raises
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, NotImplementedError,
           OverflowError, RecursionError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)


def write(path: PathLike, identity: Any, arrays: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
    """Write a checkpoint. ``arrays``: {name: array, or a dict of arrays}; ``plain``: values that JSON can hold."""
    flat = {}
    for name, value in arrays.items():
        flat.update({f"{name}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {name: value})
    about = json.dumps({"format": FORMAT, "identity": identity, **plain})
    flat = {name: np.asarray(value) for name, value in flat.items()}
    sha256 = np.array(checksum(about, flat))
    with atomic_write(path, force=True) as temporary, open(temporary, "wb") as file:
        np.savez(file, about=np.array(about), sha256=sha256, **flat)


def read(path: PathLike | None, identity: Any, names: Iterable[str] = ("z", "best", "best_losses")) -> dict[str, Any]:
    """Read what ``write`` wrote, as one dict: the arrays ``names``, and the plain values.

    Raise BadFile if it is not a checkpoint, or belongs to another run.
    """
    if path is None or not os.path.isfile(path):
        raise BadFile(f"there is no checkpoint {path}: nothing to resume; leave out --resume for a new run")
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            text, sha256 = (str(file[key]) for key in ("about", "sha256"))
            flat = {key: file[key] for key in file.files if key not in ("about", "sha256")}
        about = json.loads(text)
        if about.pop("format") != FORMAT or checksum(text, flat) != sha256:
            raise ValueError
        theirs = about.pop("identity")
        found = {"memory": {key[7:]: value for key, value in flat.items() if key.startswith("memory.")},
                 **{key: flat[key] for key in names if theirs == identity}}
    except DAMAGED:
        raise BadFile(f"{path} is not a minivis checkpoint, or is damaged: --force starts over") from None
    if theirs != identity:
        raise BadFile(f"{path} is the checkpoint of another run: net, pictures, objective, method and seed must be the "
                      "same to continue it; only the number of steps may grow")
    return {**about, **found}


def checksum(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the text and of each array's name, type, shape and numbers."""
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def check_unfinished(path: PathLike, force: bool) -> None:
    """Raise BadValue if an earlier run left a checkpoint and neither --resume nor --force is given."""
    if os.path.lexists(path) and not force:
        raise BadValue(f"{path} holds an unfinished run: --resume continues it, --force starts over")
