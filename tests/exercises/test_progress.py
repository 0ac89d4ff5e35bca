"""What is done so far, and that a damaged record of it does no harm."""

import json

import pytest

from minivis.exercises import progress


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "new" / "progress.json"))
    return tmp_path / "new" / "progress.json"


def test_it_is_kept(file):
    assert progress.load() == {} and progress.of("relu") == progress.FRESH
    progress.note("relu", tried=True)
    progress.note("relu", tried=True, solved=True)
    progress.note("fc", hints=2)
    found = progress.load()
    assert found["relu"]["tries"] == 2 and found["relu"]["solved"] and found["fc"] == {"tries": 0, "hints": 2,
                                                                                       "solved": None}
    solved = found["relu"]["solved"]
    assert progress.note("relu", tried=True)[0]["solved"] == solved     # a later failure does not undo it
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "{", "[]", "\0"])
def test_a_damaged_file_is_left_alone(file, text):
    file.parent.mkdir()
    file.write_text(text)
    assert progress.load() == {}
    assert progress.note("relu", tried=True)[1] is False and file.read_text() == text


def test_strange_entries_become_fresh_ones(file):
    file.parent.mkdir()
    file.write_text(json.dumps({"relu": {"tries": "many", "solved": 3}, "fc": 7}))
    assert progress.load() == {"relu": progress.FRESH}


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "taken" / "progress.json"))
    assert progress.note("relu", tried=True)[1] is False


def test_without_the_variable_it_lies_in_the_users_data_folder(monkeypatch):
    monkeypatch.delenv(progress.VARIABLE)
    assert progress.file().name == "exercises.json" and "minivis" in str(progress.file())
