"""The sample pictures: 200 emoji on photographs that the nets never saw, for all who have no pictures at hand.

    python -m minivis.data.samples tests/data/emoji.npz         make the sheet again, from the test pictures

They are a source of the live page, and the pictures among which it looks for the strongest patches of a unit. A command
that takes a folder of pictures takes the word "samples" for them.
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

from minivis.errors import BadValue

NAME = "samples"                                # instead of a folder
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


def folder_called(path):
    """``path``; of the word "samples", unless something else is called so, the folder of the sample pictures."""
    return sample_folder() if path == NAME and not os.path.lexists(path) else path


def sample_folder():
    """The path of a folder in the user's cache with each picture as a PNG file; filled the first time."""
    from platformdirs import user_cache_path

    folder = user_cache_path("minivis") / NAME
    if not folder.is_dir():
        samples = Samples()
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as filling:
                whole = Path(filling) / NAME
                whole.mkdir()
                for k, (name, image) in enumerate(zip(samples.names, samples.images)):
                    Image.fromarray(image).save(whole / f"{k:03d} {name}.png")
                with suppress(FileExistsError):         # another process was faster
                    whole.rename(folder)
        except OSError as error:
            raise BadValue(f"the sample pictures cannot be unpacked into {folder} ({error.strerror})") from None
    return str(folder)


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
