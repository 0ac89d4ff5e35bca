"""Check a student's file, or functions of a notebook, and say what is right and what is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minivis.errors import BadValue
from minivis.exercises import read, sandbox
from minivis.exercises.calls import Problem, run_cases
from minivis.exercises.exercise import Exercise
from minivis.exercises.judge import Verdict, judge
from minivis.types import PathLike

SHOWN = 4                                       # labels of cases in a report


@dataclass(frozen=True)
class Checked:
    """What became of one file. ``problem``: what ended it as a whole, before any function was compared."""

    file: str | None
    exercise: str
    verdicts: tuple = ()
    problem: Problem | None = None
    printed: tuple = ()
    more: int = 0

    @property
    def solved(self) -> bool:
        return self.problem is None and all(verdict.right for verdict in self.verdicts)

    @property
    def sentence(self) -> str:
        """What to say first."""
        if self.problem:
            return self.problem.says
        wrong = next((verdict for verdict in self.verdicts if not verdict.right), None)
        return f"{wrong.function}: {wrong.says}" if wrong else "solved"

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for --json."""
        functions = [{"function": v.function, "right": v.right, "kind": v.kind, "sentence": v.says, "line": v.line,
                      "errors": v.errors, "right_cases": list(v.right_cases), "wrong_cases": list(v.wrong_cases)}
                     for v in self.verdicts]
        return {"file": self.file, "exercise": self.exercise, "solved": self.solved, "sentence": self.sentence,
                "functions": functions, "printed": list(self.printed)}

    def __str__(self) -> str:
        lines = [f"{self.file}: {self.exercise}" if self.file else self.exercise]
        if self.printed:
            more = [f"... and {self.more:,} lines more"] if self.more else []
            lines += ["", "it printed:", *("    " + line for line in (*self.printed, *more))]
        lines += ["", *([self.problem.says] if self.problem else map(report, self.verdicts)), ""]
        right = sum(verdict.right for verdict in self.verdicts)
        lines.append("solved" if self.solved else f"not yet: {right} of {len(self.verdicts)} functions are right"
                     if self.verdicts else "not yet")
        return "\n".join(lines)

    __repr__ = __str__


def report(verdict: Verdict) -> str:
    """A few lines about one function."""
    state = "right" if verdict.right else "to be written" if verdict.kind == "gap" else "wrong"
    lines = [f"{verdict.function}: {state}"]
    for output, errors in verdict.errors.items():
        parts = [f"{errors['loops']:.1e} against the loops"]
        if "differences" in errors:
            parts.append(f"{errors['differences']:.1e} against finite differences")
        lines.append(f"    {output}: relative error {', '.join(parts)}")
    if not verdict.right and verdict.kind != "gap" and verdict.right_cases:
        mixed = set(verdict.right_cases) & set(verdict.wrong_cases)
        right = [label for label in verdict.right_cases if label not in mixed]
        if right:
            lines += [f"    right: {some(right)}", f"    wrong: {some(verdict.wrong_cases)}"]
    return "\n".join(lines + ([f"    {verdict.says}"] if verdict.says else []))


def some(labels: Sequence[str]) -> str:
    """The first few of many labels."""
    return "; ".join(labels[:SHOWN]) + (f"; and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")


def check_file(file: PathLike, exercise: str | None = None, *, seed: int = 0, seconds: float | None = None) -> Checked:
    """Check a student's file in a process of its own. exercise: a name or a teacher's file; else the file says it."""
    read.check_readable(file)
    source = str(exercise or read.belongs_to(file))
    found = read.find(source)
    source = source if source in read.NAMES else os.path.abspath(source)
    run = sandbox.run_file(found, source, os.path.abspath(file), seed=seed, seconds=seconds)
    about: dict[str, Any] = {"printed": run.printed, "more": run.more}
    if run.problem:
        return Checked(str(file), found.name, problem=run.problem, **about)
    return Checked(str(file), found.name, tuple(judge(found, found.cases_for(seed), run.outcomes)), **about)


def check(exercise: str | Exercise, *functions: Callable[..., Any], seed: int = 0) -> Checked:
    """Check functions that are here, as in a notebook: check("relu", relu_forward, relu_backward). No limits hold.

    One of the exercise's functions may be missing; those that are given are judged.
    """
    found = exercise if isinstance(exercise, Exercise) else read.find(exercise)
    given = {getattr(function, "__name__", str(function)): function for function in functions}
    if not given or set(given) - set(found.solutions):
        raise BadValue(f"{found.name} consists of {', '.join(found.solutions)}; give one of these functions or more, "
                       f"by their names, not {', '.join(given) or 'none'}")
    cases = [one for one in found.cases_for(seed) if one.function in given]
    code = getattr(functions[0], "__code__", None)
    outcomes = run_cases(found, given, cases, code and code.co_filename)
    verdicts = tuple(verdict for verdict in judge(found, cases, outcomes) if verdict.function in given)
    return Checked(None, found.name, verdicts)
