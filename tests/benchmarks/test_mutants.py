"""benchmarks/mutants.py changes what means something when minivis runs, and nothing else."""

import json

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


def test_a_run_that_is_too_long_is_neither_noticed_nor_survived(mutants, tmp_path, monkeypatch, capsys):
    (tmp_path / "minivis").mkdir()
    (tmp_path / "minivis" / "a.py").write_text("x = 1\nx = 2\nx = 3\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    fates = {"x = 2\nx = 2\nx = 3\n": (None, "too long"), "x = 1\nx = 3\nx = 3\n": (True, "1 failed"),
             "x = 1\nx = 2\nx = 4\n": (False, "3 passed")}
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "run", lambda copy, tests, limit: fates[(copy / "minivis" / "a.py").read_text()])

    def results(*options):
        out = tmp_path / f"{len(options)}.jsonl"
        mutants.main(["--out", str(out), *options])
        return sorted((d["is"], d["survived"], d["by"]) for d in map(json.loads, out.read_text().splitlines()))

    late, noticed, survived = ("x = 2", False, "too long"), ("x = 3", False, "1 failed"), ("x = 4", True, "3 passed")
    assert results() == [late, noticed, survived]
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 of 2 noticed, 1 too long")
    assert results("--again", str(tmp_path / "0.jsonl")) == [late, survived]
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 of 1 noticed, 1 too long")
