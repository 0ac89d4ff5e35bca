"""Options made from settings: the type, the default and the help of each are those of its field; see described.py.

    option(DreamSettings, "octaves")                        --octaves N  Number of sizes ... [default: 4]
    option(DreamSettings, "step", "--step-size")            another word on the command line
    option(MaximizeSettings, "rate", presets=MAXIMIZE)      no default; the help says what the presets have
"""

from typing import Any

import click

from minivis.commands.types import real, whole
from minivis.runtime.described import by_preset, default_of

MOST = {int: 10**6, float: 1e12}                # beyond any sensible value, where a kind has no bound
METAVARS = {"levels of 255": "LEVELS"}          # of numbers in a unit; others are FLOAT


def option(settings: Any, name: str, *words: str, presets: Any = None, **more: Any) -> click.Option:
    """The option of a field, called ``words`` instead of --name. ``more`` replaces what the field says."""
    field = settings.field(name)
    kind, switch = field.metadata["kind"], isinstance(field.default, bool)
    flag = f"--{name.replace('_', '-')}"
    either = field.default is True or (switch and presets is not None)      # presets differ: both can be asked for
    words = words or (f"{flag}/--no-{flag[2:]}" if either else flag,)
    made = {"type": None if switch else type_of(kind), "help": field.metadata["help"], "is_flag": switch}
    words_for = {int: "N", str: None if kind.names else "NAME", float: METAVARS.get(field.metadata["unit"])}
    made["metavar"] = words_for.get(kind.type)
    if presets is not None:
        made["help"] += f" {by_preset(presets, field)}"
        made |= {"default": None}               # not given: as the preset says
    else:
        made |= {"default": field.default, "show_default": default_of(field) if field.default is None else True}
    return click.Option([*words, name], **(made | more))


def options(settings: Any, *names: str, presets: Any = None) -> list[click.Option]:
    """The options of several fields that need no words of their own."""
    return [option(settings, name, presets=presets) for name in names]


def type_of(kind: Any) -> click.ParamType:
    """The type of an option whose values are of this kind."""
    if kind.names:
        return click.Choice(kind.names)
    if kind.type is str:
        return click.STRING
    if kind.type is int:
        most = MOST[int] if kind.most is None else min(kind.most, MOST[int])
        return whole(int(kind.least), int(most))
    low = kind.least if kind.above is None else kind.above
    high = kind.most if kind.below is None else kind.below
    return real(low, MOST[float] if high is None else high, min_open=kind.above is not None,
                max_open=kind.below is not None)
