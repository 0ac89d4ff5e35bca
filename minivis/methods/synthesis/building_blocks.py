"""What a layer sees, everywhere at once (Olah et al. 2018, "The Building Blocks of Interpretability").

At each place of a layer there is a vector, one number per channel: all the layer says about that part of the picture.
For each vector v an image is made that asks for the same,

    maximise  r = mean over the image's places of  a . v / |v|^2            a: the layer's vectors in the image

so r = 1 where the image says as much as the picture did. Up to there r itself rises, then log r, against the mean
difference of neighbouring pixels (as the preset "natural" of maximize). Each image stands at its place in a grid, its
area in proportion to |v|. An atlas does the same for the vectors of many pictures (Carter et al. 2019): t-SNE lays
vectors out in a plane so that those alike are close; those of one cell of a raster are averaged, and the mean is drawn.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.geometry import preprocessing_of
from minivis.engine.network import Network
from minivis.engine.surgery import trunk
from minivis.errors import BadValue, MinivisError
from minivis.figures.compose import panels
from minivis.images.collection import Pictures as Collection
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.methods.shared.embed import embed
from minivis.methods.shared.result import BatchResult, Result, Subject
from minivis.methods.synthesis.settings import AtlasSettings, BlockSettings
from minivis.objectives.base import objective
from minivis.objectives.priors import tv
from minivis.optimize import transforms
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier
from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import Adam
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures

CONTRAST = 24                                   # levels, as `contrast` of maximize
SIDES = (48, 96)                                # pixels, the smallest and the largest side of a block
TOGETHER = 64                                   # blocks that are made at once
PANEL = 480                                     # pixels: the height of the grid
RATE, NOISE = 0.05, 0.01                        # of Adam; of what it starts from


@dataclass(frozen=True, eq=False)
class Blocks(BatchResult):
    """``blocks``: per picture uint8 (rows, columns, s, s, C); ``norms``: (rows, columns) of the vectors."""

    subject: Subject
    blocks: tuple
    norms: tuple
    reached: tuple                              # r of each block, (rows, columns)

    def draw(self, i: int) -> Array:
        rows, columns = self.norms[i].shape
        tiles = [self.subject.shown(block) for row in self.blocks[i] for block in row]
        sheet = sized_grid(tiles, self.norms[i], PANEL // max(rows, columns))
        return panels([self.subject.drawn(i), sheet],
                      ["the input", f"building blocks\n{rows} x {columns} places of {self.settings['layer']}"],
                      f"At each place: an image that asks {self.settings['layer']} for what the layer sees in the "
                      "picture there. The larger, the more strongly the layer responds.", height=sheet.shape[0])

    def describe(self, i: int) -> dict[str, Any]:
        return {"layer": self.settings["layer"], "grid": list(self.norms[i].shape),
                "largest_norm": float(self.norms[i].max()), "reached": float(np.median(self.reached[i]))}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(
            f"{self.settings['layer']}: {'{} x {}'.format(*self.norms[i].shape)} places; the blocks ask for "
            f"{np.median(self.reached[i]):.2g} times as much as the picture has there (median)"
            for i in range(len(self)))


@set_by(BlockSettings)
@takes(seed=SEED)
def building_blocks(
    net: Network, image: Pictures, layer: str | None = None, *, settings: BlockSettings | None = None,
    cells: int = BlockSettings.cells, steps: int = BlockSettings.steps, side: int | None = BlockSettings.side,
    seed: int = 0, progress: bool = False,
) -> Blocks:  # fmt: skip
    """For each place of a layer an image of what it sees of a picture there.

    Returns
    -------
    Blocks
        The images of the places.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> mv.building_blocks(net, goose, "conv2_1", cells=2, steps=1).picture().shape[2]
    3
    """
    subject, layer = Subject.of(net, image), maps_layer(net, layer)
    acts = net.forward(subject.input(net), until=layer, keep=(layer,), grad=None)[layer]
    vectors = [pooled(one, cells) for one in to_cpu(acts)]
    found, reached = asked_for(net, layer, np.concatenate([v.reshape(-1, v.shape[2]) for v in vectors]), steps, side,
                               seed, progress)
    ends = np.cumsum([v.shape[0] * v.shape[1] for v in vectors])[:-1]
    grids = [v.shape[:2] for v in vectors]
    return Blocks(subject, tuple(b.reshape(*g, *b.shape[1:]) for b, g in zip(np.split(found, ends), grids)),
                  tuple(np.linalg.norm(v, axis=2) for v in vectors),
                  tuple(r.reshape(g) for r, g in zip(np.split(reached, ends), grids)),
                  settings={"layer": layer, "cells": cells, "steps": steps, "side": found.shape[1]})


@dataclass(frozen=True, eq=False)
class Atlas(Result):
    """``blocks`` uint8 (K, s, s, C) of the cells (row, column) in ``places`` (K, 2); ``counts``: vectors of each."""

    blocks: np.ndarray
    places: np.ndarray
    counts: np.ndarray
    norms: np.ndarray
    notes: tuple = ()
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    def picture(self) -> Array:
        grid, cells = self.settings["cells"], [None] * self.settings["cells"] ** 2
        sizes = np.zeros((grid, grid))
        for block, (row, column), count in zip(self.blocks, self.places, self.counts):
            cells[row * grid + column], sizes[row, column] = self.look.shown(block), math.sqrt(count)
        sheet = sized_grid(cells, sizes, max(48, 2 * PANEL // grid))
        return panels([sheet], [f"activation atlas\n{self.settings['vectors']:,} places of {self.settings['layer']} in "
                                f"{self.settings['pictures']:,} pictures"],
                      "Places that the layer sees alike lie close together (t-SNE). Each image asks the layer for the "
                      "mean of its cell; the larger, the more places are there.", height=sheet.shape[0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {"layer": self.settings["layer"], "pictures": self.settings["pictures"],
                "vectors": self.settings["vectors"], "cells": len(self.blocks), "notes": list(self.notes)}

    def __str__(self) -> str:
        what, count = f"{self.settings['vectors']:,} places of {self.settings['layer']}", self.settings["pictures"]
        return "\n".join([f"{len(self.blocks)} cells of {what} in {count:,} picture{'s' * (count > 1)}", *self.notes])


@set_by(AtlasSettings)
@takes(seed=SEED)
def activation_atlas(
    net: Network, pictures: Any, layer: str | None = None, *, settings: AtlasSettings | None = None,
    cells: int = AtlasSettings.cells, per_picture: int = AtlasSettings.per_picture, most: int = AtlasSettings.most,
    fewest: int = AtlasSettings.fewest, steps: int = AtlasSettings.steps, side: int | None = AtlasSettings.side,
    seed: int = 0, progress: bool = False,
) -> Atlas:  # fmt: skip
    """An atlas of what a layer sees in many pictures: its vectors on a map, each cell made into an image.

    Returns
    -------
    Atlas
        The images of the cells, and where they lie.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.activation_atlas(net, [goose, goose[::-1]], "conv2_1", cells=2, per_picture=2, fewest=1, steps=1)
    >>> found.picture().shape[2]
    3
    """
    layer, rng = maps_layer(net, layer), np.random.default_rng(seed)
    source, read = Collection.of(pictures), 0
    vectors: list = []
    notes: list = []
    for k in track(range(len(source)), progress, "places"):
        if len(vectors) * per_picture >= most:
            notes.append(f"the first {read:,} of {len(source):,} pictures")
            break
        try:
            subject = Subject.of(net, source.read(k)[0])
        except MinivisError as problem:
            notes.append(f"{source.name(k)}: {problem}")
            continue
        acts = to_cpu(net.forward(subject.input(net), until=layer, keep=(layer,), grad=None)[layer])[0]
        rows = acts.reshape(-1, acts.shape[2])
        vectors.append(rows[rng.choice(len(rows), min(per_picture, len(rows)), replace=False)])
        read += 1
    every = np.concatenate(vectors) if vectors else np.zeros((0, 1))
    every = every[np.linalg.norm(every, axis=1) > 0]
    if len(every) < 4:
        raise BadValue(f"an atlas needs at least 4 places where {layer} responds, and these pictures have {len(every)}")
    places, *_ = embed(every, seed=seed)
    at = (places[:, ::-1] * cells).astype(int).clip(0, cells - 1)
    kept, where, counts = np.unique(at, axis=0, return_inverse=True, return_counts=True)
    means = np.stack([every[where.reshape(-1) == k].mean(axis=0) for k in range(len(kept))])
    some = counts >= (fewest if (counts >= fewest).any() else 1)
    found, _ = asked_for(net, layer, means[some], steps, side, seed, progress)
    norms = np.linalg.norm(means[some], axis=1)
    return Atlas(found, kept[some], counts[some], norms, tuple(notes), preprocessing_of(net),
                 settings={"layer": layer, "pictures": read, "vectors": len(every), "cells": cells,
                           "per_picture": per_picture, "most": most, "fewest": fewest, "steps": steps,
                           "side": found.shape[1]})


# ---- the images ----

def asked_for(net: Network, layer: str, vectors: Any, steps: int, side: Any = None, seed: Any = 0,
              progress: Any = False) -> tuple[Array, Array]:
    """Images uint8 (K, s, s, C) that ask ``layer`` for each of ``vectors`` (K, C), and the r that each reaches."""
    net = trunk(net, [layer])
    side = side or side_of(net, layer)
    found, reached = [], []
    for first in range(0, len(vectors), TOGETHER):
        part = vectors[first : first + TOGETHER]
        shape = (len(part), side, side, net.input_channels)
        goal = likeness(layer, part) + 1 / (CONTRAST * math.prod(shape[1:])) * tv(1)
        moves = (transforms.jitter(max(1, side // 16)), transforms.warp((0.9, 1.1), 5, 0))
        problem = Problem(net, goal, fourier(net, shape, decay=1.0), moves)
        z = problem.parameterization.grey()
        rng = np.random.default_rng(seed + first)
        z = z + net.xp.asarray((NOISE * rng.standard_normal(z.shape)).astype(z.dtype))
        run = optimize(problem, z, method=Adam(RATE), steps=steps, seed=seed, progress=progress, title="blocks")
        pictures = to_uint8(run.pixels)
        acts = net.forward(net.xp.asarray(net.preprocess(pictures)), keep=(layer,), grad=None)[layer]
        found.append(pictures)
        reached.append(to_cpu(ratios(acts, part)))
    return np.concatenate(found), np.concatenate(reached)


def ratios(a: Any, vectors: Any) -> Any:
    """r of each image, (N,): by a vector of zeros nothing is asked for, and r is 0."""
    xp = get_xp(a)
    v = xp.asarray(vectors, dtype=a.dtype)
    square = (v * v).sum(axis=1)
    mean = a.reshape(len(a), -1, a.shape[-1]).mean(axis=1)
    return (mean * v).sum(axis=1) / xp.where(square > 0, square, 1)


def likeness(layer: str, vectors: Any) -> Any:
    """The loss whose minimum asks for the vectors (N, C), one for each image: 1 - r, and from r = 1 on -log r."""
    def evaluate(acts: Any) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp, v = get_xp(a), get_xp(a).asarray(vectors, dtype=a.dtype)
        r = ratios(a, vectors).astype(np.float64)
        square = xp.maximum((v * v).sum(axis=1), 1e-30)
        slope = (-1 / xp.maximum(r, 1)).astype(a.dtype) / square / math.prod(a.shape[1:-1])
        seed = xp.ascontiguousarray(xp.broadcast_to((slope[:, None] * v)[:, None, None], a.shape))
        return xp.where(r > 1, -xp.log(xp.maximum(r, 1)), 1 - r), {layer: seed}

    return objective(f"asks {layer}", (layer,), evaluate)


def maps_layer(net: Network, layer: str | None) -> str:
    """``layer``, or the net's content layer; BadValue if it has no places."""
    layer = net.role("content") if layer is None else net.check_name(layer)
    if layer == "input" or len(net.shapes()[layer]) != 4:
        raise BadValue(f"{layer} has no places: name a layer of feature maps, such as {net.roles.get('content')}")
    return layer


