"""The commands that change a picture until a loss is small."""

import click

from minivis.commands.common import MEMORY, TILE
from minivis.commands.picture_command import picture_command
from minivis.commands.types import PICTURE_FILE
from minivis.optimize.presets import INVERT, MAXIMIZE

STEPS = click.Option(["--steps"], type=click.IntRange(min=0), metavar="N", help="How many; 0 gives the start.")
COUNT = click.Option(["--count"], type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
                     help="Images of each, from different starts.")


def setting(name, kind, text, **more):
    """An option that replaces a setting of the preset."""
    return click.Option([name], type=kind, help=text, **more)


@picture_command(
    "maximize",
    click.Option(["--unit"], multiple=True, metavar="UNIT", help="A class, as goose, or a neuron, as conv3_1:7 or "
                 "conv3_1:7@3,4; may be given several times."),
    click.Option(["--preset"], type=click.Choice(list(MAXIMIZE)), default="minivis", show_default=True,
                 help="The settings of a paper."),
    click.Option(["--down-the-layers"], is_flag=True, help="A sheet: a few channels of every layer."),
    click.Option(["--start"], type=PICTURE_FILE, metavar="FILE", help="A picture to begin from; by default grey."),
    click.Option(["--width"], type=click.IntRange(min=8), metavar="N", help="The side of the image, for units of "
                 "layers that take any size."),
    COUNT, STEPS,
    setting("--method", click.Choice(["gradient", "adam", "lbfgs"]), "The update rule."),
    setting("--parameterization", click.Choice(["pixels", "fourier"]), "What is changed."),
    setting("--goal", click.Choice(["score", "probability", "log-probability"]), "What is to grow."),
    setting("--rate", click.FloatRange(0, min_open=True), "The learning rate."),
    setting("--l2", click.FloatRange(0), "The weight of the sum of squares."),
    setting("--tv", click.FloatRange(0), "The weight of total variation."),
    setting("--noise", click.FloatRange(0), "The standard deviation of the start."),
    setting("--jitter", click.IntRange(0), "Shift by up to so many pixels in each step."),
    setting("--rotate", click.FloatRange(0, 180), "Turn by up to so many degrees."),
    setting("--scale", click.FloatRange(0, 1, max_open=True), "Grow or shrink by up to this part."),
    setting("--decay", click.FloatRange(0, 1), "Towards grey by this part after each step."),
    setting("--blur", click.FloatRange(0), "Blur by this sigma every few steps."),
    setting("--blur-every", click.IntRange(1), "How few."),
    setting("--small-norm", click.FloatRange(0, 100), "The percentile of weak pixels to empty."),
    setting("--small-contribution", click.FloatRange(0, 100), "The percentile of pixels that do not help."),
    setting("--diversity", click.FloatRange(0), "The weight of what keeps the images of a batch apart."),
    TILE, MEMORY,
    image=False, long="steps",
)  # fmt: skip
def maximize(given, seed, progress, watch, unit, preset, down_the_layers, start, width, count, **settings):
    """The image that a class or a neuron likes best.

    From grey, small noise or a picture, step by step towards a higher score.
    """
    from minivis.errors import BadValue
    from minivis.methods.synthesis import maximize as method

    shared = {"preset": preset, "size": width, "seed": seed, "progress": progress, "watch": watch, **settings}
    if down_the_layers:
        if unit or start is not None or count > 1:
            raise BadValue("--down-the-layers chooses its units itself, and starts from noise: leave out --unit, "
                           "--start and --count")
        return method.down_the_layers(given.net, **shared)
    return method.maximize(given.net, list(unit) or None, start=start, count=count, **shared)


@picture_command(
    "invert",
    click.Option(["--layer"], metavar="NAME", help="Which layer's code; by default the net's code layer."),
    click.Option(["--all-layers"], is_flag=True, help="A sheet: the image from the code of every layer."),
    click.Option(["--preset"], type=click.Choice(list(INVERT)), default="minivis", show_default=True,
                 help="The settings of a paper."),
    click.Option(["--starts"], type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
                 help="Images from different starts: what differs, the code does not fix."),
    click.Option(["--exaggerate"], type=float, default=1.0, show_default=True, metavar="FACTOR",
                 help="Above 1: a caricature, from the code pushed away from that of grey."),
    STEPS,
    setting("--tv", click.FloatRange(0), "The weight of total variation."),
    setting("--alpha", click.FloatRange(0), "The weight of the sum of sixth powers."),
    long="steps",
)  # fmt: skip
def invert(given, seed, progress, watch, layer, all_layers, preset, starts, exaggerate, **settings):
    """Images that have the same code as IMAGE in a layer: what it still knows."""
    from minivis.errors import BadValue
    from minivis.methods.synthesis import invert as method

    shared = {"preset": preset, "seed": seed, "progress": progress, "watch": watch, **settings}
    if all_layers:
        if layer or starts > 1 or exaggerate != 1:
            raise BadValue("--all-layers makes one image for each layer: leave out --layer, --starts and --exaggerate")
        return method.invert_layers(given.net, given.image, **shared)
    return method.invert(given.net, given.image, layer, starts=starts, exaggerate=exaggerate, **shared)
