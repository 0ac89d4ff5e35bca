"""A student's files: begin one, ask for a hint, look at the published solution."""

import os
from pathlib import Path

from minivis.errors import BadValue
from minivis.exercises import progress, read
from minivis.runtime.files import atomic_write
from minivis.types import PathLike


def start(name: str, folder: PathLike = ".", *, force: bool = False) -> Path:
    """Write the file with the gaps, FOLDER/NAME.py. Return its path. name: an exercise, or a teacher's file."""
    exercise = read.find(name)
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise BadValue(f"there is no folder {folder}; make it first")
    path = folder / f"{exercise.name}.py"
    with atomic_write(path, force) as temporary:
        temporary.write_text(exercise.student_file(), "utf-8")
    return path


def hint(file: PathLike, exercise: str | None = None) -> str:
    """The next hint for a student's file, or for an exercise: "1 of 3: ...". After the last, the first again."""
    found = read.find(exercise or (file if file in read.NAMES else read.belongs_to(file)))
    given = progress.of(found.name)["hints"]
    number = given % len(found.hints)
    progress.note(found.name, hints=given + 1)
    last = "; the last one, and then the first comes again" if number + 1 == len(found.hints) else ""
    return f"{number + 1} of {len(found.hints)}{last}: {found.hints[number]}"


def solution(name: str) -> str:
    """The text of the published solution."""
    return read.find(name).solution_file()
