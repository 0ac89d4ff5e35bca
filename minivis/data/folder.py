"""Photographs to learn from or to measure with: a folder of the user, or the two that come with scikit-learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minivis.errors import BadFile, MinivisError
from minivis.images.collection import Pictures
from minivis.types import Array, Picture

OURS = ("china.jpg", "flower.jpg")              # in sklearn.datasets.images, CC BY 2.0
MOST, SIDE = 200, 640                           # pictures of a folder, pixels of their longer side


def photos(folder: Any = None, side: int = SIDE,
           channels: int | None = None) -> tuple[list[Picture], list[tuple[str, str]]]:
    """``pictures, unreadable``: uint8 (H, W, 3 or 1), no larger than ``side``; [(path, why)] of what is not a picture.

    At most 200 pictures of a folder and its subfolders, chosen evenly by name; without a folder, scikit-learn's two
    photographs.
    """
    if folder is None:
        from sklearn import datasets

        there = Path(datasets.__file__).parent / "images"
        source = Pictures(str(there), OURS)
    else:
        source = Pictures.of(folder)
    pictures, unreadable = [], []
    for i in np.unique(np.linspace(0, len(source) - 1, min(len(source), MOST)).round().astype(int)):
        try:
            pictures.append(source.read(i, side, channels)[0])
        except MinivisError as error:
            unreadable.append((source.name(i), str(error)))
    if not pictures:
        raise BadFile(f"none of the {len(unreadable)} pictures in {folder} can be read; the first: {unreadable[0][1]}")
    return pictures, unreadable


def crops(pictures: Sequence[Array], size: Sequence[int], count: int, rng: np.random.Generator,
          channels: int = 3) -> Array:
    """uint8 (count, h, w, 3): crops of ``size`` at random places, from one picture after the other.

    A picture smaller than ``size`` is left out; BadFile if all are.
    """
    for picture in pictures:
        if picture.shape[2] not in (1, channels):
            raise BadFile(f"the net reads pictures of {channels} channels, and these have {picture.shape[2]}: name a "
                          f"folder of pictures with {channels} channels, as .npy or TIFF")
    large = [p for p in pictures if p.shape[0] >= size[0] and p.shape[1] >= size[1]]
    if not large:
        raise BadFile(f"none of the pictures has {size[1]} x {size[0]} pixels to cut from")
    found = np.empty((count, *size, channels), np.uint8)
    for k in range(count):
        picture = large[k % len(large)]
        top, left = (rng.integers(side - part + 1) for side, part in zip(picture.shape, size))
        found[k] = picture[top:top + size[0], left:left + size[1]]      # a grey picture is repeated over the channels
    return found
