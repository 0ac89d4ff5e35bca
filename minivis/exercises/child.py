"""The process in which a student's file runs: python -m minivis.exercises.child TASK (see sandbox.py, which starts it).

It leaves result.json and arrays.npz in the folder that TASK names. A second thread watches time and memory; it ends
the process and says which line of the student's file was running.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minivis.exercises.calls import Problem, explained, printable, run_cases
from minivis.exercises.read import find
from minivis.runtime.files import read_bytes

if TYPE_CHECKING:
    from minivis.exercises.exercise import Exercise, Functions
    from minivis.exercises.scene import Scene

LINES, WIDTH = 20, 200                          # of what is printed: more is counted, and not kept
MOST = 10**6                                    # bytes of a student's file


class Printed:
    """Stands for stdout and stderr: keeps the first lines, and counts the others."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.more, self.open = 0, ""

    def write(self, text: str) -> int:
        *whole, rest = (self.open + str(text)).split("\n")
        for line in whole:
            if len(self.lines) < LINES:
                self.lines.append(printable(line[:WIDTH]))
            else:
                self.more += 1
        self.open = rest[:WIDTH]
        return len(str(text))

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def all(self) -> tuple[list[str], int]:
        """What was printed: (lines, count of further lines)."""
        if self.open:
            self.write("\n")
        return self.lines, self.more


class Task:
    """One run: what is asked, and how its result is left."""

    exercise: str                               # its name
    file: str                                   # the student's
    seed: int
    seconds: float                              # it may take
    megabytes: float                            # it may have
    picture: bool                               # whether it is drawn

    def __init__(self, settings: dict[str, Any]) -> None:
        self.__dict__.update(settings)
        self.folder = Path(settings["folder"])
        self.printed = Printed()
        self.done = threading.Lock()            # whoever has it leaves the result: this thread, or the one that watches

    def leave(self, arrays: dict[str, Any] | None = None, **result: Any) -> NoReturn:
        """Write the result and end the process, whatever threads and exit handlers the file has left behind."""
        self.done.acquire()
        lines, more = self.printed.all()
        if arrays is not None:
            np.savez(self.folder / "arrays.npz", **arrays)
        found = {"problem": None, "picture": None, "outcomes": [], "printed": lines, "more": more, **result}
        (self.folder / "result.part").write_text(json.dumps(found), "utf-8")
        os.replace(self.folder / "result.part", self.folder / "result.json")
        os._exit(0)

    def fail(self, problem: Problem) -> NoReturn:
        self.leave(problem=[problem.kind, problem.says, problem.line])

    def watch(self, main: int) -> None:
        """Until the process ends: is it within its time, and its memory?"""
        end = time.monotonic() + self.seconds
        while True:
            time.sleep(0.1)
            if time.monotonic() > end:
                self.stop(main, "time", f"does not come to an end within {self.seconds} seconds: is this a loop "
                                        "without an end?")
            if memory() > self.megabytes * 1e6:
                self.stop(main, "memory", "needs more memory than an exercise may have")

    def stop(self, main: int, kind: str, says: str) -> None:
        frame, line = sys._current_frames().get(main), None
        while frame is not None and line is None:
            line = frame.f_lineno if frame.f_code.co_filename == self.file else None
            frame = frame.f_back
        self.fail(Problem(kind, f"{f'line {line}' if line else 'the file'} {says}", line))


def memory() -> float:
    """The most memory that this process has had, in bytes; 0 except on macOS, where `limit_memory` has no effect.

    (Linux counts that of the process which started this one, too.)
    """
    if sys.platform != "darwin":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def limit_memory(megabytes: float) -> None:
    """Refuse what goes beyond ``megabytes`` more than there is now: Python then raises MemoryError in that line."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (now + int(megabytes * 1e6), hard))


def load(file: str) -> dict[str, Any]:
    """The names that a student's file defines. Raise what it raises."""
    module = ModuleType(f"exercise_file_{Path(file).stem}")             # never the name of another module: random.py
    module.__file__ = file
    sys.modules[module.__name__] = module       # dataclasses look there
    sys.path.append(str(Path(file).parent))     # behind all others: a student's random.py must not be NumPy's
    exec(compile(read_bytes(file, MOST), file, "exec"), module.__dict__)
    return vars(module)


def main(words: Sequence[str]) -> None:
    task = Task(json.loads(words[0]))
    exercise = find(task.exercise)
    cases = exercise.cases_for(task.seed)
    scene = None
    if task.picture:
        from minivis.exercises.scene import Scene

        scene = Scene()
    limit_memory(task.megabytes)
    sys.stdout = sys.stderr = task.printed
    threading.Thread(target=task.watch, args=(threading.get_ident(),), daemon=True).start()
    try:
        functions = load(task.file)
    except BaseException as error:
        task.fail(explained(error, task.file))
    if scene is not None:
        draw(task, exercise, functions, scene)
    outcomes = run_cases(exercise, functions, cases, task.file, lambda n: (task.folder / "begun").write_text(str(n)))
    arrays = {f"{n}_{k}": a for n, one in enumerate(outcomes) for k, a in enumerate(one.values or ())}
    task.leave(arrays, outcomes=[
        {"problem": one.problem and [one.problem.kind, one.problem.says, one.problem.line],
         "changed": list(one.changed), "count": len(one.values or ())} for one in outcomes])


def draw(task: Task, exercise: Exercise, functions: Functions, scene: Scene) -> NoReturn:
    """Make the exercise's picture with a student's functions."""
    try:
        with np.errstate(all="ignore"):
            drawn = exercise.picture(functions, scene)
            arrays = {f"p{n}": np.asarray(a) for n, a in enumerate(drawn.values())}
    except BaseException as error:
        task.fail(explained(error, task.file))
    task.leave(arrays, picture=list(drawn))


if __name__ == "__main__":
    main(sys.argv[1:])
