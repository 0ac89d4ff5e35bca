"""The commands that dream on a picture, paint it in another style, and grow textures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import ANY_SIZE, MEMORY, TILE, Given, read_net
from minivis.commands.filming import OPTIONS as FILMING
from minivis.commands.filming import ending_of, film_named, run_film
from minivis.commands.masking import mask_of, mask_options
from minivis.commands.option_groups import COMPUTING, OPTIMISER, OUTPUT, PRIORS, under
from minivis.commands.picture_command import PictureCommand, picture_command
from minivis.commands.setting_options import option, options
from minivis.commands.types import COUNTS, PICTURE_FILE, SIDES, WEIGHTS, real, whole
from minivis.methods.synthesis.settings import PAINTERS, DreamSettings, StyleSettings, TextureSettings

if TYPE_CHECKING:
    from minivis.methods.shared.result import Result
    from minivis.optimize.watch import Watch
    from minivis.types import Array, PathLike, Picture

OWN_SIDE = f"IMAGE's, at most {ANY_SIZE}"
SIDE = click.Option(["--side"], type=whole(), metavar="N", show_default=OWN_SIDE,
                    help="Longer side of the result, in pixels.")
PAINTED = click.Option(["--side"], type=SIDES, metavar="N,N,...", show_default=OWN_SIDE,
                       help="Longer side of the result, in pixels; with several, such as 256,512,1024, each size "
                            "starts from the one before.")
SIZE = click.Option(["--size"], type=whole(), hidden=True, metavar="N",
                    help="Shrink IMAGE first; --side is usually enough.")
METHOD = option(StyleSettings, "method", type=click.Choice([*PAINTERS, "all"]),
                help="Update rule; all compares them, with as many evaluations of the loss for each, in a chart.")
RUN = under(COMPUTING, TILE, MEMORY)


def steps(settings: Any) -> click.Option:
    """--steps of a painting: one number, or one for each size."""
    usual = settings.steps
    return option(settings, "steps", type=COUNTS, default=(usual,), show_default=str(usual), metavar="N,N,...")


ALPHA = click.Option(["--keep-alpha/--no-keep-alpha"], default=None, show_default="keep it in a PNG or WEBP",
                     help="Keep the transparency of IMAGE, or paint on white.")
ORIGINAL = click.Option(["--original-colours"], is_flag=True, help="The same as --colours kept.")
under(OUTPUT, ALPHA)


class PaintingCommand(PictureCommand):
    """A command whose picture is as transparent as IMAGE, if its format can be, and whose IMAGE may be a film."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += [ALPHA, *FILMING]

    def run(self, **params: Any) -> Any:
        film = film_named(params)
        return super().run(**params) if film is None else run_film(self, params, film)

    @staticmethod
    def ending(path: PathLike) -> str:
        return ".png" if film_named({"image": path}) is None else ending_of(path)

    def output(self, params: dict[str, Any]) -> str | None:
        check_film_of_picture(params)
        return super().output(params)

    def stem(self, params: dict[str, Any]) -> str:
        return f"{super().stem(params)}-preview" if params.get("preview") else super().stem(params)

    def run_one(self, params: dict[str, Any], nets: Callable[..., Any] = read_net, several: bool = False) -> int:
        film = film_named(params)
        if film is not None:
            return run_film(self, params, film, nets, several)
        if params["keep_alpha"] is None:        # in a record it means no
            out = params["out"] or ".png"
            keeps = out.lower().endswith((".png", ".webp")) and alpha_at(params["image"]) is not None
            params["keep_alpha"] = keeps or None
        return super().run_one(params, nets, several)

    def make(self, given: Given, params: dict[str, Any], **how: Any) -> tuple[Result, Any, dict[str, str] | None]:
        result, picture, text = super().make(given, params, **how)
        alpha = alpha_at(given.source) if params.get("keep_alpha") and hasattr(result, "pixels") else None
        if picture is None or alpha is None:
            return result, picture, text
        import numpy as np
        from PIL import Image

        cover = np.asarray(Image.fromarray(alpha[..., 0]).resize(picture.shape[1::-1], Image.Resampling.BICUBIC))
        return result, np.dstack([np.broadcast_to(picture, (*picture.shape[:2], 3)), cover]), text


