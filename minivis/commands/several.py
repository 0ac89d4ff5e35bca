"""Several pictures in one run of a picture command, and several nets in one figure.

    minivis saliency a.jpg b.jpg -o maps            maps/a-saliency.png, maps/b-saliency.png
    minivis style 'photos/*.jpg' painting.jpg       a folder or a glob stands for its pictures, where other words follow
    minivis saliency photos -o 'maps/{name}.png'    {name}: the picture's name without its ending

The nets are loaded once. Each picture gets its file and, with --json, its line. A picture that cannot be used is listed
at the end, and the others are done; then the exit code is 2.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.errors import BadFile, BadValue, MinivisError, UnknownName

if TYPE_CHECKING:
    from minivis.commands.picture_command import PictureCommand

PATTERN = "{name}"
GLOB = "*?["


class ImageArgument(click.Argument):
    """One IMAGE or several: the value is None, a word, or a tuple of words."""

    def __init__(self) -> None:
        super().__init__(["image"], nargs=-1, required=False, callback=lambda context, option, value: one_or_all(value),
                         metavar="[IMAGE]...")


class NetOption(click.Option):
    """--net, once or several times: the value is a word, or a tuple of words for a command that ``compares``."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append", nargs=1)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return super().type_cast_value(ctx, value)
        names = tuple(super(NetOption, self).type_cast_value(ctx, one) for one in value)
        if len(names) > 1 and not getattr(ctx.command, "compares", False):
            raise BadValue(f"{ctx.info_name} takes one --net, and these are {', '.join(names)}; classify, backprop, "
                           "saliency, occlude and maximize draw several side by side")
        return one_or_all(names)


def one_or_all(words: Any) -> Any:
    return (words[0] if len(words) == 1 else tuple(words)) if words else None


def as_tuple(words: Any) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (words,)


def pictures_in(image: Any) -> list[str] | None:
    """The paths of several pictures that the command line names; None for one picture, or for none."""
    if image is None:
        return None
    words = as_tuple(image)
    found = [below(word) for word in words]
    if len(words) == 1 and found[0] is None:
        return None
    every = dict.fromkeys(path for word, paths in zip(words, found) for path in (paths or [word]))
    return list(every)                          # each once


def below(word: str) -> list[str] | None:
    """The pictures that a folder, a set of ours, or a glob stands for; None for the name of a file."""
    from minivis.data.samples import folder_called
    from minivis.images.collection import SUFFIXES, Pictures

    folder = folder_called(word)
    if os.path.isdir(folder):
        return [os.path.join(folder, name) for name in Pictures.of(folder).names]
    if os.path.lexists(word) or not any(sign in word for sign in GLOB):
        return None
    files = [path for path in sorted(glob.glob(word, recursive=True))
             if path.lower().endswith(SUFFIXES) and os.path.isfile(path)]
    if not files:
        raise BadFile(f"no picture is called {word}")
    return files


class Nets:
    """`common.read_net`, which reads each net once; ``told``: the nets that a user was told of."""

    def __init__(self) -> None:
        self.read: dict = {}
        self.told: set[str] = set()

    def __call__(self, *how: Any) -> Any:
        from minivis.commands.common import read_net

        if how not in self.read:
            self.read[how] = read_net(*how)
        return self.read[how]


def run_each(command: PictureCommand, params: dict[str, Any], paths: Sequence[str]) -> int:
    """Run a picture command for each of these pictures, and return the exit code."""
    names, nets = names_of(paths), Nets()
    codes: list[int] = []
    failed: list[tuple[str, str]] = []
    outs = outputs(command, params, names)
    own = {os.path.realpath(out) for out in outs.values() if out}
    paths = [path for path in paths if os.path.realpath(path) not in own]       # of an earlier run in this folder
    for path in paths:
        now = {**params, "image": path, "out": outs[path], **kept_files(params, names[path])}
        try:
            check_found(path, params["image"])
            make_folder(outs[path])
            code = command.run_one(now, nets=nets, several=True)
        except (MinivisError, MemoryError) as error:
            if isinstance(error, UnknownName) and not codes and not failed:
                raise                           # of what the command line says of every picture
            failed.append((path, str(error) or "there is not enough memory"))
            tell_failure(command, params, *failed[-1])
            continue
        codes.append(code)
        if code == 130:
            break
    if failed:
        click.echo(f"minivis: {len(codes)} of {len(paths)} pictures are done, and {len(failed)} could not be used",
                   err=True)
    return 130 if 130 in codes else 2 if failed else max(codes, default=0)


