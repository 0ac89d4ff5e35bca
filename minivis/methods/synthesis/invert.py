"""What does a code still know of its image? Find an image that has the same code (Mahendran & Vedaldi 2015).

    image = argmin   |phi(image) - phi0|^2 / |phi0|^2  +  (lambda_tv / 2 TV + lambda_alpha / 2 sum |d|^6) / sigma^2

d are levels about the net's mean, phi0 is the code of the given picture at some layer, and sigma the norm of a typical
picture: 68.9 levels a colour and pixel, theirs (27098.1 for 227 x 227 x 3), so that lambdas carry over to other sizes.
Several starts differ in what the code does not determine. With ``exaggerate`` above 1 the code is pushed away from that
of a grey picture, which gives a caricature.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.text import chance
from minivis.images import metrics
from minivis.images.preprocessing import to_uint8
from minivis.layers import Dropout, Flatten, ReLU, Softmax
from minivis.methods.shared.result import PANEL, Result, Subject, input_of
from minivis.methods.synthesis.invert_stages import in_stages, stages_of
from minivis.methods.synthesis.presets import INVERT, InvertPreset, chosen
from minivis.methods.synthesis.settings import InvertSettings
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, number, takes, whole
from minivis.types import Array, Names, Pictures


@dataclass(frozen=True, eq=False)
class Inversion(Result):
    """``pictures`` uint8 (S, h, w, C), one per start; ``errors`` (S,): |phi - phi0| / |phi0|, before rounding."""

    subject: Subject
    layer: str
    pictures: np.ndarray
    errors: np.ndarray
    said: tuple[str, ...]                       # the class of the original and of each picture; empty without classes
    run: Any

    @property
    def array(self) -> Array:
        return self.pictures

    def picture(self) -> Array:
        images = [self.subject.drawn(0), *self.subject.shown(self.pictures)]
        titles = [f"the input\n{self.said[0] if self.said else ' '}"]
        titles += [f"{self.layer}, start {k + 1}\n{self.words(k)}" for k in range(len(self.pictures))]
        return panels(images, titles, height=PANEL, columns=min(len(images), 5))

    def words(self, k: int) -> str:
        seen = f"; {self.said[k + 1]}" if self.said else ""
        return f"code {100 * self.errors[k]:.2g} % off, PSNR {decibels(self.psnr[k])}{seen}"

    @property
    def psnr(self) -> Any:
        return metrics.psnr(np.broadcast_to(self.subject.seen, self.pictures.shape), self.pictures)

    @property
    def numbers(self) -> dict[str, Any]:
        original = np.broadcast_to(self.subject.seen, self.pictures.shape)
        psnr = [value if np.isfinite(value) else None for value in self.psnr.tolist()]
        return {"layer": self.layer, "errors": self.errors.tolist(), "psnr": psnr,
                "ssim": metrics.ssim(original, self.pictures).tolist(), "classes": list(self.said),
                "stopped": self.stopped, **self.run.describe()}

    def __str__(self) -> str:
        return "\n".join([f"{self.layer}: {self.words(k)}" for k in range(len(self.pictures))]
                         + [f"loss {self.run.first_loss:.4g} -> {self.run.loss:.4g}; {self.stopped}", *self.run.notes])


@set_by(InvertSettings, INVERT)
@takes(starts=whole(), exaggerate=number(), seed=SEED)
def invert(
    net: Network, image: Pictures, layer: str | None = None, *, preset: InvertPreset | None = None,
    settings: InvertSettings | None = None, starts: int = 1, exaggerate: float = 1.0, seed: int = 0,
    progress: bool = False, watch: Watch | None = None, **replaced: Any,
) -> Inversion:  # fmt: skip
    """Images with the same code as a picture in some layer: what that layer still knows of it.

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture of any size, levels 0 to 255.
    layer : str, optional
        The layer; by default that of the net's role code.
    starts : int, default 1
        Number of images from different starts; they differ where the code does not determine the image.
    exaggerate : float, default 1
        Factor on the code's distance from the code of a grey image; above 1 it gives a caricature.

    Returns
    -------
    Inversion
        ``pictures`` uint8 (S, h, w, C), and the ``errors`` (S,) of their codes.

    References
    ----------
    Mahendran & Vedaldi 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.invert(net, goose, "conv2_1", settings=mv.InvertSettings(steps=3), tv=1e-5)
    >>> len(found.array), found.settings["tv"]
    (1, 1e-05)
    """
    layer = net.check_name(layer) if layer else net.role("code")
    preset, how = settings_at(net, layer, preset, settings, replaced)
    if starts < 1 or not np.isfinite(exaggerate):
        raise BadValue(f"starts must be at least 1 and exaggerate a finite number, not {starts} and {exaggerate}")
    subject = Subject.of(net, image)
    if len(subject) != 1:
        raise BadValue("invert takes one picture at a time")
    x = subject.input(net)
    wanted, grey = (code_of(net, values, layer) for values in (x, get_xp(x).zeros_like(x)))
    target = wanted if exaggerate == 1 else grey + exaggerate * (wanted - grey)
    shape = (starts, *x.shape[1:])
    levels = to_cpu(net.deprocess(get_xp(x).zeros_like(x))) if exaggerate == 1 else subject.seen[:1]
    levels = levels + how.noise * np.random.default_rng(seed).standard_normal(shape)
    stages = stages_of(net, layer, target, shape, how)
    run = in_stages(net, stages, levels.clip(0, 255), seed=seed, progress=progress, watch=watch,
                    title=f"invert {layer}")
    pictures = to_uint8(run.pixels)
    errors = relative_errors(code_of(net, input_of(net, run.pixels), layer), target)
    said = classes(net, subject.seen, pictures)
    return Inversion(subject, layer, pictures, errors, said, run, stopped=run.stopped,
                     settings={"layer": layer, "preset": preset, "starts": starts, "exaggerate": exaggerate,
                               **{name: value for name, value in how.values().items() if name != "by_depth"}})


@dataclass(frozen=True, eq=False)
class AllLayers(Result):
    """One `Inversion` per layer, low ones first: how much each has discarded."""

    inversions: tuple[Inversion, ...]

    @property
    def array(self) -> Array:
        return np.stack([one.pictures[0] for one in self.inversions])

    def picture(self) -> Array:
        first = self.inversions[0]
        tiles = [first.subject.drawn(0), *(first.subject.shown(one.pictures[0]) for one in self.inversions)]
        labels = ["the input"] + [f"{one.layer}\n{100 * one.errors[0]:.2g} % off, {decibels(one.psnr[0], 0)}"
                                  for one in self.inversions]
        scale = max(1, 128 // max(tiles[0].shape[:2]))
        sheet = contact_sheet(tiles, columns=5, labels=labels, scale=scale)
        title = ("what each layer still knows\nan image with the same code, from noise; the error of its code, and "
                 "its PSNR to the input")
        return panels([sheet], [title], height=sheet.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {one.layer: one.numbers for one in self.inversions}

    def __str__(self) -> str:
        return "\n".join(f"{one.layer}: {one.words(0)}" for one in self.inversions)


@set_by(InvertSettings, INVERT)
@takes(seed=SEED)
def invert_layers(
    net: Network, image: Pictures, layers: Names = None, *, preset: InvertPreset | None = None,
    settings: InvertSettings | None = None, seed: int = 0, progress: bool = False, watch: Watch | None = None,
    **replaced: Any,
) -> AllLayers:  # fmt: skip
    """One image for the code of each layer, side by side on a sheet.

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture of any size, levels 0 to 255.
    layers : sequence of str, optional
        The layers; by default all but ReLUs, flatten, dropout and softmax.

    Returns
    -------
    AllLayers
        ``inversions``, an `Inversion` for each layer, low ones first.

    References
    ----------
    Mahendran & Vedaldi 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.invert_layers(net, goose, ["fc6"], settings=mv.InvertSettings(steps=2))
    >>> [one.layer for one in found.inversions]
    ['fc6']
    """
    names = [net.check_name(name) for name in layers] if layers else layers_of(net)
    watch = Watch() if watch is None else watch
    if watch.checkpoint:
        raise BadValue("a sheet of several layers has no checkpoint: invert one layer with --layer")
    done = []
    for name in names:
        done.append(invert(net, image, name, preset=preset, settings=settings, seed=seed, progress=progress,
                           watch=watch, **replaced))
        if watch.interrupted:
            break
    return AllLayers(tuple(done), stopped=done[-1].stopped, settings={
        "layers": names, "preset": done[0].settings["preset"], **replaced})


def layers_of(net: Network) -> list[Any]:
    """The layers worth inverting: all but ReLUs (their convolutions are there), Flatten, dropout and softmax."""
    return [name for name, layer in net.layers.items() if not isinstance(layer, (ReLU, Flatten, Dropout, Softmax))]


def settings_at(net: Network, layer: str, preset: str | None = None, settings: Any = None,
                given: Any = None) -> tuple[Any, Any]:
    """(the preset's name, the settings for the code of ``layer``): with other steps than those of the preset, or of the
    given settings, the stages change in proportion.
    """
    names, given = ["input", *net.nodes], dict(given or {})
    name, base = chosen(INVERT, preset, settings, "minivis", {"by_depth": given.pop("by_depth", None)})
    base = base.at(names.index(layer) / (len(names) - 1))
    how = chosen(INVERT, None, base, "minivis", given)[1]
    share = how.steps / base.steps if base.steps else 1
    scaled = {
        "coarse": tuple((decay, round(share * steps)) for decay, steps in how.coarse),
        "smooth": how.smooth and (*how.smooth[:2], round(share * how.smooth[2])),
        "rounds": how.rounds and (round(share * how.rounds[0]), how.rounds[1]),
        "through": round(share * how.through),
    }
    return name, how.but(**{key: value for key, value in scaled.items() if given.get(key) is None})


def code_of(net: Network, x: Array, layer: str) -> Any:
    until = layer if layer != "input" else next(iter(net.nodes))
    return net.forward(x, until=until, keep={"input", layer}, grad=None)[layer]


def relative_errors(found: Any, wanted: Any) -> Any:
    difference = to_cpu(found - wanted).astype(np.float64).reshape(len(found), -1)
    return np.linalg.norm(difference, axis=1) / np.linalg.norm(to_cpu(wanted).astype(np.float64))


def decibels(psnr: Any, digits: int = 1) -> str:
    return f"{psnr:.{digits}f} dB" if np.isfinite(psnr) else "infinite"


def classes(net: Network, original: Any, pictures: Any) -> tuple[Any, ...]:
    """The net's answer to the original and to each picture: ("goose 99.1 %", ...)."""
    net = answering(net)
    prob = net.roles.get("prob")
    if not prob:
        return ()
    both = np.concatenate([original, pictures])
    p = to_cpu(net.forward(input_of(net, both), keep={prob}, until=prob, grad=None)[prob]).reshape(len(both), -1)
    best = p.argmax(axis=1)
    names = Ending.of(net).names(p.shape[1])
    return tuple(f"{names[k]} {chance(p[i, k])}" for i, k in enumerate(best))