def check_film_of_picture(params: dict[str, Any]) -> None:
    """Where the name of a film is given for IMAGE, which is none, say what is wrong with IMAGE, if anything is."""
    from minivis.errors import BadValue
    from minivis.figures.film import SUFFIXES
    from minivis.images.opening import opened_picture

    image, suffix = params["image"], Path(params["out"] or "").suffix.lower()
    if suffix in set(SUFFIXES) - {".webp"} and params["frame"] is None and image != "-" and Path(image or "").is_file():
        with opened_picture(image) as (im, *_):
            im.load()
            raise BadValue(f"{image} is a picture, not a film, so it cannot be painted as {suffix}: give a name that "
                           "ends in .png, .jpg, .webp or .tif")


def alpha_at(path: str | None) -> Array | None:
    """`alpha_of` a file; None if Pillow cannot read it as a picture."""
    from minivis.errors import MinivisError
    from minivis.images.given import alpha_of

    try:
        return None if path in (None, "-") else alpha_of(path)
    except MinivisError:                        # who reads the picture says what is wrong
        return None


@picture_command(
    "dream",
    click.Option(["--layer"], multiple=True, metavar="NAME[:CHANNEL][=WEIGHT]", show_default="the net's dream layer",
                 help="Layer or channel to amplify; repeat the option for several."),
    click.Option(["--guide"], type=PICTURE_FILE, metavar="FILE", show_default="none",
                 help="Picture whose features the dream amplifies."),
    click.Option(["--objective"], metavar="TEXT", show_default="none", help="Sum of layers and units with weights to "
                 "amplify, such as 'relu4_1 + 0.5*relu3_1:12'; in IMAGE, a term of weight 1 is as large as any other."),
    *mask_options(),
    click.Option(["--sheet"], is_flag=True, help="Draw one dream for each layer, side by side."),
    option(DreamSettings, "colours"),
    click.Option(["--frames"], type=whole(1, 100_000), metavar="N", show_default="no zoom",
                 help="Make a zoom of N frames, each a dream on the enlarged frame before it; --film writes them."),
    click.Option(["--zoom"], type=real(0, 1, max_open=True), default=0.05, show_default=True,
                 help="Fraction by which each frame of the zoom is enlarged."),
    SIDE,
    *under(OPTIMISER, *options(DreamSettings, "octaves", "octave_scale", "steps"),
           option(DreamSettings, "step", "--step-size")),
    *under(PRIORS, *options(DreamSettings, "jitter", "clip")),
    *RUN, size=SIZE, long="steps", kind=PaintingCommand,
)  # fmt: skip
def dream(
    given: Given, seed: int, progress: bool, watch: Watch, layer: Any, guide: Any, objective: Any, mask: str | None,
    feather: float, sheet: bool, frames: int | None, zoom: float, side: int | None, **settings: Any,
) -> Result:  # fmt: skip
    """Amplify what the net sees in IMAGE (DeepDream).

    Low layers add strokes, and high layers add the things that the net knows.
    """
    from minivis.errors import BadValue
    from minivis.methods.synthesis.dream import dream
    from minivis.methods.synthesis.dream_films import dream_layers, dream_zoom

    if sheet and (frames or layer or objective):
        raise BadValue("--sheet makes a dream for every layer: leave out --layer, --objective and --frames")
    check_side(given.net, given.image, side, settings["memory"])
    image = at_side(given.image, side)
    if mask is not None and frames:
        raise BadValue("--mask lies on IMAGE, which a zoom leaves behind: leave out --mask or --frames")
    settings |= mask_of(given, mask, feather, given.image, given.image_name)
    settings |= {} if objective is None else {"objective": objective}
    shared = {"guide": guide, "seed": seed, "progress": progress, "watch": watch, **settings}
    shared |= {} if given.begin is None else {"begin": given.begin}
    if sheet:
        return dream_layers(given.net, image, **shared)
    wanted = layer or None
    if frames:
        return dream_zoom(given.net, image, wanted, frames=frames, zoom=zoom, **shared)
    return dream(given.net, image, wanted, **shared)


