"""The record inside a picture of how it was made: just enough to make it again, bit for bit.

    {"command": ["saliency", "photo.jpg", "--unit", "goose"], "net": {"name", "sha256"}, "image": {"name", "sha256"},
     "seed": 0, "threads": 2, "versions": {"minivis", "numpy", "pillow", "python", "scipy"}}

It holds no times, so the same command makes the same file. ``image`` is null for the bundled picture or if there is
none, and ``net`` for a command that needs no net. Further files and folders are in ``inputs``, by the name of their
parameter, as {"name", "sha256"}; a folder's hash covers the names and hashes of its pictures. Pictures that options
name are in "further", each as {"option", "name", "sha256"}. "whole" is false if the picture cannot be made again,
because Ctrl-C ended one run of several or L-BFGS continued from a checkpoint. "arrays" is true in a file of numbers.
"nets" has each of several nets that are shown side by side, of which "net" is the first.
"""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from minivis.errors import BadFile
from minivis.runtime import tuned
from minivis.runtime.files import file_hash
from minivis.runtime.threads import MOST_THREADS
from minivis.version import __version__

KEY = "minivis"                                 # of the text chunk
LIVE_KEY = "minivis-live"                       # of the chunk in a picture that was saved from the live page


def versions() -> Any:
    """What can change the bits: the versions of all libraries that compute and encode, numbers tuned for this machine,
    and with CuPy the use of TF32."""
    import numpy
    import PIL
    import scipy

    found = {"minivis": __version__, "numpy": numpy.__version__, "pillow": PIL.__version__,
             "python": platform.python_version(), "scipy": scipy.__version__}
    if own := tuned.load().get("numbers"):
        found["tuning"] = ", ".join(f"{name}={value}" for name, value in sorted(own.items()))
    if "cupy" in sys.modules:
        found |= {"cupy": sys.modules["cupy"].__version__, "tf32": os.environ.get("CUPY_TF32", "0")}
    return found


def as_text(record: Any) -> dict[Any, Any]:
    """The record as ``text`` for `write_image`."""
    return {KEY: json.dumps(record, sort_keys=True)}


def read_record(path: Any) -> Any:
    """The record in a picture. Raise BadFile if there is none, or if it makes no sense."""
    from minivis.images.array_files import holds_arrays, read_kept_text
    from minivis.images.files import read_text

    if str(path).lower().endswith(".npy"):
        raise BadFile(f"{path} is only an array, with no record of how it was made: a .npz or .tiff has one")
    kept = read_kept_text(path) if holds_arrays(path) else {}
    texts = kept if KEY in kept else read_text(path)
    text = texts.get(KEY)
    if text is None and LIVE_KEY in texts:
        raise BadFile(f"{path} was saved from the live page: its record has no command, but a link that shows the same "
                      "again while `minivis live` runs")
    if text is None:
        raise BadFile(f"{path} has no record of how it was made: either minivis did not make it, or it was edited "
                      "since")
    try:
        record = json.loads(text)
        record.setdefault("inputs", {})
        _check_record(record)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadFile(f"{path} has a damaged record of how it was made") from None
    return record


def _check_record(record: Any) -> None:
    """Raise one of the errors above unless the record has every field that `minivis rerun` reads, with the right
    type."""
    command, threads = record["command"], record["threads"]
    named = [file for file in (record["net"], record["image"]) if file is not None]
    files = [*named, *record["inputs"].values(), *record.get("further", ()), *record.get("nets", ())]
    if not (
        isinstance(command, list) and command and all(isinstance(word, str) for word in command)
        and type(threads) is int and 1 <= threads <= MOST_THREADS
        and all(isinstance(file["name"], str) and isinstance(file["sha256"], str) for file in files)
        and all(isinstance(version, str) for version in record["versions"].values())
    ):  # fmt: skip
        raise ValueError


def input_hash(path: Any) -> Any:
    """The SHA-256 of a file, or the `folder_hash` of a folder of pictures."""
    if not os.path.isdir(path):
        return file_hash(path)
    from minivis.images.collection import folder_hash

    return folder_hash(path)


def unchanged(kind: Any, path: Any, expected: Any, picture: Any) -> Any:
    """Raise BadFile unless the file or folder at ``path`` is the one that ``picture`` was made from."""
    if not (os.path.isfile(path) or os.path.isdir(path)):
        raise BadFile(f"{picture} was made from the {kind} {path}, which is missing")
    found = input_hash(path)
    if found != expected:
        raise BadFile(f"the {kind} {path} has changed since {picture} was made: its SHA-256 was {expected[:12]}..., "
                      f"and is {found[:12]}...")
    return path


def beside(name: str, picture: Any) -> Any:
    """The path ``name`` as it was given then, or beside the picture if there is no such file."""
    there = Path(picture).parent / name
    return str(there) if not os.path.exists(name) and there.exists() else name
