"""Options from settings: every value of a field is one of its option, and every default is the field's."""

import click
import pytest

from minivis.cli import main
from minivis.commands.optimizing import maximize
from minivis.commands.painting import dream, texture
from minivis.commands.setting_options import option, type_of
from minivis.methods.synthesis.settings import DreamSettings, MaximizeSettings, TextureSettings
from minivis.runtime.settings import choice, number, whole


def named(command, name):
    return next(one for one in command.params if one.name == name)


def test_an_option_says_what_its_field_says():
    for command, settings in ((dream, DreamSettings), (texture, TextureSettings)):
        for name in settings.names():
            field, made = settings.field(name), named(command, name)
            assert made.help == field.metadata["help"]
            assert made.default in (field.default, (field.default,)), name
    assert named(dream, "step").opts == ["--step-size"] and named(dream, "clip").secondary_opts == ["--no-clip"]


def test_a_preset_s_option_has_no_default():
    made = option(MaximizeSettings, "rate", presets={"a": MaximizeSettings(rate=2), "b": MaximizeSettings()})
    assert maximize.parse(["maximize"])["rate"] is None
    assert made.help == "Learning rate. [preset a: 2; others: 1]"
    rate = named(maximize, "rate")
    assert rate.help.startswith("Learning rate. [preset minivis, lucid: 0.05; natural: 0.01; simonyan")


def test_a_switch_of_presets_is_on_off_or_as_the_preset_says():
    for words, value in (([], None), (["--own-size"], True), (["--no-own-size"], False)):
        params = maximize.parse(["maximize", *words])
        assert params["own_size"] is value and maximize.words(params) == ["maximize", *words]


@pytest.mark.parametrize("kind, fine, wrong", [
    (whole(2, 5), ["2", "5"], ["1", "6", "2.5"]),
    (whole(0), ["0", "1000000"], ["-1", "1000001"]),
    (number(0, 1), ["0", "1"], ["-0.1", "1.1", "nan"]),
    (number(above=0, below=1), ["0.5"], ["0", "1"]),
    (choice("form", ("a", "b")), ["a", "b"], ["c"]),
])
def test_a_type_has_the_bounds_of_its_kind(kind, fine, wrong):
    made = type_of(kind)
    for text in fine:
        kind.check("it", made.convert(text, None, None))
    for text in wrong:
        with pytest.raises(click.BadParameter):
            made.convert(text, None, None)


def test_what_is_off_and_what_is_zero_stand_in_the_record():
    command = dream
    params = command.parse(["dream", "--no-clip", "--jitter", "0"])
    assert params["clip"] is False and command.words(params)[1:] == ["--jitter", "0", "--no-clip"]
    assert dream.words(dream.parse(["dream", "--clip"])) == ["dream"]
    zero = texture.parse(["texture", "--tv-weight", "0.5", "--no-histogram"])
    assert texture.words(zero) == ["texture", "--no-histogram", "--tv-weight", "0.5"]


def test_help_shows_both_words_of_a_switch(capsys):
    assert main(["dream", "--help"]) == 0
    assert "--clip / --no-clip" in capsys.readouterr().out
