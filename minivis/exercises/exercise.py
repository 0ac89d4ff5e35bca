"""What an exercise is: functions to write, random cases, a reference by loops, and the mistakes that people make.

An exercise is one file that makes one `Exercise`, and calls it EXERCISE. Its ``functions`` are the published solution;
the student gets the same functions with a gap where their bodies are. minivis/exercises/catalogue/relu.py is an
example to copy; docs/exercises.md explains each part for teachers who write their own.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np

from minivis.errors import BadValue
from minivis.types import Array

Functions: TypeAlias = dict[str, Callable[..., Any]]      # name -> what a student, or we, wrote
Drawn: TypeAlias = dict[str, Array]                      # title -> what a panel of a picture shows
MARK = "minivis exercise:"                      # in a student's file, before the name of the exercise


@dataclass(frozen=True, eq=False)
class Case:
    """One call of a function of an exercise. ``label`` says what is special about it, as in "stride 2"."""

    function: str
    label: str
    arguments: dict


def case(function: str, label: str, **arguments: Any) -> Case:
    return Case(function, label, arguments)


@dataclass(frozen=True)
class Mistake:
    """A known mistake: in the solution's ``function``, ``old`` became ``new``; ``says`` tells a student what it does.

    The sentence says what is wrong, and not what would be right. ``by``, a function, replaces the whole solution where
    the mistake is more than a change of some words.
    """

    function: str
    old: str = ""
    new: str = ""
    says: str = ""
    by: Callable | None = None


@dataclass(frozen=True, eq=False)
class Exercise:
    """``name`` is also that of the student's file. The functions are written in the order in which they stand here.

    lecture     where it belongs: "CS231n, lecture 4" or a paper's section
    text        what to do and why, for the head of the student's file; formula and shapes follow it
    outputs     function -> names of what it returns, by default ("out",)
    loops       function -> the reference, slow and plain; it takes the same arguments
    cases       rng -> the cases, an iterable of `Case`
    losses      function -> (loss, {output: argument}): loss(**arguments) is a number (or None if it has no
                derivative), and the output must be its gradient at the argument, which finite differences check.
                Instead of an argument a function of the arguments, which gives where; the loss gets it as ``at``
    given       helpers that the student's file gets whole
    picture     (functions, scene) -> {title: array}: the lecture's picture made with the student's functions
    """

    name: str
    title: str
    lecture: str
    text: str
    formula: str
    shapes: str
    functions: tuple
    loops: dict
    cases: Callable
    hints: tuple
    mistakes: tuple
    outputs: dict = field(default_factory=dict)
    losses: dict = field(default_factory=dict)
    given: tuple = ()
    picture: Any = None                         # a function, or None

    @cached_property
    def solutions(self) -> Functions:
        """Name -> published function."""
        return {function.__name__: function for function in self.functions}

    def outputs_of(self, function: str) -> tuple[str, ...]:
        return self.outputs.get(function, ("out",))

    def cases_for(self, seed: int = 0) -> list[Case]:
        """The cases as a list, the same for the same seed."""
        return list(self.cases(np.random.default_rng(seed)))

    def student_file(self) -> str:
        """The text of the file that a student fills in."""
        names = ", ".join(self.solutions)
        gaps = [with_gap(function) for function in self.functions]
        end = f"Write {names}; then: minivis exercise check {self.name}.py"
        return self._file(gaps, end)

    def solution_file(self) -> str:
        """The text of the same file, solved."""
        return self._file([source(function) for function in self.functions], "This is the published solution.")

    def _file(self, sources: Sequence[str], end: str) -> str:
        parts = [self.text, textwrap.indent(self.formula.strip("\n"), "    "), self.shapes, end]
        head = "\n\n".join(part.strip("\n") for part in parts)
        code = "\n\n\n".join(part.strip() for part in [*map(source, self.given), *sources])
        quotes = '"""'
        return (f"# {MARK} {self.name}\n{quotes}{self.title} ({self.lecture}).\n\n{head}\n{quotes}\n\n"
                f"import numpy as np\n\n\n{code}\n")

    def wrong(self, *mistakes: Mistake) -> Functions:
        """The solution's functions with one or several of its mistakes in them."""
        found = dict(self.solutions)
        for function in {mistake.function for mistake in mistakes}:
            found[function] = self._changed(function, [m for m in mistakes if m.function == function])
        return found

    def _changed(self, function: str, mistakes: Sequence[Mistake]) -> Callable[..., Any]:
        text = source(self.solutions[function])
        for mistake in mistakes:
            if mistake.by is not None:
                return mistake.by
            if text.count(mistake.old) != 1:
                raise BadValue(f"exercise {self.name}: {function} must hold {mistake.old!r} once, to be replaced by "
                               f"{mistake.new!r}; it holds that {text.count(mistake.old)} times")
            text = text.replace(mistake.old, mistake.new)
        namespace = dict(self.solutions[function].__globals__)
        exec(compile(text, f"<a mistake in {function}>", "exec"), namespace)
        return namespace[function]


@cache                                          # the solutions': each mistake is looked for in them again
def source(function: Callable[..., Any]) -> str:
    """The text of a function or class, without types in a function's head: a student's file imports NumPy alone."""
    text = textwrap.dedent(inspect.getsource(function))
    (tree,) = ast.parse(text).body
    if not isinstance(tree, ast.FunctionDef) or tree.body[0].lineno == tree.lineno:
        return text
    lines = text.splitlines(keepends=True)
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    head = f"def {tree.name}({ast.unparse(tree.args)}):\n"
    return "".join([*lines[: tree.lineno - 1], head, *lines[tree.body[0].lineno - 1 :]])


def with_gap(function: Callable[..., Any]) -> str:
    """The text of a function with its signature and docstring, and a gap in place of the rest."""
    text = source(function)
    (tree,) = ast.parse(text).body
    assert isinstance(tree, ast.FunctionDef)
    if ast.get_docstring(tree) is None:
        raise BadValue(f"{function.__name__} needs a docstring: it is what a student reads above the gap")
    head = "\n".join(text.splitlines()[: tree.body[0].end_lineno])
    return f'{head}\n    raise NotImplementedError("write {function.__name__}")'
