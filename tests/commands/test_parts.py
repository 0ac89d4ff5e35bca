"""What is written beside a picture."""

from pathlib import Path

import numpy as np

from minivis.commands.parts import part_beside, write_part
from minivis.images.files import read_image


def test_a_part_goes_beside_the_picture_as_png():
    assert part_beside("folder/a.b.jpg", "mask") == str(Path("folder/a.b-mask.png"))


def test_a_picture_and_an_array(tmp_path, rng):
    picture = rng.integers(0, 256, (4, 6, 3), np.uint8)
    np.testing.assert_array_equal(read_image(write_part(str(tmp_path / "a.png"), picture, False)), picture)
    many = rng.integers(0, 256, (4, 6, 5), np.uint8)
    file = write_part(str(tmp_path / "b.png"), many, False)
    assert file.endswith("b.npy")
    np.testing.assert_array_equal(np.load(file), many)