def side_of(net: Network, layer: str) -> Any:
    """The side of a block: some strides of the layer, so that it has a few places there."""
    stride = max(net.receptive_field(layer).stride)
    return int(np.clip(8 * math.ceil(6 * stride / 8), *SIDES)) if stride else SIDES[1]


def pooled(maps: Any, most: int) -> Any:
    """(h, w, C) -> (rows, columns, C), at most ``most`` of each: the means of neighbouring places."""
    for axis in (0, 1):
        parts = np.array_split(np.arange(maps.shape[axis]), min(most, maps.shape[axis]))
        maps = np.stack([maps.take(part, axis=axis).mean(axis=axis) for part in parts], axis=axis)
    return maps


def sized_grid(tiles: Any, sizes: Any, cell: int) -> Any:
    """Tiles (None for none) in a grid like ``sizes`` (rows, columns), the area of each in proportion to its size."""
    rows, columns = sizes.shape
    sheet = np.full((rows * cell, columns * cell, 3), 255, np.uint8)
    largest = float(sizes.max()) or 1.0
    for k, (tile, size) in enumerate(zip(tiles, sizes.ravel())):
        side = round((cell - 2) * math.sqrt(size / largest))
        if tile is None or side < 1:
            continue
        tile = tile.repeat(3, axis=2) if tile.shape[2] == 1 else tile
        small = np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.LANCZOS))
        top, left = (n * cell + (cell - side) // 2 for n in divmod(k, columns))
        sheet[top : top + side, left : left + side] = small
    return sheet
