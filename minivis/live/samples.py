"""The sample pictures: 200 emoji on photographs that the nets never saw, on one sheet beside the page.

    python -m minivis.live.samples tests/data/emoji.npz         make the sheet again, from the test pictures

They are a source of the page, and the pictures among which the strongest patches of a unit are looked for.
"""

import io
import sys
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, COLUMNS = 64, 20                          # pixels of a picture; pictures in a row of the sheet
STATIC = Path(__file__).parent / "static"


class Samples:
    """The sheet and the names of what is on it."""

    @cached_property
    def names(self):
        return files("minivis.live").joinpath("static", "samples.txt").read_text("utf-8").splitlines()

    @cached_property
    def images(self):
        """uint8 (N, SIDE, SIDE, 3)."""
        data = files("minivis.live").joinpath("static", "samples.webp").read_bytes()
        sheet = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        rows = len(sheet) // SIDE
        cells = sheet.reshape(rows, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2)
        return cells.reshape(-1, SIDE, SIDE, 3)[: len(self.names)]

    def describe(self):
        return {"side": SIDE, "columns": COLUMNS, "names": self.names}


def main(source):
    """Write the sheet and the names, from a file as tests/data/emoji.npz."""
    with np.load(source) as data:
        images, names = data["images"], [str(data["names"][k]) for k in data["labels"]]
    rows = -(-len(images) // COLUMNS)
    cells = np.zeros((rows * COLUMNS, SIDE, SIDE, 3), np.uint8)
    cells[: len(images)] = images
    sheet = cells.reshape(rows, COLUMNS, SIDE, SIDE, 3).swapaxes(1, 2).reshape(rows * SIDE, COLUMNS * SIDE, 3)
    Image.fromarray(sheet).save(STATIC / "samples.webp", quality=85, method=6)
    (STATIC / "samples.txt").write_text("\n".join(names) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
