"""`minivis exercise` as a student and as a teacher type it."""

import csv
import io
import json
from pathlib import Path

import pytest

from minivis.exercises import progress, read
from minivis.exercises.student import solution


@pytest.fixture(autouse=True)
def own_progress(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path_factory.mktemp("data") / "progress.json"))


def test_from_the_list_to_a_solved_exercise(run, here):
    code, out, _ = run("exercise", "list")
    assert code == 0 and all(name in out for name in read.NAMES) and f"0 of {len(read.NAMES)} solved" in out
    assert run("exercise", "start", "relu")[0] == 0
    code, out, _ = run("exercise", "check", "relu.py")
    assert code == 1 and "is the gap" in out and "Traceback" not in out
    assert run("exercise", "hint", "relu.py")[1].startswith("1 of 3: ")
    code, out, _ = run("exercise", "solution", "relu")
    Path("relu.py").write_text(out)
    code, out, _ = run("exercise", "check", "relu.py")
    assert code == 0 and "solved" in out and "finite differences" in out
    assert out.endswith("next: minivis exercise start softmax\n")
    rows = json.loads(run("exercise", "list", "--json")[1])["numbers"]["exercises"]
    row = next(row for row in rows if row["name"] == "relu")
    assert row["solved"] and row["tries"] == 2 and row["hints"] == 1


def test_after_the_last_exercise_come_those_left_out(run, here):
    for name in read.NAMES:
        if name not in ("dream_step", "tsne"):
            progress.note(name, tried=True, solved=True)
    Path("tsne.py").write_text(solution("tsne"))
    assert run("exercise", "check", "tsne.py")[1].endswith("next: minivis exercise start dream_step\n")
    progress.note("dream_step", tried=True, solved=True)
    assert run("exercise", "check", "tsne.py")[1].endswith("All exercises are solved.\n")


def test_a_class_as_a_table(run, here):
    for name, text in (("ann", solution("relu")), ("bob", "def relu_forward(x)"), ("eve", "")):
        (here / name).mkdir()
        (here / name / "relu.py").write_text(text)
    files = (*(f"{name}/relu.py" for name in ("ann", "bob", "eve")), "photo.png", "nowhere.py")
    code, out, _ = run("exercise", "check", "--csv", *files)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1 and [row["solved"] for row in rows] == ["yes", "no", "no", "no", "no"]
    assert "does not say which exercise" in rows[3]["sentence"] and "there is no file" in rows[4]["sentence"]
    assert rows[0]["right"] == "2" and "SyntaxError" in rows[1]["sentence"] and "no function" in rows[2]["sentence"]
    assert progress.load() == {}


def test_a_teachers_own_exercise(run, here):
    text = Path(read.get("relu").cases.__code__.co_filename).read_text().replace('name="relu"', 'name="own"')
    Path("teacher.py").write_text(text)
    assert run("exercise", "start", "teacher.py")[0] == 0 and Path("own.py").exists()
    Path("own.py").write_text(run("exercise", "solution", "teacher.py")[1])
    assert run("exercise", "check", "own.py", "--exercise", "teacher.py")[0] == 0
    assert "--exercise" in run("exercise", "check", "own.py")[2]


def test_a_picture(run, here):
    Path("relu.py").write_text(solution("relu"))
    code, out, _ = run("exercise", "check", "relu.py", "--picture", "-o", "mine.png")
    assert code == 0 and "wrote mine.png" in out and Path("mine.png").exists()
    assert "exists and is kept" in run("exercise", "check", "relu.py", "--picture", "-o", "mine.png")[2]


def test_a_picture_of_a_file_that_does_not_run(run, here):
    Path("relu.py").write_text("x = ")
    code, out, _ = run("exercise", "check", "relu.py", "--picture")
    assert code == 1 and "no picture: line 1 raises SyntaxError" in out and not Path("relu.png").exists()


@pytest.mark.parametrize("words, message", [
    (["check", "nowhere.py"], "there is no file nowhere.py"),
    (["check", "."], "is a folder"),
    (["check", "photo.png"], "does not say which exercise it is"),
    (["check", "photo.png", "--exercise", "rellu"], "did you mean 'relu'"),
    (["check", "photo.png", "--exercise", "photo.jpg"], "is not a Python file"),
    (["check", "photo.png", "--csv", "--json"], "prints a table and nothing else"),
    (["check", "a", "b", "--picture"], "makes the picture of one file, not of 2"),
    (["check", "photo.png", "-o", "x.png"], "-o names the file of --picture"),
    (["check", "photo.png", "--exercise", "relu", "--picture"], "exists and is kept"),
    (["check", "photo.png", "--exercise", "relu", "--picture", "-o", "x.gif"], "a picture's name must end in"),
    (["check"], "Missing argument"),
    (["start", "rellu"], "did you mean 'relu'"),
    (["start", "relu", "no/where"], "there is no folder no/where"),
    (["solution", "rellu"], "did you mean 'relu'"),
    (["hint", "nowhere.py"], "there is no file nowhere.py"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes_of_the_user(refused, words, message):
    assert message in refused("exercise", *words)