@picture_command(
    "style",
    click.Argument(["style"], type=PICTURE_FILE, nargs=-1, metavar="[STYLE]..."),
    click.Option(["--blend"], type=WEIGHTS, metavar="W,W,...", show_default="equal weights",
                 help="Weight of each STYLE, in the order of the STYLE arguments."),
    click.Option(["--mask"], type=PICTURE_FILE, multiple=True, metavar="FILE", show_default="everywhere",
                 help="Picture that is bright where a STYLE is to be used; give one for each STYLE, in their order."),
    option(StyleSettings, "start"), option(StyleSettings, "style_scale"), option(StyleSettings, "colours"),
    ORIGINAL, PAINTED,
    option(StyleSettings, "pooling"),
    click.Option(["--grams"], is_flag=True, help="Draw the Gram matrices of IMAGE, STYLE and the result, the features "
                                                 "that fire together, and both losses over the steps."),
    click.Option(["--preview"], is_flag=True, help="Draw a sheet of eight small paintings, each with the options that "
                                                   "make it, to choose from before a large one is painted."),
    *under(
        PRIORS,
        click.Option(["--content-layer"], multiple=True, metavar="NAME[=WEIGHT]", show_default="the net's own choice",
                     help="Layer whose activations stay; repeat the option for several."),
        click.Option(["--style-layer"], multiple=True, metavar="NAME[=WEIGHT]", show_default="the net's own choice",
                     help="Layer whose Gram matrix becomes that of the style; repeat the option for several."),
        *options(StyleSettings, "style_weight", "tv_weight"),
    ),
    *under(OPTIMISER, METHOD, option(StyleSettings, "rate"), steps(StyleSettings), option(StyleSettings, "history")),
    *RUN, size=SIZE, long="steps", kind=PaintingCommand,
)  # fmt: skip
def style(
    given: Given, seed: int, progress: bool, watch: Watch, style: Any, content_layer: Any, style_layer: Any, mask: Any,
    grams: bool, side: Any, steps: Any, method: Any, rate: float | None, original_colours: bool, preview: bool,
    **settings: Any,
) -> Result:  # fmt: skip
    """Paint IMAGE in the style of one or more other pictures, STYLE.

    The content of IMAGE, which a deep layer sees, stays; its textures become those of STYLE. If no STYLE is given, a
    bundled picture of brush strokes is used. With --method all the figure compares the update rules: --steps
    evaluations of the loss for each, the loss over them, and the pictures. With --grams it shows what the style is to
    the net.
    """
    from minivis.errors import BadValue
    from minivis.images.files import read_image
    from minivis.methods.synthesis.style import style_transfer
    from minivis.methods.synthesis.style_grams import style_grams
    from minivis.methods.synthesis.style_methods import style_methods

    styles = list(style) or [read_image(own_painting())]
    if original_colours:
        settings["colours"] = "kept"
    settings.update(content_layers=content_layer or None, style_layers=style_layer or None, masks=list(mask) or None,
                    seed=seed, progress=progress, watch=watch)
    if preview:
        if method == "all" or grams:
            raise BadValue("--preview paints eight settings by one method: leave out --method all and --grams, or "
                           "--preview")
        from minivis.methods.synthesis.style_preview import SIDE as SMALL
        from minivis.methods.synthesis.style_preview import style_preview

        return style_preview(given.net, given.image, styles, size=side[0] if side else SMALL, method=method, rate=rate,
                             steps=min(steps), **settings)
    if grams:
        if method == "all" or watch.checkpoint or len(steps) > 1 or (side and len(side) > 1) or len(styles) > 1 or mask:
            raise BadValue("--grams shows one painting of one size in one STYLE by one method: leave out --method all, "
                           "--mask, --checkpoint and further numbers of --side and --steps")
        del settings["blend"], settings["masks"]
        return style_grams(given.net, given.image, styles[0], size=sides(given.image, side and side[0]), method=method,
                           rate=rate, steps=steps[0], **settings)
    settings |= {} if given.begin is None else {"begin": given.begin}
    if method == "all":
        if rate is not None or watch.checkpoint or len(steps) > 1 or (side and len(side) > 1):
            raise BadValue("--method all makes one picture of one size by each method, with a rate of its own: leave "
                           "out --rate, --checkpoint and further numbers of --side and --steps")
        return style_methods(given.net, given.image, styles, size=sides(given.image, side and side[0]),
                             evaluations=max(2, steps[0]), **settings)
    return style_transfer(given.net, given.image, styles, size=sides(given.image, side), method=method, rate=rate,
                          steps=steps if len(steps) > 1 else steps[0], **settings)


