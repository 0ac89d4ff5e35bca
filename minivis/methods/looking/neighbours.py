"""The pictures whose codes are nearest to that of one picture, as a contact sheet; and those whose pixels are.

    by pixels       sqrt(mean (x - x_n)^2), x the picture as the net sees it: levels of 255
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.layer_table import fingerprint
from minivis.engine.network import Network
from minivis.errors import BadFile
from minivis.figures.compose import contact_sheet, panels
from minivis.images.given import as_picture
from minivis.methods.looking.codes import codes as codes_of
from minivis.methods.looking.codes import nearest
from minivis.methods.looking.settings import NeighbourSettings
from minivis.methods.looking.thumbnails import shrunk, thumbnails
from minivis.methods.shared.result import Result, seen_by
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import CODES, SEED, takes
from minivis.sweeps.codes_file import codes_source
from minivis.sweeps.sweep import fitted
from minivis.types import Array, Pictures, Progress

DISTANCES = {"cosine": "cosine distance", "l2": "L2 distance"}           # their names, in figures
TILE = 144                                      # pixels


@dataclass(frozen=True, eq=False)
class Neighbours(Result):
    """``found``: (path, distance), nearest first; ``tiles``: the picture itself, then the nearest pictures.

    ``by_pixels`` and ``pixel_tiles``: the same for the nearest pixels, empty if they were not asked for.
    """

    found: tuple
    tiles: tuple
    among: int
    notes: tuple = ()
    by_pixels: tuple = ()
    pixel_tiles: tuple = ()

    @property
    def array(self) -> Array:
        return np.array([distance for _, distance in self.found])

    def picture(self) -> Array:
        by_code = sheet_of(self.tiles, self.found, DISTANCES[self.settings["metric"]])
        if not self.by_pixels:
            return by_code
        sheets = [by_code, sheet_of(self.pixel_tiles, self.by_pixels, "levels of 255:")]
        titles = [f"the nearest codes\nactivations of {self.settings['layer']}",
                  "the nearest pixels\nroot mean square difference"]
        return panels(sheets, titles, height=by_code.shape[0], columns=1)

    @property
    def caption(self) -> str:
        """The caption has no paths: the figure has the names."""
        return " · ".join([f"the {len(self.found)} nearest of {self.among}", *self.notes])

    @property
    def numbers(self) -> dict[str, Any]:
        found = {"among": self.among, "notes": list(self.notes), "neighbours": listed(self.found)}
        return {**found, **({"neighbours_by_pixels": listed(self.by_pixels)} if self.by_pixels else {})}

    def __str__(self) -> str:
        lines = [f"{distance:8.4f}  {path}" for path, distance in self.found]
        lines += ["by pixels:"] * bool(self.by_pixels)
        return "\n".join([*lines, *(f"{distance:8.2f}  {path}" for path, distance in self.by_pixels), *self.notes])


def sheet_of(tiles: Any, found: Any, distance: str) -> Any:
    names = [f"{os.path.basename(path)}\n{distance} {value:.3g}" for path, value in found]
    return contact_sheet(list(tiles), labels=["the picture", *names], columns=min(len(tiles), 7), scale=1)


def listed(found: Any) -> list[Any]:
    return [{"picture": path, "distance": distance} for path, distance in found]


@set_by(NeighbourSettings)
@takes(codes=CODES, seed=SEED)
def neighbours(
    net: Network, image: Pictures, codes: Any, *, settings: NeighbourSettings | None = None,
    k: int = NeighbourSettings.k, metric: str = NeighbourSettings.metric,
    pixels: bool = NeighbourSettings.pixels, pictures: Any = None,
    seed: int = 0, progress: bool = False,
) -> Neighbours:  # fmt: skip
    """The pictures whose codes are nearest to that of a picture.

    A picture with exactly the same pixels is left out.

    Parameters
    ----------
    codes : str, Codes or array (N, D)
        A file of `write_codes`, what `codes` returns, or an array, which is of the net's code layer.
    pictures : str, list of str, or arrays, optional
        A folder, a list of files or arrays, in the order of the codes; by default those that the codes name.

    Returns
    -------
    Neighbours
        ``found``, (picture, distance) of each, nearest first.

    Raises
    ------
    BadFile
        The codes are of another net or layer.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> pictures = [goose[::-1], goose[:, ::-1], goose // 2]
    >>> mv.neighbours(net, goose, mv.codes(net, pictures), pictures=pictures, k=2).array.shape
    (2,)
    """
    image = as_picture(image, net.input_channels)
    with codes_source(codes, pictures) as file:
        check_net(file, net)
        own = codes_of(net, [image], file.layer or None, size=file.size).values[0]
        if len(own) != file.codes.shape[1]:
            raise BadFile(f"{file.path} holds codes of {file.codes.shape[1]} numbers, and this net's have {len(own)}: "
                          "name the net and the layer that they are of")
        here = shrunk(image, TILE)

        def shown(numbers: Any, distances: Any) -> tuple[Any, tuple[Any, ...], Any]:
            """Those k that are another picture: (path, distance) of each, their tiles, and what is wrong with any."""
            tiles, notes = thumbnails(file, numbers, TILE, channels=net.input_channels)
            keep = [i for i, tile in enumerate(tiles) if not (distances[i] < 1e-6 and np.array_equal(tile, here))][:k]
            found = tuple((file.picture(int(numbers[i])), float(distances[i])) for i in keep)
            return found, (here, *(tiles[i] for i in keep)), notes

        found, tiles, notes = shown(*nearest(file, own, k + 1, metric=metric))
        by_pixels, pixel_tiles, more = (), (), ()
        if pixels:
            by_pixels, pixel_tiles, more = shown(*nearest_pixels(net, file, image, k + 1, progress))
        return Neighbours(found, tiles, len(file), tuple(dict.fromkeys([*notes, *more])), by_pixels, pixel_tiles,
                          settings={"k": k, "metric": metric, "pixels": pixels,
                                    "layer": file.layer or net.role("code")})


def nearest_pixels(net: Network, file: Any, image: Any, k: int, progress: Progress = False) -> tuple[Any, Any]:
    """(numbers, distances) of the k pictures whose pixels are nearest to those of ``image``, as the net sees them."""
    here = pixels_of(net, image, file.size)
    distances = np.array([np.sqrt(np.mean((pixels_of(net, picture, file.size) - here) ** 2))
                          for picture in every_picture(net, file, progress)])
    numbers = np.argsort(distances, kind="stable")[:k]
    return numbers, distances[numbers]


def every_picture(net: Network, file: Any, progress: Progress = False) -> Iterator[Any]:
    """Yield the pictures of a file of codes; raise BadFile if it has none."""
    if file.nameless:
        raise BadFile(f"{file.path} names no pictures, so there are no pixels to compare")
    for number in track(range(len(file)), progress, "pixels"):
        yield file.read(number, net.input_channels)[0]


def pixels_of(net: Network, image: Any, size: Any = None) -> Any:
    """What the net sees of a picture, float32 (h, w, C) in levels."""
    return seen_by(net, fitted(net, image, size).image[None])[0].astype(np.float32)


def check_net(file: Any, net: Network) -> None:
    """Raise BadFile unless the codes come from this net."""
    if file.fingerprint and file.fingerprint != fingerprint(net):
        raise BadFile(f"{file.path} holds codes of another net, {file.net}: name that net with --net")
