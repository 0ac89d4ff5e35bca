"""Is an answer right, and if not, what does it look like?

Right means: equal to the loops up to rounding, of the right shape and dtype, and no argument changed. A wrong answer is
compared with what each known mistake gives in the same cases, output by output, then with each two of them together,
and then with what may go wrong anywhere: a sign, a constant factor, a transposed matrix. If it looks like nothing of
this kind, the cases that are wrong may have something in common, or the numbers (pattern.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivis.engine.finite_differences import numerical_gradient
from minivis.errors import BadValue
from minivis.exercises.calls import Outcome, Problem, listed, run_case
from minivis.exercises.compare import first_difference, relative_error, same
from minivis.exercises.pattern import pattern
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.exercise import Case, Exercise, Mistake

Found: TypeAlias = tuple[str, Sequence[int]]            # a sentence, and the numbers of mistakes
MOST_DIFFERENCES = 100                                  # numbers of an argument, each moved twice


@dataclass(frozen=True)
class Verdict:
    """What became of one function. ``errors``: output -> {"loops": CS231n's relative error, "differences": ...}."""

    function: str
    right: bool
    says: str = ""
    kind: str = "right"                         # or one of ORDER
    line: int | None = None
    errors: dict = field(default_factory=dict)
    right_cases: tuple = ()
    wrong_cases: tuple = ()
    mistakes: tuple = ()                        # numbers of the exercise's mistakes that it looks like


@np.errstate(all="ignore")                      # a wrong answer may be as large as floats go
def judge(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], *, measure: bool = True,
) -> list[Verdict]:  # fmt: skip
    """A `Verdict` for each function of the exercise. measure: False leaves out the errors, which takes less time."""
    expected = expected_outcomes(exercise, cases)
    found = []
    for function in exercise.solutions:
        numbers = [number for number, one in enumerate(cases) if one.function == function]
        some = ([cases[n] for n in numbers], [outcomes[n] for n in numbers], [expected[n] for n in numbers])
        found.append(judge_function(exercise, function, *some, measure=measure))
    return found


def expected_outcomes(exercise: Exercise, cases: Sequence[Case]) -> list[Outcome]:
    """What the loops give, in each case."""
    found = [reference(exercise.loops[one.function], one, exercise.outputs_of(one.function)) for one in cases]
    for one, outcome in zip(cases, found):
        if outcome.problem:
            raise BadValue(f"exercise {exercise.name}: the loops of {one.function} give no answer ({one.label}): "
                           f"{outcome.problem.says}")
    return found


def reference(function: Callable[..., Any], one: Case, outputs: tuple[str, ...]) -> Outcome:
    """The outcome of one call, in float32 where the arguments are: then rounding may be as large as it is there."""
    outcome = run_case(function, one, outputs)
    if outcome.values is None or np.dtype(np.float32) not in dtypes(one):
        return outcome
    return replace(outcome, values=tuple(v.astype(np.float32) if v.dtype.kind == "f" else v for v in outcome.values))


def dtypes(one: Case) -> set[Any]:
    """The float dtypes of a case's arrays."""
    return {a.dtype for a in one.arguments.values() if isinstance(a, np.ndarray) and a.dtype.kind == "f"}


def judge_function(
    exercise: Exercise, function: str, cases: Sequence[Case], outcomes: Sequence[Outcome], expected: Sequence[Outcome],
    *, measure: bool = True,
) -> Verdict:  # fmt: skip
    faults = [fault(exercise.outputs_of(function), *each) for each in zip(cases, outcomes, expected)]
    labels: dict[bool, list[str]] = {True: [], False: []}
    for one, wrong in zip(cases, faults):
        labels[wrong is None].append(one.label)
    answered = all(outcome.values is not None for outcome in outcomes)
    errors = measured(exercise, function, cases, outcomes, expected) if measure and answered else {}
    first = min(filter(None, faults), key=lambda problem: ORDER.index(problem.kind), default=None)
    if first is None:
        return Verdict(function, True, errors=errors, right_cases=tuple(labels[True]))
    about: dict[str, Any] = {"kind": first.kind, "line": first.line, "errors": errors,
             "right_cases": tuple(dict.fromkeys(labels[True])), "wrong_cases": tuple(dict.fromkeys(labels[False]))}
    if first.kind not in LOOKED_UP:
        return Verdict(function, False, first.says, **about)
    says, numbers = diagnosis(exercise, function, cases, outcomes, expected)
    if not says:
        hint = pattern(exercise.outputs_of(function), cases, outcomes, expected, faults)
        return Verdict(function, False, f"{first.says}. {hint}" if hint else first.says, **about)
    plainly = f"{first.says}; " if first.kind in ("exception", "shape") else ""
    return Verdict(function, False, plainly + says, mistakes=numbers, **about)


# what is told first, of several things that are wrong
ORDER = ("missing", "gap", "exit", "time", "memory", "exception", "answer", "changed", "shape", "nan", "value", "dtype")
LOOKED_UP = ("exception", "shape", "nan", "value")      # these may be known mistakes


def fault(outputs: tuple[str, ...], one: Case, outcome: Outcome, expected: Outcome) -> Problem | None:
    """What is wrong with one outcome, a `Problem` or None."""
    if outcome.problem:
        return outcome.problem
    if outcome.changed:
        return Problem("changed", f"it changes its argument {listed(outcome.changed)} in place; others may still "
                                  "need that array, so work on a new one")
    for name, value, right in zip(outputs, outcome.values, expected.values):
        if value.shape != right.shape:
            return Problem("shape", f"{name} has the shape {value.shape}, and {right.shape} is expected ({one.label})")
        if np.isfinite(right).all() and not np.isfinite(value).all():
            count = int((~np.isfinite(value)).sum())
            return Problem("nan", f"{name} holds NaN or infinity {times(count)} where every number is finite "
                                  f"({one.label})")
        if not same(value, right):
            differs = first_difference(value, right)
            return Problem("value", f"{name} is not what the loops give ({one.label}): {differs}")
    return wrong_dtype(outputs, one, outcome.values, expected.values)


def wrong_dtype(
    outputs: tuple[str, ...], one: Case, values: Sequence[Array], expected: Sequence[Array],
) -> Problem | None:  # fmt: skip
    """A `Problem` where the dtype is not that of the arguments, or None."""
    wanted = dtypes(one)
    for name, value, right in zip(outputs, values, expected):
        if right.ndim and right.dtype.kind == "f" and len(wanted) == 1 and value.dtype not in wanted:
            (kind,) = wanted
            return Problem("dtype", f"the numbers are right, but {name} is {value.dtype} where the arguments are "
                                    f"{kind}: which line makes an array without saying its dtype?")
    return None


# ---- errors ----

def measured(
    exercise: Exercise, function: str, cases: Sequence[Case], outcomes: Sequence[Outcome], expected: Sequence[Outcome],
) -> dict[str, dict[str, float]]:  # fmt: skip
    """{output: {"loops": the largest relative error, "differences": that from differences}}, where shapes fit."""
    errors = {}
    for k, name in enumerate(exercise.outputs_of(function)):
        pairs = [(o.values[k], e.values[k]) for o, e in zip(outcomes, expected) if e.values[k].dtype == np.float64]
        if pairs and all(a.shape == b.shape and np.isfinite(a).all() for a, b in pairs):
            errors[name] = {"loops": max(relative_error(a, b) for a, b in pairs)}
            differences = [d for one, o in zip(cases, outcomes) if (d := from_differences(exercise, one, name, o)) >= 0]
            if differences:
                errors[name]["differences"] = max(differences)
    return errors


def from_differences(exercise: Exercise, one: Case, name: str, outcome: Outcome) -> float:
    """The relative error of an output as a gradient, by central differences; -1 where that says nothing."""
    loss, gradients = exercise.losses.get(one.function, (None, {}))
    if name not in gradients:
        return -1.0
    at = gradients[name]
    x = at(**one.arguments) if callable(at) else one.arguments[at]
    moved = lambda t: loss(**{**one.arguments, "at" if callable(at) else at: t})    # noqa: E731
    if x.dtype != np.float64 or x.size > MOST_DIFFERENCES or moved(x) is None:
        return -1.0
    value = outcome.values[exercise.outputs_of(one.function).index(name)]
    return relative_error(value, numerical_gradient(lambda t: np.asarray(moved(t)), x, 1.0, step=1e-5))


# ---- diagnosis ----

def diagnosis(
    exercise: Exercise, function: str, cases: Sequence[Case], outcomes: Sequence[Outcome], expected: Sequence[Outcome],
) -> tuple[str, tuple[int, ...]]:  # fmt: skip
    """(sentence, numbers of mistakes) for a wrong answer; ("", ()) where it looks like nothing that is known."""
    outputs = exercise.outputs_of(function)
    wrong = [k for k in range(len(outputs)) if not same_everywhere(outcomes, expected, k)]
    said: list[str] = []
    numbers: list[int] = []
    for k in wrong:
        known = (known_mistake(exercise, function, cases, outcomes, expected, k)
                 or anywhere(outputs[k], outcomes, expected, k))
        if known and known[0] not in said:
            said.append(known[0])
            numbers += known[1]
    return " ".join(said), tuple(dict.fromkeys(numbers))


