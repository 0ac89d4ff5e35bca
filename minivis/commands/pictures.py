"""The commands that show a picture to a net and draw what happens. Each is one call of a method."""

import click

from minivis.commands.picture_command import picture_command
from minivis.commands.types import PIXELS

UNIT = click.Option(["--unit"], metavar="UNIT", help="A class, as goose, or a neuron, as conv3_1:7 or conv3_1:7@max; "
                    "by default the class that the net puts first.")


DATA = click.Option(["--data"], metavar="FOLDER", help="Photographs to take; by default the two that come with "
                    "scikit-learn.")
KINDS = ("gradient", "deconv", "guided", "smoothgrad", "input", "integrated", "gradcam", "guided-gradcam")


@picture_command(
    "classify",
    click.Option(["--top"], type=click.IntRange(min=1), default=5, show_default=True, help="How many classes."),
    writes="asked",
)
def classify(given, seed, progress, top):
    """What the net says about IMAGE: its first classes.

    A picture is written only where -o says so.
    """
    from minivis.methods.looking.classify import classify

    return classify(given.net, given.image, top=top, seed=seed, progress=progress)


@picture_command(
    "activations",
    click.Option(["--layer"], metavar="NAME", help="Which layer; by default the net's content layer."),
    click.Option(["--channels"], type=click.IntRange(min=1), default=64, show_default=True,
                 help="Draw at most so many maps, the strongest."),
    click.Option(["--order"], type=click.Choice(["channel", "strength"]), default="channel", show_default=True,
                 help="By number, or the strongest first."),
    click.Option(["--scale"], type=click.Choice(["shared", "channel"]), default="shared", show_default=True,
                 help="One scale of colours for all maps, so that they compare, or one for each."),
)
def activations(given, seed, progress, layer, channels, order, scale):
    """The feature maps of a layer, one small picture a channel."""
    from minivis.methods.looking.activations import activation_grid

    return activation_grid(given.net, given.image, layer, channels=channels, order=order, scale=scale, seed=seed,
                           progress=progress)


@picture_command(
    "filters",
    click.Option(["--layer"], metavar="NAME", help="Which convolution; by default the first."),
    click.Option(["--rows"], type=click.IntRange(min=1), default=24, show_default=True,
                 help="Of a deep layer, draw so many filters."),
    click.Option(["--columns"], type=click.IntRange(min=1), default=48, show_default=True,
                 help="... and so many input channels of each."),
    click.Option(["--compare"], is_flag=True, help="Beside them what PCA, ICA, k-means and sparse coding learn from "
                 "patches of photographs."),
    DATA,
    image=False, inputs=("data",),
)
def filters(given, seed, progress, layer, rows, columns, compare):
    """The weights of a convolution as images."""
    from minivis.errors import BadValue
    from minivis.methods.looking.filters import filter_grid

    data = given.inputs.get("data")
    if data and not compare:
        raise BadValue("--data is what --compare learns from: give both")
    if compare:
        from minivis.methods.looking.dictionary import compare_filters

        return compare_filters(given.net, layer, data=data, seed=seed, progress=progress)

    return filter_grid(given.net, layer, rows=rows, columns=columns, seed=seed, progress=progress)


@picture_command(
    "backprop",
    UNIT,
    click.Option(["--rule"], type=click.Choice(["normal", "deconv", "guided", "all"]), default="all",
                 show_default=True, help="How the gradient passes ReLUs; all: the three side by side."),
    click.Option(["--display"], type=click.Choice(["signed", "absolute"]), default="signed", show_default=True,
                 help="Colours about grey, or the size of the strongest colour."),
    click.Option(["--crop"], is_flag=True, help="Show only what the neuron sees, of one at @max or @row,column."),
)
def backprop(given, seed, progress, unit, rule, display, crop):
    """The gradient of any neuron at the pixels, in three ways.

    They differ in what passes a ReLU on the way back: the chain rule (normal), the deconvnet (deconv), guided
    backpropagation (guided).
    """
    from minivis.layers.relu import RELU_RULES
    from minivis.methods.attribution.backprop import backprop

    rules = tuple(RELU_RULES) if rule == "all" else (rule,)
    return backprop(given.net, given.image, unit, rules=rules, display=display, crop=crop, seed=seed, progress=progress)


