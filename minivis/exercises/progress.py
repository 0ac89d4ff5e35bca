"""What somebody has done so far: one small JSON file in the user's data folder, or where MINIVIS_PROGRESS says.

{"relu": {"tries": 3, "hints": 1, "solved": "2026-01-31"}, ...}. A file that cannot be read is left as it is and not
used: an exercise can be checked without it.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from minivis.errors import MinivisError
from minivis.runtime.files import atomic_write, read_bytes

VARIABLE = "MINIVIS_PROGRESS"
FRESH = {"tries": 0, "hints": 0, "solved": None}


def file() -> Path:
    """Where the progress is kept."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named))
    from platformdirs import user_data_path

    return user_data_path("minivis") / "exercises.json"


def load() -> dict[str, Any]:
    """{exercise: {"tries", "hints", "solved"}} of those that were begun."""
    try:
        found = json.loads(read_bytes(os.fspath(file()), 10**6))
    except (OSError, ValueError, MinivisError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: tidy(one) for name, one in found.items() if isinstance(one, dict)}


def tidy(one: dict[str, Any]) -> dict[str, Any]:
    """One entry, with what is missing or of another type as in a fresh one."""
    counts = {key: one[key] if type(one.get(key)) is int else 0 for key in ("tries", "hints")}
    return {**counts, "solved": one["solved"] if isinstance(one.get("solved"), str) else None}


def of(name: str) -> dict[str, Any]:
    return load().get(name, dict(FRESH))


def note(
    name: str, *, tried: bool = False, solved: bool = False, hints: int | None = None,
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Add to what is known of one exercise. Return (its entry, whether it could be kept)."""
    everything = load()
    one = everything.setdefault(name, dict(FRESH))
    one["tries"] += tried
    one["hints"] = one["hints"] if hints is None else hints
    one["solved"] = one["solved"] or (date.today().isoformat() if solved else None)
    return one, keep(everything)


def keep(everything: dict[str, Any]) -> bool:
    """Write the file; False where that is not possible, or where what stands there is not ours to replace."""
    path = file()
    try:
        if path.exists() and not is_ours(path):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, force=True) as temporary:
            temporary.write_text(json.dumps(everything, indent=1) + "\n", "utf-8")
    except (OSError, ValueError, MinivisError):
        return False
    return True


def is_ours(path: Path) -> bool:
    """Whether a file holds a JSON object, and may be replaced by a newer one."""
    try:
        return isinstance(json.loads(read_bytes(os.fspath(path), 10**6)), dict)
    except (OSError, ValueError, MinivisError):
        return False
