"""`minivis gallery` makes one page with every method; `minivis rerun` makes one picture again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import (
    COMPUTE,
    DEFAULT_NET,
    IMAGE,
    OUT,
    REPORT,
    SIZE,
    VIEW,
    blas_threads,
    read_further,
    read_given,
    relative,
    say,
    viewing,
)
from minivis.commands.default_net import read_for
from minivis.commands.option_groups import OUTPUT, GroupedCommand, under
from minivis.errors import BadFile, BadValue, MinivisError

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.commands.gallery.run import Shown
    from minivis.commands.picture_command import PictureCommand
    from minivis.types import PathLike

FOLDER = click.Option(["-o", "--out"], metavar="FOLDER", default="gallery", show_default=True,
                      help="Folder for index.html; it is made if it does not exist.")
PICTURES = click.Option(["--pictures"], metavar="FOLDER",
                        show_default="the bundled samples, for nets that read small pictures",
                        help="Folder of pictures for the sections that need many: patches, neighbours and map.")
under(OUTPUT, FOLDER)


@click.command("gallery", cls=GroupedCommand, params=[IMAGE, SIZE, PICTURES, *COMPUTE, *VIEW, FOLDER, *REPORT])
def gallery(out: str, force: bool, as_json: bool, quiet: bool, **params: Any) -> None:
    """Make a page that shows one IMAGE under every method.

    Each picture comes with a sentence, a formula, and the command that makes it. Without IMAGE the page shows the
    bundled goose and, if minivis[imagenet] is installed, photographs under a net trained on ImageNet; with
    minivis[pretrained] also a VGG's dreams of one. The page is written after every section: open it meanwhile, and it
    grows; Ctrl-C leaves what is done.
    """
    from minivis.commands.gallery.run import numbers
    from minivis.runtime.files import check_output

    with made_folder(out) as folder:
        page = folder / "index.html"
        check_output(page, force)
        given = read_for(params, quiet=quiet)
        shown = written(page, given, params, force=force, progress=not quiet)
    took = sum(s.seconds for s in shown)
    words = None if quiet else f"{sum(not s.why_not for s in shown)} pictures in {took:.1f} s"
    say("gallery", words, settings={**params, "out": relative(out)}, numbers=numbers(shown), files=[page],
        as_json=as_json, quiet=quiet)


def written(file: Path, given: Given, params: dict[str, Any], *, force: bool, progress: bool) -> list[Shown]:
    """Make the sections, and write the page after each. Return them. What ends it leaves the page of those done."""
    from minivis.commands.gallery import run as sections
    from minivis.commands.gallery.page import Page
    from minivis.runtime.files import atomic_write
    from minivis.version import __version__

    own_page = given.image_name is None
    name = "our goose" if own_page else Path(str(given.image_name)).name
    shown: list = []
    ours = force

    def write(**state: Any) -> None:
        nonlocal ours
        with atomic_write(file, ours) as temporary:
            temporary.write_bytes(page.html(*summary(given, shown), **state))
        ours = True                             # what is there now may be replaced

    with blas_threads(params["threads"]) as threads:
        params = {**params, "threads": threads}
        page = Page(
            sections.small(given.net.shown(given.image)), portrait_alt=f"The picture: {name}",
            title=f"What {Path(str(given.net_name)).stem} sees in {name}", version=__version__, net=given.net_name,
            seed=params["seed"], threads="1 thread" if threads == 1 else f"{threads} threads",
        )  # fmt: skip
        every = [sections.run(given, params, progress=progress)]
        if own_page and given.net_name == DEFAULT_NET:
            every.append(sections.chapters(params, progress=progress))
        try:
            for one in chain(*every):
                shown.append(one)
                page.add(one)
                write(complete=False)
        finally:
            if shown:                           # no browser need wait for more
                write()
    return shown


def summary(given: Given, shown: Sequence[Shown]) -> tuple[str, str]:
    """(the net's answer, what the page is about), from the sections done."""
    answer = next((str(s.result) for s in shown if s.section.key == "classify" and s.result), "")
    first = " ".join(answer.split("\n")[0].split())
    net, (H, W) = given.net, given.image.shape[:2]
    size = f"{net.input_size[1]} × {net.input_size[0]} pixels" if net.input_size else "pictures of any size"
    answer = f"Its answer: {first}." if first else "This net has no classes: it computes features, but gives no answer."
    return answer, (f"The picture has {W} × {H} pixels. The net reads {size}, has {len(net.nodes)} layers and "
                    f"{net.parameter_count:,} parameters. The {len(shown)} sections took "
                    f"{sum(s.seconds for s in shown):.1f} s.")


@contextmanager
def made_folder(path: PathLike) -> Iterator[Path]:
    """The folder at ``path``, made if it does not exist; a new one is removed if the work in it fails."""
    folder = Path(path)
    new = not os.path.lexists(folder)
    if new:
        try:
            folder.mkdir()
        except FileNotFoundError:
            raise BadValue(f"{folder} cannot be made: there is no folder {folder.parent}; make it first") from None
        except (OSError, ValueError) as error:
            raise BadValue(f"{folder} cannot be made ({getattr(error, 'strerror', error)})") from None
    elif not folder.is_dir():
        raise BadValue(f"{folder} is not a folder; give another name")
    try:
        yield folder
    except BaseException:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise


@click.command("rerun", params=[click.Argument(["picture"]), OUT, *REPORT])
def rerun(picture: str, out: str | None, force: bool, as_json: bool, quiet: bool) -> int:
    """Make a PICTURE again, bit for bit, from the record in it.

    It is an error if the net or the image has changed since. The exit code is 1 if the bits differ.
    """
    from minivis.images.array_files import holds_arrays
    from minivis.images.files import check_suffix, read_image, write_image
    from minivis.images.provenance import read_record, versions
    from minivis.runtime.files import check_output, read_bytes
    from minivis.runtime.plain import plain

    record = read_record(picture)
    command, params = recorded_command(record, picture)
    out = f"{Path(picture).stem}-rerun{Path(picture).suffix}" if out is None else out
    check_output(out, force)
    if not record.get("arrays"):
        check_suffix(out)
    elif not (command.arrays and holds_arrays(out)):
        raise BadValue(f"{out}: {picture} holds numbers, and a file of numbers ends in .npy, .npz, .tif or .tiff")
    numbers = bool(record.get("arrays"))
    then: Any = read_bytes(picture) if numbers else read_image(picture)
    given = recorded_inputs(command, record, params, picture)
    given.out = out if numbers else None
    params["threads"] = record["threads"]
    with plain("--plain" in record["command"]):
        result, pixels, text = command.make(given, params, progress=not quiet)
    if numbers:
        command.write(out, result, pixels, text, force)
        identical = read_bytes(out) == then
    else:
        write_image(out, pixels, text, force=force)
        now = read_image(out)
        identical = then.shape == now.shape and bool((then == now).all())
    then_used, here = record["versions"], versions()
    changed = {name: [then_used.get(name), here.get(name)] for name in dict.fromkeys([*then_used, "tuning"])
               if here.get(name) != then_used.get(name)}
    if identical:
        words = None if quiet else f"{picture} made again, bit for bit"
    else:
        why = ", ".join(f"{name} {old or 'default'} then and {new or 'default'} now"
                        for name, (old, new) in changed.items())
        words = f"{picture} made again, but not bit for bit: {why or 'another processor, or an edited picture'}"
    say("rerun", words, settings={"picture": picture}, files=[out], as_json=as_json, quiet=quiet,
        numbers={"identical": identical, "changed_versions": changed, "command": record["command"], **result.numbers})
    return 0 if identical else 1


def recorded_command(record: dict[str, Any], picture: str) -> tuple[PictureCommand, dict[str, Any]]:
    """The `PictureCommand` of a record and its parameters. Records are untrusted: they may only make a picture."""
    from minivis.commands.registry import COMMANDS

    words = record["command"]
    command = COMMANDS.get(words[0])
    if command is None:
        raise BadFile(f"{picture} was made by the command {words[0]!r}, which this minivis cannot make again")
    try:
        params = command.parse(words)
    except (click.ClickException, click.exceptions.Exit, MinivisError):
        raise BadFile(f"{picture} has a damaged record of how it was made") from None
    given = {name for name in command.inputs if params[name] is not None}
    if (params["out"] is not None or params["force"] or (params.get("image") is None) != (record["image"] is None)
            or isinstance(params.get("image"), tuple) or nets_of(params) != len(record.get("nets", [0]))
            or command.needs_net != (record["net"] is not None) or given != set(record["inputs"])):
        raise BadFile(f"{picture} has a damaged record of how it was made")
    if not record.get("whole", True):
        raise BadFile(f"{picture} was stopped or resumed before it was complete: run its command again instead")
    return command, params


def nets_of(params: dict[str, Any]) -> int:
    return len(params["net"]) if isinstance(params.get("net"), tuple) else 1


def recorded_inputs(command: PictureCommand, record: dict[str, Any], params: dict[str, Any], picture: str) -> Given:
    """The net, the picture and the further inputs of a record, if they have not changed since."""
    from minivis.data.samples import folder_called
    from minivis.images.provenance import beside, unchanged
    from minivis.weights.catalogue import CATALOGUE, locate

    image = found = params.get("image")
    if image is not None:
        found = unchanged("picture", beside(image, picture), record["image"]["sha256"], picture)
    inputs = {name: unchanged(name, folder_called(beside(params[name], picture)), file["sha256"], picture)
              for name, file in record["inputs"].items()}
    named = params.get("net")
    nets, hashes = (named,), [record["net"]]
    if isinstance(named, tuple):
        nets, hashes = named, record["nets"]
    every = []
    for name, file in zip(nets, hashes, strict=True):
        net = name if name is None or name in CATALOGUE else beside(name, picture)
        if net is not None:
            unchanged("net", locate(net), file["sha256"], picture)
        every.append(read_given(net, found, size=params.get("size"), needs_image=command.needs_image,
                                device=params.get("device", "cpu"), **viewing(params)))
        every[-1].net_name, every[-1].image_name = name, image
    given = replace(every[0], inputs=inputs, others=every[1:])
    further = {file["name"]: file["sha256"] for file in record.get("further", ())}
    given.further = read_further(params, command.params, lambda name: unchanged(
        "picture", beside(name, picture), further.get(name, ""), picture), given.net)
    return given
