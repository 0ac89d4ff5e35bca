"""DeepDream (Mordvintsev, Olah & Tyka 2015): change a picture so that a net sees more of what it already sees.

    x  <-  x + step * g / mean|g|,      g: the gradient at the pixels of |a|^2 / 2, with a the activations of a layer

The backward pass starts from the activations themselves: "dx = x", as the lecture says. The picture is shifted at
random before each step, and back after it. The dream starts at a small size; the detail that appears is enlarged and
added to the next larger octave. Steps and clipping are in levels 0..255, so they mean the same in every net. Low layers
add strokes, and high layers add the things that the net knows.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.engine.layer_table import fingerprint
from minivis.engine.network import Network
from minivis.engine.surgery import trunk
from minivis.errors import BadValue
from minivis.images.colour import check_colours, luminance_transfer
from minivis.images.given import as_picture
from minivis.images.masks import MASK, mask_over
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.images.resampling import linear
from minivis.methods.shared.result import MadePicture, input_of
from minivis.methods.synthesis.goals import terms_of
from minivis.methods.synthesis.octaves import begun, levels, octave_sizes
from minivis.methods.synthesis.settings import DreamSettings
from minivis.objectives.dream import dream_loss
from minivis.objectives.layer_weights import layer_weights
from minivis.optimize.budget import lean
from minivis.optimize.recorder import LongRun
from minivis.optimize.update_rules import Gradient
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import FARTHEST, FUNCTION, NUMBERS, SEED, SWITCH, TEXT, number, takes, whole
from minivis.runtime.workspace import Workspace
from minivis.types import Array, Picture, Pictures, Progress

VECTORS = 8                                     # arrays as large as the picture: the octaves, in addition to a step's
WHITE = 99.98                                   # percentile that becomes 255 if nothing was clipped


@takes(pixels=NUMBERS, loss=FUNCTION, step=number(), jitter=whole(0, FARTHEST), clip=SWITCH, tile=whole(1))
def make_step(
    net: Network, pixels: Array, loss: Any, rng: np.random.Generator, *, step: float = DreamSettings.step,
    jitter: int = DreamSettings.jitter, clip: bool = DreamSettings.clip, tile: int | None = None,
    workspace: Workspace | None = None,
) -> tuple[float, Array]:  # fmt: skip
    """One step of a dream: shift, add the gradient divided by its mean size, shift back.

    Parameters
    ----------
    pixels : array (N, H, W, C)
        Levels.
    loss : objective
        A function from activations to (loss, {layer: gradient there}).
    rng : numpy Generator
        Draws the shift.
    step : float, in levels of 255, default 1.5
        Mean change of a pixel.
    jitter : int, in pixels, default 32
        Largest shift.
    clip : bool, default True
        Clip to 0..255.
    workspace : Workspace, optional
        Buffers to use again, of ``net.workspace()``.

    Returns
    -------
    loss : float
        The loss before the step.
    pixels : array (N, H, W, C)
        The next pixels.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> import numpy as np
    >>> pixels, loss = goose[None].astype(np.float32), mv.objectives.energy("conv2_1")
    >>> before, pixels = mv.make_step(net, pixels, loss, np.random.default_rng(0))
    >>> pixels.shape == (1, *goose.shape)
    True
    """
    xp = get_xp(pixels)
    down, right = (int(s) for s in rng.integers(-jitter, jitter + 1, 2))
    pixels = xp.roll(pixels, (down, right), axis=(1, 2))
    value, dx = net.image_gradient(net.preprocess(pixels), loss, tile=tile, workspace=workspace)
    g = net.preprocess_adjoint(dx)
    pixels -= step / max(float(abs(g).mean()), 1e-30) * g
    if clip:
        xp.clip(pixels, 0, 255, out=pixels)
    return float(np.sum(value)), xp.roll(pixels, (-down, -right), axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Dream(MadePicture):
    """``pixels`` (H, W, C): the dream, levels. ``losses``: of each octave, from small to large, the first and last."""

    pixels: np.ndarray
    octaves: tuple                              # ((height, width), ...)
    losses: tuple
    notes: tuple = ()
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def gains(self) -> list[Any]:
        """The factor by which the net sees more, in each octave."""
        return [last / first if first else 1.0 for first, last in self.losses]

    @property
    def numbers(self) -> dict[str, Any]:
        return {"octaves": [{"size": [w, h], "loss_at_start": first, "loss": last}
                            for (h, w), (first, last) in zip(self.octaves, self.losses)], "notes": list(self.notes)}

    def __str__(self) -> str:
        grown = ", ".join(f"{gain:.3g} times at {w} x {h}" for gain, (h, w) in zip(self.gains, self.octaves))
        ended = [] if self.stopped == "done" else [self.stopped]
        said = f"{', '.join(self.settings['layers'])} sees more: {grown or 'no step was made'}"
        return "; ".join([said, *self.notes, *ended])


@dataclass(frozen=True, eq=False)
class State:
    """The state of a dream: ``step`` steps into octave ``number`` with ``pixels``; ``rng``: the generator's state."""

    number: int
    step: int
    pixels: np.ndarray
    losses: tuple                               # of octaves, the first and the last one so far
    rng: Any

    def stepped(self, pixels: Array, loss: Any, rng: np.random.Generator) -> "State":
        begun = self.losses[self.number][0] if self.step else loss
        losses = (*self.losses[: self.number], (begun, loss))
        return State(self.number, self.step + 1, pixels, losses, rng.bit_generator.state)


