"""The commands that read many pictures: a folder of any size, on one process or many, on one machine or a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import click

from minivis.commands.common import (
    DEVICE,
    FORCE,
    JSON,
    QUIET,
    THREADS,
    Given,
    blas_threads,
    net_option,
    read_given,
    say,
)
from minivis.commands.default_net import unnamed
from minivis.commands.picture_command import NOT_RECORDED, PictureCommand, picture_command
from minivis.commands.setting_options import option, options
from minivis.commands.types import AfterImage, LazyChoice, imaging_rules, whole
from minivis.methods.looking.settings import NeighbourSettings, PatchSettings, TsneSettings

if TYPE_CHECKING:
    from minivis.methods.shared.result import Result
    from minivis.types import Device, PathLike

FOLDER = click.Argument(["folder"])             # or the word "samples"
MOST_JOBS = 1024
DIGITS_NET = "digits-net"
LAYER = click.Option(["--layer"], metavar="NAME", help="Layer; by default the net's content layer.")
SHRUNK = click.Option(["--size"], type=whole(), metavar="N", help="Shrink the longer side of each picture to N pixels "
                                                                  "first; for nets that take any size, the side of "
                                                                  "the squares that they see (default 224).")
RESUME = click.Option(["--resume"], is_flag=True, help="Continue a run that was stopped.")
WORKERS = [
    click.Option(["--jobs"], type=whole(1, MOST_JOBS), default=1, show_default=True, metavar="N",
                 help="Number of processes with one thread each; 1 uses only this process, with all its threads."),
    click.Option(["--backend"], type=click.Choice(["loky", "dask"]), default="loky", show_default=True,
                 help="Use processes of this machine, or the workers of a Dask cluster."),
    click.Option(["--scheduler"], metavar="ADDRESS", help="Address of the cluster's scheduler, such as "
                                                          "tcp://10.0.0.1:8786."),
]  # fmt: skip


class SweepCommand(PictureCommand):
    """A picture command that can be stopped and continued, and whose work can be shared out."""

    not_recorded: tuple[str, ...] = (*NOT_RECORDED, "jobs", "backend", "scheduler", "resume")

    def run(self, **params: Any) -> Any:
        from minivis.runtime.checkpoints import check_unfinished
        from minivis.runtime.locks import only_one

        out = self.output(params)
        if out is None:
            return super().run(**params)
        with only_one(out), resumable(f"{out}.checkpoint"):
            if not params["resume"]:
                check_unfinished(f"{out}.checkpoint", params["force"])
            code = super().run(**params)
            with suppress(FileNotFoundError):
                os.unlink(f"{out}.checkpoint")          # no longer needed
            return code


@contextmanager
def resumable(checkpoint: PathLike) -> Iterator[None]:
    """A context in which Ctrl-C prints how to continue."""
    try:
        yield
    except KeyboardInterrupt:
        if os.path.exists(checkpoint):
            click.echo(f"\n{checkpoint} holds the results so far; --resume continues from there", err=True)
        raise


@picture_command(
    "patches",
    FOLDER, LAYER,
    click.Option(["--unit"], type=whole(0), multiple=True, metavar="N",
                 help="Unit of the layer; repeat the option for several; by default all."),
    option(PatchSettings, "k", "--top", type=whole()), option(PatchSettings, "per_picture", type=whole()),
    click.Option(["--beside"], type=LazyChoice(lambda: [*imaging_rules(), "both", "none"]), default="both",
                 show_default=True, help="ReLU rules under which to draw what excites the unit in each patch; drawing "
                                         "takes time, too."),
    click.Option(["--all-layers"], is_flag=True, help="Draw a sheet with some units of every layer."),
    SHRUNK, *WORKERS, RESUME,
    kind=SweepCommand, image=False, inputs=("folder",),
)  # fmt: skip
def patches(
    given: Given, seed: int, progress: bool, layer: str | None, unit: Any, k: int, per_picture: int, beside: Any,
    all_layers: bool, size: Any, jobs: int, backend: Literal["loky", "dask"], scheduler: str | None, resume: bool,
) -> Result:  # fmt: skip
    """Find the patches of a FOLDER of pictures that excite a unit most.

    Beside each patch stand the deconvnet's and the guided picture of the same place. Pictures that cannot be read are
    listed at the end. FOLDER may also be one picture. With --all-layers, evenly spaced units of every layer are drawn
    on one sheet; if the names of the pictures or of their folders say what they show, it is counted how many patches of
    a unit are of one class.
    """
    from minivis.errors import BadValue
    from minivis.methods.looking.patches import MAPS, top_patches
    from minivis.methods.looking.patches_by_layer import patches_by_layer

    maps = {"both": tuple(MAPS), "none": ()}.get(beside, (beside,))
    if all_layers:
        if layer or unit or per_picture > 1 or resume or jobs > 1 or backend != "loky":
            raise BadValue("--all-layers chooses layers and units itself, in this process: leave out --layer, --unit, "
                           "--per-picture, --jobs, --backend and --resume")
        return patches_by_layer(given.net, given.inputs["folder"], k=k, maps=maps, size=size, seed=seed,
                                progress=progress)
    return top_patches(given.net, given.inputs["folder"], layer, unit or None, k=k, per_picture=per_picture,
                       maps=maps, size=size, jobs=jobs, backend=backend, scheduler=scheduler,
                       checkpoint=given.out and f"{given.out}.checkpoint", resume=resume, seed=seed, progress=progress)


@click.command("codes", params=[
    FOLDER,
    click.Option(["-o", "--out"], metavar="FILE", default="codes.h5", show_default=True,
                 help="File to write: .h5, or .npz, .csv or .parquet for other programs."),
    click.Option(["--layer"], metavar="NAME", help="Layer; by default the net's code layer, fc7."),
    SHRUNK, *WORKERS,
    click.Option(["--resume", "--append"], is_flag=True, help="Continue a run that was stopped, or add to an existing "
                                                              "file; pictures that it holds are not read again."),
    net_option(), DEVICE, THREADS, FORCE, JSON, QUIET,
])  # fmt: skip
def codes(
    folder: str, out: str, layer: str | None, size: Any, jobs: int, backend: Literal["loky", "dask"],
    scheduler: str | None, resume: bool, net: Any, device: Device, threads: int | None, force: bool, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Write the code of each picture of a FOLDER: the activations of a layer, as a vector.

    The codes go into a file that `minivis neighbours` and `minivis tsne` read. Pictures that cannot be read are
    listed at the end.
    """
    from minivis.data.samples import folder_called
    from minivis.methods.looking.codes import checkpoint_of, write_codes
    from minivis.runtime.files import check_output
    from minivis.sweeps.codes_file import check_ending
    from minivis.sweeps.tally import listed

    check_ending(out)
    check_output(out, force or resume)                  # checked before a large net is read
    given = read_given(net, needs_image=False, device=device)
    with resumable(checkpoint_of(out)), blas_threads(threads):
        done = write_codes(given.net, folder_called(folder), out, layer, net_name=net, resume=resume, force=force,
                           size=size, jobs=jobs, backend=backend, scheduler=scheduler, progress=not quiet)
    words = [f"{done.pictures:,} pictures, {done.new:,} of them new; {done.width:,} numbers of {done.layer} each"]
    say("codes", None if quiet else "\n".join(words + listed(done.unreadable)), as_json=as_json, quiet=quiet,
        settings={"folder": folder, "net": net, "layer": done.layer, "size": size}, files=[out],
        numbers={"pictures": done.pictures, "new": done.new, "width": done.width,
                 "unreadable": [list(pair) for pair in done.unreadable]})  # fmt: skip