@picture_command(
    "saliency",
    UNIT,
    click.Option(["--map", "kind"], type=click.Choice([*KINDS, "all"]), metavar="KIND",
                 help=f"{', '.join(KINDS)}, or all side by side; by default gradient, of the two below all."),
    click.Option(["--curve"], is_flag=True, help="Ask the net: insertion and deletion curves of the maps."),
    click.Option(["--sanity"], is_flag=True, help="Shuffle the weights layer by layer: do the maps depend on them?"),
    click.Option(["--samples"], type=click.IntRange(min=1), default=50, show_default=True,
                 help="smoothgrad: the mean over so many noisy copies."),
    click.Option(["--noise"], type=click.FloatRange(0, 1), default=0.15, show_default=True,
                 help="smoothgrad: their noise, as a part of the range of the pixels."),
    click.Option(["--baseline"], type=click.Choice(["grey", "mean", "blur", "noise"]), default="grey",
                 show_default=True, help="integrated: the picture without anything that it starts from."),
    click.Option(["--steps"], type=click.IntRange(min=1), default=32, show_default=True,
                 help="integrated: at least so many points on the way; more, until the map is complete within 1 %."),
    click.Option(["--layer"], metavar="NAME", help="gradcam: whose feature maps; by default the last ReLU's."),
)
def saliency(given, seed, progress, unit, kind, curve, sanity, **settings):
    """Which pixels of IMAGE the score of a class hangs on.

    For each pixel the largest |gradient| of its three colours; or another map, or all of them and how they compare.
    """
    from minivis.errors import BadValue

    if curve and sanity:
        raise BadValue("--curve and --sanity are two pictures: ask for them one after the other")
    settings.update(seed=seed, progress=progress)
    if not (curve or sanity) and kind != "all":
        from minivis.methods.attribution.saliency import saliency

        return saliency(given.net, given.image, unit, kind=kind or "gradient", **settings)
    from minivis.methods.attribution.curves import insertion_deletion
    from minivis.methods.attribution.saliency import saliency_kinds
    from minivis.methods.attribution.sanity import sanity_check

    method = insertion_deletion if curve else sanity_check if sanity else saliency_kinds
    some = () if kind is None and sanity else KINDS if kind in (None, "all") else (kind,)
    return method(given.net, given.image, unit, **({"kinds": some} if some else {}), **settings)


@picture_command(
    "occlude",
    click.Option(["--unit"], multiple=True, metavar="UNIT", help="As elsewhere; several times: a map for each."),
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
    """Slide a square over IMAGE and map how far the class falls.

    Red: covering it hurts; blue: covering it helps. Frames show the window that does either most.
    """
    from minivis.methods.attribution.occlusion import occlusion

    unit = (unit[0] if len(unit) == 1 else list(unit)) if unit else None
    return occlusion(given.net, given.image, unit, window=window, stride=stride, fill=fill, measure=measure,
                     batch=batch, seed=seed, progress=progress)


@picture_command(
    "segment",
    UNIT,
    click.Option(["--show"], type=click.Choice(["figure", "mask", "cut-out"]), default="figure", show_default=True,
                 help="What to write: the steps, a mask, or IMAGE with its ground transparent."),
    click.Option(["--map", "kind"], type=click.Choice(KINDS), metavar="KIND", default="guided", show_default=True,
                 help="The saliency map that it starts from; see `minivis saliency`."),
    click.Option(["--high"], type=click.FloatRange(0, 1), default=0.95, show_default=True,
                 help="Above this quantile of saliency it is object."),
    click.Option(["--low"], type=click.FloatRange(0, 1), default=0.3, show_default=True,
                 help="... and below this one ground."),
)
def segment(given, seed, progress, unit, show, kind, high, low):
    """Cut out the object that the class stands for: GrabCut, seeded by saliency.

    Needs OpenCV: pip install 'minivis[segment]'.
    """
    from minivis.methods.attribution.segment import segment

    return segment(given.net, given.image, unit, show=show, kind=kind, high=high, low=low, seed=seed, progress=progress)


@picture_command(
    "receptive-field",
    DATA,
    click.Option(["--pictures"], type=click.IntRange(min=1), default=32, show_default=True,
                 help="The mean over so many parts of the photographs."),
    click.Option(["--size", "side"], type=click.IntRange(min=1), metavar="N",
                 help="Their size in pixels, in a net that takes any; by default 224."),
    image=False, inputs=("data",),
)
def receptive_field(given, seed, progress, pictures, side):
    """What a unit of each layer could see, and what it does look at."""
    from minivis.methods.looking.receptive import effective_receptive_field

    return effective_receptive_field(given.net, data=given.inputs.get("data"), pictures=pictures, size=side, seed=seed,
                                     progress=progress)
