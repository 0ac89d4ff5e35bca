"""Every exercise: its solution passes, its gap does not, and each of its known mistakes is found and named."""

import ast
from functools import cache

import numpy as np
import pytest

from minivis.exercises import read
from minivis.exercises.calls import run_cases
from minivis.exercises.catalogue import occlusion, receptive_field, ten_numbers
from minivis.exercises.checking import check
from minivis.exercises.judge import judge

EXERCISES = [read.get(name) for name in read.NAMES]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


@cache
def checked(name):
    """What `check` finds of an exercise's solution."""
    exercise = read.get(name)
    return check(exercise, *exercise.functions)


@each
def test_the_solution_passes(exercise):
    found = checked(exercise.name)
    assert found.solved, str(found)
    for verdict in found.verdicts:
        assert all(error["loops"] < 1e-5 for error in verdict.errors.values()), str(found)


@each
def test_the_solution_is_the_derivative(exercise):
    """Finite differences agree with every output that is called a gradient."""
    found = {verdict.function: verdict.errors for verdict in checked(exercise.name).verdicts}
    for function, (_, gradients) in exercise.losses.items():
        for output in gradients:
            assert found[function][output]["differences"] < 1e-4, (function, output)


@each
def test_another_seed_passes_too(exercise):
    assert check(exercise, *exercise.functions, seed=1).solved


@each
def test_the_gap_fails_with_a_sentence(exercise):
    namespace = {}
    exec(compile(exercise.student_file(), "gap.py", "exec"), namespace)
    found = check(exercise, *(namespace[name] for name in exercise.solutions))
    assert not found.solved and all(verdict.kind == "gap" for verdict in found.verdicts)
    assert "is the gap" in found.sentence


@each
def test_the_solution_file_passes(exercise):
    namespace = {}
    exec(compile(exercise.solution_file(), "solution.py", "exec"), namespace)
    assert check(exercise, *(namespace[name] for name in exercise.solutions)).solved


@each
def test_no_mistake_is_called_right_and_nearly_all_are_named(exercise):
    cases = exercise.cases_for(0)
    wrong = []
    for number, mistake in enumerate(exercise.mistakes):
        outcomes = run_cases(exercise, exercise.wrong(mistake), cases)
        if mistake.by:                                  # an answer, though a wrong one
            assert not [one.problem for one in outcomes if one.problem], mistake
        verdicts = {verdict.function: verdict for verdict in judge(exercise, cases, outcomes, measure=False)}
        made = verdicts.pop(mistake.function)
        assert not made.right, f"called right: {mistake}"
        assert all(verdict.right for verdict in verdicts.values()), "the other functions are the solution's"
        if made.mistakes != (number,) or mistake.says not in made.says:
            wrong.append((mistake, made))
    assert len(wrong) <= 0.05 * len(exercise.mistakes), wrong


@pytest.mark.parametrize("seed", range(12))
def test_equal_maxima_are_equal_whatever_the_seed(seed):
    """A case that says so and has none would call right who takes the last of them, or all."""
    found = [case.arguments["acts"][..., 0] for case in read.get("seed").cases_for(seed) if "equal" in case.label]
    assert len(found) == 2
    for maps in found:
        assert ((maps == maps.max(axis=(1, 2), keepdims=True)).sum(axis=(1, 2)) > 1).all()


@each
def test_it_is_complete(exercise):
    """At least six mistakes, each with its own sentence; some hints; texts that fit a page."""
    assert len(exercise.mistakes) >= 6 and len({m.says for m in exercise.mistakes}) == len(exercise.mistakes)
    assert all(mistake.function in exercise.solutions and mistake.says.endswith(".") for mistake in exercise.mistakes)
    assert len(exercise.hints) >= 2 and set(exercise.loops) == set(exercise.solutions)
    assert {case.function for case in exercise.cases_for()} == set(exercise.solutions)
    assert all(len(line) <= 120 for line in exercise.student_file().splitlines())
    assert ast.get_docstring(ast.parse(exercise.student_file())).startswith(exercise.title)


@each
def test_no_hint_or_sentence_holds_the_answer(exercise):
    """A sentence about a mistake never quotes the solution's own line."""
    for mistake in exercise.mistakes:
        assert not mistake.old or len(mistake.old) < 6 or mistake.old.strip() not in mistake.says


def test_the_ten_numbers_are_the_lectures():
    x, w = ten_numbers.X, ten_numbers.W
    assert ten_numbers.probability(x, w) == pytest.approx(0.0474, abs=1e-4)
    assert ten_numbers.probability(ten_numbers.fooled(x, w, 0.5), w) == pytest.approx(0.8808, abs=1e-4)


def test_a_forgotten_copy_shows_from_the_second_window_on(rng):
    image, weights = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5, 3))
    given = (lambda picture: float((picture * weights).sum()), image, 2, 1, 0.0)
    right, wrong = occlusion.occlusion(*given), occlusion.cover_without_a_copy(*given)
    assert wrong.shape == right.shape == (3, 4)
    assert wrong[0, 0] == right[0, 0] and not np.isclose(wrong.ravel()[1:], right.ravel()[1:]).any()


def test_the_receptive_fields_are_those_of_the_nets_by_name():
    """AlexNet's conv3 sees 99 pixels and VGG's conv3_1 sees 24, as the lecture and many tables have them."""
    fields = {name: receptive_field.receptive_field(layers) for name, layers in receptive_field.NETS.items()}
    assert fields == {
        "one convolution": (3, 1, -1), "two convolutions": (5, 1, -2), "convolution and pool": (4, 2, -1),
        "convolution, pool, convolution": (8, 2, -3), "AlexNet to conv3": (99, 16, -32),
        "VGG to conv3_1": (24, 4, -10), "one by one": (9, 4, -4),
    }  # fmt: skip
