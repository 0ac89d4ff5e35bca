"""Neural style (Gatys, Ecker & Bethge 2015): the content of one picture in the style of another; and textures.

    loss = content + style_weight * mean over layers of style + tv_weight * mean square of the steps between pixels

is minimised by L-BFGS over the pixels, from the photograph or from noise. The terms are those of objectives/style.py. A
large picture is painted at a small size first and enlarged, because a stroke is no longer than the layers' receptive
fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.engine.surgery import trunk, with_pooling
from minivis.errors import BadValue
from minivis.images.colour import check_colours, luminance_transfer, match_histogram
from minivis.images.given import as_picture, as_pictures
from minivis.images.masks import MASK, mask_over
from minivis.images.preprocessing import Preprocessing
from minivis.images.resampling import linear, resized
from minivis.methods.shared.result import MadePicture, input_of
from minivis.methods.synthesis.settings import PAINTERS, StyleSettings, TextureSettings
from minivis.methods.synthesis.sizes import by_sizes, side_of
from minivis.objectives.base import Objective
from minivis.objectives.priors import tv
from minivis.objectives.style import content_loss, style_loss, weighed
from minivis.optimize.budget import lean
from minivis.optimize.parameterize import covered, pixels
from minivis.optimize.problem import VECTORS, Problem
from minivis.optimize.update_rules import LBFGS, Adagrad, Adam, Gradient
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import NUMBERS, SEED, SEQUENCE, number, several, takes, whole
from minivis.types import Array, Names, Picture

NOISE = 32.0                                    # levels: the standard deviation of the noise to start from


@dataclass(frozen=True, eq=False)
class Painted(MadePicture):
    """``pixels`` (H, W, C): the painting, levels. ``runs``: one `watch.Run` for each size."""

    pixels: np.ndarray
    runs: tuple
    notes: tuple = ()
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def numbers(self) -> dict[str, Any]:
        rows = [{"size": [run.pixels.shape[2], run.pixels.shape[1]], "stopped": run.stopped, **run.describe()}
                for run in self.runs]
        return {"loss": rows[-1]["loss"], "loss_at_start": rows[-1]["loss_at_start"], "sizes": rows,
                "notes": list(self.notes)}

    def __str__(self) -> str:
        return "\n".join([*self.notes, *(
            f"{run.pixels.shape[2]} x {run.pixels.shape[1]}: loss {run.first_loss:.4g} -> {run.loss:.4g} in "
            f"{run.evaluations} evaluations; {'; '.join([run.stopped, *run.notes])}" for run in self.runs
        )])


@set_by(StyleSettings)
@takes(blend=several(number()), masks=SEQUENCE, begin=NUMBERS, size=several(whole()), tile=whole(1),
       memory=number(), seed=SEED)
def style_transfer(
    net: Network, content: Picture, styles: Picture | Sequence[Picture], *, settings: StyleSettings | None = None,
    size: int | Sequence[int] | None = None, steps: int | Sequence[int] = StyleSettings.steps,
    content_layers: Any = None, style_layers: Any = None, style_weight: float = StyleSettings.style_weight,
    tv_weight: float = StyleSettings.tv_weight, blend: Sequence[float] | None = None, masks: Any = None,
    style_scale: float = StyleSettings.style_scale, start: Any = StyleSettings.start, begin: Any = None,
    colours: str = StyleSettings.colours, pooling: str = StyleSettings.pooling, method: str = StyleSettings.method,
    rate: float | None = StyleSettings.rate, history: int = StyleSettings.history, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None,
) -> Painted:  # fmt: skip
    """Paint a picture in the style of one picture or of several (neural style).

    Parameters
    ----------
    size : int or sequence of int, in pixels, optional
        The longer side of the painting; of several, each size starts from the one before. By default the content's.
    content_layers : str, sequence or dict, optional
        The layers of the content, as names or {name: weight}; by default those of the net's roles.
    style_layers : str, sequence or dict, optional
        Those of the style.

    Returns
    -------
    Painted
        ``pixels`` (H, W, C), and the ``runs``, one for each size.

    References
    ----------
    Gatys, Ecker & Bethge 2015 and 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> painted = mv.style_transfer(net, goose, goose[::-1], size=32, steps=2)
    >>> max(painted.array.shape)
    32
    """
    if colours == "kept":
        check_colours(net.input_channels)
    rule = rule_of(method, rate, history)
    content = as_picture(content, net.input_channels)
    styles = as_pictures(list(styles) if is_several(styles) else [styles], net.input_channels)
    masks = None if masks is None else as_pictures(list(masks))
    contents, of_styles = weighed(net, content_layers, "content"), weighed(net, style_layers, "style")
    body = with_pooling(trunk(net, {*contents, *of_styles}), pooling)

    def shape_at(side: Any) -> tuple[Any, ...]:
        return (1, *resized(content, side).shape[:2], body.input_channels)

    def problem_of(side: Any, tile: Any) -> tuple[Any, Any]:
        x = input_of(body, resized(content, side))
        paintings = [input_of(body, resized(style, side * style_scale)) for style in styles]
        terms = style_weight * style_loss(body, x.shape, paintings, of_styles, blend, masks, tile)
        problem = Problem(body, content_loss(body, x, contents, tile) + terms + smooth(x, tv_weight),
                          pixels(body, x.shape), tile=tile)
        if begin is not None:
            return problem, body.xp.asarray(linear(np.asarray(begin, x.dtype)[None], x.shape[1:3]))
        return problem, body.deprocess(x) if start == "content" else noise(problem, seed)

    size = side_of(content) if size is None else size
    fit = partial(lean, net, layers={*contents, *of_styles}, targets=contents, method=rule,
                  vectors=VECTORS, tile=tile, limit=memory, progress=progress)
    found, runs, notes = by_sizes(shape_at, problem_of, fit, size, steps, seed, progress, watch)
    if colours == "kept":
        photo = resized(content, max(found.shape[1:3]))
        found = luminance_transfer(found, body.deprocess(body.preprocess(photo)))
    return Painted(found[0], runs, notes, preprocessing_of(net), stopped=runs[-1].stopped, settings={
        "content_layers": contents, "style_layers": of_styles, "style_weight": style_weight, "tv_weight": tv_weight,
        "blend": blend, "masks": bool(masks), "style_scale": style_scale, "start": start, "colours": colours,
        "pooling": pooling, "method": method, "rate": getattr(rule, "rate", None), "history": history, "size": size,
        "steps": steps, "tile": tile, "memory": memory,
    })  # fmt: skip


@set_by(TextureSettings)
@takes(size=several(whole()), mask=MASK, feather=number(0), tile=whole(1), memory=number(), seed=SEED)
def texture(
    net: Network, style: Picture, *, settings: TextureSettings | None = None,
    size: int | Sequence[int] | None = None, steps: int | Sequence[int] = TextureSettings.steps, layers: Names = None,
    tv_weight: float = TextureSettings.tv_weight, style_scale: float = TextureSettings.style_scale,
    pooling: str = TextureSettings.pooling, histogram: bool = TextureSettings.histogram,
    mask: Any = None, feather: float = 0.0, history: int = TextureSettings.history, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None,
) -> Painted:  # fmt: skip
    """Make more of a texture from noise: style without content (Gatys, Ecker & Bethge 2015).

    Parameters
    ----------
    style : uint8 array (H, W, C)
        The texture.
    size : int or sequence of int, in pixels, optional
        The longer side; of several, each size starts from the one before. By default the texture's.
    layers : str or sequence, optional
        The layers whose Gram matrices describe the texture; by default those of the net's role style.

    Returns
    -------
    Painted
        ``pixels`` (H, W, C), and the ``runs``, one for each size.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> max(mv.texture(net, goose, size=24, steps=2).array.shape)
    24
    """
    style = as_picture(style, net.input_channels)
    of_styles = weighed(net, layers, "style")
    body = with_pooling(trunk(net, of_styles), pooling)

    def shape_at(side: Any) -> tuple[Any, ...]:
        return (1, *resized(style, side).shape[:2], body.input_channels)

    def behind(shape: Any) -> tuple[Any, Any]:
        """The mask, and the picture that stays."""
        return (mask_over(mask, shape[1:3], feather)[None, ..., None],
                body.deprocess(input_of(body, resized(style, max(shape[1:3])))))

    def problem_of(side: Any, tile: Any) -> tuple[Any, Any]:
        example, shape = resized(style, side * style_scale), shape_at(side)
        loss = style_loss(body, shape, [input_of(body, example)], of_styles, tile=tile)
        space = pixels(body, shape)
        if mask is not None:
            space = covered(space, *behind(shape))
        problem = Problem(body, loss + smooth(np.empty(shape), tv_weight), space, tile=tile)
        return problem, noise(problem, seed)

    size = side_of(style) if size is None else size
    fit = partial(lean, net, layers=of_styles, method=LBFGS(history), vectors=VECTORS, tile=tile, limit=memory,
                  progress=progress)
    found, runs, notes = by_sizes(shape_at, problem_of, fit, size, steps, seed, progress, watch)
    if histogram:
        found = match_histogram(found, body.deprocess(body.preprocess(style)))
    if mask is not None:
        cover, under = behind(found.shape)
        found = np.where(cover > 0, cover * found + (1 - cover) * to_cpu(under), to_cpu(under))
    return Painted(found[0], runs, notes, preprocessing_of(net), stopped=runs[-1].stopped, settings={
        "style_layers": of_styles, "tv_weight": tv_weight, "style_scale": style_scale, "pooling": pooling,
        "histogram": histogram, "masked": mask is not None, "history": history, "size": size, "steps": steps,
        "tile": tile, "memory": memory,
    })  # fmt: skip


def rule_of(method: Any, rate: Any, history: Any) -> Any:
    """The update rule called ``method``; the gradient is divided by its mean size, so that a rate is in levels."""
    if method == "lbfgs":
        if rate is not None:
            raise BadValue("L-BFGS finds the length of its steps by itself: leave out the rate, or choose another "
                           "method")
        return LBFGS(history)
    rate = PAINTERS[method] if rate is None else rate
    momentum = partial(Gradient, momentum=0.9, normalize="mean")
    rules: dict[str, Any] = {"adam": Adam, "adagrad": Adagrad, "gradient": momentum}
    return rules[method](rate)


def is_several(pictures: Any) -> bool:
    """Whether these are pictures, and not one: a list or tuple, or a batch."""
    return isinstance(pictures, (list, tuple)) or np.ndim(pictures) == 4


def smooth(x: Array, weight: Any) -> Any:
    """Total variation, times ``weight``: the mean square of the steps between neighbours, in units of 255 levels."""
    return (weight / (255**2 * x.size)) * tv() if weight else Objective()


def noise(problem: Any, seed: Any) -> Any:
    """The start without a picture: the net's mean colour, with noise."""
    z = problem.parameterization.grey()
    return z + get_xp(z).asarray(NOISE * np.random.default_rng(seed).standard_normal(z.shape), dtype=z.dtype)
