"""Handwritten digits from scikit-learn (Alpaydin & Kaynak 1998): 1,797 grey pictures, 8 x 8; nothing to download."""

from functools import lru_cache
from typing import Any

import numpy as np

from minivis.types import Array

CLASSES = tuple("0123456789")
TRAINING = 1500                                         # pictures to learn from; the other 297 are the test split


def every_digit() -> tuple[Array, Array, Array]:
    """All digits: uint8 (1797, 8, 8, 1), labels (1797,), and whether each is of the test split, which comes last."""
    train, test = Digits("train"), Digits("test")
    new = np.arange(len(train) + len(test)) >= len(train)
    return np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels]), new


class Digits:
    """The endless stream of one split: the test split in order, the train split in a new order each epoch.

    The file is sorted by who wrote the digits, so the split is made after one fixed shuffle.
    """

    classes = CLASSES

    def __init__(self, split: str = "train", seed: Any = 0) -> None:
        from sklearn.datasets import load_digits

        data = load_digits()
        order = np.random.default_rng(0).permutation(len(data.target))
        chosen = order[:TRAINING] if split == "train" else order[TRAINING:]
        self.images = (data.images * (255 / 16)).astype(np.uint8)[chosen][..., None]
        self.labels = data.target[chosen].astype(int)
        self.split, self.seed = split, seed
        self.order = lru_cache(maxsize=4)(self._order)          # threads may be in two epochs at once

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        """Pictures number first ... first + count - 1: uint8 (count, 8, 8, 1), and labels (count,)."""
        numbers = np.arange(first, first + count)
        chosen = numbers % len(self)
        if self.split == "train":
            chosen = np.array([self.order(n // len(self))[n % len(self)] for n in numbers])
        return self.images[chosen], self.labels[chosen]

    def _order(self, epoch: int) -> Array:
        return np.random.default_rng((self.seed, 1, epoch)).permutation(len(self))
