"""--plain, an option of every command: MINIVIS_PLAIN=1 while that command runs."""

import click

from minivis.runtime.plain import plain


def begin(ctx, option, value):
    """Plain mode until the command's context closes. A missing option leaves the environment as it is."""
    if value and not ctx.resilient_parsing:
        ctx.with_resource(plain())


PLAIN = click.Option(["--plain"], is_flag=True, expose_value=False, callback=begin,
                     help="Run every layer by itself and by its definition: slower, but the code that one reads.")
PLAIN.heading = "Net and computer"              # of the help, see option_groups.py
