"""The types of options and arguments: sizes in pixels and in bytes, lists of numbers, colours, further pictures."""

import click

UNITS = {"": 1, "MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


class PictureFile(click.ParamType):
    """The type of an option that names a picture: it is read, hashed into the record, and handed on as pixels."""

    name = "picture"


class Bytes(click.ParamType):
    """A size of memory: 4GB, 4GiB, 500MB, or a number of bytes."""

    name = "bytes"

    def convert(self, value, param, ctx):
        number = str(value).upper().rstrip("GMIB ")
        try:
            found = int(float(number) * UNITS[str(value).upper()[len(number) :].strip()])
        except (ValueError, KeyError, OverflowError):
            found = 0
        if found < 1:
            self.fail(f"{value!r} is no size of memory: give one as 4GB or 500MB", param, ctx)
        return found


class Pixels(click.ParamType):
    """A size in pixels: 12, or rows,columns as in 12,8."""

    name = "pixels"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            sides = tuple(int(side) for side in str(value).replace("x", ",").split(","))
        except ValueError:
            sides = ()
        if len(sides) not in (1, 2) or min(sides) < 1:
            self.fail(f"{value!r} is no size: give pixels, as 12, or rows and columns, as 12,8", param, ctx)
        return sides * (3 - len(sides))


class Start(click.ParamType):
    """What to start from: a word, or a colour as in 200,30,30."""

    name = "start"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple) or value in ("noise", "grey", "black", "white"):
            return value
        try:
            color = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            color = ()
        if len(color) != 3 or not all(0 <= part <= 255 for part in color):
            self.fail(f"{value!r} is no start: give noise, grey, black, white, or a colour, as 200,30,30", param, ctx)
        return color


class Numbers(click.ParamType):
    """One number or several: 512, or 256,512,1024."""

    def __init__(self, kind):
        self.kind, self.name = kind, "numbers"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r}: give {'whole ' if self.kind is int else ''}numbers, as 1,2,3", param, ctx)


class AfterImage(click.Argument):
    """An argument behind IMAGE that is needed, as IMAGE is not: a word alone is this one."""

    def handle_parse_result(self, ctx, opts, args):
        if not isinstance(opts.get(self.name), str) and ctx.params.get("image") is not None:
            opts, ctx.params["image"] = {**opts, self.name: ctx.params["image"]}, None
        return super().handle_parse_result(ctx, opts, args)


PICTURE_FILE, BYTES, PIXELS, START = PictureFile(), Bytes(), Pixels(), Start()
COUNTS, WEIGHTS = Numbers(int), Numbers(float)
