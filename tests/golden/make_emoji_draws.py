"""Write emoji_draws.npz: pictures as training draws them, of a made-up sprite, in blocks of 4 x 4 pixels.

    PYTHONPATH=tests python tests/golden/make_emoji_draws.py

Made by our own code, whose parts have tests of their own: it keeps the order and the ranges of the random numbers,
with which the embedded nets were trained.
"""

from pathlib import Path

import numpy as np
from emoji_sprites import blocks_of

from minivis.data.emoji.compose import SPLITS

found = {split: np.rint(blocks_of(split)).astype(np.uint8) for split in SPLITS}
np.savez_compressed(Path(__file__).parent / "emoji_draws.npz", **found)
