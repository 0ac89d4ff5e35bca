"""The options of a run of many steps, which can be watched, stopped and continued: --checkpoint, --resume, --film."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.option_groups import OUTPUT, under
from minivis.errors import BadValue
from minivis.runtime.plain import is_plain

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.optimize.watch import Watch

KEEPING = ("checkpoint", "resume", "film")
FRAMES = 120                                    # of a film


def long_options(count: str) -> list[click.Parameter]:
    """The options of a run whose length is --``count``."""
    return under(
        OUTPUT,
        click.Option(["--checkpoint"], metavar="FILE", show_default="none",
                     help="Save the state of the run in this file every half minute and at the end."),
        click.Option(["--resume"], is_flag=True,
                     help=f"Continue from --checkpoint until a total of --{count} are done."),
        click.Option(["--film"], metavar="FILE", show_default="none",
                     help="Write a film of the run, as .gif, .webp or .mp4."),
    )  # fmt: skip


def watch_of(name: str, given: Given, params: dict[str, Any], but: Any) -> Watch:
    """A `Watch` from --checkpoint, --resume and --film, each checked before anything is computed.

    name: of the command. but: the parameters that may differ where a run is continued.
    """
    from minivis.optimize.watch import Watch
    from minivis.runtime.files import check_output

    if params["resume"] and not params["checkpoint"]:
        raise BadValue("--resume needs --checkpoint FILE, the checkpoint to continue from")
    if params["checkpoint"]:
        check_output(params["checkpoint"], force=params["resume"] or params["force"])
    if params["film"]:
        from minivis.figures.film import check_film

        check_output(params["film"], params["force"])
        check_film(params["film"])
    hashes = [given.net_sha256, *(one.net_sha256 for one in given.others), given.image_sha256,
              *(one.sha256 for several in given.further.values() for one in several)]
    settings = {key: value for key, value in params.items() if key not in but}
    settings |= {"plain": True} if is_plain() else {}
    return Watch(checkpoint=params["checkpoint"], resume=params["resume"], film=FRAMES if params["film"] else 0,
                 identity=json.dumps([name, hashes, settings], default=str))


def write_film_of(given: Given, watch: Watch, params: dict[str, Any]) -> str:
    """Write the frames that were watched, and return where."""
    from minivis.figures.film import write_film
    from minivis.images.resampling import same_size

    frames = [given.net.shown(frame) for frame in same_size(watch.frames)]
    write_film(params["film"], frames, force=params["force"])
    return params["film"]
