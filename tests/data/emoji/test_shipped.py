"""The pictures of emoji that the repository holds."""

from pathlib import Path

import numpy as np
from PIL import Image

import minivis as mv
from minivis.data.emoji.classes import NAMES

ROOT = Path(__file__).parents[3]


def test_the_test_pictures_are_sane():
    path = ROOT / "tests" / "data" / "emoji.npz"
    assert path.stat().st_size < 4e6
    with np.load(path) as file:
        images, masks, labels, names = (file[key] for key in ("images", "masks", "labels", "names"))
    assert images.shape == (200, 64, 64, 3) and images.dtype == np.uint8
    assert masks.shape == (200, 64, 64) and masks.dtype == np.uint8
    assert tuple(names) == NAMES
    assert set(labels) == set(range(len(NAMES)))
    covered = (masks > 127).mean(axis=(1, 2))
    assert covered.min() > 0.03 and covered.max() < 0.9
    assert masks.max(axis=(1, 2)).min() == 255
    assert images.std(axis=(1, 2, 3)).min() > 5


def test_the_goose_is_a_picture():
    with Image.open(Path(mv.__file__).parent / "data" / "goose.png") as goose:
        assert goose.size == (512, 512) and goose.mode == "RGB"
        pixels = np.asarray(goose.convert("RGB"), float)
    red, blue = pixels[250:470, 180:380, ::2].reshape(-1, 2).T
    assert np.mean((red > 170) & (abs(red - blue) < 30)) > 0.4  # white feathers fill the middle
    assert np.mean((red > 200) & (blue < 110)) > 0.02  # orange feet
