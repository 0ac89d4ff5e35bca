"""A group of commands, and its help: every command with its whole first sentence, under headings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from minivis.commands.plain import PLAIN
from minivis.errors import UnknownName


class Commands(click.Group):
    """A group of commands that shows its help if no command is named, and suggests the closest name for a wrong one.

    The help lists the commands in their order, each with its whole first sentence, and those from `add_section` under
    their heading.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings.update(invoke_without_command=True, callback=self.show_help)
        super().__init__(*args, **settings)
        self.sections: dict[str, list[str]] = {}

    def add_command(self, command: click.Command, name: str | None = None) -> None:
        """Add a command, with --plain as one of its options."""
        super().add_command(command, name)
        if not isinstance(command, click.Group) and PLAIN not in command.params:
            command.params.append(PLAIN)

    def add_section(self, heading: str, commands: Sequence[click.Command]) -> None:
        """Add several commands under one heading."""
        for command in commands:
            self.add_command(command)
        self.sections[heading] = [str(command.name) for command in commands]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click would cut the sentences."""
        width = max(map(len, self.commands))
        for heading, names in (self.sections or {"Commands": list(self.commands)}).items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{width}}", first_sentence(self.commands[name])) for name in names])

    def show_help(self) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise UnknownName.of("command", args[0], self.commands, listed=30)
        return super().resolve_command(ctx, args)


def first_sentence(command: click.Command) -> str:
    """The first line of a command's help, which is one sentence."""
    return (command.help or "").strip().split("\n\n")[0].replace("\n", " ")
