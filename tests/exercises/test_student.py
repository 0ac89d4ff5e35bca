"""A file to begin with, hints one by one, the solution."""

import pytest

from minivis.errors import BadValue
from minivis.exercises import progress, student


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))


def test_start_keeps_what_is_there(tmp_path):
    path = student.start("relu", tmp_path)
    assert path == tmp_path / "relu.py" and path.read_text().startswith("# minivis exercise: relu\n")
    path.write_text("mine")
    with pytest.raises(BadValue, match="exists and is kept"):
        student.start("relu", tmp_path)
    assert path.read_text() == "mine"
    student.start("relu", tmp_path, force=True)
    with pytest.raises(BadValue, match="there is no folder"):
        student.start("relu", tmp_path / "none")


def test_hints_come_one_by_one(tmp_path):
    path = student.start("relu", tmp_path)
    said = [student.hint(path) for _ in range(4)]
    assert said[0].startswith("1 of 3: ") and said[1].startswith("2 of 3: ") and said[3] == said[0]
    assert student.hint("fc").startswith("1 of ")


def test_the_solution_is_a_file_of_the_same_form():
    text = student.solution("relu")
    assert text.startswith("# minivis exercise: relu\n") and "NotImplementedError" not in text
