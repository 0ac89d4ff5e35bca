"""The commands that change a picture to minimise a loss."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import MEMORY, TILE, Given
from minivis.commands.masking import mask_of, mask_options
from minivis.commands.option_groups import COMPUTING, OPTIMISER, PRIORS, under
from minivis.commands.picture_command import picture_command
from minivis.commands.setting_options import options
from minivis.commands.types import PICTURE_FILE, real, whole
from minivis.methods.synthesis.presets import INVERT, MAXIMIZE
from minivis.methods.synthesis.settings import InvertSettings, MaximizeSettings

if TYPE_CHECKING:
    from minivis.methods.shared.result import Result
    from minivis.optimize.watch import Watch


def preset_for(net: Any) -> str:
    """The preset of `maximize` for a net if none is named."""
    from minivis.methods.synthesis.maximize import preset_for

    return preset_for(net)


OBJECTIVE = click.Option(["--objective"], metavar="TEXT", show_default="none", help="Sum of units with weights to "
                         "maximize, such as 'fc8:goose + 0.5*relu4_1:12 - 2*owl'.")


@picture_command(
    "maximize",
    click.Option(["--unit"], multiple=True, metavar="UNIT", show_default="the first class",
                 help="Unit to maximize: a class, such as goose, or a neuron, such as conv3_1:7 or conv3_1:7@3,4; "
                      "repeat the option for several."),
    OBJECTIVE,
    click.Option(["--preset"], type=click.Choice(list(MAXIMIZE)), default="minivis",
                 show_default="natural; minivis for nets of small pictures, such as ours",
                 help="Set of defaults, from minivis, a paper or a tool; the options below replace single settings."),
    click.Option(["--down-the-layers"], is_flag=True, help="Draw a sheet with a few channels of every layer."),
    click.Option(["--both"], is_flag=True, help="Beside the image that excites each --unit most, draw the one that "
                                                "excites it least."),
    click.Option(["--walk"], type=whole(1, 10_000), metavar="N", show_default="no walk",
                 help="Walk from each --unit to the next in N frames, with one image that changes a little in each; "
                      "--film writes them."),
    click.Option(["--start"], type=PICTURE_FILE, metavar="FILE", show_default="grey",
                 help="Picture to start from."),
    *mask_options("the picture of --start"),
    click.Option(["--width"], type=whole(8), metavar="N", show_default="the net's own, or 128",
                 help="Side of the image in pixels, for classes and for units of layers that take any size."),
    click.Option(["--count"], type=whole(1, 10_000), default=1, show_default=True, metavar="N",
                 help="Number of images of each unit, from different starts."),
    *under(OPTIMISER, *options(MaximizeSettings, "goal", "method", "steps", "rate", "parameterization", "finest",
                               "noise", presets=MAXIMIZE)),
    *under(PRIORS, *options(MaximizeSettings, "l2", "tv", "contrast", "diversity", "jitter", "rotate", "scale", "zoom",
                            "own_size", "decay", "blur", "blur_every", "small_norm",
                            "small_contribution", presets=MAXIMIZE)),
    *under(COMPUTING, TILE, MEMORY),
    image=False, long="steps", compares=True, by_net={"preset": preset_for},
)  # fmt: skip
def maximize(
    given: Given, seed: int, progress: bool, watch: Watch, unit: Any, objective: str | None, preset: Any,
    down_the_layers: bool, both: bool, walk: int | None, start: Any, mask: str | None, feather: float,
    width: int | None, count: int, **replaced: Any,
) -> Result:  # fmt: skip
    """Make an image that excites a class or a neuron as much as possible.

    The image starts as grey, as weak noise or as a picture, and changes step by step towards a higher score.
    """
    from minivis.errors import BadValue
    from minivis.methods.synthesis import extremes, maximize_layers
    from minivis.methods.synthesis import maximize as method
    from minivis.methods.synthesis import walk as walks

    for text in unit:
        if is_sum(given.net, text):
            raise BadValue(f"--unit {text} is a sum of units: give it as --objective")
    shared = {"preset": preset, "size": width, "seed": seed, "progress": progress, "watch": watch, **replaced}
    if down_the_layers:
        if unit or objective or both or walk is not None or start is not None or mask is not None or count > 1:
            raise BadValue("--down-the-layers chooses its own units and starts from noise: leave out --unit, "
                           "--objective, --both, --walk, --start, --mask and --count")
        return maximize_layers.down_the_layers(given.net, **shared)
    if both:
        if objective or walk is not None or start is not None or mask is not None or count > 1:
            raise BadValue("--both makes two images of each --unit from noise: leave out --objective, --walk, --start, "
                           "--mask and --count")
        return extremes.extremes(given.net, list(unit) or None, **shared)
    if walk is not None:
        if objective or start is not None or mask is not None or count > 1:
            raise BadValue("--walk leads from --unit to --unit from noise: leave out --objective, --start, --mask and "
                           "--count")
        if shared.pop("tile") is not None or shared.pop("memory") is not None:
            raise BadValue("--walk takes neither --tile nor --memory: make the image smaller, with --width")
        return walks.walk(given.net, list(unit) or None, frames=walk, **shared)
    if mask is not None and start is None:
        raise BadValue("--mask says where a picture may change: give that picture with --start")
    if start is not None:
        shared |= mask_of(given, mask, feather, start, given.further["start"][0].name)
    return method.maximize(given.net, list(unit) or None, objective=objective, start=start, count=count, **shared)


@picture_command(
    "invert",
    click.Option(["--layer"], metavar="NAME", show_default="the net's code layer",
                 help="Layer whose code is inverted."),
    click.Option(["--all-layers"], is_flag=True, help="Draw a sheet with one image for each layer, reconstructed from "
                                                      "its code."),
    click.Option(["--preset"], type=click.Choice(list(INVERT)), default="minivis", show_default=True,
                 help="Set of defaults, from minivis or a paper; the options below replace single settings."),
    click.Option(["--starts"], type=whole(1, 10_000), default=1, show_default=True, metavar="N",
                 help="Number of images from different starts; they differ where the code does not determine the "
                      "image."),
    click.Option(["--exaggerate"], type=real(-1000, 1000), default=1.0, show_default=True, metavar="FACTOR",
                 help="Factor on the code's distance from the code of a grey image; a value above 1 gives a "
                      "caricature."),
    *under(OPTIMISER, *options(InvertSettings, "steps", presets=INVERT)),
    *under(PRIORS, *options(InvertSettings, "tv", "alpha", presets=INVERT)),
    long="steps",
)  # fmt: skip
def invert(
    given: Given, seed: int, progress: bool, watch: Watch, layer: str | None, all_layers: bool, preset: Any,
    starts: int, exaggerate: float, **replaced: Any,
) -> Result:  # fmt: skip
    """Reconstruct images from the code of IMAGE in a layer, to show what that layer still knows."""
    from minivis.errors import BadValue
    from minivis.methods.synthesis import invert as method

    shared = {"preset": preset, "seed": seed, "progress": progress, "watch": watch, **replaced}
    if all_layers:
        if layer or starts > 1 or exaggerate != 1:
            raise BadValue("--all-layers makes one image for each layer: leave out --layer, --starts and --exaggerate")
        return method.invert_layers(given.net, given.image, **shared)
    return method.invert(given.net, given.image, layer, starts=starts, exaggerate=exaggerate, **shared)


def is_sum(net: Any, text: str) -> bool:
    """Whether a text names no unit, but a sum of units with weights."""
    from minivis.engine.units import parse_unit
    from minivis.errors import MinivisError
    from minivis.objectives.words import parse_objective

    for parse, answer in ((parse_unit, False), (parse_objective, True)):
        with contextlib.suppress(MinivisError):
            parse(net, text)
            return answer
    return False
