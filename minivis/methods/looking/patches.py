"""The patches of many pictures that excite a unit most, and the pixels that do so (Zeiler & Fergus 2014, figure 2).

One sweep finds, for one unit or for every unit of a layer, the k places where its activation is largest. A place of the
layer sees a box of the picture, its receptive field, which is computed from the layers and clipped at the border: that
is the patch. The deconvnet's and the guided picture of the same place stand beside each patch.

With ``per_picture`` above 1 a picture gives several patches: the strongest place, then the strongest whose box is at
least half a receptive field away, and so on. The first of equal places counts.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from PIL import Image

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue
from minivis.figures.compose import above, beside, contact_sheet, signed, text_picture
from minivis.images.collection import Pictures
from minivis.layers.relu import IMAGING_RULES
from minivis.methods.looking.settings import PatchSettings
from minivis.methods.shared.result import Result, input_of, seen_by
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, SWITCH, TEXT, several, takes, whole
from minivis.sweeps.sweep import batch_size, fitted, shown, sweep
from minivis.sweeps.tally import Tally, listed
from minivis.sweeps.tops import Checkpoint, Tops, strongest
from minivis.types import Array, Picture

MAPS = {name: rule.title for name, rule in IMAGING_RULES.items()}
FIGURE_PIXELS = 24e6                            # of all tiles together


@dataclass(frozen=True)
class Patch:
    """One place that excites a unit: its value, its position in the layer, and the box of the picture that it sees."""

    picture: str
    number: int                                 # of the picture
    unit: int                                   # channel of the layer
    value: float
    row: int
    column: int
    box: tuple                                  # (top, left, bottom, right), pixels of what the net sees


@dataclass(frozen=True, eq=False)
class TopPatches(Result):
    """``patches``: for each unit its patches, strongest first; ``tiles``: {kind: pictures uint8 (h, w, 3)}, one per
    patch."""

    layer: str
    units: tuple                                # channels of the layer
    patches: tuple                              # of tuples of Patch
    tiles: dict
    unreadable: tuple                           # (name, why)
    looked_at: int                              # the number of pictures, including unreadable ones

    def picture(self) -> Picture:
        blocks = [self.block(i) for i in range(len(self.units))]
        across = max(1, round((len(blocks) * blocks[0].shape[0] / blocks[0].shape[1]) ** 0.5 * 1.2))
        rows = [beside(blocks[i : i + across], gap=24, align="top") for i in range(0, len(blocks), across)]
        heads = " | ".join(["patches", *(MAPS[kind] for kind in self.tiles if kind != "patch")])
        note = text_picture(f"{self.layer}: {heads}, of {self.looked_at - len(self.unreadable)} pictures",
                            max(rows[0].shape[1], 240), size=15)
        sheet = above([note, *rows], gap=16)
        framed = np.full((sheet.shape[0] + 32, sheet.shape[1] + 32, 3), 255, np.uint8)
        framed[16:-16, 16:-16] = sheet
        return framed

    def block(self, i: int) -> Picture:
        """The block of one unit: its patches in a square, and the pictures of each other kind beside them."""
        grids = []
        for tiles in self.tiles.values():
            found = tiles[i] or [np.full((48, 48, 3), 238, np.uint8)]
            grids.append(contact_sheet(found, columns=int(np.ceil(len(found) ** 0.5)), scale=1, gap=2))
        figure = beside(grids, gap=8, align="top")
        head = f"unit {self.units[i]}: " + (f"{self.patches[i][0].value:.3g} to {self.patches[i][-1].value:.3g}"
                                            if self.patches[i] else "inactive in all of them")
        return above([text_picture(head, figure.shape[1], size=13), figure], gap=3)

    @property
    def numbers(self) -> dict[str, Any]:
        return {
            "layer": self.layer, "pictures": self.looked_at, "unreadable": [list(pair) for pair in self.unreadable],
            "units": [{"unit": f"{self.layer}:{unit}", "patches": [
                {"picture": p.picture, "value": p.value, "row": p.row, "column": p.column, "box": list(p.box)}
                for p in found]} for unit, found in zip(self.units, self.patches)],
        }  # fmt: skip

    def __str__(self) -> str:
        units = "1 unit" if len(self.units) == 1 else f"{len(self.units)} units"
        lines = [f"{self.layer}: the strongest patches of {units} in "
                 f"{self.looked_at - len(self.unreadable)} pictures"]
        for unit, found in list(zip(self.units, self.patches))[:5]:
            shown = ", ".join(f"{p.picture} {p.value:.3g}" for p in found[:3]) or "inactive in all of them"
            lines.append(f"  unit {unit}: {shown}{', ...' if len(found) > 3 else ''}")
        return "\n".join([*lines, *listed(self.unreadable)])


@set_by(PatchSettings)
@takes(units=several(whole(), least=0), maps=several(TEXT, 0), size=several(whole()), jobs=whole(), resume=SWITCH,
       seed=SEED)
def top_patches(
    net: Network, pictures: Any, layer: str | None = None, units: Sequence[int] | None = None, *,
    settings: PatchSettings | None = None, k: int = PatchSettings.k, per_picture: int = PatchSettings.per_picture,
    maps: Sequence[str] = tuple(MAPS), size: int | None = None, jobs: int = 1,
    backend: Literal["loky", "dask"] = "loky", scheduler: str | None = None, checkpoint: str | None = None,
    resume: bool = False, seed: int = 0, progress: bool = False,
) -> TopPatches:  # fmt: skip
    """The patches of many pictures that excite units of a layer most, each with what the net sees in it.

    Parameters
    ----------
    pictures : str, list of str, or arrays
        A folder, a picture file, a list of files, or uint8 arrays (H, W, C).
    layer : str, optional
        The layer; by default that of the net's role content.
    units : sequence of int, optional
        The channels; by default all.
    maps : sequence of str, default all rules for pictures
        ReLU rules under which the patch is drawn beside it.
    size : int, in pixels, optional
        Shrink the longer side of each picture to this first.
    checkpoint : str, optional
        The file in which the state is noted every 30 seconds, and when the run is stopped.
    resume : bool, default False
        Continue from ``checkpoint``.

    Returns
    -------
    TopPatches
        ``patches``, for each unit those found, strongest first, and ``tiles``, their pictures.

    Raises
    ------
    BadFile
        No picture could be read, or the checkpoint is of another run.

    References
    ----------
    Girshick, Donahue, Darrell & Malik 2014, section 3.1; Zeiler & Fergus 2014, figure 2.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.top_patches(net, [goose, goose[::-1]], "conv2_1", [0], k=1, maps=())
    >>> len(found.patches[0])
    1
    """
    layer = layer or net.role("content")
    net.check_name(layer)
    if unknown := [kind for kind in maps if kind not in MAPS]:
        raise BadValue(f"the maps beside a patch can be {' and '.join(MAPS)}, not {unknown[0]!r}")
    side = shown(net, size)[:2]
    shape = net.shapes((1, *side, net.input_channels))[layer]
    units = checked_units(units, layer, shape[-1])
    field = net.receptive_field(layer, (1, *side, net.input_channels))
    source, pictures = pictures, Pictures.of(pictures)

    state = Checkpoint(checkpoint, net, {"layer": layer, "units": list(units), "k": k, "per_picture": per_picture,
                                         "size": size})
    tops, tally = state.load(pictures) if resume else (Tops.none(len(units), k), Tally())
    digest = partial(strongest, units=units, k=k, per_picture=per_picture, field=field)
    try:
        for first, looked in sweep(net, pictures, layer, digest, size=size, jobs=jobs, backend=backend,
                                   scheduler=scheduler, start=tally.done, progress=progress, title="patches"):
            tops = tops.merged(looked, first) if looked.read else tops
            tally.add(pictures, first, looked)
            state.save_sometimes(tops, tally)
    finally:
        state.save(tops, tally)                         # also after a full run, because drawing may take long, too
    if len(tally.unreadable) == len(pictures):
        raise BadFile(f"none of the {len(pictures)} pictures can be read; the first: {tally.unreadable[0][1]}")

    found = patches_at(tops, pictures, units, field, side)
    tiles = draw_tiles(net, pictures, layer, found, maps, field, side, size, progress)
    is_folder = isinstance(source, (str, os.PathLike)) and os.path.isdir(source)
    return TopPatches(
        layer, tuple(units), found, tiles, tuple(tally.unreadable), len(pictures),
        settings={"layer": layer, "units": len(units), "k": k, "per_picture": per_picture, "maps": list(maps)},
        hashes={"folder": tally.digest} if is_folder else {},
    )  # fmt: skip


def patches_at(tops: Tops, pictures: Any, units: Any, field: Any, side: Any) -> tuple[Any, ...]:
    """For each unit the `Patch`es at its strongest places that were taken, strongest first."""
    return tuple(
        tuple(Patch(pictures.name(p), p, unit, v, r, c, field.box(r, c, side))
              for v, p, r, c in zip(*(part[i].tolist() for part in tops.parts)) if np.isfinite(v) and v != 0)
        for i, unit in enumerate(units)
    )  # fmt: skip


def checked_units(units: Any, layer: str, count: int) -> tuple[Any, ...]:
    if units is None:
        return tuple(range(count))
    units = (units,) if isinstance(units, (int, np.integer)) else tuple(units)
    for unit in units:
        if not isinstance(unit, (int, np.integer)) or not 0 <= unit < count:
            raise BadValue(f"unit {unit}: {layer} has {count} units, 0 to {count - 1}")
    if not units:
        raise BadValue("name at least one unit, or none for all")
    return tuple(dict.fromkeys(int(unit) for unit in units))


def draw_tiles(net: Network, pictures: Any, layer: str, found: Any, maps: Any, field: Any, side: Any, size: Any,
               progress: Any) -> Any:
    """{kind: tiles for each unit}. The pictures are read again; one backward pass serves all places of a batch."""
    entries = [(u, rank, one) for u, row in enumerate(found) for rank, one in enumerate(row)]
    tiles = {kind: [[None] * len(row) for row in found] for kind in ("patch", *maps)}
    enlarge = tile_scale([min(f, s) for f, s in zip(field.size, side)], len(entries) * len(tiles))
    entries.sort(key=lambda entry: entry[2].number)
    count = batch_size(net, size)
    for begin in track(range(0, len(entries), count), progress, "pictures of patches"):
        some = entries[begin : begin + count]
        pixels: dict[int, Any] = {}
        for index in dict.fromkeys(one.number for _, _, one in some):
            read, _ = pictures.read(index, size if net.input_size else None, net.input_channels)
            pixels[index] = fitted(net, read, size).image
        seen = {index: seen_by(net, image[None])[0] for index, image in pixels.items()}
        kinds = {"patch": [seen[one.number] for _, _, one in some]}
        if maps:
            x = np.concatenate([input_of(net, pixels[one.number]) for _, _, one in some])
            for kind, gradient in gradients(net, x, layer, [one for _, _, one in some], maps).items():
                kinds[kind] = gradient
        for kind, images in kinds.items():
            for (u, rank, one), image in zip(some, images):
                top, left, bottom, right = one.box
                cut = net.shown(image[top:bottom, left:right])
                cut = cut if kind == "patch" else signed(cut)
                tiles[kind][u][rank] = resized(in_cell(cut, one, field, side), enlarge)
    return tiles


def gradients(net: Network, x: Array, layer: str, places: Any, maps: Any) -> dict[Any, Any]:
    """{rule: (n, h, w, C)}: the backward pass from the place of picture i to its pixels, under each rule."""
    with ONE_BLAS_THREAD:
        acts = net.forward(x, until=layer, keep=(layer,))
        dout = get_xp(x).zeros(acts.shapes[layer], acts.dtype)
        for i, one in enumerate(places):
            dout[(i, one.row, one.column, one.unit) if dout.ndim == 4 else (i, one.unit)] = 1
        return {rule: to_cpu(net.preprocess_adjoint(net.backward(acts, {layer: dout}, relu_rule=rule)[0]["input"]))
                for rule in maps}


def in_cell(cut: Any, one: Any, field: Any, side: Any) -> Any:
    """A patch as a tile of the size of the receptive field (or the picture), blank outside the picture."""
    cell = np.full((*(min(f, s) for f, s in zip(field.size, side)), 3), 238, np.uint8)
    at = []
    for axis, place in enumerate((one.row, one.column)):
        begin = field.start[axis] + field.stride[axis] * place
        at.append(one.box[axis] - begin if field.size[axis] <= side[axis] else one.box[axis])
    cell[at[0] : at[0] + cut.shape[0], at[1] : at[1] + cut.shape[1]] = cut
    return cell


def tile_scale(cell: Any, count: int) -> Any:
    """The factor by which cells (h, w) are enlarged: enough to be easy to see, but not more than a figure can hold."""
    wanted = (144 if count <= 60 else 64) / max(cell)
    return min(round(wanted) if wanted > 1 else wanted, (FIGURE_PIXELS / max(count, 1) / (cell[0] * cell[1])) ** 0.5)


def resized(tile: Array, scale: Any) -> Any:
    if scale >= 1:
        return tile.repeat(int(scale), axis=0).repeat(int(scale), axis=1)
    size = [max(1, round(n * scale)) for n in tile.shape[:2]]
    return np.asarray(Image.fromarray(tile).resize(size[::-1], Image.Resampling.BOX))
