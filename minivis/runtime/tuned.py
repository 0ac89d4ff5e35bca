"""Tuning numbers measured on this machine: `minivis bench tune` writes them to a file, and later processes read it.

{"machine": {"processor", "kernels", "cores"}, "numbers": {"band_bytes": 4194304, ...}, "ratio", "date", "minivis"}

The file says which algorithm and which block sizes are used, nothing else. It lies in the user's cache folder, or where
MINIVIS_TUNING says; MINIVIS_TUNING=off ignores it. Numbers that were measured on another machine, or that make no
sense, are ignored too: a file can make minivis slower but not wrong.
"""

import json
import os
import platform
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from minivis.errors import BadValue, MinivisError
from minivis.runtime.affinity import cores
from minivis.runtime.files import atomic_write, check_output, read_bytes
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD

VARIABLE = "MINIVIS_TUNING"
WITHIN = 256                            # a number may be at most this many times its default, or as many times smaller
T = TypeVar("T")


def file() -> Path | None:
    """The path of the file; None if numbers of the machine's own are switched off."""
    named = os.environ.get(VARIABLE, "")
    if named.lower() in ("off", "0"):
        return None
    if named:
        return Path(os.path.expanduser(named))
    from platformdirs import user_cache_path

    return user_cache_path("minivis") / "tuning.json"


def this_machine() -> dict[str, Any]:
    """What decides which numbers are fast."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError), open("/proc/cpuinfo") as lines:
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        stripped = {key.strip(): value.strip() for key, value in facts.items()}
        named = " ".join(stripped.get(key, "") for key in ("model name", "cpu family", "model")).strip()
        processor = named or processor          # on ARM these lines are missing
    kernels = sorted({str(getattr(lib, "architecture", lib.internal_api)) for lib in ONE_BLAS_THREAD.libraries})
    return {"processor": processor, "kernels": kernels, "cores": cores()}


def load() -> dict[str, Any]:
    """The file's content; empty if there is no file, or one of another machine, or a damaged one."""
    path = file()
    if path is None or not path.is_file():
        return {}
    try:
        found = json.loads(read_bytes(path, 10**5))
    except (OSError, ValueError, RecursionError, MinivisError):
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("numbers"), dict):
        return {}
    return found if found.get("machine") == this_machine() else {}


def applied(table: T) -> T:
    """``table``, a dataclass of tuning numbers, with those of the file for this machine."""
    found = load().get("numbers", {})
    own = {field.name: found[field.name] for field in fields(table) if field.name in found}  # type: ignore[arg-type]
    return replace(table, **{name: n for name, n in own.items() if sensible(n, getattr(table, name))})  # type: ignore


def sensible(value: Any, default: float) -> bool:
    """Whether ``value`` is a number of the default's type, and not absurdly far from it."""
    return type(value) is type(default) and default / WITHIN <= value <= default * WITHIN


def place() -> Path:
    """Where numbers will be written, in a folder that exists. Raise BadValue where that cannot be."""
    path = file()
    if path is None:
        raise BadValue(f"{VARIABLE}=off switches this machine's own numbers off: unset it to measure them")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadValue(f"{path} cannot be written ({error.strerror}); let {VARIABLE} name another file") from None
    check_output(path, force=True)
    return path


def save(numbers: dict[str, float], **measured: Any) -> Path:
    """Write ``numbers`` for this machine. Return the path."""
    path = place()
    content = {"machine": this_machine(), "numbers": numbers, **measured}
    with atomic_write(path, force=True) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    return path
