"""`minivis exercise list | start | check | hint | solution`: learn backpropagation by writing it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import FORCE, JSON, OUT, QUIET, say
from minivis.commands.groups import Commands
from minivis.commands.types import whole

if TYPE_CHECKING:
    from minivis.exercises.checking import Checked

exercise = Commands("exercise", help="Learn backpropagation by writing it: exercises that check themselves.")
OWN = click.Option(["--exercise", "own"], metavar="NAME|FILE", show_default="what FILE says",
                   help="Exercise that FILE belongs to: its name, or a teacher's own file.")


@exercise.command("list", params=[JSON])
def list_exercises(as_json: bool) -> None:
    """List the exercises in the lecture's order, and which of them are solved."""
    from minivis.exercises import progress, read

    done = progress.load()
    rows = [{"name": name, "title": one.title, "lecture": one.lecture, "picture": one.picture is not None,
             **done.get(name, progress.FRESH)} for name in read.NAMES for one in [read.get(name)]]
    width = max(len(row["name"]) for row in rows)
    lines = [f"{state(row):8}  {row['name']:{width}}  {row['title']}" for row in rows]
    solved = sum(bool(row["solved"]) for row in rows)
    end = f"{solved} of {len(rows)} solved. Begin one: minivis exercise start {next_one(rows)}"
    say("exercise list", "\n".join([*lines, "", end]), settings={}, numbers={"exercises": rows}, as_json=as_json)


def state(row: dict[str, Any]) -> str:
    return "solved" if row["solved"] else "begun" if row["tries"] or row["hints"] else ""


def next_one(rows: Sequence[dict[str, Any]]) -> str:
    """The first that is not solved."""
    return next((row["name"] for row in rows if not row["solved"]), rows[0]["name"])


@exercise.command("start", params=[
    click.Argument(["name"], metavar="NAME|FILE"), click.Argument(["folder"], metavar="[DIR]", default="."),
    FORCE, JSON, QUIET,
])  # fmt: skip
def start_exercise(name: str, folder: str, force: bool, as_json: bool, quiet: bool) -> None:
    """Write the file of an exercise, NAME.py, with gaps to fill in."""
    from minivis.exercises import student

    path = student.start(name, folder, force=force)
    text = None if quiet else f"Fill in the gaps of {path}, then: minivis exercise check {path}"
    say("exercise start", text, settings={"name": name}, numbers={}, files=[path], as_json=as_json, quiet=quiet)


