"""The sections of the gallery are commands, and its chapters name what exists."""

import pytest

from minivis.commands.gallery.sections import CHAPTERS, SECTIONS
from minivis.commands.registry import COMMANDS
from minivis.weights import catalogue


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
def test_each_sections_words_are_a_command(section):
    given = {"second": "conv2", "early": ["conv1"], "content": "conv2", "neuron": "conv2:0@max", "channel": "0",
             "answer": "goose", "pictures": "samples"}  # fmt: skip
    words = [word.format(**given) for word in section.words]
    command = COMMANDS[words[0]]
    assert command.words(command.parse(words))[0] == words[0]


def test_the_chapters_name_nets_and_sections_that_exist():
    for chapter in CHAPTERS:
        assert chapter.net in catalogue.CATALOGUE
        assert set(chapter.keys) - {"dream", "style"} <= {s.key for s in SECTIONS}
