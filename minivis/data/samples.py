"""The sample pictures: emoji on photographs that the nets never saw, and the handwritten digits, by name.

    python -m minivis.data.samples tests/data/emoji.npz         make the sheet again, from the test pictures

    word            pictures
    "samples"       200, of all 125 classes: one or two a class
    "families"      200, of 20 classes: ten a class
    "digits"        scikit-learn's 1,797 handwritten digits

A command that takes a folder of pictures accepts one of these words instead. The live page offers the samples as
pictures, and searches them for the strongest patches of a unit. data/emoji/shipped.py renders the families.
"""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minivis.data.digits import every_digit
from minivis.errors import BadValue
from minivis.types import Array, PathLike

NAME, FAMILIES, DIGITS = "samples", "families", "digits"        # instead of a folder
SIDE, COLUMNS = 64, 20                          # pixels of a picture; pictures in a row of the sheet


class Samples:
    """The sheet of one set of pictures, and their names."""

    def __init__(self, name: str = NAME) -> None:
        self.name = name

    @cached_property
    def names(self) -> list[str]:
        """The class of each picture."""
        return files("minivis.data").joinpath(f"{self.name}.txt").read_text("utf-8").splitlines()

    @cached_property
    def sheet(self) -> bytes:
        """The bytes of the picture that holds all of them."""
        return files("minivis.data").joinpath(f"{self.name}.webp").read_bytes()

    @cached_property
    def images(self) -> Array:
        """uint8 (N, SIDE, SIDE, 3)."""
        sheet = np.asarray(Image.open(io.BytesIO(self.sheet)).convert("RGB"))
        rows = len(sheet) // SIDE
        cells = sheet.reshape(rows, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2)
        return cells.reshape(-1, SIDE, SIDE, 3)[: len(self.names)]

    @cached_property
    def masks(self) -> Array:
        """bool (N, SIDE, SIDE): where the object is; only the samples have it."""
        file = files("minivis.data").joinpath(f"{self.name}_masks.png")
        sheet = np.asarray(Image.open(io.BytesIO(file.read_bytes())))
        cells = sheet.reshape(len(sheet) // SIDE, SIDE, COLUMNS, SIDE).swapaxes(1, 2)
        return cells.reshape(-1, SIDE, SIDE)[: len(self.names)]

    def describe(self) -> dict[str, Any]:
        """What the live page needs to know of the sheet."""
        return {"side": SIDE, "columns": COLUMNS, "names": self.names}


def upright() -> dict[str, Array]:
    """{class: uint8 (64, 64, 3)}: a large, upright goose and goldfish, which even a linear classifier recognises."""
    sheet = np.asarray(Image.open(io.BytesIO(files("minivis.data").joinpath("upright.png").read_bytes())))
    return {"goose": sheet[:, :SIDE], "tropical fish": sheet[:, SIDE:]}


def folder_called(path: Any) -> Any:
    """``path``; of the word for a set, unless something else is called so, the folder of its pictures."""
    return unpacked(path) if is_set(path) else path


def is_set(path: object) -> bool:
    """Whether the word stands for one of our sets of pictures, and not for something on this machine."""
    return path in SETS and not os.path.lexists(path)


def unpacked(name: str) -> str:
    """The path of a folder in the user's cache with each picture of a set as a PNG file; filled on first use."""
    from platformdirs import user_cache_path

    folder = user_cache_path("minivis") / name
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as filling:
                whole = Path(filling) / name
                whole.mkdir()
                for file, image in SETS[name]():
                    Image.fromarray(image).save(whole / file)
                with suppress(FileExistsError):         # another process was faster
                    whole.rename(folder)
        except OSError as error:
            raise BadValue(f"the {name} cannot be unpacked into {folder} ({error.strerror})") from None
    return str(folder)


def sample_files(name: str = NAME) -> Iterator[tuple[str, Array]]:
    """Yield (name, uint8 (64, 64, 3)) of each picture of a sheet."""
    samples = Samples(name)
    for k, (what, image) in enumerate(zip(samples.names, samples.images)):
        yield f"{k:03d} {what}.png", image


def digit_files() -> Iterator[tuple[str, Array]]:
    """Yield (name, uint8 (8, 8)) of each handwritten digit: its number and its class."""
    images, labels, _ = every_digit()
    for k, (image, label) in enumerate(zip(images, labels)):
        yield f"{k:04d} {label}.png", image[:, :, 0]


SETS: dict[str, Callable] = {NAME: sample_files, FAMILIES: partial(sample_files, FAMILIES), DIGITS: digit_files}


def sheet_of(cells: Array) -> Image.Image:
    """Pictures (N, SIDE, SIDE, 3), or (N, SIDE, SIDE), in rows of COLUMNS."""
    rows = -(-len(cells) // COLUMNS)
    whole = np.zeros((rows * COLUMNS, *cells.shape[1:]), np.uint8)
    whole[: len(cells)] = cells
    whole = whole.reshape(rows, COLUMNS, *cells.shape[1:]).swapaxes(1, 2)
    return Image.fromarray(whole.reshape(rows * SIDE, COLUMNS * SIDE, *cells.shape[3:]))


def main(source: PathLike) -> None:
    """Write the sheets of pictures and of outlines, and the names, from a file as tests/data/emoji.npz."""
    with np.load(source) as data:
        images, masks, names = data["images"], data["masks"], [str(data["names"][k]) for k in data["labels"]]
    write_sheet(NAME, images, names)
    outlines = Image.fromarray(np.asarray(sheet_of(masks)) > 127)
    outlines.save(Path(__file__).parent / f"{NAME}_masks.png", optimize=True)


def write_sheet(name: str, images: Array, names: Sequence[str], quality: int = 85) -> None:
    """Write the files of a set: one picture of all, and what each shows."""
    here = Path(__file__).parent
    sheet_of(images).save(here / f"{name}.webp", quality=quality, method=6)
    (here / f"{name}.txt").write_text("\n".join(names) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