CODES = click.Argument(["codes"])


@picture_command(
    "neighbours",
    AfterImage(["codes"]),
    option(NeighbourSettings, "k", "--top"), *options(NeighbourSettings, "metric", "pixels"),
    click.Option(["--sheet"], is_flag=True, help="Draw a picture of each of eight classes with its neighbours by code "
                                                 "and by pixels, and count over all how many show the same."),
    inputs=("codes",),
)
def neighbours(given: Given, seed: int, progress: bool, k: int, metric: str, pixels: bool, sheet: bool) -> Result:
    """Find the pictures in a file of CODES that the net finds most similar to IMAGE.

    `minivis codes` makes the file; --net must be the net that it was made with. CODES may also be a folder of pictures,
    or the word families, which stands for ten pictures each of twenty classes. For --sheet what a picture shows is the
    name of its folder or, where all lie in one, its own name without numbers.
    """
    from minivis.errors import BadValue
    from minivis.methods.looking.codes import codes_at
    from minivis.methods.looking.neighbour_sheet import SHEET_K, neighbour_sheet
    from minivis.methods.looking.neighbours import neighbours

    if sheet and (given.image_name is not None or pixels or metric != NeighbourSettings.metric):
        raise BadValue("--sheet draws pictures of CODES by cosine distance and by pixels: leave out IMAGE, --metric "
                       "and --pixels")
    with codes_at(given.net, given.inputs["codes"], progress=progress) as codes:
        if sheet:
            k = SHEET_K if k == NeighbourSettings.k else k
            return neighbour_sheet(given.net, codes, k=k, seed=seed, progress=progress)
        return neighbours(given.net, given.image, codes, k=k, metric=metric, pixels=pixels, seed=seed,
                          progress=progress)


