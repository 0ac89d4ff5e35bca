"""The commands that show a picture to a net and draw the result. Each calls one method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.picture_command import picture_command
from minivis.commands.setting_options import option, options
from minivis.commands.types import (
    PIXELS,
    Channels,
    LazyChoice,
    ListedOption,
    backward_rules,
    kinds_of_saliency,
    relu_rules,
    whole,
)
from minivis.methods.attribution.settings import (
    FILLS,
    BackpropSettings,
    OcclusionSettings,
    SaliencySettings,
    SegmentSettings,
)
from minivis.methods.looking.settings import (
    ActivationSettings,
    ClassifySettings,
    FilterSettings,
    ReceptiveFieldSettings,
)

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.methods.shared.result import Result

UNIT = click.Option(["--unit"], metavar="UNIT", show_default="the class that the net puts first",
                    help="Unit to explain: a class, such as goose, or a neuron, such as conv3_1:7 or conv3_1:7@max.")
BOTH = "guided+gradcam"                          # of segment.py, which is not loaded for a help text
DATA = click.Option(["--data"], metavar="FOLDER", show_default="the two photographs that come with scikit-learn",
                    help="Folder of photographs to learn from or to average over.")


@picture_command(
    "classify",
    option(ClassifySettings, "top"),
    writes="asked", compares=True,
)
def classify(given: Given, seed: int, progress: bool, top: int) -> Result:
    """Name the most probable classes of IMAGE.

    A picture is written only if -o names one.
    """
    from minivis.methods.looking.classify import classify

    return classify(given.net, given.image, top=top, seed=seed, progress=progress)


@picture_command(
    "activations",
    click.Option(["--layer"], metavar="NAME", show_default="the net's content layer",
                 help="Layer whose feature maps are drawn."),
    *options(ActivationSettings, "channels", "order", "scale"),
    arrays=True,
)
def activations(
    given: Given, seed: int, progress: bool, layer: str | None, channels: Any, order: str, scale: str,
) -> Result:  # fmt: skip
    """Draw the feature maps of a layer, one small picture for each channel."""
    from minivis.methods.looking.activations import activation_grid

    return activation_grid(given.net, given.image, layer, channels=channels, order=order, scale=scale, seed=seed,
                           progress=progress)


@picture_command(
    "filters",
    click.Option(["--layer"], metavar="NAME", show_default="the first convolution",
                 help="Convolution whose filters are drawn."),
    *options(FilterSettings, "rows", "columns"),
    click.Option(["--compare"], is_flag=True, help="Draw beside the filters what PCA, ICA, k-means and sparse coding "
                 "learn from patches of photographs."),
    DATA,
    image=False, arrays=True, inputs=("data",),
)
def filters(
    given: Given, seed: int, progress: bool, layer: str | None, rows: int, columns: int, compare: Any,
) -> Result:  # fmt: skip
    """Draw the weights of a convolution as images."""
    from minivis.errors import BadValue
    from minivis.methods.looking.filters import filter_grid

    data = given.inputs.get("data")
    if data and not compare:
        raise BadValue("--data names the photographs for --compare: give both options, or neither")
    if compare:
        from minivis.methods.looking.dictionary import compare_filters

        return compare_filters(given.net, layer, data=data, seed=seed, progress=progress)

    return filter_grid(given.net, layer, rows=rows, columns=columns, seed=seed, progress=progress)


@picture_command(
    "backprop",
    UNIT,
    ListedOption(["--rule"], type=LazyChoice(lambda: [*backward_rules(), "gradients", "all"]), default="gradients",
                 show_default=True, metavar="RULE",
                 help="Rule of the backward pass; gradients draws those that send a gradient through ReLUs side by "
                      "side, all also those of LRP, which send each pixel its part of the unit's value. They are:",
                 listed=lambda: "; ".join(f"{rule.name}: {rule.meaning}" for rule in backward_rules().values()) + "."),
    option(BackpropSettings, "display"), option(BackpropSettings, "crop"),
    arrays=True, compares=True,
)
def backprop(given: Given, seed: int, progress: bool, unit: Any, rule: Any, display: str, crop: bool) -> Result:
    """Draw the gradient of any neuron with respect to the pixels, under each rule.

    The rules differ in what passes a layer in the backward pass; see --rule.
    """
    from minivis.methods.attribution.backprop import backprop

    rules = {"gradients": tuple(relu_rules()), "all": tuple(backward_rules())}.get(rule, (rule,))
    return backprop(given.net, given.image, unit, rules=rules, display=display, crop=crop, seed=seed, progress=progress)


@picture_command(
    "saliency",
    UNIT,
    ListedOption(["--map", "kind"], type=LazyChoice(lambda: [*kinds_of_saliency(), "all"]), metavar="KIND",
                 show_default="gradient; with --curve or --sanity all",
                 help="Kind of map, or all of them side by side:",
                 listed=lambda: f"{', '.join(kinds_of_saliency())}."),
    click.Option(["--curve"], is_flag=True, help="Draw insertion and deletion curves, which measure how well the maps "
                                                 "predict the net's answers."),
    click.Option(["--sanity"], is_flag=True, help="Shuffle the weights layer by layer, to test whether the maps "
                                                  "depend on them."),
    *options(SaliencySettings, "samples", "noise"),
    option(SaliencySettings, "baseline", type=click.Choice(FILLS)),
    *options(SaliencySettings, "steps", "layer"),
    arrays=True, compares=True,
)
def saliency(
    given: Given, seed: int, progress: bool, unit: Any, kind: Any, curve: bool, sanity: bool, **settings: Any,
) -> Result:  # fmt: skip
    """Map the pixels of IMAGE that the score of a class depends on.

    Each pixel shows the largest |gradient| of its three colours. --map draws other kinds of map, and --curve and
    --sanity test the maps.
    """
    from minivis.errors import BadValue

    if curve and sanity:
        raise BadValue("--curve and --sanity draw different pictures: give only one of them")
    settings.update(seed=seed, progress=progress)
    if not (curve or sanity) and kind != "all":
        from minivis.methods.attribution.saliency import saliency

        return saliency(given.net, given.image, unit, kind=kind or "gradient", **settings)
    from minivis.methods.attribution.curves import curves_of, insertion_deletion
    from minivis.methods.attribution.saliency import saliency_kinds
    from minivis.methods.attribution.sanity import QUICK, sanity_check, sanity_of

    usual = QUICK if sanity and kind is None else tuple(kinds_of_saliency())
    settings["kinds"] = usual if kind in (None, "all") else (kind,)
    if given.maps is not None:
        return (curves_of if curve else sanity_of)(given.maps, **settings)
    method: Callable[..., Any] = insertion_deletion if curve else sanity_check if sanity else saliency_kinds
    return method(given.net, given.image, unit, **settings)


@picture_command(
    "occlude",
    click.Option(["--unit"], multiple=True, metavar="UNIT", show_default="the class that the net puts first",
                 help="Unit to explain: a class, such as goose, or a neuron, such as conv3_1:7@max; repeat the option "
                      "for one map each."),
    *(option(OcclusionSettings, name, type=PIXELS, metavar="N|ROWS,COLUMNS") for name in ("window", "stride")),
    option(OcclusionSettings, "fill", type=click.Choice(FILLS)),
    *options(OcclusionSettings, "measure", "batch"),
    click.Option(["--first"], is_flag=True, help="Map which class is first when the window is there, instead of how "
                                                 "far one class falls."),
    arrays=True, compares=True,
)
def occlude(
    given: Given, seed: int, progress: bool, unit: Any, first: int | None, measure: str | None, **settings: Any,
) -> Result:  # fmt: skip
    """Slide a square over IMAGE and map how far the probability of its class falls.

    The map is red where covering the image lowers the probability, and blue where it raises it. Frames mark the windows
    with the largest effect.
    """
    from minivis.errors import BadValue
    from minivis.methods.attribution.first_class import first_classes
    from minivis.methods.attribution.occlusion import occlusion

    if first and (unit or measure):
        raise BadValue("--first asks for no unit: leave out either it or --unit and --measure")
    if first:
        return first_classes(given.net, given.image, seed=seed, progress=progress, **settings)
    unit = (unit[0] if len(unit) == 1 else list(unit)) if unit else None
    return occlusion(given.net, given.image, unit, measure=measure, seed=seed, progress=progress, **settings)


@picture_command(
    "segment",
    UNIT,
    click.Option(["--show"], type=Channels(["figure", "mask", "cut-out"]), default="figure", show_default=True,
                 metavar="figure|mask|cut-out|R,G,B",
                 help="Write a figure of all steps, only the mask, or IMAGE with a transparent background."),
    click.Option(["--map", "kind"], type=LazyChoice(lambda: [*kinds_of_saliency(), BOTH]),
                 metavar="KIND", default="guided", show_default=BOTH,
                 help=f"Kind of saliency map to start from: {BOTH}, which adds two of them, or one as in "
                      "`minivis saliency --help`."),
    click.Option(["--cut"], type=click.Choice(["numpy", "opencv"]), default="opencv", show_default="numpy",
                 help="GrabCut of minivis, on the whole picture, or that of OpenCV, on the part that the net sees by "
                      "itself; it needs minivis[segment]."),
    # what records without these options mean; see by_net
    option(SegmentSettings, "high", default=0.95, show_default=f"{SegmentSettings.high}"),
    option(SegmentSettings, "low", default=0.3, show_default=f"{SegmentSettings.low}"),
    arrays=True,
    by_net={"kind": lambda net: BOTH, "cut": lambda net: "numpy", "high": lambda net: SegmentSettings.high,
            "low": lambda net: SegmentSettings.low},
)
def segment(
    given: Given, seed: int, progress: bool, unit: Any, show: str, kind: Any, high: float, low: float, cut: Any,
) -> Result:  # fmt: skip
    """Cut out the object of the class with GrabCut, which starts from a saliency map."""
    from minivis.methods.attribution.segment import segment

    show = show if isinstance(show, str) else "figure"
    return segment(given.net, given.image, unit, show=show, kind=kind, high=high, low=low, cut=cut,
                   seed=seed, progress=progress)


@picture_command(
    "receptive-field",
    DATA,
    option(ReceptiveFieldSettings, "pictures", type=whole(1, 100_000)),
    click.Option(["--size", "side"], type=whole(), metavar="N", show_default="224",
                 help="Side of the crops in pixels, for nets that take any size."),
    image=False, arrays=True, inputs=("data",),
)
def receptive_field(given: Given, seed: int, progress: bool, pictures: int, side: int | None) -> Result:
    """Draw how much of a picture a unit of each layer can see, and which part of that it uses."""
    from minivis.methods.looking.receptive import effective_receptive_field

    return effective_receptive_field(given.net, data=given.inputs.get("data"), pictures=pictures, size=side, seed=seed,
                                     progress=progress)