@set_by(DreamSettings)
@takes(mask=MASK, feather=number(0), objective=TEXT, begin=NUMBERS, tile=whole(1), memory=number(), seed=SEED)
def dream(
    net: Network, image: Pictures, layers: Any = None, *, settings: DreamSettings | None = None,
    guide: Picture | None = None, mask: Any = None, feather: float = 0.0, objective: str | None = None,
    begin: Any = None, octaves: int = DreamSettings.octaves, octave_scale: float = DreamSettings.octave_scale,
    steps: int = DreamSettings.steps, step: float = DreamSettings.step, jitter: int = DreamSettings.jitter,
    clip: bool = DreamSettings.clip, colours: str = DreamSettings.colours, tile: int | None = None,
    memory: float | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None,
) -> Dream:  # fmt: skip
    """Change a picture so that a net sees more of what it already sees (DeepDream).

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture of any size, levels 0 to 255.
    layers : str, sequence or dict, optional
        A layer, a channel such as "conv4_1:12", or several as {name: weight}; by default that of the net's role dream.

    Returns
    -------
    Dream
        ``pixels`` (H, W, C), and the ``losses`` of each octave.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.dream(net, goose, "conv2_1", octaves=2, steps=1)
    >>> found.array.shape == goose.shape
    True
    """
    if colours == "kept":
        check_colours(net.input_channels)
    wanted = (layer_weights(net, layers, "dream", channels=True) if objective is None else
              terms_of(net, objective, layers))
    if "input" in wanted:
        raise BadValue("'input' is the picture itself: dream of a layer")
    body = trunk(net, {text.partition(":")[0] for text in wanted})
    base = levels(body, image)
    sizes = octave_sizes(body, base.shape, octaves, octave_scale)
    layers = {text.partition(":")[0] for text in wanted}
    fit = lean(net, base.shape, layers, Gradient(step), vectors=VECTORS, targets=layers if guide is not None else (),
               tile=tile, limit=memory, progress=progress)
    cover = None if mask is None else body.xp.asarray(mask_over(mask, base.shape[1:3], feather)[None, ..., None],
                                                      dtype=base.dtype)
    how = {"step": step, "jitter": jitter, "clip": clip, "tile": fit.tile}
    guide = None if guide is None else input_of(body, as_picture(guide, body.input_channels))
    loss = dream_loss(body, body.preprocess(base), wanted, guide, fit.tile)
    watch, start = Watch() if watch is None else watch, base if begin is None else begun(body, begin, base, cover)

    def identity() -> Any:
        pictures = [hashlib.sha256(to_cpu(x).tobytes()).hexdigest() for x in (start, guide, cover) if x is not None]
        return json.dumps(["dream", fingerprint(body), pictures, wanted, sizes, steps, how, seed, watch.identity])

    found, losses, stopped, notes = by_octaves(body, start, sizes, loss, steps, np.random.default_rng(seed), watch,
                                               identity, progress, cover, **how)
    if not clip:
        found = found * (255 / max(1.0, float(get_xp(found).percentile(found, WHITE))))
    if colours == "kept":
        found = luminance_transfer(found, base)
    found = found if cover is None else get_xp(found).where(cover > 0, found, base)
    notes = ([fit.note] if fit.note else []) + notes
    return Dream(to_cpu(found)[0], tuple(sizes), losses, tuple(notes), preprocessing_of(net), stopped=stopped,
                 settings={
        "layers": wanted, "guided": guide is not None, "masked": mask is not None, "octaves": len(sizes),
        "octave_scale": octave_scale,
        "steps": steps, "colours": colours, "memory": memory, **how,
    })  # fmt: skip


