"""The commands that show a picture to a net and draw what happens. Each is one call of a method."""

import click

from minivis.commands.making import picture_command


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


PIXELS = Pixels()
UNIT = click.Option(["--unit"], metavar="UNIT", help="A class, as goose, or a neuron, as conv3_1:7 or conv3_1:7@max; "
                    "by default the class that the net puts first.")


@picture_command(
    "classify",
    click.Option(["--top"], type=click.IntRange(min=1), default=5, show_default=True, help="How many classes."),
    writes="asked",
)
def classify(given, seed, progress, top):
    """What the net says about IMAGE: its first classes.

    A picture is written only where -o says so.
    """
    from minivis.methods.classify import classify

    return classify(given.net, given.image, top=top, seed=seed, progress=progress)


@picture_command(
    "activations",
    click.Option(["--layer"], metavar="NAME", help="Which layer; by default the net's content layer."),
    click.Option(["--channels"], type=click.IntRange(min=1), default=64, show_default=True,
                 help="Draw at most so many maps, the strongest."),
)
def activations(given, seed, progress, layer, channels):
    """The feature maps of a layer, one small picture a channel."""
    from minivis.methods.activations import activation_grid

    return activation_grid(given.net, given.image, layer, channels=channels, seed=seed, progress=progress)


@picture_command(
    "filters",
    click.Option(["--layer"], metavar="NAME", help="Which convolution; by default the first."),
    click.Option(["--rows"], type=click.IntRange(min=1), default=24, show_default=True,
                 help="Of a deep layer, draw so many filters."),
    click.Option(["--columns"], type=click.IntRange(min=1), default=48, show_default=True,
                 help="... and so many input channels of each."),
    image=False,
)
def filters(given, seed, progress, layer, rows, columns):
    """The weights of a convolution as images."""
    from minivis.methods.filters import filter_grid

    return filter_grid(given.net, layer, rows=rows, columns=columns, seed=seed, progress=progress)


@picture_command(
    "backprop",
    UNIT,
    click.Option(["--rule"], type=click.Choice(["normal", "deconv", "guided", "all"]), default="all",
                 show_default=True, help="How the gradient passes ReLUs; all: the three side by side."),
)
def backprop(given, seed, progress, unit, rule):
    """The gradient of any neuron at the pixels, in three ways.

    They differ in what passes a ReLU on the way back: the chain rule (normal), the deconvnet (deconv), guided
    backpropagation (guided).
    """
    from minivis.methods.backprop import RULES, backprop

    rules = tuple(RULES) if rule == "all" else (rule,)
    return backprop(given.net, given.image, unit, rules=rules, seed=seed, progress=progress)


@picture_command(
    "saliency",
    UNIT,
    click.Option(["--samples"], type=click.IntRange(min=1), default=1, show_default=True,
                 help="More than one: the mean over noisy copies (SmoothGrad; the paper takes 50)."),
    click.Option(["--noise"], type=click.FloatRange(0, 1), default=0.15, show_default=True,
                 help="Their noise, as a part of the range of the pixels."),
)
def saliency(given, seed, progress, unit, samples, noise):
    """Which pixels of IMAGE the score of a class hangs on.

    For each pixel the largest |gradient| of its three colours.
    """
    from minivis.methods.saliency import saliency

    return saliency(given.net, given.image, unit, samples=samples, noise=noise, seed=seed, progress=progress)


@picture_command(
    "occlude",
    UNIT,
    click.Option(["--window"], type=PIXELS, metavar="N|ROWS,COLUMNS",
                 help="The cover's size, in pixels of the net's input; by default 0.3 of it."),
    click.Option(["--stride"], type=PIXELS, metavar="N|ROWS,COLUMNS",
                 help="From one cover to the next; by default a quarter of the cover."),
    click.Option(["--fill"], type=click.Choice(["grey", "mean", "blur", "noise"]), default="grey", show_default=True,
                 help="What covers."),
    click.Option(["--measure"], type=click.Choice(["prob", "score"]),
                 help="What falls; by default the probability of a class, the value of any other unit."),
    click.Option(["--batch"], type=click.IntRange(min=1), metavar="N", help="So many covered pictures at a time."),
)
def occlude(given, seed, progress, unit, window, stride, fill, measure, batch):
    """Slide a square over IMAGE and map how far the class falls."""
    from minivis.methods.occlusion import occlusion

    return occlusion(given.net, given.image, unit, window=window, stride=stride, fill=fill, measure=measure,
                     batch=batch, seed=seed, progress=progress)
