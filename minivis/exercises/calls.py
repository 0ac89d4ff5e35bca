"""Call functions with the cases of an exercise, and note what they give back or what is wrong with it.

This runs a student's functions, so nothing they do may raise here: what they raise, and values that are not arrays,
become a `Problem` with one sentence and the line of their file.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.exercise import Case, Exercise, Functions

LONGEST = 200                                   # characters of an exception's message that are shown
LARGEST = 10**7                                 # numbers in an answer; the cases are small


@dataclass(frozen=True)
class Problem:
    """Why there is no answer. ``kind``: "gap", "missing", "exception", "exit", "time", "memory", "answer"."""

    kind: str
    says: str
    line: int | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one call gave: a tuple of arrays, or a problem; and the names of arguments that it changed."""

    values: Any                                 # a tuple of arrays, or None
    problem: Problem | None = None
    changed: tuple = field(default=())


def run_cases(
    exercise: Exercise, functions: Functions, cases: Sequence[Case], file: str | None = None,
    begun: Callable[[int], Any] = lambda number: None,
) -> list[Outcome]:  # fmt: skip
    """The outcome of each case. ``file``: the student's, whose lines are named. begun(number) is called before each."""
    outcomes: list[Outcome] = []
    without_memory: dict[str, Outcome] = {}     # a function that has run out of it once is not called again: it's slow
    for number, one in enumerate(cases):
        begun(number)
        outcome = without_memory.get(one.function) or run_case(
            functions.get(one.function), one, exercise.outputs_of(one.function), file)
        if outcome.problem and outcome.problem.kind == "memory":
            without_memory[one.function] = outcome
        outcomes.append(outcome)
    return outcomes


def run_case(function: Any, one: Case, outputs: tuple[str, ...], file: str | None = None) -> Outcome:
    """The outcome of one call."""
    by_name = callable(function) and binds(function, **one.arguments)
    problem = None if by_name else missing(function, one)
    if problem:
        return Outcome(None, problem)
    arguments = {name: value.copy() if isinstance(value, np.ndarray) else value
                 for name, value in one.arguments.items()}
    try:
        with np.errstate(all="ignore"):
            answer = function(**arguments) if by_name else function(*arguments.values())
        values, problem = as_arrays(answer, outputs)
    except KeyboardInterrupt:                   # the user's
        raise
    except BaseException as error:              # SystemExit too: a student's file may call exit()
        values, problem = None, explained(error, file)
    changed = tuple(name for name, value in one.arguments.items()
                    if isinstance(value, np.ndarray) and not same_bits(value, arguments[name]))
    return Outcome(values, problem, changed)


def missing(function: Any, one: Case) -> Problem | None:
    """The problem of a function that is not there or takes these arguments neither by name nor in order, or None."""
    wanted = f"{one.function}({', '.join(one.arguments)})"
    if function is None:
        return Problem("missing", f"there is no function {wanted}")
    if not callable(function):
        return Problem("missing", f"{one.function} is not a function; {wanted} is expected")
    if binds(function, *one.arguments.values()):
        return None
    return Problem("missing", f"it is called as {wanted}, and takes {inspect.signature(function)}")


def binds(function: Callable[..., Any], *values: Any, **arguments: Any) -> bool:
    """Whether a function takes these arguments."""
    try:
        inspect.signature(function).bind(*values, **arguments)
    except TypeError:
        return False
    except ValueError:                          # a function of C without a signature
        return not arguments
    return True


def as_arrays(answer: Any, outputs: tuple[str, ...]) -> tuple[tuple[Array, ...] | None, Problem | None]:
    """(tuple of arrays, None), or (None, the problem with the answer)."""
    if answer is None:
        return None, Problem("answer", f"it returns nothing where {listed(outputs)} is expected: is there a return?")
    if len(outputs) == 1:
        answer = (answer,)
    if not isinstance(answer, (tuple, list)) or len(answer) != len(outputs):
        found = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else f"one {type(answer).__name__}"
        return None, Problem("answer", f"it returns {found} where {listed(outputs)} are expected")
    arrays = []
    for name, value in zip(outputs, answer):
        if value is None:
            return None, Problem("answer", f"{name} is None")
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.array(None)
        if array.dtype.kind not in "buif":
            return None, Problem("answer", f"{name} is not an array of real numbers, but {described(value)}")
        if array.size > LARGEST:
            return None, Problem("answer", f"{name} has the shape {array.shape}, far more than is expected")
        arrays.append(array.copy())
    return tuple(arrays), None


def described(value: Any) -> str:
    """A value's kind, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of rows of different lengths, or of things that are not numbers"
    return f"a {type(value).__name__}"


def listed(outputs: Sequence[str]) -> str:
    """"dx", or "dx, dw and db"."""
    return " and ".join(filter(None, [", ".join(outputs[:-1]), outputs[-1]]))


def explained(error: BaseException, file: str | None = None) -> Problem:
    """An exception as a problem, with the line of the student's file from which it came."""
    line = line_of(error, file)
    at = f"line {line}" if line else "it"
    if isinstance(error, SystemExit):
        return Problem("exit", f"{at} ends the program (exit); a function ends by return", line)
    if isinstance(error, MemoryError):
        detail = f" ({message(error)})" if message(error) else ""
        return Problem("memory", f"{at} asks for more memory than an exercise may have{detail}", line)
    if isinstance(error, RecursionError):
        return Problem("exception", f"{at} calls itself without end (RecursionError)", line)
    if isinstance(error, NotImplementedError):
        return Problem("gap", f"{at} is the gap: it is still to be written", line)
    said = ": ".join(filter(None, [type(error).__name__, message(error)]))
    return Problem("exception", f"{at} raises {said}", line)


def line_of(error: BaseException, file: str | None) -> int | None:
    """The innermost line of ``file`` in an exception's traceback, or None."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else None


def message(error: BaseException) -> str:
    """An exception's own words, on one line."""
    try:
        words = printable(" ".join(str(error.msg if isinstance(error, SyntaxError) else error).split()))
    except Exception:                           # a student's own exception, whose __str__ raises
        return ""
    return words if len(words) <= LONGEST else words[:LONGEST] + "..."


def printable(text: str) -> str:
    """A text without what would move a terminal's cursor, and without what has no letter in UTF-8."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def same_bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