class DreamRun(LongRun):
    """What stands around `by_octaves`: ``at`` is where the dream is, and what its checkpoint holds."""

    whole = False                               # no number of steps per octave ends where Ctrl-C did

    def __init__(self, at: Any, steps: int, octaves: Any, identity: Any, watch: Watch, progress: Progress) -> None:
        super().__init__(watch, steps * octaves, progress, "dream")
        self.at, self.identify = at, identity
        kept = self.kept(("pixels",))
        if kept is not None:
            pixels, losses = get_xp(at.pixels).asarray(kept["pixels"]), tuple(map(tuple, kept["losses"]))
            self.at = State(kept["number"], kept["step"], pixels, losses, kept["rng"])
            self.step = steps * self.at.number + self.at.step

    def identity(self) -> Any:
        return self.identify()

    def state(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        at = self.at
        return {"pixels": to_cpu(at.pixels)}, {"number": at.number, "step": at.step, "losses": at.losses, "rng": at.rng}


def by_octaves(net: Network, base: Any, sizes: Any, loss: Any, steps: int, rng: np.random.Generator, watch: Watch,
               identity: Any, progress: Any = False, cover: Any = None, **how: Any) -> tuple[Any, Any, Any, Any]:
    """Dream on base (1, H, W, C), levels, at each of ``sizes``: (dream, ((first loss, last loss), ...), why it ended,
    notes). identity() identifies the run in its checkpoint. cover: a mask (1, H, W, 1), 0..1, or None.
    """
    pyramid = [base]
    for size in sizes[-2::-1]:
        pyramid.insert(0, linear(pyramid[0], size))
    start = State(0, 0, pyramid[0], (), rng.bit_generator.state)
    run = DreamRun(start, steps, len(sizes), identity, watch, progress)
    rng.bit_generator.state = run.at.rng
    with run:
        while not at_octave(net, pyramid, loss, steps, rng, run, cover, **how) and run.at.number < len(sizes) - 1:
            at, larger = run.at, pyramid[run.at.number + 1]
            detail = linear(at.pixels - pyramid[at.number], larger.shape[1:3])
            run.at = State(at.number + 1, 0, larger + detail, at.losses, at.rng)
    at = run.at
    found = base + linear(at.pixels - pyramid[at.number], base.shape[1:3]) if run.stopped else at.pixels
    return found, at.losses, run.stopped or "done", run.notes


def at_octave(net: Network, pyramid: Any, loss: Any, steps: int, rng: np.random.Generator, run: Any, cover: Any = None,
              **how: Any) -> bool:
    """Make the remaining steps of an octave. Return True to stop the whole run."""
    _, H, W, _ = pyramid[run.at.number].shape
    space = net.workspace()
    here = None if cover is None else linear(cover, (H, W))
    while run.at.step < steps:
        value, pixels = make_step(net, run.at.pixels, loss, rng, workspace=space, **how)
        if here is not None:
            pixels = run.at.pixels + here * (pixels - run.at.pixels)
        run.at = run.at.stepped(pixels, value, rng)

        def seen(pixels: Array = pixels) -> Any:
            return to_cpu(to_uint8(linear(pixels, pyramid[-1].shape[1:3])))

        if run.advanced(value, {}, seen, f"{W} x {H}, loss {value:.4g}"):
            return True
    return False