@picture_command(
    "texture",
    click.Option(["--layer"], multiple=True, metavar="NAME[=WEIGHT]", show_default="the net's style layers",
                 help="Layer whose Gram matrix describes the texture; repeat the option for several."),
    option(TextureSettings, "histogram"), *mask_options(), option(TextureSettings, "style_scale"), PAINTED,
    option(TextureSettings, "pooling"),
    *under(PRIORS, option(TextureSettings, "tv_weight")),
    *under(OPTIMISER, steps(TextureSettings), option(TextureSettings, "history")),
    *RUN, size=SIZE, long="steps",
)  # fmt: skip
def texture(
    given: Given, seed: int, progress: bool, watch: Watch, layer: Any, mask: str | None, feather: float, side: Any,
    steps: Any, **settings: Any,
) -> Result:  # fmt: skip
    """Make more of the texture of IMAGE, starting from noise."""
    from minivis.methods.synthesis.style import texture

    settings |= mask_of(given, mask, feather, given.image, given.image_name)
    return texture(given.net, given.image, layers=layer or None, size=sides(given.image, side),
                   steps=steps if len(steps) > 1 else steps[0], seed=seed, progress=progress, watch=watch, **settings)


def own_painting() -> str:
    """The path of the painting that comes with minivis, used when no style is given."""
    return str(Path(__file__).parents[1] / "data" / "strokes.png")


def check_side(net: Any, image: Any, side: Any, limit: int | None = None) -> None:
    """Raise TooLarge if a picture with this longer side does not fit into memory, before it is made."""
    from minivis.engine.memory import room
    from minivis.errors import TooLarge
    from minivis.methods.synthesis.dream import VECTORS
    from minivis.optimize.budget import copies_in_tiles
    from minivis.optimize.update_rules import Gradient

    side = sides(image, side)
    numbers, copies = image.size * (side / max(image.shape[:2])) ** 2, copies_in_tiles(Gradient(), VECTORS)
    needs, free = 4 * numbers * copies, room(net, limit)
    if needs > free:
        raise TooLarge(f"a picture with a longer side of {side} pixels needs at least {needs / 1e9:.2g} GB of memory, "
                       f"and {max(free, 0) / 1e9:.2g} GB are free: choose a smaller --side")


def at_side(image: Any, side: Any) -> Picture:
    """The picture with this longer side; without a side its own size, but at most `ANY_SIZE`."""
    from minivis.images.resampling import resized

    return resized(image, sides(image, side))


def sides(image: Any, side: Any) -> Any:
    """The size or sizes of a painting, from --side."""
    return side or min(ANY_SIZE, max(image.shape[:2]))
