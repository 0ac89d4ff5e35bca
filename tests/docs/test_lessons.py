"""The lessons: each has all its parts, includes code that exists, and runs from top to bottom as a notebook."""

import contextlib
import json
import re
import sys
from pathlib import Path

import pytest

from minivis.exercises.read import names as exercises

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "docs" / "lessons").glob("[0-9]_*.md"))
PARTS = ["Picture", "Derivation", "Code", "Exercise", "Three things to try"]
each = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


@pytest.fixture(scope="module")
def notebooks():
    with contextlib.ExitStack() as stack:
        sys.path.insert(0, str(ROOT / "docs"))
        stack.callback(sys.path.remove, str(ROOT / "docs"))
        from build_pages import notebooks

        yield notebooks


def test_there_are_eight():
    assert [lesson.stem[0] for lesson in LESSONS] == list("12345678")


@each
def test_a_lesson_has_all_its_parts(lesson):
    text = lesson.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert re.search(r"^\*\*Question\.\*\* ", text, re.MULTILINE) and "**Look for**" in text
    assert re.findall(r"^\d\. ", text.rpartition("## Three things to try")[2], re.MULTILINE) == ["1. ", "2. ", "3. "]
    known = set(exercises())
    started = re.findall(r"minivis exercise start (\w+)", text)
    assert started and set(started) <= known
    for name in started:
        assert f"minivis exercise check {name}.py" in text


@each
def test_the_code_that_is_shown_is_the_packages(notebooks, lesson):
    blocks = [match for match in notebooks.BLOCK.finditer(lesson.read_text("utf-8")) if match[1] != "python"]
    assert blocks
    for block in blocks:
        module, _ = notebooks.included(block[1], block[2])
        assert module.startswith("minivis.")
    with pytest.raises(ValueError, match="has no nothing"):
        notebooks.included(blocks[0][1], ":pyobject: nothing\n")


@each
def test_a_notebook_holds_all_of_the_lesson(notebooks, lesson):
    text = lesson.read_text("utf-8")
    made = json.loads(notebooks.notebook(text))
    assert made["nbformat"] == 4
    code = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 1 + len(notebooks.BLOCK.findall(text))
    words = "".join("".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "markdown")
    assert "](.." not in words and "{download}" not in words and all(f"## {part}" in words for part in PARTS)


@pytest.mark.slow
@each
def test_a_notebook_runs_from_top_to_bottom(notebooks, lesson, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for is_code, source in notebooks.cells(lesson.read_text("utf-8")):
        if is_code:
            exec(compile(source, lesson.name, "exec"), names)
    assert capsys.readouterr().err == ""
