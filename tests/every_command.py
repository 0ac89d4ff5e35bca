"""For tests that go through the whole command line: each command with its words, and each of its options."""

import click

from minivis.cli import cli


def commands(group=cli, words=()):
    """(words, command) of every command, those of groups of commands included."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def params():
    """(words, option or argument) of every command."""
    return [(words, param) for words, command in commands() for param in command.params]


def options():
    """(words, option) of every option of every command."""
    return [(words, param) for words, param in params() if isinstance(param, click.Option)]
