"""Insertion and deletion (Petsiuk et al. 2018, RISE, section 3.3): does the net need the pixels that a map points at?

    deletion        cover the pixels, the map's strongest first:        the class should fall at once, a small area
    insertion       lay them on a blurred picture in the same order:    the class should rise at once, a large area

A map that looks right to people and a map that tells what the net uses need not be the same; these curves ask the net.
Pixels in random order are the measure of what a map must beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.memory import batch_that_fits
from minivis.engine.network import Network
from minivis.engine.units import UnitLike
from minivis.errors import BadValue
from minivis.figures.compose import beside, panels
from minivis.figures.line_chart import line_chart
from minivis.methods.attribution.saliency import KINDS, SaliencyKind, SaliencyKinds, saliency_kinds, used
from minivis.methods.attribution.settings import CurveSettings
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import PANEL, BatchResult, Subject, input_of
from minivis.methods.shared.target import Target, aim
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures

RANDOM = "random order"


@dataclass(frozen=True, eq=False)
class Curves(BatchResult):
    """``fractions`` (S,) of the pixels; ``deletion``, ``insertion``: kind -> (N, S), what the unit is then."""

    subject: Subject
    target: Target
    fractions: np.ndarray
    deletion: dict[str, np.ndarray]
    insertion: dict[str, np.ndarray]

    @property
    def arrays(self) -> dict[str, Any]:
        curves = (("deletion", self.deletion), ("insertion", self.insertion))
        return {"fractions": self.fractions[None], **{
            f"{kind} {name}": values for name, curve in curves for kind, values in curve.items()}}

    def areas(self, i: int) -> dict[Any, Any]:
        """kind -> (area under the deletion curve, under the insertion curve) of picture i."""
        return {kind: tuple(float(area(self.fractions, curve[kind][i])) for curve in (self.deletion, self.insertion))
                for kind in self.deletion}

    def draw(self, i: int) -> Array:
        height = PANEL - 36
        charts: list[Any] = []
        what = f"p({self.target.name(i)})" if self.target.probs is not None else self.target.name(i)
        ends = {"low": 0, "high": 1} if self.target.probs is not None else {}
        notes = {"": ("deletion", "insertion"), **{
            titled(kind): [f"{found:.3f}" for found in both] for kind, both in self.areas(i).items()}}
        for title, better, how, curves in (("deletion", "less", "covered", self.deletion),
                                           ("insertion", "more", "shown", self.insertion)):
            lines = {titled(kind): (100 * self.fractions, curve[i]) for kind, curve in curves.items()}
            charts.append(line_chart(lines, width=PANEL, height=height, y_label=what, x_label=f"% of the pixels {how}",
                                     dashed=(RANDOM,), legend=bool(charts), notes=notes, **ends))
            charts[-1] = panels([charts[-1]], [f"{title}\nthe area under a curve: {better} is better"],
                                height=charts[-1].shape[0])
        seen = panels([self.subject.drawn(i)], [f"the input\n{self.target.title(i)}"], height=height)
        return beside([seen, *charts], gap=0, align="top")

    def describe(self, i: int) -> dict[str, Any]:
        return {**self.target.describe(i), "kinds": {
            kind: {"deletion_area": lost, "insertion_area": won, "deletion": self.deletion[kind][i].tolist(),
                   "insertion": self.insertion[kind][i].tolist()} for kind, (lost, won) in self.areas(i).items()}}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        lines = []
        for i in range(len(self)):
            lines.append(f"{self.target.title(i)}; area under the curves: deletion (less is better), insertion (more)")
            lines += [f"  {titled(kind):<22}{lost:7.3f}{won:7.3f}" for kind, (lost, won) in self.areas(i).items()]
        return "\n".join(lines)


@set_by(CurveSettings)
@takes(seed=SEED)
def insertion_deletion(
    net: Network, image: Pictures, unit: UnitLike = None, *, kinds: Sequence[SaliencyKind] = tuple(KINDS),
    settings: CurveSettings | None = None, steps: int = CurveSettings.steps, fill: Any = CurveSettings.fill,
    seed: int = 0, progress: bool = False, **own: Any,
) -> Curves:  # fmt: skip
    """How well maps predict a net's answers: the unit as pixels are covered, or uncovered, strongest first.

    The unit is followed by its probability, where it is a class, else by its value.

    Parameters
    ----------
    kinds : sequence of str
        The kinds of map, names of `saliency`.

    Returns
    -------
    Curves
        ``deletion`` and ``insertion``, {kind: (N, steps + 1)}.

    References
    ----------
    Petsiuk, Das & Saenko 2018.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.insertion_deletion(net, goose, kinds=("gradient",), steps=4)
    >>> found.deletion["gradient"].shape
    (1, 5)
    """
    maps = saliency_kinds(net, image, unit, kinds=kinds, seed=seed, progress=progress, **own)
    return curves_of(maps, kinds=kinds, steps=steps, fill=fill, seed=seed, progress=progress, **own)


def curves_of(
    maps: SaliencyKinds, *, kinds: Sequence[SaliencyKind], steps: int = CurveSettings.steps,
    fill: Any = CurveSettings.fill, seed: int = 0, progress: bool = False, **own: Any,
) -> Curves:  # fmt: skip
    """The `Curves` of maps that are there, of these ``kinds``, made with this ``seed`` and ``own`` settings."""
    subject, target = maps.subject, maps.target
    net = target.acts.net
    H, W = subject.fitted.shape[1:3]
    if not 1 <= steps <= H * W:
        raise BadValue(f"steps go from 1 to the number of pixels, {H * W}, not {steps}")
    rng = np.random.default_rng(seed)
    luck = rng.random((1, H, W))                        # breaks ties, such as the zeros of Grad-CAM
    heats = {kind: maps.kinds[kind].maps for kind in kinds} | {RANDOM: np.zeros((len(subject), H, W))}
    reach = (max(1, H // 3), max(1, W // 3))            # blurred by a quarter of this: no details remain
    covers, blurred = (input_of(net, filled(subject.fitted, how, reach, seed)) for how in (fill, "blur"))
    x = subject.input(net)
    deletion, insertion = {}, {}
    for kind, one in track(heats.items(), progress, "insertion and deletion"):
        rank = ranks(one, luck)
        deletion[kind] = followed(net, target, x, covers, rank, steps)
        insertion[kind] = followed(net, target, blurred, x, rank, steps)
    return Curves(subject, target, np.linspace(0, 1, steps + 1), deletion, insertion, settings={
        "unit": maps.settings["unit"], "kinds": list(kinds), "steps": steps, "fill": fill, **used(own, *kinds)})


def ranks(maps: Any, luck: Any) -> Any:
    """(N, H, W): 0 for the strongest pixel of each map, 1 for the next; ``luck`` decides between equal ones."""
    flat = maps.reshape(len(maps), -1)
    luck = np.broadcast_to(luck, maps.shape).reshape(flat.shape)
    order = np.stack([np.lexsort((tie, -row)) for row, tie in zip(flat, luck)])
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(flat.shape[1])[None], axis=1)
    return found.reshape(maps.shape)


def followed(net: Network, target: Any, before: Any, after: Any, rank: Any, steps: int) -> Any:
    """(N, steps + 1): the unit as ``before`` turns into ``after`` (N, H, W, C), the pixels of least rank first."""
    xp, pixels = get_xp(before), rank[0].size
    thresholds = np.rint(np.linspace(0, pixels, steps + 1))
    rank = xp.asarray(rank)
    after = xp.broadcast_to(after, before.shape)
    together = max(1, batch_that_fits(net, before.shape[1:]) // len(before))
    found = []
    for k in range(0, steps + 1, together):
        mixed = [xp.where((rank < limit)[..., None], after, before) for limit in thresholds[k : k + together]]
        now = aim(net, xp.concatenate(mixed), target.units * len(mixed), grad=None)
        found.append((now.values if now.probs is None else now.probs).reshape(len(mixed), -1))
    return to_cpu(np.concatenate(found)).T.astype(np.float64)


def area(x: Array, y: Any) -> Any:
    """The area under a curve, by trapezoids."""
    return ((y[1:] + y[:-1]) / 2 * np.diff(x)).sum()


def titled(kind: str) -> Any:
    return KINDS[kind].title if kind in KINDS else kind
