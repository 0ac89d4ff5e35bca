"""The commands that dream on a picture, paint it in another's style, and grow textures."""

from pathlib import Path

import click

from minivis.commands.common import ANY_SIZE, MEMORY, TILE
from minivis.commands.picture_command import picture_command
from minivis.commands.types import COUNTS, PICTURE_FILE, WEIGHTS

OWN_SIDE = f"By default the picture's, at most {ANY_SIZE}."
SIDE = click.Option(["--side"], type=click.IntRange(1), metavar="N", help=f"The longer side, in pixels. {OWN_SIDE}")
SIDES = click.Option(["--side"], type=COUNTS, metavar="N,N,...", help="The longer side, in pixels; several, as "
                     f"256,512,1024: each size begins with the one before. {OWN_SIDE}")
COLOURS = click.Option(["--colours"], type=click.Choice(["free", "kept"]), default="free", show_default=True,
                       help="kept: only the brightness changes.")
HISTORY = click.Option(["--history"], type=click.IntRange(1), default=20, show_default=True,
                       help="How many steps L-BFGS looks back.")
STEPS = click.Option(["--steps"], type=COUNTS, default=(200,), show_default=True, metavar="N,N,...",
                     help="Of L-BFGS, at each size; 0 gives the start.")
SCALE = click.Option(["--style-scale"], type=click.FloatRange(0, min_open=True), default=1.0, show_default=True,
                     help="Larger or smaller strokes.")


def pooling(default):
    return click.Option(["--pooling"], type=click.Choice(["max", "average"]), default=default, show_default=True,
                        help="How the net pools.")


@picture_command(
    "dream",
    click.Option(["--layer"], multiple=True, metavar="NAME[:CHANNEL][=WEIGHT]", help="What is to be seen: a layer or "
                 "a channel; may be given several times. By default the net's dream layer."),
    click.Option(["--guide"], type=PICTURE_FILE, metavar="FILE", help="Dream of what is in this picture."),
    click.Option(["--sheet"], is_flag=True, help="One dream for each layer, side by side: strokes to things."),
    click.Option(["--octaves"], type=click.IntRange(1), default=4, show_default=True, help="Sizes, small to large."),
    click.Option(["--octave-scale"], type=click.FloatRange(1, min_open=True), default=1.4, show_default=True,
                 help="From one to the next."),
    click.Option(["--steps"], type=click.IntRange(0), default=10, show_default=True,
                 help="At each size; 0 gives the start."),
    click.Option(["--step-size"], type=click.FloatRange(0, min_open=True), default=1.5, show_default=True,
                 help="How far a step moves a pixel, on average, in levels of 255."),
    click.Option(["--jitter"], type=click.IntRange(0), default=32, show_default=True,
                 help="Shift by up to so many pixels."),
    click.Option(["--no-clip"], is_flag=True, help="Let levels leave 0..255, and set the contrast at the end."),
    COLOURS,
    click.Option(["--frames"], type=click.IntRange(1), metavar="N", help="Fall into the dream: a --film of so many "
                 "frames, each dreamt on the one before, enlarged. The notebook of 2015 makes 100."),
    click.Option(["--zoom"], type=click.FloatRange(0, 1, max_open=True), default=0.05, show_default=True,
                 help="By how much, from frame to frame."),
    SIDE, TILE, MEMORY, long="steps",
)  # fmt: skip
def dream(given, seed, progress, watch, layer, guide, sheet, step_size, no_clip, frames, zoom, side, **settings):
    """DeepDream: IMAGE becomes more of what the net sees in it.

    Low layers give strokes, high layers the things that the net knows.
    """
    from minivis.errors import BadValue
    from minivis.methods.synthesis.dream import dream
    from minivis.methods.synthesis.dream_films import dream_layers, dream_zoom

    if sheet and (frames or layer):
        raise BadValue("--sheet dreams of layer after layer: leave out --layer and --frames")
    image = at_side(given.image, side)
    shared = {"guide": guide, "step": step_size, "clip": not no_clip, "seed": seed, "progress": progress,
              "watch": watch, **settings}
    if sheet:
        return dream_layers(given.net, image, **shared)
    wanted = weighed(layer)
    if frames:
        return dream_zoom(given.net, image, wanted, frames=frames, zoom=zoom, **shared)
    return dream(given.net, image, wanted, **shared)


