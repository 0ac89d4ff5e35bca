"""The help of every command: a text for every option, nothing cut, and headings where options are many."""

import re

import click
import every_command
import pytest

from minivis.cli import main
from minivis.commands.option_groups import MAKING, MANY, ORDER, OUTPUT, GroupedCommand, under

COMMANDS = list(every_command.commands())


@pytest.mark.parametrize("words, option", every_command.options(), ids=lambda v: " ".join(v) if isinstance(v, tuple)
                         else v.name)
def test_every_option_explains_itself(words, option):
    text = option.help or ""
    assert len(text.split()) >= 3 and text[0].isupper()
    assert text.endswith((".", "]")) and text.count("[") == text.count("]")


@pytest.mark.parametrize("words, command", COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple)
                         else "")
def test_no_help_is_cut(words, command, capsys):
    assert main([*words, "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help in out.replace("- ", "-") or option.help in out        # click breaks after a hyphen


def test_many_options_stand_under_headings(capsys):
    for words, command in COMMANDS:
        shown = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        assert main([*words, "--help"]) == 0
        headings = re.findall(r"^([A-Z][^:\n]*):$", capsys.readouterr().out, re.M)
        if isinstance(command, GroupedCommand) and len(shown) >= MANY:
            assert headings[0] == MAKING and headings[-1] == OUTPUT
            assert headings == [heading for heading in ORDER if heading in headings]
        else:
            assert headings == ["Options"], words
    assert all(isinstance(command, GroupedCommand) for words, command in COMMANDS
               if words[0] != "codes" and len([p for p in command.params if isinstance(p, click.Option)]) >= MANY)


def test_one_name_for_the_side_of_a_painting(capsys):
    for name in ("dream", "style", "texture"):
        assert main([name, "--help"]) == 0
        out = capsys.readouterr().out
        assert "--side N" in out and "--size" not in out
    assert main(["style", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: minivis style [OPTIONS] [IMAGE] [STYLE]...\n")



def test_few_options_need_no_headings():
    option = click.Option(["--x"], help="An x.")
    command = GroupedCommand("few", params=under("Priors", option))
    assert "Options:\n  --x" in command.get_help(click.Context(command)).replace(" TEXT", "")
