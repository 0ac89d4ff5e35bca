"""The sample pictures: 200 emoji on photographs that the nets never saw, and the handwritten digits, by name.

    python -m minivis.data.samples tests/data/emoji.npz         make the sheet again, from the test pictures

They are a source of the live page, and the pictures among which it looks for the strongest patches of a unit. A command
that takes a folder of pictures takes the word "samples" for them, and "digits" for scikit-learn's digits.
"""

import io
import os
import sys
import tempfile
from contextlib import suppress
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from minivis.data.digits import every_digit
from minivis.errors import BadValue

NAME, DIGITS = "samples", "digits"              # instead of a folder
SIDE, COLUMNS = 64, 20                          # pixels of a picture; pictures in a row of the sheet


class Samples:
    """The sheet and the names of what is on it."""

    @cached_property
    def names(self):
        return files("minivis.data").joinpath("samples.txt").read_text("utf-8").splitlines()

    @cached_property
    def sheet(self):
        """The bytes of the picture of all of them."""
        return files("minivis.data").joinpath("samples.webp").read_bytes()

    @cached_property
    def images(self):
        """uint8 (N, SIDE, SIDE, 3)."""
        sheet = np.asarray(Image.open(io.BytesIO(self.sheet)).convert("RGB"))
        rows = len(sheet) // SIDE
        cells = sheet.reshape(rows, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2)
        return cells.reshape(-1, SIDE, SIDE, 3)[: len(self.names)]

    def describe(self):
        return {"side": SIDE, "columns": COLUMNS, "names": self.names}


def upright():
    """{class: uint8 (64, 64, 3)}: a goose and a goldfish, large and upright, which even a linear classifier knows."""
    sheet = np.asarray(Image.open(io.BytesIO(files("minivis.data").joinpath("upright.png").read_bytes())))
    return {"goose": sheet[:, :SIDE], "tropical fish": sheet[:, SIDE:]}


def folder_called(path):
    """``path``; of the word "samples" or "digits", unless something else is called so, the folder of these pictures."""
    return unpacked(path) if is_set(path) else path


def is_set(path):
    """Whether the word stands for one of our sets of pictures, and not for something on this machine."""
    return path in SETS and not os.path.lexists(path)


def unpacked(name):
    """The path of a folder in the user's cache with each picture of a set as a PNG file; filled the first time."""
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


def sample_files():
    """Yield (name, uint8 (64, 64, 3)) of each sample picture."""
    samples = Samples()
    for k, (name, image) in enumerate(zip(samples.names, samples.images)):
        yield f"{k:03d} {name}.png", image


def digit_files():
    """Yield (name, uint8 (8, 8)) of each handwritten digit: its number and what it is."""
    images, labels, _ = every_digit()
    for k, (image, label) in enumerate(zip(images, labels)):
        yield f"{k:04d} {label}.png", image[:, :, 0]


SETS = {NAME: sample_files, DIGITS: digit_files}


def main(source):
    """Write the sheet and the names, from a file as tests/data/emoji.npz."""
    with np.load(source) as data:
        images, names = data["images"], [str(data["names"][k]) for k in data["labels"]]
    rows = -(-len(images) // COLUMNS)
    cells = np.zeros((rows * COLUMNS, SIDE, SIDE, 3), np.uint8)
    cells[: len(images)] = images
    sheet = cells.reshape(rows, COLUMNS, SIDE, SIDE, 3).swapaxes(1, 2).reshape(rows * SIDE, COLUMNS * SIDE, 3)
    here = Path(__file__).parent
    Image.fromarray(sheet).save(here / "samples.webp", quality=85, method=6)
    (here / "samples.txt").write_text("\n".join(names) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