@picture_command(
    "style",
    click.Argument(["style"], type=PICTURE_FILE, nargs=-1, metavar="STYLE..."),
    click.Option(["--content-layer"], multiple=True, metavar="NAME[=WEIGHT]", help="Whose activations stay."),
    click.Option(["--style-layer"], multiple=True, metavar="NAME[=WEIGHT]", help="Whose Gram matrices become the "
                 "style's. Both by default as the net says; may be given several times."),
    click.Option(["--style-weight"], type=click.FloatRange(0), default=100.0, show_default=True,
                 help="Against a content of 1."),
    click.Option(["--tv-weight"], type=click.FloatRange(0), default=1.0, show_default=True, help="Of smoothness."),
    click.Option(["--blend"], type=WEIGHTS, metavar="W,W,...", help="A weight for each STYLE."),
    click.Option(["--mask"], type=PICTURE_FILE, multiple=True, metavar="FILE", help="For each STYLE, in their order: "
                 "a picture that is bright where it belongs."),
    click.Option(["--start"], type=click.Choice(["content", "noise"]), default="content", show_default=True,
                 help="From where."),
    pooling("max"),
    SIDES, STEPS, SCALE, COLOURS, HISTORY, TILE, MEMORY, long="steps",
)  # fmt: skip
def style(given, seed, progress, watch, style, content_layer, style_layer, mask, side, steps, **settings):
    """Paint IMAGE in the style of another picture, STYLE, or of several.

    IMAGE keeps its content: what a deep layer sees. Its textures become those of STYLE; without one, of strokes that
    come with minivis.
    """
    from minivis.images.files import read_image
    from minivis.methods.synthesis.style import style_transfer

    styles = list(style) or [read_image(own_painting())]
    return style_transfer(
        given.net, given.image, styles, content_layers=weighed(content_layer),
        style_layers=weighed(style_layer), masks=list(mask) or None, size=sides(given.image, side),
        steps=steps if len(steps) > 1 else steps[0], seed=seed, progress=progress, watch=watch, **settings,
    )  # fmt: skip


@picture_command(
    "texture",
    click.Option(["--layer"], multiple=True, metavar="NAME[=WEIGHT]",
                 help="Whose Gram matrices are the texture; by default those of style."),
    click.Option(["--tv-weight"], type=click.FloatRange(0), default=0.0, show_default=True, help="Of smoothness."),
    click.Option(["--no-histogram"], is_flag=True, help="Leave the colours as they came out."),
    pooling("average"),
    SIDES, STEPS, SCALE, HISTORY, TILE, MEMORY, long="steps",
)  # fmt: skip
def texture(given, seed, progress, watch, layer, no_histogram, side, steps, **settings):
    """Grow more of the texture that IMAGE shows, from noise."""
    from minivis.methods.synthesis.style import texture

    return texture(given.net, given.image, layers=weighed(layer), histogram=not no_histogram,
                   size=sides(given.image, side), steps=steps if len(steps) > 1 else steps[0], seed=seed,
                   progress=progress, watch=watch, **settings)  # fmt: skip


def weighed(words):
    """Names, each with a weight if it has one, relu3_1=0.5, as {name: weight}; None for no names at all."""
    from minivis.errors import BadValue

    found = {}
    for word in words:
        name, equals, weight = word.rpartition("=")
        try:
            found[name if equals else word] = float(weight) if equals else 1.0
        except ValueError:
            raise BadValue(f"{word!r}: after the = comes a weight, as in relu3_1=0.5") from None
    return found or None


def own_painting():
    """The path of the painting that comes with minivis, for who names no style."""
    return str(Path(__file__).parents[1] / "data" / "strokes.png")


def at_side(image, side):
    """The picture with this longer side; without one as it is, but no larger than `ANY_SIZE`."""
    from minivis.images.resampling import resized

    return resized(image, side or min(ANY_SIZE, max(image.shape[:2])))


def sides(image, side):
    """The size or sizes of a painting, from --side."""
    return side or min(ANY_SIZE, max(image.shape[:2]))
