"""--plain, an option of every command: MINIVIS_PLAIN=1 while that command runs."""

import click

from minivis.commands.option_groups import COMPUTING, under
from minivis.runtime.plain import plain


def begin(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    """Turn on plain mode until the command's context closes. Without the option the environment stays as it is."""
    if value and not ctx.resilient_parsing:
        ctx.with_resource(plain())


(PLAIN,) = under(COMPUTING, click.Option(
    ["--plain"], is_flag=True, expose_value=False, callback=begin,
    help="Run every layer separately, as its definition says: slower, but it is the code that one reads."))
