"""Write hog.npz: pictures, and what scikit-image's hog says of them. Needs scikit-image; the tests do not."""

from pathlib import Path

import numpy as np
from skimage.feature import hog

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:37, :46]
waves = 127 + 60 * np.sin(0.3 * columns + 0.1 * rows) + 60 * np.sin(0.4 * rows)
pictures = {"grey": (waves + rng.normal(0, 8, waves.shape)).clip(0, 255).astype(np.uint8)[..., None],
            "colour": rng.integers(0, 256, (24, 32, 3), np.uint8)}
settings = {"orientations": 9, "pixels_per_cell": (8, 8), "cells_per_block": (2, 2), "block_norm": "L2-Hys"}
found = {}
for name, picture in pictures.items():
    code = hog(picture.astype(float), **settings, feature_vector=False, channel_axis=2)
    found |= {name: picture, f"{name}_hog": code.reshape(1, *code.shape[:2], -1)}
np.savez_compressed(Path(__file__).with_name("hog.npz"), **found)
