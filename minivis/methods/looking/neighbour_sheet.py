"""Do nearest codes show the same thing? One picture of each class with its neighbours by code and by pixels.

The lecture's figure (Krizhevsky et al. 2012, figure 4): in a row the pictures whose fc7 codes are nearest to that of
the first. Beside them stand those whose pixels are nearest. Where labels are known this is measured: of the k nearest
of each picture, how many have its label?
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.text import percent
from minivis.methods.looking.neighbours import check_net, every_picture, pixels_of
from minivis.methods.looking.thumbnails import shrunk
from minivis.methods.shared.result import Result
from minivis.runtime.settings import CLASS, CODES, SEED, several, takes, whole
from minivis.sweeps.codes_file import codes_source
from minivis.types import Picture

SHEET_K = 6                                     # neighbours of each picture
MOST = 4096                                     # pictures: all are compared with all
TILE, FRAME = 64, 3                             # pixels
SAME, OTHER = (44, 160, 44), (255, 255, 255)    # frames of neighbours
NUMBERED = re.compile(r"^\d+[ _-]+|[ _-]*\d*\.\w+$")      # what a file's name has beside the name of its class


@dataclass(frozen=True, eq=False)
class NeighbourSheet(Result):
    """``near``: {layer, "pixels": (N, k) numbers of the nearest}; ``labels`` (N,), numbers of ``names``."""

    tiles: tuple                                # uint8 (h, w, 3) of each picture
    labels: np.ndarray
    names: tuple[str, ...]
    near: dict[str, np.ndarray]
    shown: tuple[int, ...]                      # pictures that have a row

    @property
    def arrays(self) -> dict[str, Any]:
        return self.near

    def picture(self) -> Picture:
        columns = [[self.framed(i) for i in self.shown]]
        columns += [[self.framed(j, i) for i in self.shown for j in near[i]] for near in self.near.values()]
        titles = ["picture\n", *(f"{'nearest pixels' if what == 'pixels' else f'nearest codes, {what}'}\n"
                                 f"over all pictures {percent(share)} are of its class"
                                 for what, share in self.same.items())]
        sheets = [contact_sheet(tiles, len(tiles) // len(self.shown), scale=1, gap=1) for tiles in columns]
        note = (f"{len(self.labels)} pictures of {len(self.names)} classes; in green frames: of the same class. By "
                f"chance it would be {percent(self.chance)}.")
        return panels(sheets, titles, footer=note, height=sheets[0].shape[0])

    def framed(self, number: int, query: int | None = None) -> Picture:
        """A tile in a frame, green for a neighbour with the label of the picture."""
        same = query is not None and self.labels[number] == self.labels[query]
        side = TILE + 2 * FRAME
        cell = np.full((side, side, 3), SAME if same else OTHER, np.uint8)
        tile = self.tiles[number]
        top, left = (side - tile.shape[0]) // 2, (side - tile.shape[1]) // 2
        cell[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        return cell

    @property
    def same(self) -> dict[str, float]:
        """{layer, "pixels": the share of the nearest that have the picture's label, over all pictures}"""
        return {what: float((self.labels[near] == self.labels[:, None]).mean()) for what, near in self.near.items()}

    @property
    def chance(self) -> float:
        counts = np.bincount(self.labels)
        return float((counts * (counts - 1)).sum() / (len(self.labels) * (len(self.labels) - 1)))

    @property
    def numbers(self) -> dict[str, Any]:
        return {"pictures": len(self.labels), "classes": len(self.names), "neighbours": self.settings["k"],
                "chance": self.chance, "same_label": self.same}

    def __str__(self) -> str:
        shares = {**{f"by {what}": share for what, share in self.same.items()}, "by chance": self.chance}
        return "\n".join([f"{len(self.labels)} pictures of {len(self.names)} classes; of the {self.settings['k']} "
                          "nearest of each are of its class",
                          *(f"  {what:<12}{percent(share):>8}" for what, share in shares.items())])


@takes(codes=CODES, labels=several(CLASS), k=whole(1), rows=whole(1), seed=SEED)
def neighbour_sheet(
    net: Network, codes: Any, *, labels: Sequence[Any] | None = None, pictures: Any = None, k: int = SHEET_K,
    rows: int = 8, seed: int = 0, progress: bool = False,
) -> NeighbourSheet:  # fmt: skip
    """A sheet of pictures with their neighbours by code and by pixels, and how many of these have the same label.

    Parameters
    ----------
    codes : str, Codes or array (N, D)
        A file of `write_codes`, what `codes` returns, or an array, which is of the net's code layer.
    labels : sequence (N,), optional
        What each picture shows; by default the name of its folder or, of pictures in one folder, its own name without
        numbers: "012 goose.png" is a goose.
    pictures : str, list of str, or arrays, optional
        A folder, a list of files or arrays, in the order of the codes; by default those that the codes name.
    k : int, default 6
        Number of neighbours of each picture.
    rows : int, default 8
        Pictures to draw, each of another class.

    Returns
    -------
    NeighbourSheet
        ``near``, {layer or "pixels": (N, k)}, and ``same``, the shares of neighbours with the same label.

    Raises
    ------
    BadFile
        The codes are of another net, or name no pictures.

    References
    ----------
    Krizhevsky, Sutskever & Hinton 2012, figure 4.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> import numpy as np
    >>> some = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    >>> found = mv.neighbour_sheet(net, mv.codes(net, some), labels="aabbcc", pictures=some, k=1)
    >>> found.near["fc7"].shape
    (6, 1)
    """
    with codes_source(codes, pictures) as file:
        check_net(file, net)
        N = len(file)
        if not k < N <= MOST:
            raise BadValue(f"{N} pictures: a sheet with {k} neighbours of each takes {k + 1} to {MOST}")
        labels = labels_of([file.picture(i) for i in range(N)]) if labels is None else [str(one) for one in labels]
        if len(labels) != N:
            raise BadValue(f"{len(labels)} labels for {N} pictures: give one for each")
        names, numbers = np.unique(labels, return_inverse=True)
        seen, tiles = [], []
        for picture in every_picture(net, file, progress):
            seen.append(pixels_of(net, picture, file.size).ravel())
            tiles.append(shrunk(net.shown(picture), TILE))
        layer = file.layer or net.role("code")
        lengths = np.linalg.norm(file.codes[:], axis=1, keepdims=True)
        unit = np.divide(file.codes[:], lengths, out=np.zeros(file.codes.shape), where=lengths > 0)
        near = {layer: nearest_of_each(unit, k), "pixels": nearest_of_each(np.stack(seen), k)}
    firsts = [int(np.flatnonzero(numbers == label)[0]) for label in range(len(names))]
    firsts = sorted(firsts)[:: max(1, len(firsts) // rows)][:rows]
    return NeighbourSheet(tuple(tiles), numbers, tuple(names.tolist()), near, tuple(firsts),
                          settings={"k": k, "rows": rows, "layer": layer})


def nearest_of_each(values: Any, k: int) -> Any:
    """(N, k) the rows nearest to each of N rows but itself, by the length of the difference, nearest first."""
    values = np.asarray(values, np.float64)
    squares = (values**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * values @ values.T
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def labels_of(paths: Sequence[Any]) -> list[str]:
    """What pictures show, by the names of their folders or, if they lie in one, of their files."""
    folders = {os.path.dirname(path) for path in paths}
    if len(folders) > 1:
        return [os.path.basename(os.path.dirname(path)) for path in paths]
    return [NUMBERED.sub("", os.path.basename(path)) or os.path.basename(path) for path in paths]
