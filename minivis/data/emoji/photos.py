"""Photographs for the backgrounds of emoji, from packages, and which of them are held out for testing.

None shows an object of a class close up (scikit-image's cat, coffee and rocket, Lomiri's dogs and wine are left
out). Those under a share-alike licence or the GPL are used only for training, so that no picture in this repository
contains a piece of them.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from minivis.errors import MissingExtra
from minivis.types import Array

SIZE = (480, 320)  # width and height, pixels, every photograph is scaled and cropped to
WALLPAPERS = Path("/usr/share/backgrounds")

# folder or package, files trained on, files held out
PHOTOS = (
    ("sklearn.datasets.images", (), ("china.jpg",)),  # CC BY 2.0
    (
        "skimage.data",  # public domain, CC0 or no known restrictions: see the docstrings of skimage.data
        ("hubble_deep_field.jpg", "ihc.png", "brick.png", "grass.png", "moon.png", "coins.png", "page.png", "text.png"),
        ("astronaut.png", "gravel.png", "retina.jpg"),
    ),
    (
        WALLPAPERS,  # Debian's lomiri-wallpapers-16.04: CC BY 4.0, one CC0
        (
            "aitzgorri_by_Aitzol_Berasategi.jpg", "life_by_Aitzol_Berasategi.jpg", "Picture_0B_by_freespace.jpg",
            "seeding_by_Clements_Engelhardt.jpg", "umang_by_Abhishek_Mudgal.jpg",
            "Dragonfly_by_Bolly.jpg", "Bridge_by_Sander_Klootwijk.jpg", "analogpattern_by_Peter_Nerlich.jpg",
        ),
        ("picosdeeuropa_by_Aitzol_Berasategi.jpg", "Picture_1A_by_freespace.jpg", "sunset_by_Aitzol_Berasategi.jpg"),
    ),
    (
        WALLPAPERS / "mate" / "nature",  # Debian's mate-backgrounds: GPL-2+
        ("Aqua.jpg", "Blinds.jpg", "Dune.jpg", "GreenMeadow.jpg", "RainDrops.jpg", "Storm.jpg", "Wood.jpg"),
        (),
    ),
)  # fmt: skip
HELD_OUT_PHOTOS = tuple(name for _, _, held_out in PHOTOS for name in held_out)


def find_photo(where: Any, name: str) -> Any:
    """The path of one photograph, or MissingExtra, which says what to install."""
    if isinstance(where, Path):
        path: Any = where / name
        install = "apt install lomiri-wallpapers-16.04 mate-backgrounds"
    else:
        install = "pip install minivis[train]"
        try:
            path = files(where) / name
        except ImportError:
            path = Path(where) / name
    if not path.is_file():
        raise MissingExtra(f"the background photograph {name} is missing: {install}")
    return path


def load_photos() -> tuple[list[str], Array]:
    """names, photographs (p, 320, 480, 3) uint8."""
    names, photos = [], []
    for where, trained, held_out in PHOTOS:
        for name in trained + held_out:
            with find_photo(where, name).open("rb") as file:
                photo = Image.open(file)
                photo.draft("RGB", (2 * SIZE[0], 2 * SIZE[1]))  # a JPEG may be decoded at a half, a quarter, ...
                photos.append(np.asarray(ImageOps.fit(photo.convert("RGB"), SIZE, Image.Resampling.LANCZOS)))
            names.append(name)
    return names, np.stack(photos)
