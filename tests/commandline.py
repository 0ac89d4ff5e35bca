"""For the tests of the commands: a folder with pictures and nets, and a picture that shows something."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from minivis.cli import main
from minivis.images.files import write_image
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.weights.native import save

PICTURE_COMMANDS = ("classify", "activations", "filters", "occlude", "backprop", "saliency", "segment",
                    "receptive-field")
NEED_NO_IMAGE = ("filters", "receptive-field")


def scene(height=40, width=60):
    """A picture with large shapes: sky, ground, a bright disc."""
    y, x = np.mgrid[:height, :width]
    picture = np.where(y[..., None] < height / 2, [90, 140, 220], [60, 110, 50])
    picture[(y - height / 2) ** 2 + (x - width / 2) ** 2 < (height / 4) ** 2] = [250, 200, 60]
    return picture.astype(np.uint8)


def fill(folder):
    """Two pictures and three nets, in ``folder``."""
    for name, data in files().items():
        (folder / name).write_bytes(data)


@cache
def files():
    """{name: bytes} of what `fill` writes."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        save(tiny_vgg(), folder / "tiny.h5")
        save(tiny_branches(), folder / "branches.h5")
        save(tiny_vgg(channels=1), folder / "grey.h5")
        write_image(folder / "photo.png", scene())
        write_image(folder / "photo.jpg", scene())
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def contents(folder):
    """Every file and folder below ``folder``, with what it holds."""
    return {p: p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def runner(capsys):
    """A function of the words of a command line: (exit code, what it printed, what it said on stderr)."""

    def run(*words):
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run
