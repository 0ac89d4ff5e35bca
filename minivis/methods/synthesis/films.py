"""Films dreamt on and painted: each frame begins from the result of the one before, moved along with the picture.

    begin = frame + keep * cover * (moved(result before) - moved(frame before))         a dream: what it has added
    begin = frame + keep * cover * (moved(result before) - frame)                       a painting: all of it

``moved`` is the optical flow from the frame before to this one (images/flow.py), and ``cover`` is 0 where that is not
sure: there the frame starts over, as Ruder, Dosovitskiy & Brox 2016 do. Without OpenCV the result lies where it was. A
frame that begins from a result needs fewer steps, and looks like the frame before: without that, films flicker.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.film_reader import film_in
from minivis.images.flow import has_flow, load_opencv, motion_between
from minivis.images.given import as_picture
from minivis.images.preprocessing import to_uint8
from minivis.images.resampling import resized
from minivis.methods.synthesis.dream import dream
from minivis.methods.synthesis.octaves import levels
from minivis.methods.synthesis.settings import DreamSettings, StyleSettings
from minivis.methods.synthesis.style import style_transfer
from minivis.optimize.watch import INTERRUPTED
from minivis.runtime.backend import to_cpu
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, SWITCH, number, takes, whole
from minivis.types import Picture, Pictures

KEEP = {"dream": 0.7, "style": 1.0}
QUARTER = 4                                     # a painting's further frames take one step in this many


@dataclass(frozen=True)
class Following:
    """How a frame follows the one before it. flow: move the result; None: where OpenCV is. keep: how much of it."""

    kind: str                                   # of `KEEP`
    flow: bool | None = None
    keep: float | None = None

    def __post_init__(self) -> None:
        if self.flow:
            load_opencv()                       # before anything is computed
        object.__setattr__(self, "flow", has_flow() if self.flow is None else self.flow)
        object.__setattr__(self, "keep", KEEP[self.kind] if self.keep is None else self.keep)

    def steps(self, steps: int, given: int | None) -> int:
        """The steps of each further frame. A dream's add up to what one frame alone would get."""
        if given is not None:
            return given
        part = (1 - self.keep) * steps if self.kind == "dream" else steps / QUARTER  # type: ignore[operator]
        return math.ceil(round(part, 6))

    def begin(self, net: Network, before: Picture, made: Picture, now: Picture) -> Any:
        """Levels (H, W, the net's channels) that the frame ``now`` begins with, for the frame before and its result."""
        motion = motion_between(before, now, flow=bool(self.flow))
        old, new = (to_cpu(levels(net, frame))[0] for frame in (before, now))
        added, cover = motion.move(made - old if self.kind == "dream" else made.astype(new.dtype))
        return new + self.keep * cover * (added if self.kind == "dream" else added - new)


def follow(net: Network, make: Callable[..., Any], frames: Iterable[Picture], how: Following,
           done: Iterable[Picture] = ()) -> Iterator[Picture]:
    """Yield the result of each frame, uint8 (H, W, C): ``make(frame, begin)`` returns a Result with ``pixels``.

    begin: levels, or None for the first frame. done: results of the first frames, from an earlier run.
    """
    before: Any = None
    made: Any = None
    known = iter(done)
    for frame in frames:
        finished = next(known, None)
        if finished is None:
            same = before is not None and before.shape[:2] == frame.shape[:2]
            result = make(frame, how.begin(net, before, made, frame) if same else None)
            if result.stopped == INTERRUPTED:
                raise KeyboardInterrupt         # half a frame does not count
            finished = to_uint8(result.pixels)
        before, made = frame, finished
        yield made


def frames_of(film: Any, net: Network, side: int | None = None) -> Iterator[Picture]:
    """The frames of a film in a file, or of anything that iterates over pictures; ``side``: their longer side."""
    if isinstance(film, (str, bytes)) or hasattr(film, "__fspath__"):
        found = film_in(film)
        film = [film] if found is None else found
    if not hasattr(film, "__iter__") or getattr(film, "ndim", 4) != 4:
        raise BadValue(f"a film is a path, or pictures one after the other, not {type(film).__name__}")
    pictures = (as_picture(frame, net.input_channels) for frame in film)
    return pictures if side is None else (resized(picture, side) for picture in pictures)


