"""The sections of the gallery are commands, in the lecture's parts."""

import re

import pytest

from minivis.commands.gallery.sections import PARTS, SECTIONS
from minivis.commands.registry import COMMANDS


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
def test_each_sections_words_are_a_command(section):
    given = {"second": "conv2", "early": ["conv1"], "content": "conv2", "neuron": "conv2:0@max", "channel": "0",
             "answer": "goose", "pictures": "samples",
             "families": "families"}  # fmt: skip
    words = [word.format(**given) for word in section.words]
    command = COMMANDS[words[0]]
    assert command.words(command.parse(words))[0] == words[0]


def test_what_tests_maps_asks_for_those_of_the_section_it_names():
    words = {section.key: section.words for section in SECTIONS}
    parsed = {key: COMMANDS[some[0]].parse(some) for key, some in words.items() if some[0] == "saliency"}
    testing = [section for section in SECTIONS if section.tests]
    assert [section.key for section in testing] == ["curve", "sanity"]
    for section in testing:
        assert list(words).index(section.tests) < list(words).index(section.key)
        for name in ("unit", "samples", "noise", "baseline", "layer", *(() if section.key == "curve" else ("steps",))):
            assert parsed[section.key][name] == parsed[section.tests][name], (section.key, name)


def test_parts_follow_one_another_in_the_lectures_order():
    parts = [section.part for section in SECTIONS]
    assert list(dict.fromkeys(parts)) == list(PARTS) and parts == sorted(parts, key=list(PARTS).index)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
def test_a_key_is_an_anchor_and_a_title_and_a_sentence_are_for_readers(section):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", section.key)
    assert section.title[0].isupper() and not section.title.endswith(".") and section.sentence.endswith((".", ".</a>"))
