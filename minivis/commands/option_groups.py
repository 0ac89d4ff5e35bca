"""The headings under which a command's help lists its options if there are more than ten."""

import click

MAKING, OPTIMISER, PRIORS = "What to make", "How the optimiser runs", "Priors and random moves"
READING, COMPUTING, OUTPUT = "How to read a net's file", "Net and computer", "Output"
ADVERSARY, FILM = "Training against attacks", "If IMAGE is a film"
ORDER = (MAKING, FILM, OPTIMISER, PRIORS, ADVERSARY, READING, COMPUTING, OUTPUT)
MANY = 10                                       # a command with more options has headings


def under(heading, *options):
    """Put options under a heading; options without one stand under "What to make"."""
    for option in options:
        option.heading = heading
    return list(options)


class GroupedCommand(click.Command):
    """A command whose help groups its options, if it has many."""

    def format_options(self, ctx, formatter):
        records = [(getattr(option, "heading", MAKING), option.get_help_record(ctx)) for option in self.get_params(ctx)
                   if isinstance(option, click.Option)]
        records = [(heading, record) for heading, record in records if record is not None]
        if len(records) <= MANY:
            records = [("Options", record) for _, record in records]
        for heading in ("Options", *ORDER):
            if rows := [record for its, record in records if its == heading]:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def get_help_option(self, ctx):
        option = super().get_help_option(ctx)
        return option and under(OUTPUT, option)[0]
