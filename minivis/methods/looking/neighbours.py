"""The pictures whose codes are nearest to that of one picture, as a contact sheet."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.layer_table import fingerprint
from minivis.engine.network import Network
from minivis.errors import BadFile
from minivis.figures.compose import contact_sheet
from minivis.images.given import as_picture
from minivis.methods.looking.codes import codes as codes_of
from minivis.methods.looking.codes import nearest
from minivis.methods.looking.settings import NeighbourSettings
from minivis.methods.looking.thumbnails import shrunk, thumbnails
from minivis.methods.shared.result import Result
from minivis.runtime.described import set_by
from minivis.runtime.settings import CODES, SEED, takes
from minivis.sweeps.codes_file import codes_source
from minivis.types import Pictures

DISTANCES = {"cosine": "cosine distance", "l2": "L2 distance"}           # their names, in figures
TILE = 144                                      # pixels


@dataclass(frozen=True, eq=False)
class Neighbours(Result):
    """``found``: (path, distance), nearest first; ``tiles``: the picture itself, then the nearest pictures."""

    found: tuple
    tiles: tuple
    among: int
    notes: tuple = ()

    @property
    def array(self):
        return np.array([distance for _, distance in self.found])

    def picture(self):
        metric = self.settings["metric"]
        names = [f"{os.path.basename(path)}\n{DISTANCES[metric]} {distance:.3g}" for path, distance in self.found]
        return contact_sheet(list(self.tiles), labels=["the picture", *names], columns=min(len(self.tiles), 7), scale=1)

    @property
    def caption(self):
        """The caption has no paths: the figure has the names."""
        return " · ".join([f"the {len(self.found)} nearest of {self.among}", *self.notes])

    @property
    def numbers(self):
        return {"among": self.among, "notes": list(self.notes),
                "neighbours": [{"picture": path, "distance": distance} for path, distance in self.found]}

    def __str__(self):
        return "\n".join([*(f"{distance:8.4f}  {path}" for path, distance in self.found), *self.notes])


@set_by(NeighbourSettings)
@takes(codes=CODES, seed=SEED)
def neighbours(
    net: Network, image: Pictures, codes: Any, *, settings: NeighbourSettings | None = None,
    k: int = NeighbourSettings.k, metric: str = NeighbourSettings.metric, pictures: Any = None,
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
        numbers, distances = nearest(file, own, k + 1, metric=metric)
        tiles, notes = thumbnails(file, numbers, TILE, channels=net.input_channels)
        here = shrunk(image, TILE)
        keep = [i for i, tile in enumerate(tiles) if not (distances[i] < 1e-6 and np.array_equal(tile, here))][:k]
        found = tuple((file.picture(int(numbers[i])), float(distances[i])) for i in keep)
        return Neighbours(found, (here, *(tiles[i] for i in keep)), len(file), tuple(notes),
                          settings={"k": k, "metric": metric, "layer": file.layer or net.role("code")})


def check_net(file, net):
    """Raise BadFile unless the codes come from this net."""
    if file.fingerprint and file.fingerprint != fingerprint(net):
        raise BadFile(f"{file.path} holds codes of another net, {file.net}: name that net with --net")
