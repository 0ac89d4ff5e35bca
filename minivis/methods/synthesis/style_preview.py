"""Eight ways to paint a picture, small, to choose from before a large one is painted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import panels
from minivis.images.given import as_picture, as_pictures
from minivis.images.preprocessing import Preprocessing
from minivis.images.resampling import resized
from minivis.methods.shared.result import Result
from minivis.methods.synthesis.settings import StyleSettings
from minivis.methods.synthesis.sizes import side_of
from minivis.methods.synthesis.style import Painted, is_several, style_transfer
from minivis.optimize.watch import Watch
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, SEQUENCE, number, several, takes, whole
from minivis.types import Array, Picture

SIDE, STEPS = 160, 60                           # of a preview
COLUMNS, HEIGHT = 4, 224
MORE = 10.0                                     # by which the weight of the style is multiplied and divided


def variations(settings: StyleSettings) -> list[dict[str, Any]]:
    """What is changed for each of the eight paintings; for the first nothing."""
    return [
        {},
        {"style_weight": settings.style_weight / MORE}, {"style_weight": settings.style_weight * MORE},
        {"style_scale": settings.style_scale / 2}, {"style_scale": settings.style_scale * 2},
        {"colours": "free" if settings.colours == "kept" else "kept"},
        {"pooling": "max" if settings.pooling == "average" else "average"},
        {"start": "content" if settings.start == "noise" else "noise"},
    ]  # fmt: skip


def words_of(changed: dict[str, Any]) -> str:
    """The options of `minivis style` that make a change."""
    shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in changed.items()}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in shown.items()) or "as given"


@dataclass(frozen=True, eq=False)
class StylePreview(Result):
    """``paintings``: {the options that make it: `Painted`}, small."""

    paintings: dict[str, Painted]
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return np.stack([one.pixels for one in self.paintings.values()])

    def picture(self) -> Array:
        pictures = [one.picture() for one in self.paintings.values()]
        first = pictures[0].shape
        return panels(pictures, list(self.paintings), height=max(HEIGHT, first[0]), columns=COLUMNS,
                      footer=f"{first[1]} x {first[0]} pixels, {self.settings['steps']} steps. Strokes are as long in "
                             "pixels at any size: in a large painting they are smaller beside the objects.")

    @property
    def numbers(self) -> dict[str, Any]:
        return {words: one.numbers for words, one in self.paintings.items()}

    def __str__(self) -> str:
        return "\n".join(f"{words}: loss {one.runs[-1].first_loss:.4g} -> {one.runs[-1].loss:.4g}"
                         for words, one in self.paintings.items())


@set_by(StyleSettings)
@takes(blend=several(number()), masks=SEQUENCE, size=whole(1), tile=whole(1), memory=number(), seed=SEED)
def style_preview(
    net: Network, content: Picture, styles: Picture | Sequence[Picture], *, settings: StyleSettings | None = None,
    size: int = SIDE, content_layers: Any = None, style_layers: Any = None, blend: Sequence[float] | None = None,
    masks: Any = None, tile: int | None = None, memory: float | None = None, seed: int = 0, progress: bool = False,
    watch: Watch | None = None, **replaced: Any,
) -> StylePreview:  # fmt: skip
    """Paint a picture small in eight ways, to choose the settings of a large painting.

    The first painting has the settings that are given; each other one differs from it by one: the weight of the style,
    its scale, the colours, the pooling, the start.

    Parameters
    ----------
    size : int, in pixels, default 160
        The longer side of each; the content's, if that is shorter.
    content_layers : str, sequence or dict, optional
        The layers of the content, as names or {name: weight}; by default those of the net's roles.
    style_layers : str, sequence or dict, optional
        Those of the style.
    steps : int, default 60
        Steps for each; no more than 60 are taken.

    Returns
    -------
    StylePreview
        ``paintings``, {the options that make it: `Painted`}.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.style_preview(net, goose, goose[::-1], size=24, steps=1)
    >>> list(found.paintings)[:3]
    ['as given', '--style-weight 10', '--style-weight 1000']
    """
    assert settings is not None                 # `set_by` fills them in
    if watch is not None and watch.checkpoint:
        raise BadValue("a preview of several paintings has no checkpoint: leave it out")
    content = as_picture(content, net.input_channels)
    styles = as_pictures(list(styles) if is_several(styles) else [styles], net.input_channels)
    size, chosen = min(size, side_of(content)), settings.but(steps=min(STEPS, int(np.min(settings.steps))))
    paintings, stopped = {}, "done"
    many = net.input_channels not in (1, 3)     # whose colours cannot be kept
    for changed in [one for one in variations(settings) if not (many and "colours" in one)]:
        made = style_transfer(
            net, resized(content, size), styles, settings=chosen.but(**changed), size=size, blend=blend, masks=masks,
            content_layers=content_layers, style_layers=style_layers, tile=tile, memory=memory, seed=seed,
            progress=progress, watch=watch)
        paintings[words_of(changed)] = made
        if watch is not None and watch.interrupted:
            stopped = made.stopped
            break
    return StylePreview(paintings, preprocessing_of(net), stopped=stopped, settings={
        **chosen.values(), "size": size, "blend": blend, "masks": bool(masks)})
