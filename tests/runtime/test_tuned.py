"""Numbers measured on this machine: used here alone, and never able to do harm."""

import io
import json
import subprocess
import sys

import pytest

from minivis.convolution.tuning import Tuning
from minivis.errors import BadValue
from minivis.runtime import tuned


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv(tuned.VARIABLE, str(tmp_path / "two" / "deep" / "tuning.json"))
    return tmp_path / "two" / "deep" / "tuning.json"


def test_numbers_that_were_saved_apply(path):
    assert tuned.applied(Tuning()) == Tuning()                          # no file yet
    assert tuned.save({"band_bytes": 2**22, "weights_a_block": 3.0}, ratio=0.9) == path
    assert tuned.applied(Tuning()) == Tuning(band_bytes=2**22, weights_a_block=3.0)
    assert tuned.load()["ratio"] == 0.9 and set(json.loads(path.read_text())["machine"]) == set(tuned.this_machine())


def test_the_next_process_goes_by_them(path):
    tuned.save({"tiny": 2**17})
    program = "from minivis.convolution.tuning import TUNING; print(TUNING.tiny)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == f"{2**17}\n"


def test_numbers_of_another_machine_do_not(path, monkeypatch):
    tuned.save({"band_bytes": 2**22})
    here = tuned.this_machine()
    for key, other in {"processor": "another", "kernels": ["none"], "cores": here["cores"] + 1}.items():
        monkeypatch.setattr(tuned, "this_machine", lambda key=key, other=other: {**here, key: other})
        assert tuned.applied(Tuning()) == Tuning()


@pytest.mark.parametrize("said, processor", [
    ("processor\t: 0\nmodel name\t: Fast: 9\ncpu family\t: 6\nmodel\t\t: 85\n\nflags\n", "Fast: 9 6 85"),
    ("processor\t: 0\nBogoMIPS\t: 50\n", "this one"), ("", "this one"), (None, "this one"),
], ids=["x86", "ARM", "nothing", "not Linux"])  # fmt: skip
def test_a_processor_is_told_by_its_model_or_as_python_names_it(monkeypatch, said, processor):
    def opened(path):
        if said is None:
            raise FileNotFoundError(path)
        return io.StringIO(said)

    monkeypatch.setattr(tuned, "open", opened, raising=False)
    monkeypatch.setattr(tuned.platform, "processor", lambda: "this one")
    assert tuned.this_machine()["processor"] == processor


@pytest.mark.parametrize("value", [0, -1, 2**60, 2.5, True, "many", None, [1], float("nan")])
def test_a_number_that_makes_no_sense_does_not(path, value):
    tuned.save({"band_bytes": value, "no_such_number": 3, "tiny": 2**17})
    assert tuned.applied(Tuning()) == Tuning(tiny=2**17)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"numbers": 3}', "[" * 100_000, "\x00\xff", " " * 200_000])
def test_a_damaged_file_does_not(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text, "latin-1")
    assert tuned.load() == {} and tuned.applied(Tuning()) == Tuning()


def test_a_file_far_larger_than_any_of_ours_is_not_read(path):
    tuned.save({"tiny": 2**17})
    assert tuned.load()
    path.write_text(path.read_text() + " " * 100_000)
    assert tuned.load() == {}


def test_a_folder_in_its_place_does_not(path):
    path.mkdir(parents=True)
    assert tuned.applied(Tuning()) == Tuning()


@pytest.mark.parametrize("word", ["off", "OFF", "0"])
def test_they_can_be_switched_off(path, monkeypatch, word):
    tuned.save({"band_bytes": 2**22})
    monkeypatch.setenv(tuned.VARIABLE, word)
    assert tuned.file() is None and tuned.applied(Tuning()) == Tuning()


def test_without_the_variable_they_lie_in_the_users_cache(monkeypatch):
    monkeypatch.delenv(tuned.VARIABLE)
    assert tuned.file().parts[-2:] == ("minivis", "tuning.json")


@pytest.mark.parametrize("where, sentence", [
    ("file/tuning.json", "cannot be written"), ("folder", "is a folder"),
    ("file", None), ("new/deep/tuning.json", None),
])  # fmt: skip
def test_that_it_cannot_be_written_is_said_before_anything_is_measured(tmp_path, monkeypatch, where, sentence):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv(tuned.VARIABLE, str(tmp_path / where))
    if sentence is None:
        assert tuned.place() == tmp_path / where and (tmp_path / where).parent.is_dir()
        return
    with pytest.raises(BadValue, match=sentence):
        tuned.place()
