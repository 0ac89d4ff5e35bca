"""A group of commands."""

import click
import pytest

from minivis.commands.groups import Commands, first_sentence
from minivis.commands.plain import PLAIN
from minivis.errors import UnknownName


@click.command("grow")
def grow():
    """Grow a tree, from a seed that a bird has dropped, over as many years as it takes.

    Nobody waits for it.
    """


def named(*names):
    group = Commands("forest", help="Trees.")
    group.add_section("Plants", [click.Command(name, help=f"See {name}.") for name in names])
    group.add_command(grow)
    return group


def test_the_help_lists_commands_in_their_order_with_whole_sentences(capsys):
    assert first_sentence(grow) == "Grow a tree, from a seed that a bird has dropped, over as many years as it takes."
    group = named("oak", "ash")
    with pytest.raises(SystemExit):
        group(["--help"])
    out = capsys.readouterr().out
    assert out.index("Plants:") < out.index("See oak.") < out.index("See ash.")
    assert group.list_commands(None) == ["oak", "ash", "grow"]


def test_a_group_without_a_command_shows_its_help(capsys):
    with pytest.raises(SystemExit):
        named("oak")([])
    assert "See oak." in capsys.readouterr().out


def test_a_wrong_name_is_met_with_the_closest():
    with pytest.raises(UnknownName, match=r"no command named 'ouk'; did you mean 'oak'"):
        named("oak", "ash")(["ouk"], standalone_mode=False)


def test_every_command_can_be_run_plain():
    assert all(PLAIN in command.params for command in named("oak").commands.values())
