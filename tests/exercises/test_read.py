"""Which exercise is meant: by name, by a teacher's file, by what a student's file says."""

from pathlib import Path

import pytest

import minivis.exercises.catalogue as catalogue
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.exercises import read

FOLDER = Path(catalogue.__file__).parent


def test_every_file_of_the_catalogue_is_listed():
    assert sorted(read.names()) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert all(read.get(name).name == name for name in read.NAMES)


def test_a_wrong_name_gets_the_closest():
    with pytest.raises(UnknownName, match="did you mean 'relu'"):
        read.get("rellu")
    with pytest.raises(UnknownName):
        read.find("no_such_thing")


def test_a_teachers_file(tmp_path):
    file = tmp_path / "own.py"
    file.write_text((FOLDER / "relu.py").read_text().replace('name="relu"', 'name="own"'))
    assert read.find(str(file)).name == "own"


@pytest.mark.parametrize("text, words", [
    ("x = ", "is not an exercise that runs: SyntaxError"),
    ("import no_such_thing", "is not an exercise that runs: ModuleNotFoundError"),
    ("EXERCISE = 3", "makes no EXERCISE = Exercise"),
])
def test_a_teachers_file_that_is_none(tmp_path, text, words):
    file = tmp_path / "own.py"
    file.write_text(text)
    with pytest.raises(BadFile, match=words):
        read.from_file(file)


def test_what_is_no_file(tmp_path):
    for path, words in ((tmp_path / "none.py", "there is no file"), (tmp_path, "is a folder")):
        with pytest.raises(BadFile, match=words):
            read.check_readable(path)


def test_a_students_file_says_what_it_is(tmp_path):
    (tmp_path / "mine.py").write_text("# minivis exercise: relu\n")
    (tmp_path / "fc.py").write_text("")
    (tmp_path / "other.py").write_text("x = 1\n")
    assert read.belongs_to(tmp_path / "mine.py") == "relu" and read.belongs_to(tmp_path / "fc.py") == "fc"
    with pytest.raises(BadValue, match="does not say which exercise it is"):
        read.belongs_to(tmp_path / "other.py")


def test_a_file_that_is_not_there_may_lack_its_ending_or_be_misspelt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFile, match="there is no file conv_inputgrad; the exercise is called conv_input_grad: "):
        read.belongs_to("conv_inputgrad")
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(BadFile, match=r"there is no file mine; did you mean mine\.py\?"):
        read.belongs_to("mine")
    with pytest.raises(BadFile, match=r"there is no file zzz\.py$"):
        read.belongs_to("zzz.py")
