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
from minivis.figures.text import percent
from minivis.images import metrics
from minivis.images.preprocessing import to_uint8
from minivis.layers import Dropout, Flatten, ReLU, Softmax
from minivis.methods.shared.result import PANEL, Result, Subject, input_of
from minivis.methods.synthesis.invert_stages import in_stages, stages_of
from minivis.optimize.parameterize import KINDS
from minivis.optimize.presets import INVERT, InvertPreset, resolve
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.settings import SEED, choice, number, takes, whole
from minivis.types import Names, Pictures

DEFAULTS = {"parameterization": "pixels", "coarse": (), "through": 0, "rounds": (), "smooth": (), "method": "lbfgs",
            "steps": 200, "history": 20, "rates": None, "momentum": 0.9, "tv": 1.0, "tv_beta": 2, "alpha": 0.0,
            "noise": 10.0}


INVERT_KINDS = {
    "parameterization": choice("parameterization", KINDS), "method": choice("method", ("lbfgs", "gradient")),
    "through": whole(0), "steps": whole(0), "history": whole(1), "momentum": number(), "tv": number(),
    "tv_beta": number(), "alpha": number(), "noise": number(0),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Inversion(Result):
    """``pictures`` uint8 (S, h, w, C), one per start; ``errors`` (S,): |phi - phi0| / |phi0|, before rounding."""

    subject: Subject
    layer: str
    pictures: np.ndarray
    errors: np.ndarray
    said: tuple[str, ...]                       # the class of the original and of each picture; empty without classes
    run: Any

    def picture(self):
        images = [self.subject.drawn(0), *self.subject.shown(self.pictures)]
        titles = [f"the input\n{self.said[0] if self.said else ' '}"]
        titles += [f"{self.layer}, start {k + 1}\n{self.words(k)}" for k in range(len(self.pictures))]
        return panels(images, titles, height=PANEL, columns=min(len(images), 5))

    def words(self, k):
        seen = f"; {self.said[k + 1]}" if self.said else ""
        return f"code {100 * self.errors[k]:.2g} % off, PSNR {decibels(self.psnr[k])}{seen}"

    @property
    def psnr(self):
        return metrics.psnr(np.broadcast_to(self.subject.seen, self.pictures.shape), self.pictures)

    @property
    def numbers(self):
        original = np.broadcast_to(self.subject.seen, self.pictures.shape)
        psnr = [value if np.isfinite(value) else None for value in self.psnr.tolist()]
        return {"layer": self.layer, "errors": self.errors.tolist(), "psnr": psnr,
                "ssim": metrics.ssim(original, self.pictures).tolist(), "classes": list(self.said),
                "stopped": self.stopped, **self.run.describe()}

    def __str__(self):
        return "\n".join([f"{self.layer}: {self.words(k)}" for k in range(len(self.pictures))]
                         + [f"loss {self.run.first_loss:.4g} -> {self.run.loss:.4g}; {self.stopped}", *self.run.notes])


@takes(starts=whole(), exaggerate=number(), seed=SEED, **INVERT_KINDS)
def invert(
    net: Network, image: Pictures, layer: str | None = None, *, preset: InvertPreset = "minivis", starts: int = 1,
    exaggerate: float = 1.0, seed: int = 0, progress: bool = False, watch: Watch | None = None, **settings: Any,
) -> Inversion:  # fmt: skip
    """Images with the same code at ``layer`` (default: the net's code layer) as ``image``, from ``starts`` starts.

    Settings (DEFAULTS has them all) replace the preset's; ``tv`` and ``alpha`` are the lambdas above. ``exaggerate``: 1
    for the code itself; 1.5, say, for a caricature, which starts from the picture.
    """
    layer = net.check_name(layer) if layer else net.role("code")
    how = settings_at(net, preset, layer, settings)
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
    levels = levels + how["noise"] * np.random.default_rng(seed).standard_normal(shape)
    stages = stages_of(net, layer, target, shape, how)
    run = in_stages(net, stages, levels.clip(0, 255), seed=seed, progress=progress, watch=watch,
                    title=f"invert {layer}")
    pictures = to_uint8(run.pixels)
    errors = relative_errors(code_of(net, input_of(net, run.pixels), layer), target)
    said = classes(net, subject.seen, pictures)
    return Inversion(subject, layer, pictures, errors, said, run, stopped=run.stopped,
                     settings={"layer": layer, "preset": preset, "starts": starts, "exaggerate": exaggerate, **how})


@dataclass(frozen=True, eq=False)
class AllLayers(Result):
    """One `Inversion` per layer, low ones first: how much each has discarded."""

    inversions: tuple[Inversion, ...]

    def picture(self):
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
    def numbers(self):
        return {one.layer: one.numbers for one in self.inversions}

    def __str__(self):
        return "\n".join(f"{one.layer}: {one.words(0)}" for one in self.inversions)


@takes(seed=SEED, **INVERT_KINDS)
def invert_layers(
    net: Network, image: Pictures, layers: Names = None, *, preset: InvertPreset = "minivis", seed: int = 0,
    progress: bool = False, watch: Watch | None = None, **settings: Any,
) -> AllLayers:  # fmt: skip
    """One image for the code of every layer (default: those of `layers_of`), side by side on a sheet."""
    names = [net.check_name(name) for name in layers] if layers else layers_of(net)
    watch = Watch() if watch is None else watch
    if watch.checkpoint:
        raise BadValue("a sheet of several layers has no checkpoint: invert one layer with --layer")
    done = []
    for name in names:
        done.append(invert(net, image, name, preset=preset, seed=seed, progress=progress, watch=watch, **settings))
        if watch.interrupted:
            break
    return AllLayers(tuple(done), stopped=done[-1].stopped, settings={"layers": names, "preset": preset, **settings})


def layers_of(net):
    """The layers worth inverting: all but ReLUs (their convolutions are there), Flatten, dropout and softmax."""
    return [name for name, layer in net.layers.items() if not isinstance(layer, (ReLU, Flatten, Dropout, Softmax))]


def settings_at(net, preset, layer, given):
    """All settings for the code of ``layer``; with other steps than the preset's, its stages change in proportion."""
    names = ["input", *net.nodes]
    depth = names.index(layer) / (len(names) - 1)
    preset_steps = resolve(INVERT, preset, DEFAULTS, {}, depth)["steps"]
    how = resolve(INVERT, preset, DEFAULTS, given, depth)
    share = how["steps"] / preset_steps
    scaled = {
        "coarse": lambda stages: [(decay, round(share * steps)) for decay, steps in stages],
        "smooth": lambda stage: stage and (*stage[:2], round(share * stage[2])),
        "rounds": lambda stage: stage and (round(share * stage[0]), stage[1]),
        "through": lambda steps: round(share * steps),
    }
    return {key: scaled[key](value) if key in scaled and given.get(key) is None else value
            for key, value in how.items()}


def code_of(net, x, layer):
    until = layer if layer != "input" else next(iter(net.nodes))
    return net.forward(x, until=until, keep={"input", layer}, grad=None)[layer]


def relative_errors(found, wanted):
    difference = to_cpu(found - wanted).astype(np.float64).reshape(len(found), -1)
    return np.linalg.norm(difference, axis=1) / np.linalg.norm(to_cpu(wanted).astype(np.float64))


def decibels(psnr, digits=1):
    return f"{psnr:.{digits}f} dB" if np.isfinite(psnr) else "infinite"


def classes(net, original, pictures):
    """The net's answer to the original and to each picture: ("goose 99.1 %", ...)."""
    net = answering(net)
    prob = net.roles.get("prob")
    if not prob:
        return ()
    both = np.concatenate([original, pictures])
    p = to_cpu(net.forward(input_of(net, both), keep={prob}, until=prob, grad=None)[prob]).reshape(len(both), -1)
    best = p.argmax(axis=1)
    names = Ending.of(net).names(p.shape[1])
    return tuple(f"{names[k]} {percent(p[i, k])}" for i, k in enumerate(best))