def check_found(path: str, words: Any) -> None:
    """Raise BadFile for a pipe or a device that lies in a folder: to open it could wait for ever.

    One that the command line names, such as a shell's <(...), is opened.
    """
    if path not in as_tuple(words) and os.path.exists(path) and not os.path.isfile(path):
        raise BadFile(f"{path} is a pipe or a device, not a regular file")


def tell_failure(command: PictureCommand, params: dict[str, Any], path: str, why: str) -> None:
    """Say what is wrong with a picture: as its line of JSON, or on stderr."""
    import json

    from minivis.runtime.files import printable

    if params["as_json"]:
        click.echo(json.dumps({"command": command.name, "image": path, "error": why}))
    else:
        said = why if path in why else f"{path}: {why}"
        click.echo(f"minivis: error: {printable(' '.join(said.split()))}", err=True)


def outputs(command: PictureCommand, params: dict[str, Any], names: Mapping[str, str]) -> dict[str, str | None]:
    """{path: where its picture is written}, all different; None if the command writes none."""
    out = params["out"]
    if out is None and command.writes == "asked":
        return dict.fromkeys(names)
    if out is not None and not in_folder(out) and PATTERN not in out:
        raise BadValue(f"{out} is one file, and there are {len(names)} pictures: give -o a folder, such as maps/, or a "
                       f"name with {PATTERN} in it")
    return {path: named(command, out, name, path) for path, name in names.items()}


def out_of_one(command: PictureCommand, params: dict[str, Any]) -> str | None:
    """Where the only picture is written: -o may be a folder or hold {name} for it, too."""
    out = params["out"]
    if not command.needs_image or not (in_folder(out) or PATTERN in out):
        return out
    made = named(command, out, command.stem(params), params["image"])
    make_folder(made)
    return made


def in_folder(out: str) -> bool:
    """Whether -o names a folder, which may be still to be made."""
    return os.path.isdir(out) or out.endswith(("/", os.sep))


def named(command: PictureCommand, out: str | None, name: str, path: str) -> str:
    """Where the picture called ``name``, at ``path``, is written."""
    if out is not None and PATTERN in out:
        return out.replace(PATTERN, name)
    file = f"{name}-{command.name}{command.ending(path)}"
    return file if out is None else os.path.join(out, file)


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """{path: its name without ending}; if two have the same name, with its folders and its ending."""
    stems = [Path(path).stem for path in paths]
    whole = {path: "-".join(part for part in Path(os.path.relpath(path or os.curdir, common(paths))).parts
                            if part != "..").replace(".", "-") for path in paths}
    found: dict[str, str] = {}
    for path, stem in zip(paths, stems):
        name = stem if stems.count(stem) == 1 else whole[path]
        again = sum(other.rpartition("~")[0] == name or other == name for other in found.values())
        found[path] = f"{name}~{again + 1}" if again else name
    return found


def common(paths: Sequence[str]) -> str:
    try:
        return os.path.commonpath([os.path.abspath(os.path.dirname(path)) for path in paths])
    except ValueError:                          # on several drives
        return os.curdir


def kept_files(params: dict[str, Any], name: str) -> dict[str, str]:
    """--checkpoint and --film of one picture: names that {name} tells apart."""
    found = {}
    for key in ("checkpoint", "film"):
        file = params.get(key)
        if file:
            if PATTERN not in file:
                raise BadValue(f"--{key} {file} is one file, and there are several pictures: put {PATTERN} into it")
            found[key] = file.replace(PATTERN, name)
    return found


def make_folder(out: str | None) -> None:
    folder = os.path.dirname(out or "")
    if folder and not os.path.isdir(folder) and os.path.isdir(os.path.dirname(os.path.abspath(folder))):
        os.mkdir(folder)