def results_of(done: Any) -> Iterator[Picture]:
    """The finished frames one by one, each of them looked at."""
    for frame in done if hasattr(done, "__iter__") else [done]:
        if getattr(frame, "dtype", None) != np.uint8 or frame.ndim != 3:
            raise BadValue(f"done must hold results of frames, arrays of uint8 (H, W, C), not {type(frame).__name__}")
        yield frame


@takes(flow=SWITCH, keep=number(0, 1), next_steps=whole(0), seed=SEED)
def dream_film(
    net: Network, frames: Pictures | Iterable[Any], layers: Any = None, *, flow: bool | None = None,
    keep: float | None = None, next_steps: int | None = None, done: Iterable[Picture] = (), seed: int = 0,
    progress: bool = False, **settings: Any,
) -> Iterator[Picture]:  # fmt: skip
    """Dream on a film: a `dream` on each frame, which begins with what the frame before it has seen.

    Parameters
    ----------
    frames : str, or iterable of uint8 arrays (H, W, C)
        The path of a film, or its frames.
    layers : str, sequence or dict, optional
        A layer, a channel such as "conv4_1:12", or several as {name: weight}; by default that of the net's role dream.
    flow : bool, optional
        Move the last dream along with the picture, by optical flow; by default where OpenCV is installed.
    keep : float, default 0.7
        How much of the last dream a frame begins with, from 0 to 1.
    next_steps : int, optional
        Steps at each size of every frame but the first; by default (1 - keep) * steps.
    done : iterable of uint8 arrays, optional
        Results of the first frames, from an earlier run that goes on.
    settings : keywords
        Those of `dream`.

    Returns
    -------
    iterator of uint8 arrays (H, W, C)
        The dreams, one at a time, as they are finished.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> dreams = mv.dream_film(net, [goose, goose], "conv2_1", octaves=1, steps=1, flow=False)
    >>> [dreamt.shape == goose.shape for dreamt in dreams]
    [True, True]
    """
    how = Following("dream", flow, keep)
    steps = settings.pop("steps", getattr(settings.get("settings"), "steps", DreamSettings.steps))
    further = how.steps(steps, next_steps)

    def make(frame: Picture, begin: Any) -> Any:
        return dream(net, frame, layers, begin=begin, steps=steps if begin is None else further, seed=seed, **settings)

    finished = results_of(done)
    return iter(track(follow(net, make, frames_of(frames, net), how, finished), progress, "frames"))


@takes(flow=SWITCH, keep=number(0, 1), next_steps=whole(0), size=whole(1), seed=SEED)
def style_film(
    net: Network, frames: Pictures | Iterable[Any], styles: Any, *, size: int | None = None,
    flow: bool | None = None, keep: float | None = None, next_steps: int | None = None,
    done: Iterable[Picture] = (), seed: int = 0, progress: bool = False, **settings: Any,
) -> Iterator[Picture]:  # fmt: skip
    """Paint a film: a `style_transfer` on each frame, which begins with the painting before it.

    Parameters
    ----------
    frames : str, or iterable of uint8 arrays (H, W, C)
        The path of a film, or its frames.
    size : int, in pixels, optional
        The longer side of the paintings; by default the frames'.
    flow : bool, optional
        Move the last painting along with the picture, by optical flow; by default where OpenCV is installed.
    keep : float, default 1
        How much of the last painting a frame begins with, from 0 to 1.
    next_steps : int, optional
        Steps of every frame but the first; by default a quarter of ``steps``.
    done : iterable of uint8 arrays, optional
        Results of the first frames, from an earlier run that goes on.
    settings : keywords
        Those of `style_transfer`.

    Returns
    -------
    iterator of uint8 arrays (H, W, C)
        The paintings, one at a time, as they are finished.

    References
    ----------
    Ruder, Dosovitskiy & Brox 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> painted = mv.style_film(net, [goose, goose], goose[::-1], size=24, steps=2, flow=False)
    >>> [max(painting.shape) for painting in painted]
    [24, 24]
    """
    how = Following("style", flow, keep)
    steps = settings.pop("steps", getattr(settings.get("settings"), "steps", StyleSettings.steps))
    if np.ndim(steps):
        raise BadValue(f"the frames of a film have one size, and so one number of steps, not {steps}")
    further = how.steps(steps, next_steps)

    def make(frame: Picture, begin: Any) -> Any:
        return style_transfer(net, frame, styles, begin=begin, steps=steps if begin is None else further, seed=seed,
                              **settings)

    finished = results_of(done)
    return iter(track(follow(net, make, frames_of(frames, net, size), how, finished), progress, "frames"))
