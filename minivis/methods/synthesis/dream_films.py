"""More of DeepDream: a sheet with one dream for each layer, and a film that zooms into its own dream.

Low layers add strokes and textures to a picture, and high layers add the things that the net knows. Each frame of the
film is a dream on the frame before, slightly enlarged about its middle.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import panels
from minivis.images.masks import MASK
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.images.resampling import zoomed
from minivis.methods.shared.result import PANEL, Result
from minivis.methods.synthesis.dream import dream
from minivis.methods.synthesis.octaves import levels
from minivis.methods.synthesis.settings import DreamSettings
from minivis.optimize.watch import INTERRUPTED, Watch
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, TEXT, number, takes, whole
from minivis.types import Array, Picture, Pictures


@dataclass(frozen=True, eq=False)
class DreamSheet(Result):
    """``dreams``: {layer: `Dream`} of one picture, from low to high."""

    image: np.ndarray
    dreams: dict
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return np.stack([found.pixels for found in self.dreams.values()])

    def picture(self) -> Array:
        pictures = [self.look.shown(self.image), *(found.picture() for found in self.dreams.values())]
        titles = ["the picture", *(f"{layer}\nsees {found.gains[-1]:.3g} times as much" if found.gains else layer
                                   for layer, found in self.dreams.items())]
        return panels(pictures, titles, height=PANEL, columns=3 if len(pictures) > 4 else None)

    @property
    def numbers(self) -> dict[str, Any]:
        return {layer: found.numbers for layer, found in self.dreams.items()}

    def __str__(self) -> str:
        return "\n".join(map(str, self.dreams.values()))


@set_by(DreamSettings)
@takes(mask=MASK, feather=number(0), tile=whole(1), memory=number(), seed=SEED)
def dream_layers(
    net: Network, image: Pictures, layers: Any = None, *, settings: DreamSettings | None = None,
    guide: Picture | None = None, mask: Any = None, feather: float = 0.0, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> DreamSheet:  # fmt: skip
    """A `dream` of each of several layers on one picture, side by side.

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture of any size, levels 0 to 255.
    layers : str or sequence, optional
        The layers; by default those of style, and that of dreams.

    Returns
    -------
    DreamSheet
        ``dreams``, {layer: `Dream`}.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.dream_layers(net, goose, ["conv1_1", "conv2_1"], octaves=1, steps=1)
    >>> list(found.dreams)
    ['conv1_1', 'conv2_1']
    """
    if layers is None:
        named = [*(net.roles.get("style") or []), *filter(None, [net.roles.get("dream")])]
        layers = sorted(set(named), key=list(net.nodes).index) or [net.role("dream")]
    layers = [layers] if isinstance(layers, str) else list(layers)
    if watch is not None and watch.checkpoint:
        raise BadValue("a sheet of several layers has no checkpoint: name one layer")
    dreams, stopped = {}, "done"
    for layer in layers:
        dreams[layer] = dream(net, image, layer, settings=settings, guide=guide, mask=mask, feather=feather,
                              tile=tile, memory=memory, seed=seed, progress=progress, watch=watch, **replaced)
        if dreams[layer].stopped == INTERRUPTED:
            stopped = INTERRUPTED
            break
    shared = {key: value for key, value in dreams[layers[0]].settings.items() if key != "layers"}
    return DreamSheet(to_uint8(to_cpu(levels(net, image)))[0], dreams, preprocessing_of(net), stopped=stopped,
                      settings={"layers": layers, **shared})


@dataclass(frozen=True, eq=False)
class Zoom(Result):
    """``frames``: uint8 (H, W, C) each."""

    frames: tuple
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return np.stack(self.frames)

    def picture(self) -> Array:
        return self.look.rgb(self.frames[-1])

    @property
    def numbers(self) -> dict[str, Any]:
        return {"frames": len(self.frames), "size": [self.frames[0].shape[1], self.frames[0].shape[0]]}

    def __str__(self) -> str:
        return f"{len(self.frames)} frames; {self.stopped}"


@set_by(DreamSettings)
@takes(frames=whole(), zoom=number(), objective=TEXT, tile=whole(1), memory=number(), seed=SEED)
def dream_zoom(
    net: Network, image: Pictures, layers: Any = None, *, frames: int = 100, zoom: float = 0.05,
    settings: DreamSettings | None = None, guide: Picture | None = None, objective: str | None = None,
    tile: int | None = None, memory: float | None = None, seed: int = 0, progress: bool = False,
    watch: Watch | None = None, **replaced: Any,
) -> Zoom:  # fmt: skip
    """A zoom into a dream: each frame is a `dream` on the one before, enlarged.

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture of any size, levels 0 to 255.
    layers : str, sequence or dict, optional
        A layer, a channel such as "conv4_1:12", or several as {name: weight}; by default that of the net's role dream.
    frames : int, default 100
        Number of frames.
    zoom : float, default 0.05
        Fraction by which each frame is enlarged.

    Returns
    -------
    Zoom
        ``frames``, uint8 (H, W, C) each.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> mv.dream_zoom(net, goose, "conv1_1", frames=2, octaves=1, steps=1).array.shape[0]
    2
    """
    if isinstance(frames, bool) or not isinstance(frames, (int, np.integer)) or frames < 1 or not 0 <= zoom < 1:
        raise BadValue(f"frames must be at least 1 and zoom from 0 to below 1, not {frames} and {zoom}")
    if watch is not None and watch.checkpoint:
        raise BadValue("a film of many dreams has no checkpoint: make a single dream")
    found, stopped = [], "done"
    for k in track(range(frames), progress, "frames"):
        made = dream(net, image, layers, settings=settings, guide=guide, objective=objective, tile=tile,
                     memory=memory, seed=seed + k, **replaced)
        picture = to_uint8(made.pixels)
        found.append(picture)
        image = to_uint8(zoomed(made.pixels[None].astype(net.dtype), 1 + zoom))[0]
        if made.stopped == INTERRUPTED:
            stopped = INTERRUPTED
            break
    if watch is not None:
        watch.frames[:] = found
        watch.seen.interrupted = stopped == INTERRUPTED
    return Zoom(tuple(found), preprocessing_of(net), stopped=stopped,
                settings={**made.settings, "frames": frames, "zoom": zoom})