def known_mistake(
    exercise: Exercise, function: str, cases: Sequence[Case], outcomes: Sequence[Outcome], expected: Sequence[Outcome],
    k: int,
) -> Found | None:  # fmt: skip
    """(sentence, numbers) of the mistake, or the two, whose output k is this one in every case; or None."""
    listed = [(number, mistake) for number, mistake in enumerate(exercise.mistakes) if mistake.function == function]
    pairs = [pair for pair in combinations(listed, 2) if not (pair[0][1].by or pair[1][1].by)]
    fits: list = []
    for group in [*((one,) for one in listed), *pairs]:
        if fits and len(group) > 1:
            break                               # one mistake explains it
        made = mistaken(exercise, function, cases, [mistake for _, mistake in group])
        if made and explains(outcomes, made, expected, k):
            whole = all(same_everywhere(outcomes, made, j) for j in range(len(exercise.outputs_of(function))))
            fits.append((not whole, group))
    if not fits:
        return None
    group = min(fits, key=lambda fit: fit[0])[1]
    looks = "It looks like this: " if len(group) == 1 else "It looks like two things at once: "
    return looks + " ".join(mistake.says for _, mistake in group), [number for number, _ in group]


def mistaken(
    exercise: Exercise, function: str, cases: Sequence[Case], mistakes: Sequence[Mistake],
) -> list[Outcome] | None:  # fmt: skip
    """The outcomes of the solution with these mistakes in it; None if they exclude each other."""
    try:
        functions = exercise.wrong(*mistakes)
    except (BadValue, SyntaxError):
        if len(mistakes) == 1:
            raise
        return None
    return [reference(functions[function], one, exercise.outputs_of(function)) for one in cases]


def explains(outcomes: Sequence[Outcome], made: Sequence[Outcome], expected: Sequence[Outcome], k: int) -> bool:
    """Whether a mistake gives the same output k in every case, and in one of them a wrong one.

    Where both raise, that may be in other words: np.dot and @ complain differently where matrices do not fit.
    """
    wrong = False
    for one, other, right in zip(outcomes, made, expected):
        if alike(one, other, k):
            wrong = wrong or not alike(other, right, k)
        elif not (one.problem and other.problem):
            return False
    return wrong


def same_everywhere(outcomes: Sequence[Outcome], others: Sequence[Outcome], k: int) -> bool:
    return all(alike(one, other, k) for one, other in zip(outcomes, others))


def alike(outcome: Outcome, other: Outcome, k: int) -> bool:
    """Whether output k of two outcomes is the same: up to rounding; or both raise the same."""
    if outcome.problem or other.problem:
        return bool(outcome.problem and other.problem) and without_line(outcome) == without_line(other)
    return same(outcome.values[k], other.values[k])


def without_line(outcome: Outcome) -> tuple[str, str]:
    """(kind, what was raised) of an outcome's problem, whatever the line."""
    assert outcome.problem
    return outcome.problem.kind, outcome.problem.says.partition(" raises ")[2]


def anywhere(name: str, outcomes: Sequence[Outcome], expected: Sequence[Outcome], k: int) -> Found | None:
    """(sentence, ()) for what may go wrong in any exercise, or None."""
    pairs = [(numbers(o.values[k]), e.values[k]) for o, e in zip(outcomes, expected) if o.values and e.values]
    if len(pairs) < len(outcomes) or not pairs:
        return None
    if all(a.ndim == 2 and same(a.T, b) for a, b in pairs):
        return f"{name} is right but for its axes: rows and columns have changed places.", []
    if any(a.shape != b.shape or b.dtype.kind != "f" for a, b in pairs):
        return None
    if all(same(-a, b) for a, b in pairs):
        return f"{name} has the right size and the opposite sign everywhere.", []
    if not any(a.any() for a, b in pairs):
        return f"{name} is zero everywhere: is what you compute ever stored in it?", []
    return constant_factor(name, pairs)


def numbers(array: Array) -> Array:
    """An array that can be negated and divided: True and False become 1 and 0, whole numbers floats."""
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def constant_factor(name: str, pairs: Sequence[tuple[Array, Array]]) -> Found | None:
    """(sentence, ()) where each answer is the right one times a number, or None."""
    factors = []
    for a, b in pairs:
        largest = np.unravel_index(abs(b).argmax(), b.shape)
        if not b.any() or not np.isfinite(a).all() or not same(a / (a[largest] / b[largest] or 1), b):
            return None
        factors.append(float(a[largest] / b[largest]))
    shown = ", ".join(f"{factor:.3g}" for factor in dict.fromkeys(round(f, 6) for f in factors))
    word = "a number" if len(set(np.round(factors, 6))) == 1 else "numbers that depend on the case"
    return (f"{name} is the right answer times {word}: {shown}. Is a mean taken where a sum belongs, or a sum for a "
            "mean?"), []


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
