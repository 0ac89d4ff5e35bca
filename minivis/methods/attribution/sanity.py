"""A sanity check (Adebayo et al. 2018): does a saliency map depend on what the net has learned?

The weights are shuffled layer by layer, from the classifier down to the first convolution, until the net knows nothing.
A map that depends on the net must change with it. A map that hardly changes shows edges of the picture, as any filter
would, however convincing it looks.

    likeness = rank correlation (Spearman) of |map| before and after            1: nothing changed, 0: nothing left
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from scipy.stats import rankdata

from minivis.engine.network import Network, Node
from minivis.engine.roles import ancestors
from minivis.engine.units import UnitLike
from minivis.errors import BadValue
from minivis.figures.compose import above, beside, panels, text_picture, unsigned
from minivis.figures.line_chart import line_chart
from minivis.layers.relevance import RELEVANCE_RULES
from minivis.methods.attribution.saliency import KINDS, SaliencyKind, SaliencyKinds, mapped, saliency_kinds, used
from minivis.methods.attribution.settings import SaliencySettings
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.methods.shared.target import Target, aim
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures

SLOW = ("smoothgrad", "integrated", *(kind for kind in RELEVANCE_RULES if kind != "lrp"))
QUICK = tuple(kind for kind in KINDS if kind not in SLOW)
COLUMNS = 6                                     # of maps in the figure
TILE = 104                                      # pixels


@dataclass(frozen=True, eq=False)
class SanityCheck(BatchResult):
    """``maps``: kind -> (stages + 1, N, H, W), the trained net first; ``likeness``: kind -> (stages, N).

    ``layers``: the layer that is shuffled at each stage, in addition to all before.
    """

    subject: Subject
    target: Target
    layers: tuple[str, ...]
    maps: dict[str, np.ndarray]
    likeness: dict[str, np.ndarray]

    @property
    def arrays(self) -> dict[str, Any]:
        return {f"{kind} {stage}": maps[k] for kind, maps in self.maps.items()
                for k, stage in enumerate(("trained", *self.layers))}

    def draw(self, i: int) -> Array:
        stages = np.unique(np.linspace(0, len(self.layers), min(COLUMNS, len(self.layers) + 1)).round().astype(int))
        headings = ["trained", *(f"down to {self.layers[k - 1]}" for k in stages[1:])]
        rows: list[Any] = []
        for kind, maps in self.maps.items():
            tiles = [_tile(unsigned(maps[k, i])) for k in stages]
            captions = ["", *(f"{self.likeness[kind][k - 1, i]:.2f}" for k in stages[1:])]
            cells = [above([text_picture(head, TILE, size=12, align="center", max_lines=2)] * (not rows) + [
                tile, text_picture(caption, TILE, size=12, align="center")], gap=2)
                for head, tile, caption in zip(headings, tiles, captions)]
            name = text_picture(KINDS[kind].title, 110, size=13, max_lines=2)
            rows.append(beside([name, beside(cells, gap=6, align="bottom")], gap=8))
        sheet = above(rows, gap=6, align="right")
        figure = panels([sheet], [f"maps of {self.target.name(i)} as the weights are shuffled\nbelow each map: its "
                                  "rank correlation with the map of the trained net"], height=sheet.shape[0])
        x = np.arange(len(self.layers) + 1)
        lines = {KINDS[kind].title: (x, np.concatenate([[1.0], found[:, i]])) for kind, found in self.likeness.items()}
        chart = line_chart(lines, width=PANEL, height=PANEL, low=0, high=1, x_label="layers shuffled, from the top",
                           y_label="likeness")
        left = above([panels([self.subject.drawn(i)], [f"the input\n{self.target.title(i)}"], height=200),
                      panels([chart], ["likeness to the map of the trained net"], height=chart.shape[0])], gap=0)
        return beside([figure, left], gap=0, align="top")

    def describe(self, i: int) -> dict[str, Any]:
        return {**self.target.describe(i), "layers": list(self.layers), "kinds": {
            kind: {"likeness": found[:, i].tolist(), "mean": float(found[:, i].mean()),
                   "at_the_end": float(found[-1, i])}
            for kind, found in self.likeness.items()}}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        lines = []
        for i in range(len(self)):
            lines.append(f"{self.target.title(i)}; likeness to the trained net's map: mean over the "
                         f"{len(self.layers)} stages, and with every weight shuffled")
            lines += [f"  {KINDS[kind].title:<22}{found[:, i].mean():7.2f}{found[-1, i]:7.2f}"
                      for kind, found in self.likeness.items()]
        return "\n".join(lines)


@set_by(SaliencySettings)
@takes(seed=SEED)
def sanity_check(
    net: Network, image: Pictures, unit: UnitLike = None, *, kinds: Sequence[SaliencyKind] = QUICK,
    settings: SaliencySettings | None = None, seed: int = 0, progress: bool = False, **own: Any,
) -> SanityCheck:  # fmt: skip
    """Whether maps depend on the weights: they are shuffled from the unit's layer down, and the maps compared.

    The unit stays that of the trained net.

    Parameters
    ----------
    kinds : sequence of str
        The kinds of map, names of `saliency`.

    Returns
    -------
    SanityCheck
        ``maps``, {kind: (stages + 1, N, H, W)}, and ``likeness``, {kind: (stages, N)}.

    References
    ----------
    Adebayo et al. 2018.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.sanity_check(net, goose, kinds=("gradient",))
    >>> found.likeness["gradient"].shape == (len(found.layers), 1)
    True
    """
    trained = saliency_kinds(net, image, unit, kinds=kinds, seed=seed, progress=progress, **own)
    return sanity_of(trained, kinds=kinds, seed=seed, progress=progress, **own)


def sanity_of(
    trained: SaliencyKinds, *, kinds: Sequence[SaliencyKind], seed: int = 0, progress: bool = False, **own: Any,
) -> SanityCheck:  # fmt: skip
    """The `SanityCheck` of the trained net's maps, of these ``kinds``, made with this ``seed`` and ``own`` settings."""
    subject, target = trained.subject, trained.target
    broken, top = target.acts.net, target.units[0].layer
    layers = tuple(name for name in reversed(ancestors(broken, top)) if broken.nodes[name].layer.params)
    if not layers:
        raise BadValue(f"{top} depends on no weights, so there is nothing to shuffle")
    maps = {kind: [trained.kinds[kind].maps] for kind in kinds}
    likeness: dict[str, list] = {kind: [] for kind in kinds}
    rng = np.random.default_rng(seed)
    for name in track(layers, progress, "shuffling weights"):
        broken = shuffled(broken, name, rng)
        aimed = aim(broken, subject.input(broken), target.units)
        for kind in kinds:
            now = mapped(broken, subject, aimed, kind, seed=seed, **own).maps
            likeness[kind].append([rank_correlation(abs(a), abs(b)) for a, b in zip(maps[kind][0], now)])
            maps[kind].append(now)
    return SanityCheck(subject, target, layers, {kind: np.stack(found) for kind, found in maps.items()},
                       {kind: np.array(found) for kind, found in likeness.items()},
                       settings={"unit": trained.settings["unit"], "kinds": list(kinds), **used(own, *kinds)})


def shuffled(net: Network, name: str, rng: np.random.Generator) -> Network:
    """A net whose layer ``name`` has the same numbers in a random order."""
    layer, inputs = net.nodes[name]
    params = {key: _shuffled(p, rng) for key, p in layer.params.items()}
    return replace(net, nodes={**net.nodes, name: Node(layer.with_params(**params), inputs)})


def _shuffled(array: Any, rng: np.random.Generator) -> Any:
    order = get_xp(array).asarray(rng.permutation(array.size))
    return array.reshape(-1)[order].reshape(array.shape)


def rank_correlation(a: Any, b: Array) -> float:
    """Spearman's rank correlation of two maps; 0 if one of them is constant."""
    ranks = [rankdata(to_cpu(side), axis=None) for side in (a, b)]
    centred = [side - side.mean() for side in ranks]
    size = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float((centred[0] * centred[1]).sum() / size) if size else 0.0


def _tile(picture: Array) -> Array:
    return np.asarray(Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.NEAREST))