class TsneCommand(PictureCommand):
    """The map of the digits uses the net of the digits, unless --net names another. --html writes a page, too."""

    not_recorded: tuple[str, ...] = (*NOT_RECORDED, "html")

    def run(self, **params: Any) -> Any:
        from minivis.data.samples import DIGITS, is_set
        from minivis.errors import BadValue
        from minivis.methods.looking.tsne_page import check_page

        if params["html"] is not None:
            check_page(params["html"], params["force"])
            if params["codes"] == DIGITS:
                raise BadValue("--html is for maps of pictures; the digits are drawn at their points: give codes or a "
                               "folder")
        if params["codes"] == DIGITS and is_set(DIGITS) and unnamed("net"):
            params["net"] = DIGITS_NET
        return super().run(**params)

    def write(self, out: str, result: Result, picture: Any, text: dict[str, str] | None, force: bool) -> str | None:
        from minivis.methods.looking.tsne_page import write_page

        said = super().write(out, result, picture, text, force)
        page = click.get_current_context().params["html"]
        if page is None:
            return said
        write_page(page, result, force=force)
        return f"wrote {page}, a page to explore"


@picture_command(
    "tsne",
    CODES,
    *options(TsneSettings, "perplexity", "layout"), option(TsneSettings, "side", type=whole(64, 8192)),
    option(TsneSettings, "most"),
    click.Option(["--html"], metavar="FILE.html", show_default="none",
                 help="Also write the map as one page to explore in a browser: zoom, names, search."),
    image=False, inputs=("codes",), kind=TsneCommand,
)  # fmt: skip
def tsne(
    given: Given, seed: int, progress: bool, perplexity: float, layout: Literal["grid", "plane", "both"],
    side: int | None, most: int, html: str | None,
) -> Result:  # fmt: skip
    """Draw a map of the pictures in a file of CODES, on which similar pictures lie close together.

    CODES may also be a folder of pictures; --net then computes their codes. The word digits stands for scikit-learn's
    1,797 handwritten digits: they are mapped twice, by their pixels and by the codes of the net digits-net, coloured by
    what they are, and their neighbours' agreement is counted.
    """
    from minivis.data.digits import CLASSES, every_digit
    from minivis.data.samples import DIGITS, unpacked
    from minivis.errors import BadValue
    from minivis.methods.looking.codes import codes_at
    from minivis.methods.looking.tsne import tsne_grid
    from minivis.methods.looking.tsne_labelled import tsne_labelled

    if DIGITS in given.inputs["codes"] and given.inputs["codes"] == unpacked(DIGITS):
        if layout != TsneSettings.layout or most != TsneSettings.most:
            raise BadValue("--layout and --most are for maps of pictures; the digits are drawn at their points, all of "
                           "them")
        images, labels, new = every_digit()
        at_side: dict[str, Any] = {"side": side} if side else {}
        return tsne_labelled(given.net, images, labels, names=CLASSES, new=new, perplexity=perplexity,
                             **at_side, seed=seed, progress=progress)
    with codes_at(given.net, given.inputs["codes"], progress=progress) as codes:
        return tsne_grid(codes, perplexity=perplexity, layout=layout, side=side, most=most, seed=seed,
                         progress=progress)