@exercise.command("check", params=[
    click.Argument(["files"], metavar="FILE...", nargs=-1, required=True),
    OWN,
    click.Option(["--picture"], is_flag=True, help="Run the functions inside emoji-vgg, and make the lecture's "
                 "picture with them, beside that of the solution."),
    click.Option(["--csv", "as_csv"], is_flag=True, help="Print a table, a line for each file, as a teacher needs it; "
                 "no progress is noted."),
    click.Option(["--seconds"], type=whole(1, 3600), metavar="N", show_default="20",
                 help="Most time that a file may take."),
    click.Option(["--seed"], type=whole(0, 2**32 - 1), default=0, metavar="N", show_default=True,
                 help="Seed of the random cases."),
    OUT, FORCE, JSON,
])  # fmt: skip
def check_exercise(
    files: tuple[str, ...], own: str | None, picture: bool, as_csv: bool, seconds: float, seed: int, out: str | None,
    force: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run a student's functions and say what is right, and what a wrong answer looks like.

    The exit code is 1 if any is wrong.
    """
    from minivis.errors import BadValue
    from minivis.exercises import progress, read
    from minivis.exercises.checking import check_file

    if as_csv and (picture or as_json):
        raise BadValue("--csv prints a table and nothing else: leave out --picture and --json")
    if picture and len(files) > 1:
        raise BadValue(f"--picture makes the picture of one file, not of {len(files)}")
    if out and not picture:
        raise BadValue("-o names the file of --picture: give both, or neither")
    path = picture_path(files[0], own, out, force) if picture else ""
    checked = []
    for file in files:
        checked.append(check_or_say(file, own, seed, seconds) if as_csv else check_file(
            file, own, seed=seed, seconds=seconds))
        if not as_csv and own in (None, *read.NAMES):
            progress.note(checked[-1].exercise, tried=True, solved=checked[-1].solved)
    made = make_picture(files[0], own, seed, path, force) if picture else ([], "")
    solved = all(one.solved for one in checked)
    if as_csv:
        click.echo(table(checked), nl=False)
    else:
        further = [made[1], onward(checked[-1].exercise) if solved else ""]
        text = "\n\n".join([*map(str, checked), *filter(None, further)])
        say("exercise check", text, settings={"exercise": own, "seed": seed},
            numbers={"solved": solved, "files": [one.as_dict() for one in checked]}, files=made[0], as_json=as_json)
    return 0 if solved else 1


def onward(name: str) -> str:
    """Where to go on from a solved exercise: with the next that is not."""
    from minivis.exercises import progress, read

    done, names = progress.load(), read.NAMES
    after = names[names.index(name) + 1 :] + names if name in names else names
    left = [other for other in after if not done.get(other, progress.FRESH)["solved"]]
    return f"next: minivis exercise start {left[0]}" if left else "All exercises are solved."


def check_or_say(file: str, own: str | None, seed: int, seconds: float) -> Checked:
    """What became of one file of many: one that cannot be read, or belongs to no exercise, is a row too."""
    from minivis.errors import BadFile, BadValue
    from minivis.exercises import read
    from minivis.exercises.calls import Problem
    from minivis.exercises.checking import Checked, check_file

    name = read.find(own).name if own else ""
    try:
        return check_file(file, own, seed=seed, seconds=seconds)
    except (BadFile, BadValue) as error:
        return Checked(file, name, problem=Problem("file", str(error)))


def picture_path(file: str, own: str | None, out: str | None, force: bool) -> str:
    """Where the picture goes; refuse what cannot be written, or drawn, before the functions run."""
    from minivis.exercises import pictures, read
    from minivis.images.files import check_suffix
    from minivis.runtime.files import check_output

    pictures.check_has_picture(read.find(own or read.belongs_to(file)))
    path = out or os.path.splitext(file)[0] + ".png"
    check_suffix(path)
    check_output(path, force)
    return path


def make_picture(file: str, own: str | None, seed: int, path: str, force: bool) -> tuple[list[str], str]:
    """([path], "") of the picture of a student's file, or ([], why there is none)."""
    from minivis.exercises import pictures, read
    from minivis.images.files import write_image

    source = own or read.belongs_to(file)
    source = source if source in read.NAMES else os.path.abspath(source)
    drawn, problem = pictures.side_by_side(read.find(source), source, os.path.abspath(file), seed=seed)
    if problem:
        return [], f"no picture: {problem.says}"
    write_image(path, drawn, force=force)
    return [path], ""


def table(checked: Sequence[Checked]) -> str:
    """A line for each file: what is solved, how many functions are right, the largest error, and the sentence."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "exercise", "solved", "right", "functions", "error", "sentence"])
    for one in checked:
        errors = [found["loops"] for verdict in one.verdicts for found in verdict.errors.values()]
        writer.writerow([one.file, one.exercise, "yes" if one.solved else "no", sum(v.right for v in one.verdicts),
                         len(one.verdicts), f"{max(errors):.1e}" if errors else "", one.sentence])
    return text.getvalue()


@exercise.command("hint", params=[click.Argument(["file"], metavar="FILE|NAME"), OWN, JSON])
def hint_exercise(file: str, own: str | None, as_json: bool) -> None:
    """Print the next hint for a file or an exercise."""
    from minivis.exercises import student

    text = student.hint(file, own)
    say("exercise hint", text, settings={"file": file}, numbers={"hint": text}, as_json=as_json)


@exercise.command("solution", params=[click.Argument(["name"], metavar="NAME|FILE"), JSON])
def solve_exercise(name: str, as_json: bool) -> None:
    """Print the published solution of an exercise."""
    from minivis.exercises import student

    text = student.solution(name)
    say("exercise solution", text, settings={"name": name}, numbers={"solution": text}, as_json=as_json)
