"""The inside of a student's process: what it prints is counted, what it defines is found."""

import sys

import pytest

from minivis.errors import BadFile
from minivis.exercises.child import LINES, Printed, load


def test_prints_without_end_keep_their_first_lines():
    printed = Printed()
    for number in range(1000):
        print("line", number, file=printed)
    print("x" * 10**5, end="", file=printed)
    lines, more = printed.all()
    assert len(lines) == LINES and lines[1] == "line 1" and more == 1000 - LINES + 1


def test_an_open_line_is_kept_too():
    printed = Printed()
    printed.write("a\nb")
    assert printed.all() == (["a", "b"], 0)


def test_what_is_printed_cannot_move_the_cursor():
    printed = Printed()
    printed.write("a\033[2J\ud800b\tc\n")
    assert printed.lines == ["a\ufffd[2J\ufffdb\tc"]


def test_a_file_is_loaded_under_its_own_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "beside_it.py").write_text("number = 7\n")
    file = tmp_path / "my_relu.py"
    file.write_text("from beside_it import number\nif __name__ == '__main__':\n    number = 0\n")
    assert load(str(file))["number"] == 7
    assert sys.path[-1] == str(tmp_path)
    del sys.modules["exercise_file_my_relu"], sys.modules["beside_it"]


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "huge.py"
    file.write_bytes(b"#" * (10**6 + 1))
    with pytest.raises(BadFile):
        load(str(file))
    del sys.modules["exercise_file_huge"]
