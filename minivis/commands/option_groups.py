"""The headings under which a command's help lists its options if there are more than ten."""

import shlex

import click

MAKING, OPTIMISER, PRIORS = "What to make", "How the optimiser runs", "Priors and random moves"
READING, COMPUTING, OUTPUT = "How to read a net's file", "Net and computer", "Output"
ADVERSARY, FILM = "Training against attacks", "If IMAGE is a film"
ORDER = (MAKING, FILM, OPTIMISER, PRIORS, ADVERSARY, READING, COMPUTING, OUTPUT)
MANY = 10                                       # a command with more options has headings


def under(heading: str, *options: click.Parameter) -> list[click.Parameter]:
    """Put options under a heading; options without one stand under "What to make"."""
    for option in options:
        option.heading = heading  # type: ignore[attr-defined]
    return list(options)


class GroupedCommand(click.Command):
    """A command whose help groups its options, if it has many."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True             # to say more about them than click does
        extra = super().parse_args(ctx, args)
        if extra and not ctx.resilient_parsing:
            is_unit = any("--unit" in option.opts for option in self.params) and "." not in extra[0]      # no file
            how = f"; to name a unit, write --unit {shlex.quote(extra[0])}" if is_unit else ""
            ctx.fail(f"Got unexpected extra argument{'s' * (len(extra) > 1)} ({' '.join(extra)}){how}")
        return extra

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        records = [(getattr(option, "heading", MAKING), record) for option in options
                   if (record := option.get_help_record(ctx)) is not None]
        if len(records) <= MANY:
            records = [("Options", record) for _, record in records]
        for heading in ("Options", *ORDER):
            if rows := [record for its, record in records if its == heading]:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            under(OUTPUT, option)
        return option
