"""What the gallery says to look for and to try: of each section, and only what exists."""

import re
from pathlib import Path

import pytest

from minivis.cli import cli
from minivis.commands.gallery.sections import SECTIONS
from minivis.commands.gallery.study import STUDY

ROOT = Path(__file__).parents[3]


def test_every_section_has_its_lines():
    assert [section.key for section in SECTIONS if section.key not in STUDY] == []
    assert set(STUDY) <= {section.key for section in SECTIONS}


@pytest.mark.parametrize("key", STUDY)
def test_a_command_a_lesson_and_files_that_exist(key):
    study = STUDY[key]
    name, *words = study.words.split()
    command = cli.get_command(None, name)
    command.make_context(name, words)                           # raises for an option or a value that there is not
    assert (ROOT / "demos" / study.demo).is_file() and (ROOT / "minivis" / study.file).is_file()
    assert len(list((ROOT / "docs" / "lessons").glob(f"{study.lesson}_*.md"))) == 1
    assert study.look.endswith(".") and re.search(r"[.?]$", study.why)
