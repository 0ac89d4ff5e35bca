"""The types of options and arguments: sizes in pixels and in bytes, lists of numbers, colours, further pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

MILLION = 10**6
LONGEST = 40                                    # characters of a number; longer ones are not parsed
UNITS = {"": 1, "MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


class Bounded(click.ParamType):
    """A finite number within bounds."""

    def __init__(self, range_type: Any) -> None:
        self.range = range_type
        self.name = range_type.name = range_type.name.removesuffix(" range")        # in messages and in help

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and len(value) > LONGEST:
            self.fail(f"the number {value[:12]}... has {len(value)} characters, which is too long", param, ctx)
        found = self.range.convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is not a finite number", param, ctx)
        return found


def whole(low: int = 1, high: int = MILLION) -> Bounded:
    """The type of whole numbers from ``low`` to ``high``, which by default is beyond any sensible value."""
    return Bounded(click.IntRange(low, high))


def real(low: float = 0, high: float = 1e9, **opened: Any) -> Bounded:
    """The type of finite numbers from ``low`` to ``high``; ``min_open`` and ``max_open`` exclude a bound."""
    return Bounded(click.FloatRange(low, high, **opened))


class PictureFile(click.ParamType):
    """The type of an option that names a picture. The function gets its pixels, and the record gets its hash."""

    name = "picture"

    def names_file(self, value: Any) -> bool:
        """Whether the value is the name of a file, which is read."""
        return True


class MaskFile(PictureFile):
    """A mask: a picture, which is read, or a rectangle or the word segment, which the function gets as they are."""

    name = "mask"

    def names_file(self, value: Any) -> bool:
        from minivis.images.masks import is_numbers

        return not is_numbers(str(value)) and value.partition(":")[0] != "segment"


class Bytes(click.ParamType):
    """A size of memory: 4GB, 4GiB, 500MB, or a number of bytes."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)[:LONGEST].upper()
        number = text.rstrip("GMIB ")
        try:
            found = int(float(number) * UNITS[text[len(number) :].strip()])
        except (ValueError, KeyError, OverflowError):
            found = 0
        if not 1 <= found < 10**18:
            self.fail(f"{shown(value)} is not an amount of memory; write it as 4GB or 500MB", param, ctx)
        return found


class Pixels(click.ParamType):
    """A size in pixels: 12, or rows,columns as in 12,8."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            sides = tuple(int(side) for side in str(value).replace("x", ",").split(","))
        except ValueError:
            sides = ()
        if len(sides) not in (1, 2) or not all(1 <= side <= MILLION for side in sides):
            self.fail(f"{shown(value)} is not a size; write pixels as 12, or rows and columns as 12,8, from 1 to "
                      f"{MILLION}", param, ctx)
        return sides * (3 - len(sides))


class Start(click.ParamType):
    """A start: a word, or a colour such as 200,30,30."""

    name = "start"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple) or value in ("noise", "grey", "black", "white"):
            return value
        try:
            colour = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            colour = ()
        if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
            self.fail(f"{shown(value)} is not a start; write noise, grey, black, white, or a colour as levels of red, "
                      "green and blue, such as 200,30,30", param, ctx)
        return colour


class Numbers(click.ParamType):
    """One number or several, each within the bounds of ``one``: 512, or 256,512,1024."""

    def __init__(self, one: click.ParamType) -> None:
        self.one, self.name = one, "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        return tuple(self.one.convert(part.strip(), param, ctx) for part in str(value).split(","))


def shown(value: Any) -> str:
    """A word of the command line for a message, shortened if it is long."""
    return repr(value) if len(str(value)) <= LONGEST else f"{str(value)[:LONGEST]!r}..."


class Channels(click.ParamType):
    """Channels to draw as red, green and blue, from 1, as 3,2,1; or one in grey. A word of ``words`` stays as it is."""

    name = "channels"

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple) or value in self.words:
            return value
        parts = str(value).split(",")
        if len(parts) not in (1, 3) or not all(part.strip().isdecimal() and len(part) < 9 for part in parts):
            words = f"is not one of {', '.join(map(repr, self.words))}, and " if self.words else ""
            self.fail(f"{shown(value)} {words}is not a choice of channels; give three for red, green and blue, such as "
                      "3,2,1, or one for grey", param, ctx)
        return tuple(map(int, parts))


class LazyChoice(click.Choice):
    """A choice among what ``read()`` returns; it is called only when needed, so most commands import no layers."""

    def __init__(self, read: Callable[[], Iterable[str]]) -> None:
        self.read, self.case_sensitive = read, True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.read())


class ListedOption(click.Option):
    """An option whose help ends with what ``listed()`` returns; it is called when the help is shown."""

    def __init__(self, *args: Any, listed: Callable[[], str], **settings: Any) -> None:
        self.listed = listed
        super().__init__(*args, **settings)

    @property
    def help(self) -> str:  # type: ignore[override]
        return f"{self.summary} {self.listed()}"

    @help.setter
    def help(self, text: str | None) -> None:
        self.summary = text


def backward_rules() -> Mapping[str, Any]:
    from minivis.layers.rules import RULES

    return RULES


def relu_rules() -> Iterable[str]:
    from minivis.layers.relu import RELU_RULES

    return RELU_RULES


def imaging_rules() -> Iterable[str]:
    from minivis.layers.relu import IMAGING_RULES

    return IMAGING_RULES


def kinds_of_saliency() -> Iterable[str]:
    from minivis.methods.attribution.saliency import KINDS

    return KINDS


class AfterImage(click.Argument):
    """A required argument after the optional IMAGE: if there is only one word, it is this one."""

    def handle_parse_result(self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]) -> Any:
        if not isinstance(opts.get(self.name), str) and ctx.params.get("image") is not None:
            opts, ctx.params["image"] = {**opts, self.name: ctx.params["image"]}, None
        return super().handle_parse_result(ctx, opts, args)


MASK_FILE, PICTURE_FILE, BYTES, PIXELS, START = MaskFile(), PictureFile(), Bytes(), Pixels(), Start()
CHANNELS = Channels()
COUNTS, SIDES, WEIGHTS = Numbers(whole(0)), Numbers(whole()), Numbers(real())
