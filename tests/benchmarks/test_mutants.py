"""benchmarks/mutants.py changes what means something when minivis runs, and nothing else."""

import pytest
from benchmark_scripts import script


@pytest.fixture(scope="module")
def mutants():
    return script("mutants")


@pytest.mark.parametrize("source", [
    '"""What 1 + 1 is."""',
    "import typing\nif typing.TYPE_CHECKING:\n    limit = 3",
    "if TYPE_CHECKING:\n    from a import b",
    '__all__ = ["a", *names(1, 2)]',
    '__all__ += ["a"] + others',
    "Pads: TypeAlias = tuple[Literal[1], Literal[2]]",
    "def f(x: int | None, *rest: Literal[1, 2], **named: Literal[True]) -> tuple[int, Literal[3]]:\n    y: Literal[4]",
])
def test_what_means_nothing_when_it_runs_stays(mutants, source):
    assert mutants.mutations(source) == []


def test_the_order_of_arguments_is_changed_where_it_counts(mutants):
    found = mutants.mutations("a = np.maximum(x, f(y, z))")
    assert [m[2] for m in found] == ["minimum", "z, y"]


def test_what_runs_is_changed(mutants):
    source = ("def f(x: Literal[1] = 2, *, y: int | None = None) -> Literal[3]:\n"
              "    z: Literal[4] = x < 5\n    return max(z, y)")
    found = [(m[2].strip(), m[3]) for m in mutants.mutations(source)]
    assert sorted(found) == [("3", 1), ("6", 2), ("<=", 2), ("min", 3)]
    assert mutants.mutated(source, mutants.mutations(source)[0]) != source
