"""A map of pictures: t-SNE of their codes (van der Maaten & Hinton 2008), after Karpathy's picture in the lecture.

t-SNE places codes that are close to each other close together in the plane. The map shows each picture at its place.
The grid moves each picture to its own cell, so that the sum of the squared distances is minimal: a linear assignment.
"""

import math
import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minivis.errors import BadValue
from minivis.figures.compose import beside, panels
from minivis.methods.looking.settings import TsneSettings
from minivis.methods.looking.thumbnails import shrunk, thumbnails
from minivis.methods.shared.embed import embed
from minivis.methods.shared.result import Result
from minivis.runtime.described import set_by
from minivis.runtime.settings import CODES, SEED, takes
from minivis.sweeps.codes_file import codes_source
from minivis.types import Array

SIDE = 4096                                     # pixels, the largest picture


@dataclass(frozen=True, eq=False)
class TsneGrid(Result):
    """``places`` (N, 2): x, y in 0..1, of these ``rows`` of the codes; ``cells`` (N, 2): row, column."""

    places: np.ndarray
    cells: np.ndarray
    rows: np.ndarray
    tiles: tuple
    side: int
    divergence: float
    notes: tuple = ()
    names: tuple = ()                           # of the pictures

    @property
    def array(self) -> Array:
        return self.places

    def picture(self) -> Array:
        layout = self.settings["layout"]
        N = len(self.places)
        drawn = [(draw(self), title) for name, draw, title in (
            ("plane", plane, f"t-SNE of codes\n{N} pictures, each at its place"),
            ("grid", grid, f"t-SNE of codes, snapped to a grid\n{N} pictures, so that all move least in sum"),
        ) if layout in (name, "both")]
        return beside([panels([sheet], [title], height=sheet.shape[0]) for sheet, title in drawn], gap=0, align="top")

    @property
    def numbers(self) -> dict[str, Any]:
        return {"pictures": len(self.places), "divergence": self.divergence, "perplexity": self.settings["perplexity"],
                "grid": [int(n) + 1 for n in self.cells.max(axis=0)], "notes": list(self.notes)}

    def __str__(self) -> str:
        rows, columns = self.cells.max(axis=0) + 1
        return "\n".join([f"{len(self.places)} pictures on a grid of {rows} x {columns}; Kullback-Leibler divergence "
                          f"{self.divergence:.3f} at perplexity {self.settings['perplexity']:g}", *self.notes])


@set_by(TsneSettings)
@takes(codes=CODES, seed=SEED)
def tsne_grid(
    codes: Any, *, settings: TsneSettings | None = None, perplexity: float = TsneSettings.perplexity,
    layout: Literal["grid", "plane", "both"] = TsneSettings.layout, side: int | None = TsneSettings.side,
    most: int = TsneSettings.most, pictures: Any = None, seed: int = 0, progress: bool = False,
) -> TsneGrid:  # fmt: skip
    """A map of pictures by t-SNE of their codes, on which similar pictures lie close together.

    A perplexity that is too high for so few pictures is lowered, with a note.

    Parameters
    ----------
    codes : str, Codes or array (N, D)
        A file of `write_codes`, what `codes` returns, or an array.
    pictures : str, list of str, or arrays, optional
        A folder, a list of files or arrays, in the order of the codes; by default those that the codes name.

    Returns
    -------
    TsneGrid
        ``places`` (N, 2) in 0..1, and the ``cells`` of the grid.

    References
    ----------
    van der Maaten & Hinton 2008; the grid: Karpathy 2014.

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> pictures = list(rng.integers(0, 256, (9, 8, 8, 3), np.uint8))
    >>> mv.tsne_grid(rng.random((9, 5)), pictures=pictures, side=96).array.shape
    (9, 2)
    """
    with codes_source(codes, pictures) as file:
        chosen, notes = spread(len(file), most)
        values = file.codes[: len(file)] if len(chosen) == len(file) else np.stack([file.codes[i] for i in chosen])
        places, used, divergence = embed(values, perplexity, seed)
        if used != perplexity:
            notes.append(f"perplexity lowered from {perplexity:g} to {used:g}, for {len(chosen)} pictures")
        cells = snap(places)
        columns = int(cells.max()) + 1
        side = side or min(SIDE // (2 if layout == "both" else 1), max(1024, 64 * columns))
        tiles, missing = thumbnails(file, chosen, max(4, side // columns), progress)
        names = tuple(os.path.basename(file.picture(int(i))) for i in chosen)
    return TsneGrid(places, cells, chosen, tuple(tiles), side, divergence, tuple(notes + missing), names,
                    settings={"perplexity": used, "layout": layout, "side": side, "most": most})


def spread(count: int, most: int) -> tuple[Any, ...]:
    """(the numbers of at most ``most`` of ``count`` pictures, evenly spread; notes)."""
    if count < 4:
        raise BadValue(f"a map needs at least 4 pictures, and there are {count}")
    if count <= most:
        return np.arange(count), []
    return np.linspace(0, count - 1, most).astype(int), [f"{most} of {count} pictures, evenly spread"]


def snap(places: Any) -> Any:
    """(N, 2) row and column of each place in the smallest square grid, all different, the sum of squared ways least."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    count = len(places)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    row, column = np.divmod(np.arange(rows * columns), columns)
    centres = np.column_stack([(column + 0.5) / columns, (row + 0.5) / rows])
    _, cells = linear_sum_assignment(cdist(places, centres, "sqeuclidean"))
    return np.column_stack(np.divmod(cells, columns))


def grid(result: Any) -> Array:
    """Each picture in its cell."""
    rows, columns = result.cells.max(axis=0) + 1
    step = result.side // max(rows, columns)
    sheet = np.full((rows * step, columns * step, 3), 255, np.uint8)
    for (row, column), tile in zip(result.cells, result.tiles):
        tile = tile[:step, :step]
        top = row * step + (step - tile.shape[0]) // 2
        left = column * step + (step - tile.shape[1]) // 2
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def plane(result: Any) -> Array:
    """Each picture at its place, smaller; where two overlap, the later lies on top."""
    side = result.side
    room = max(4, round(0.7 * side / math.sqrt(len(result.tiles))))
    sheet = np.full((side, side, 3), 255, np.uint8)
    for (x, y), tile in zip(result.places, result.tiles):
        tile = shrunk(tile, room)
        top, left = round(y * (side - tile.shape[0])), round(x * (side - tile.shape[1]))
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet
