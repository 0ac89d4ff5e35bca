"""A page for each command, from click: usage, text, and every option with its default."""

import inspect

import click

from build_pages.api import title
from build_pages.docstrings import converted, escaped

FOLDER = "reference/commands"


def all_commands():
    """{heading: {name: command}} of `minivis --help`."""
    from minivis.cli import cli

    return {heading: {name: cli.commands[name] for name in names} for heading, names in cli.sections.items()}


def pages():
    made = {f"{FOLDER}/index.rst": index()}
    for commands in all_commands().values():
        made |= {f"{FOLDER}/{name}.rst": page(("minivis", name), command) for name, command in commands.items()}
    return made


def index():
    lines = [*title("Commands"), "``minivis COMMAND --help`` says the same in a terminal. Options of every command: "
             "``--help`` and ``--plain``. A user's mistake ends in one sentence and exit code 2, a failed check in 1, "
             "Ctrl-C in 130.", ""]
    for heading, commands in all_commands().items():
        lines += [*title(heading, "-"), ".. list-table::", "   :widths: 30 70", "   :class: api", ""]
        for name, command in commands.items():
            lines += [f"   * - :doc:`minivis {name} <{name}>`", f"     - {escaped(code(first(command)))}"]
        lines.append("")
    lines += [".. toctree::", "   :hidden:", ""]
    return "\n".join([*lines, *(f"   {name}" for commands in all_commands().values() for name in commands), ""])


def page(words, command, line="="):
    """One command; a group's commands follow on the same page."""
    context = click.Context(command, info_name=words[-1], parent=parents(words[:-1]))
    lines = [*title(" ".join(words), line), *text(command), ".. code-block:: text", "",
             "   " + " ".join(command.get_usage(context).removeprefix("Usage: ").split()), ""]
    lines += [f".. program:: {' '.join(words)}", ""]
    for heading, records in options(command, context).items():
        if heading != "Options":
            lines += [f".. rubric:: {heading}", ""]
        for names, meaning in records:
            lines += [f".. option:: {names}", "", f"   {escaped(code(meaning))}" if meaning else "", ""]
    if isinstance(command, click.Group):
        lines += ["\n" + page((*words, name), below, "-") for name, below in command.commands.items()]
    return "\n".join(lines)


def parents(words):
    """The context of a group, which names it in a usage line."""
    return click.Context(click.Group(words[-1]), info_name=words[-1], parent=parents(words[:-1])) if words else None


def options(command, context):
    """{heading: [(names, meaning), ...]}: those of minivis' GroupedCommand, or all under "Options"."""
    found = {}
    for option in command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            found.setdefault(getattr(option, "heading", "Options"), []).append(record)
    if len(found) == 1:
        return {"Options": next(iter(found.values()))}
    from minivis.commands import option_groups

    order = ("Options", *option_groups.ORDER)
    whole = {option_groups.MAKING: found.pop("Options", []) + found.pop(option_groups.MAKING, []), **found}
    return {heading: whole[heading] for heading in sorted(whole, key=order.index) if whole[heading]}


def text(command):
    """The lines of a command's help."""
    lines = inspect.cleandoc(command.help or "").replace("\b", "").split("\n")
    return [*converted([code(line) if not line.startswith(" ") else line for line in lines]), ""]


def first(command):
    from minivis.commands.groups import first_sentence

    return first_sentence(command)


def code(text):
    """`backticks` of a help text as reStructuredText's code."""
    return text.replace("``", "`").replace("`", "``")
