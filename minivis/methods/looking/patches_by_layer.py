"""Some units of every layer, with the patches that excite them most and what the net sees in each, on one sheet.

Zeiler & Fergus 2014, figure 2. The units are evenly spaced among those that are active in k pictures, so nobody has
chosen them. From layer to layer the patches grow, and what nine of them share turns from a colour or an edge into a
thing. Where labels are known, this is counted over all units of a layer: how many of the k patches are of one class?
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, MinivisError
from minivis.figures.compose import above, beside, contact_sheet, text_picture
from minivis.images.collection import Pictures
from minivis.methods.looking.neighbour_sheet import labels_of
from minivis.methods.looking.patches import MAPS, draw_tiles, patches_at
from minivis.methods.shared.result import Result, input_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.progress import track
from minivis.runtime.settings import CLASS, SEED, TEXT, several, takes, whole
from minivis.sweeps.sweep import batch_size, fitted, shown
from minivis.sweeps.tally import BatchResult
from minivis.sweeps.tops import Tops, strongest
from minivis.types import Picture

TILE = 44                                       # pixels of a patch on the sheet
DRAWS = 400                                     # of k pictures, to tell how many are of one class by chance


@dataclass(frozen=True, eq=False)
class LayerPatches:
    """One layer: the channels drawn, their patches and ``tiles``, {"patch" or rule: tiles for each unit}.

    ``alike``: over all active units the mean number of patches of one class; None if no labels are known.
    """

    layer: str
    units: tuple[int, ...]
    patches: tuple
    tiles: dict[str, Any]
    sees: tuple[int, int]                       # pixels: height and width of the receptive field, within the picture
    alike: float | None


@dataclass(frozen=True, eq=False)
class PatchesByLayer(Result):
    """``rows``: a `LayerPatches` for each layer, low ones first; ``chance``: what ``alike`` would be by chance."""

    rows: tuple[LayerPatches, ...]
    pictures: int
    chance: float | None

    def picture(self) -> Picture:
        k = self.settings["k"]
        kinds = " | ".join(["patches", *(MAPS[kind] for kind in self.settings["maps"])])
        note = f"{kinds}: the {k} strongest of {self.pictures} pictures, for every n-th unit of each layer"
        if self.chance is not None:
            note += f"; by chance {self.chance:.1f} of {k} would be of one class"
        blocks = [self.block(row) for row in self.rows]
        sheet = above([text_picture(note, max(block.shape[1] for block in blocks), size=13), *blocks], gap=14)
        return np.pad(sheet, ((16, 16), (16, 16), (0, 0)), constant_values=255)

    def block(self, row: LayerPatches) -> Picture:
        """A layer: its name, and for each unit its patches with the pictures of each other kind beside them."""
        side = int(np.ceil(self.settings["k"] ** 0.5))
        units = [beside([contact_sheet([to_tile(tile) for tile in tiles[i]], side, scale=1, gap=2)
                         for tiles in row.tiles.values()], gap=4) for i in range(len(row.units))]
        height, width = row.sees
        head = f"{row.layer} sees {width} x {height} pixels"
        if row.alike is not None:
            head += f"; of {self.settings['k']} patches {row.alike:.1f} are of one class, in the mean of its units"
        figure = beside(units, gap=16, align="top")
        return above([text_picture(head, figure.shape[1], size=15), figure], gap=3)

    @property
    def numbers(self) -> dict[str, Any]:
        return {"pictures": self.pictures, "one_class_by_chance": self.chance, "layers": {
            row.layer: {"sees": list(row.sees), "one_class": row.alike, "units": {
                str(unit): [[p.picture, p.value] for p in found] for unit, found in zip(row.units, row.patches)}}
            for row in self.rows}}

    def __str__(self) -> str:
        lines = [f"the {self.settings['k']} strongest patches of {self.pictures} pictures"]
        for row in self.rows:
            alike = "" if row.alike is None else f", {row.alike:.1f} of one class"
            lines.append(f"  {row.layer:<12} sees {row.sees[1]} x {row.sees[0]} pixels{alike}")
        return "\n".join(lines + ([] if self.chance is None else [f"  by chance {self.chance:.1f} of one class"]))


@takes(channels=whole(1), k=whole(1), labels=several(CLASS), maps=several(TEXT, 0), size=several(whole()), seed=SEED)
def patches_by_layer(
    net: Network, pictures: Any, layers: Sequence[str] | None = None, *, labels: Sequence[Any] | None = None,
    channels: int = 3, k: int = 9, maps: Sequence[str] = tuple(MAPS), size: int | None = None, seed: int = 0,
    progress: bool = False,
) -> PatchesByLayer:  # fmt: skip
    """A sheet with some units of every layer, the patches that excite them most, and what the net sees in these.

    Parameters
    ----------
    pictures : str, list of str, or arrays
        A folder, a list of files, or uint8 arrays (H, W, C).
    layers : sequence of str, optional
        The layers, low ones first; by default those of the net's role style, and that of its codes.
    labels : sequence (N,), optional
        What each picture shows; by default the names of files or folders say it, where several have the same.
    channels : int, default 3
        Units of each layer.
    k : int, default 9
        Patches for each unit, each of another picture.
    maps : sequence of str, default all rules for pictures
        ReLU rules under which each patch is drawn beside it.
    size : int, in pixels, optional
        Shrink the longer side of each picture to this first.

    Returns
    -------
    PatchesByLayer
        ``rows``, one for each layer, with its units, patches and tiles.

    Raises
    ------
    BadFile
        No picture could be read.

    References
    ----------
    Zeiler & Fergus 2014, figure 2.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.patches_by_layer(net, [goose, goose[::-1]], ["relu1_1", "relu2_1"], channels=2, k=1)
    >>> [len(row.units) for row in found.rows]
    [2, 2]
    """
    if unknown := [kind for kind in maps if kind not in MAPS]:
        raise BadValue(f"the maps beside a patch can be {' and '.join(MAPS)}, not {unknown[0]!r}")
    names = [*net.role("style"), net.role("code")] if layers is None else [net.check_name(name) for name in layers]
    if not names:
        raise BadValue("name at least one layer, or none for those of the net's roles")
    pictures = Pictures.of(pictures)
    if not k <= len(pictures):
        raise BadValue(f"{k} patches, each of another picture, need {k} pictures; these are {len(pictures)}")
    kinds = kinds_of(pictures, labels)
    tops, read = tops_of(net, pictures, list(dict.fromkeys(names)), k, size, progress)
    rows = [of_layer(net, pictures, name, tops[name], kinds, channels, maps, size, progress) for name in tops]
    chance = None
    if kinds is not None:
        rng = np.random.default_rng(seed)
        chance = float(np.mean([most_alike(kinds[rng.permutation(len(kinds))[:k]]) for _ in range(DRAWS)]))
    return PatchesByLayer(tuple(rows), read, chance, settings={
        "layers": [row.layer for row in rows], "channels": channels, "k": k, "maps": list(maps)})


def tops_of(net: Network, pictures: Any, layers: Any, k: int, size: Any, progress: bool) -> tuple[dict[str, Tops], int]:
    """({layer: the strongest places of all its units}, how many pictures could be read), in one pass over them."""
    shape = (1, *shown(net, size))
    fields, shapes = {layer: net.receptive_field(layer, shape) for layer in layers}, net.shapes(shape)
    tops = {layer: Tops.none(shapes[layer][-1], k) for layer in layers}
    last, count, read = max(layers, key=list(net.nodes).index), batch_size(net, size), 0
    for first in track(range(0, len(pictures), count), progress, "patches"):
        numbers, inputs = [], []
        for number in range(first, min(first + count, len(pictures))):
            with suppress(MinivisError):                # one that cannot be read is left out
                picture, _ = pictures.read(number, size if net.input_size else None, net.input_channels)
                inputs.append(input_of(net, fitted(net, picture, size).image[None]))
                numbers.append(number)
        if not numbers:
            continue
        acts = net.forward(net.xp.concatenate(inputs), until=last, keep=layers, grad=None)
        for layer in layers:
            found = strongest(to_cpu(acts[layer]), range(shapes[layer][-1]), k, 1, fields[layer])
            tops[layer] = tops[layer].merged(BatchResult(found, numbers, [], []), 0)
        read += len(numbers)
    if not read:
        raise BadFile(f"none of the {len(pictures)} pictures can be read")
    return tops, read


def of_layer(net: Network, pictures: Any, layer: str, tops: Tops, kinds: Any, channels: int, maps: Any, size: Any,
             progress: bool) -> LayerPatches:
    """Draw the strongest patches of ``channels`` units of a layer."""
    side = shown(net, size)[:2]
    field, C = net.receptive_field(layer, (1, *side, net.input_channels)), len(tops.values)
    active = np.flatnonzero((np.isfinite(tops.values) & (tops.values > 0)).all(axis=1))
    alike = None if kinds is None or not len(active) else float(np.mean([most_alike(kinds[tops.pictures[c]])
                                                                         for c in active]))
    active = active if len(active) else np.arange(C)
    every = np.linspace(0, len(active) - 1, min(channels, len(active))).round().astype(int)
    units = tuple(int(c) for c in active[every])
    found = patches_at(Tops(*(part[list(units)] for part in tops.parts)), pictures, units, field, side)
    tiles = draw_tiles(net, pictures, layer, found, maps, field, side, size, progress)
    return LayerPatches(layer, units, found, tiles, (min(field.size[0], side[0]), min(field.size[1], side[1])), alike)


def kinds_of(pictures: Pictures, labels: Any) -> Any:
    """(N,) the number of what each picture shows; None if the names of the pictures do not say it."""
    if labels is None:
        if pictures.root is None:
            return None
        labels = labels_of([pictures.path(i) for i in range(len(pictures))])
        if len(set(labels)) == len(labels):
            return None
    if len(labels) != len(pictures):
        raise BadValue(f"{len(labels)} labels for {len(pictures)} pictures: give one for each")
    return np.unique([str(one) for one in labels], return_inverse=True)[1]


def most_alike(kinds: Any) -> int:
    """How many of these are of the commonest kind."""
    return int(np.bincount(kinds).max())


def to_tile(tile: Any) -> Any:
    """A patch at the size that all have on the sheet: pixels of small ones stay square."""
    scale = TILE / max(tile.shape[:2])
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(tile).resize([max(1, round(n * scale)) for n in tile.shape[1::-1]], how))
