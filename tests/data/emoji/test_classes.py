"""The classes of emoji: names, aliases and code points."""

from minivis.data.emoji import sprites as emoji
from minivis.data.emoji.classes import CLASSES, NAMES


def test_class_names_aliases_and_code_points_are_unique():
    words = [word for c in CLASSES for word in (c.name, *c.aliases)]
    assert len(NAMES) >= 96
    assert len(set(words)) == len(words)
    assert all(word == word.lower().strip() for word in words)
    assert len({c.code for c in CLASSES}) == len(CLASSES)
    assert all(len(c.text) == 2 and ord(c.text[0]) > 0x2000 for c in CLASSES)
    assert {c.category for c in CLASSES} == {"animal", "animal face", "food", "plant", "vehicle", "object", "face"}


def test_classes_of_the_lecture_are_there():
    by_name = {c.name: c for c in CLASSES}
    assert {"goose", "dog", "cat", "flamingo", "owl", "bus", "racing car", "sailboat"} <= set(by_name)
    assert "goldfish" in by_name["tropical fish"].aliases
    assert "daisy" in by_name["blossom"].aliases
    assert by_name["goose"].text[0] == "\U0001fabf"
    assert by_name["lady beetle"].aliases == ("ladybug", "ladybird")


def test_renamed_drawings_are_of_classes_that_exist():
    assert {name for renamed in emoji.RENAMED.values() for name in renamed} <= set(NAMES)
    assert set(emoji.RENAMED) <= set(emoji.SETS)
