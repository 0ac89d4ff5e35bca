"""Saliency: the pixels on which the score of a class depends (Simonyan et al. 2014, section 3.1), and later methods.

    M[i, j] = max over c of | d score / d pixel[i, j, c] |

The score is the class's logit, before the softmax, so that other classes do not leak in. kinds.py lists the other kinds
of map; each gives (N, H, W): the size of an effect or, with a sign, a part of the score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import UnitLike
from minivis.errors import UnknownName
from minivis.figures.compose import display_limit, overlay, panels, signed, unsigned
from minivis.figures.text import percent
from minivis.layers.relevance import RELEVANCE_RULES
from minivis.methods.attribution.kinds import KINDS, SIGNED, SaliencyKind, meaning_of, missing
from minivis.methods.attribution.settings import SaliencySettings
from minivis.methods.shared.gradient import SAME, ignores_picture, nothing
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.methods.shared.target import Target, aim, asked
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, TEXT, takes
from minivis.types import Array, Pictures, Progress

IN_A_ROW = 4                                    # maps of a sheet


@dataclass(frozen=True, eq=False)
class Saliency(BatchResult):
    """``maps`` (N, H, W): how strongly each pixel moves the unit or, for a kind in SIGNED, what it adds to the unit."""

    subject: Subject
    target: Target
    maps: np.ndarray
    gaps: np.ndarray | None = None              # (N,) the part of the score (or of its rise) that the map lacks
    coarse: np.ndarray | None = None            # (N, h, w), a Grad-CAM as the layer has it

    @property
    def arrays(self) -> dict[str, Any]:
        return {self.settings["kind"]: self.maps}

    def draw(self, i: int) -> Array:
        title, shown, bar = drawn(self, i)
        picture, box = self.subject.small(i)
        has_sign = self.settings["kind"] in SIGNED
        limit = display_limit(self.maps[i]) or None
        over = overlay(picture, self.maps[i], "diverging" if has_sign else "inferno", alpha=0.7, box=box, high=limit,
                       fade=True)
        images, titles = [self.subject.drawn(i), shown, over], [
            f"the input\n{self.target.title(i)}", title, "laid over the picture"]
        bars = [None, bar, None]
        if self.coarse is not None:
            h, w = self.coarse[i].shape
            images.insert(1, unsigned(self.coarse[i]))
            titles.insert(1, f"{h} x {w} cells\nas {self.settings['layer']} has it")
            bars.insert(1, ("inferno", 0.0, display_limit(self.coarse[i])) if self.coarse[i].any() else None)
        return panels(images, titles, self.meaning(i), colorbars=bars, height=PANEL)

    def meaning(self, i: int) -> Any:
        """The sentence that explains such a map."""
        return meaning_of(self.settings, self.target, i)

    def describe(self, i: int) -> dict[str, Any]:
        row, column = np.unravel_index(self.maps[i].argmax(), self.maps[i].shape)
        found = {**self.target.describe(i), "max": float(self.maps[i].max()), "mean": float(self.maps[i].mean()),
                 "row": int(row) if self.maps[i].any() else None, "column": int(column) if self.maps[i].any() else None}
        return found if self.gaps is None else {
            **found, "sum": float(self.maps[i].sum(dtype=np.float64)), "gap": float(self.gaps[i])}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        kind = self.settings["kind"]
        said = "moves most with" if kind in ("gradient", "smoothgrad") else (
            "owes most to" if kind in SIGNED else "points most at")
        lines = []
        for i in range(len(self)):
            found = self.describe(i)
            if not self.maps[i].any():
                lines.append(f"{found['name']}: the map is zero everywhere, so no pixel stands out")
                continue
            line = f"{found['name']}: {said} the pixel at row {found['row']}, column {found['column']}"
            if kind in ("gradient", "smoothgrad"):
                line += f", by {found['max']:.3g} per level of 255"
            if kind in RELEVANCE_RULES:
                line += (f"; the pixels share {found['sum']:.3g} of its value of {found['value']:.3g}, and what the "
                         "net adds by itself (biases) keeps the rest")
            elif self.gaps is not None:
                line += f"; the map sums to the rise of the score within {percent(found['gap'])}"
            lines.append(line)
        return "\n".join(lines)


@set_by(SaliencySettings)
@takes(kind=TEXT, seed=SEED)
def saliency(
    net: Network, image: Pictures, unit: UnitLike = None, *, kind: SaliencyKind = "gradient",
    settings: SaliencySettings | None = None, samples: int = SaliencySettings.samples,
    noise: float = SaliencySettings.noise, baseline: Any = SaliencySettings.baseline,
    steps: int = SaliencySettings.steps, layer: str | None = SaliencySettings.layer, seed: int = 0,
    progress: bool = False,
) -> Saliency:  # fmt: skip
    """A map of the pixels that a unit depends on, for a picture or a batch.

    Parameters
    ----------
    kind : str, default "gradient"
        The kind of map: the largest size of the gradient among the colours, or another of
        `methods.attribution.kinds`, such as "smoothgrad", "integrated", "gradcam" or "lrp".

    Returns
    -------
    Saliency
        ``maps`` (N, H, W).

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2014, section 3.1.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.saliency(net, goose, "goose", kind="smoothgrad", samples=2)
    >>> found.array.shape
    (1, 64, 64)
    """
    net = answering(net)
    subject = Subject.of(net, image)
    target = aim(net, subject.input(net), unit)
    return mapped(net, subject, target, kind, unit=unit, samples=samples, noise=noise, baseline=baseline, steps=steps,
                  layer=layer, seed=seed, progress=progress)


def mapped(net: Network, subject: Subject, target: Any, kind: str, *, unit: Any = None, seed: Any = 0,
           progress: Progress = False, **settings: Any) -> Saliency:
    """The `Saliency` of one kind, for pictures and their targets. ``settings``: any of `SaliencySettings`."""
    if kind not in KINDS:
        raise UnknownName.of("kind of saliency", kind, KINDS)
    own = used(SaliencySettings(**settings).values(), kind)
    made = KINDS[kind].make(net, subject, target, seed=seed, progress=progress, **own)
    gaps = None if made.sums is None else missing(made.maps, made.sums)
    return Saliency(subject, target, made.maps, gaps, made.coarse,
                    settings={"unit": asked(unit), "kind": kind, **own, **made.settings})


def used(settings: Any, *kinds: Any) -> dict[Any, Any]:
    """Those of {name: value} that these kinds of map use."""
    return {name: value for name, value in settings.items() if any(name in KINDS[kind].settings for kind in kinds)}


@dataclass(frozen=True, eq=False)
class SaliencyKinds(BatchResult):
    """Several kinds of map for the same pictures and units: ``kinds``, {name: `Saliency`}."""

    subject: Subject
    target: Target
    kinds: dict[str, Saliency] = field(default_factory=dict)

    @property
    def arrays(self) -> dict[str, Any]:
        return {kind: one.maps for kind, one in self.kinds.items()}

    def draw(self, i: int) -> Array:
        titles, images, bars = zip(*(drawn(one, i) for one in self.kinds.values()))
        return panels([self.subject.drawn(i), *images], [f"the input\n{self.target.title(i)}", *titles],
                      "\n".join(self.meanings(i)), colorbars=[None, *bars], height=200, columns=IN_A_ROW)

    def meanings(self, i: int) -> list[Any]:
        """A line for each kind, or for several that are explained alike."""
        titles: dict[str, list] = {}
        for kind, one in self.kinds.items():
            titles.setdefault(one.meaning(i), []).append(KINDS[kind].title)
        return [f"{'; '.join(some)}: {meaning}" for meaning, some in titles.items()]

    def describe(self, i: int) -> dict[str, Any]:
        left_out = set(self.target.describe(i))
        return {**self.target.describe(i), "kinds": {
            kind: {key: value for key, value in one.describe(i).items() if key not in left_out}
            for kind, one in self.kinds.items()}}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(f"{kind:<15} {line}" for i in range(len(self)) for kind, one in self.kinds.items()
                         for line in [str(one).split("\n")[i]])


@set_by(SaliencySettings)
@takes(seed=SEED)
def saliency_kinds(
    net: Network, image: Pictures, unit: UnitLike = None, *, kinds: Sequence[SaliencyKind] = tuple(KINDS),
    settings: SaliencySettings | None = None, seed: int = 0, progress: bool = False, **own: Any,
) -> SaliencyKinds:  # fmt: skip
    """Several kinds of saliency map of the same pictures, side by side.

    Parameters
    ----------
    kinds : sequence of str
        The kinds of map, names of `saliency`.

    Returns
    -------
    SaliencyKinds
        ``kinds``, {kind: `Saliency`}.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.saliency_kinds(net, goose, kinds=("gradient", "gradcam"))
    >>> list(found.kinds)
    ['gradient', 'gradcam']
    """
    net = answering(net)
    subject = Subject.of(net, image)
    target = aim(net, subject.input(net), unit)
    found: dict[str, Saliency] = {
        kind: mapped(net, subject, target, kind, unit=unit, seed=seed, progress=progress, **own) for kind in kinds}
    return SaliencyKinds(subject, target, found, settings={
        "unit": asked(unit), "kinds": {kind: {k: v for k, v in one.settings.items() if k not in ("unit", "kind")}
                                       for kind, one in found.items()}})


def drawn(result: Any, i: int) -> tuple[Any, ...]:
    """(title, picture, colour bar) of one map of a `Saliency`."""
    heat, kind = result.maps[i], KINDS[result.settings["kind"]]
    limit = display_limit(heat)
    if not limit:
        return f"{kind.title}\n{nothing(result.target, i)}", np.zeros((*heat.shape, 3), np.uint8), None
    how = kind.formula.format(name=result.target.name(i), **result.settings)
    if ignores_picture(result.target.acts.net, result.target.units[i].layer, result.settings["kind"]):
        how = SAME
    if result.settings["kind"] in SIGNED:
        return f"{kind.title}\n{how}", signed(heat), ("diverging", -limit, limit)
    return f"{kind.title}\n{how}", unsigned(heat), ("inferno", 0.0, limit)
