"""Run a student's file in a process of its own, with limits of time and memory, and read what came of it.

The file may loop for ever, allocate everything, print without end, exit or crash: each becomes one sentence. This
keeps mistakes from doing harm; it does not protect against malice, as the process has the user's rights.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.exercises.calls import Outcome, Problem
from minivis.types import PathLike

if TYPE_CHECKING:
    from minivis.exercises.exercise import Exercise

SECONDS = 20                                    # for all cases of a file; a right one takes less than one
PICTURE_SECONDS = 120
GRACE = 10                                      # seconds more, in which the process should end by itself
MEGABYTES = 2000
PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True, eq=False)
class Run:
    """What a process left. ``problem``: of the whole file, or None. ``printed``: the first lines that it printed."""

    outcomes: tuple = ()
    problem: Problem | None = None
    printed: tuple = ()
    more: int = 0                               # lines that it printed beyond those
    picture: Any = None                         # title -> array


def run_file(
    exercise: Exercise, source: str, file: str, *, seed: int = 0, picture: bool = False, seconds: float | None = None,
) -> Run:  # fmt: skip
    """Run a student's ``file`` on the cases of an exercise, whose own file or name is ``source``. Return a `Run`."""
    seconds = seconds or (PICTURE_SECONDS if picture else SECONDS)
    with tempfile.TemporaryDirectory(prefix="minivis-exercise-", ignore_cleanup_errors=True) as folder:
        task = {"exercise": str(source), "file": str(file), "seed": seed, "picture": picture, "seconds": seconds,
                "megabytes": MEGABYTES, "folder": folder}
        code = finish(start(task, folder), seconds + GRACE)
        return read(folder, code, exercise, seed, seconds)


def start(task: dict[str, Any], folder: str) -> subprocess.Popen[bytes]:
    """The process: its own session, so that what it starts ends with it; one thread; nothing to read, nowhere to print.
    """
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "MINIVIS_PLAIN": "1", "OPENBLAS_NUM_THREADS": "1",
                   "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "minivis.exercises.child", json.dumps(task)], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def finish(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait for a process, and end it and all that it has started. Return its exit code; None: it had to be stopped."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def read(folder: PathLike, code: int | None, exercise: Exercise, seed: int, seconds: float) -> Run:
    """The `Run` from the files that a process left in ``folder``."""
    folder = Path(folder)
    try:
        found = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Run(problem=stopped(code, begun(folder), exercise, seed, seconds))
    printed = {"printed": tuple(found["printed"]), "more": found["more"]}
    if found["problem"]:
        return Run(problem=Problem(*found["problem"]), **printed)
    with np.load(folder / "arrays.npz") as arrays:
        if found["picture"] is not None:
            return Run(picture={title: arrays[f"p{n}"] for n, title in enumerate(found["picture"])}, **printed)
        outcomes = tuple(
            Outcome(None, Problem(*one["problem"]), tuple(one["changed"])) if one["problem"] else
            Outcome(tuple(arrays[f"{n}_{k}"] for k in range(one["count"])), None, tuple(one["changed"]))
            for n, one in enumerate(found["outcomes"]))
    return Run(outcomes, **printed)


def begun(folder: Path) -> int | None:
    """The number of the case that ran last, or None."""
    with suppress(OSError, ValueError):
        return int((folder / "begun").read_text())
    return None


def stopped(code: int | None, number: int | None, exercise: Exercise, seed: int, seconds: float) -> Problem:
    """The problem of a process that left nothing."""
    cases = exercise.cases_for(seed)
    where = "the file" if number is None else cases[number].function
    if code is None:
        return Problem("time", f"{where} does not come back within {seconds} seconds: is there a loop without an end?")
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return Problem("exit", f"{where} ends the whole program ({how}) instead of returning")
