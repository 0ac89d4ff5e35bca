"""Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey pictures of clothes, 28 x 28, ten classes, in four idx files.

Debian has it: ``apt-get install dataset-fashion-mnist`` puts it into /usr/share/datasets/fashion-mnist.
"""

import gzip
import math
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.types import Array, PathLike

CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
DEBIAN = "/usr/share/datasets/fashion-mnist"
MOST_BYTES, MOST_AXES = 2**28, 4                        # of an idx file; Fashion-MNIST's largest has 47 MB, 3 axes
FILES = {"train": "train", "test": "t10k"}


def read_idx(path: PathLike) -> Array:
    """An idx file, gzipped or not, as uint8: two zero bytes, type 8, the number of axes, the sizes, the data."""
    path = Path(path)
    if path.exists() and not path.is_file():            # a pipe would wait for a writer
        raise BadFile(f"{path} is not a regular file; {ADVICE}")
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            start = file.read(4)
            if len(start) < 4 or start[:3] != b"\0\0\x08" or start[3] > MOST_AXES:
                raise BadFile(f"{path} is not an idx file of bytes with up to {MOST_AXES} axes")
            sizes = file.read(4 * start[3])
            shape = tuple(np.frombuffer(sizes[: len(sizes) // 4 * 4], ">u4").tolist())
            count = math.prod(shape)
            if count > MOST_BYTES:
                raise BadFile(f"{path} promises {shape} numbers; minivis reads up to {MOST_BYTES}")
            content = file.read(count + 1)              # one byte more than promised, to notice a longer file
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path} cannot be read ({error}); {ADVICE}") from None
    if len(shape) != start[3] or len(content) != count:
        raise BadFile(f"{path} is truncated or too long: its header promises {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)


ADVICE = "get the four files with 'apt-get install dataset-fashion-mnist', or give their folder with --data"


class FashionMNIST:
    """The endless stream of one split: the test split in order, the train split in a new order each epoch, augmented.

    Augmentation of training pictures: mirrored (half of them), shifted by -2 to 2 pixels each way; none with
    ``augment=False``.
    """

    classes = CLASSES

    def __init__(
        self, folder: PathLike = DEBIAN, *, split: str = "train", seed: Any = 0, augment: bool = True
    ) -> None:
        stem = FILES[split]
        self.images, self.labels = (self._read(folder, stem, part) for part in ("images-idx3", "labels-idx1"))
        fit = self.labels.size and self.images.shape == (len(self.labels), 28, 28)
        if not fit or self.labels.ndim != 1 or self.labels.max() >= len(CLASSES):
            raise BadFile(f"{folder}: pictures {self.images.shape} and labels {self.labels.shape} do not match")
        self.split, self.seed, self.augment = split, seed, augment
        self.order = lru_cache(maxsize=4)(self._order)          # threads may be in two epochs at once

    @staticmethod
    def _read(folder: PathLike, stem: str, part: str) -> Array:
        plain = Path(folder) / f"{stem}-{part}-ubyte"
        return read_idx(plain if plain.exists() else plain.with_name(plain.name + ".gz"))

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        """Pictures number first ... first + count - 1: uint8 (count, 28, 28, 1), and labels (count,)."""
        numbers = np.arange(first, first + count)
        if self.split == "test":
            chosen = numbers % len(self)
        else:
            chosen = np.array([self.order(n // len(self))[n % len(self)] for n in numbers])
        images = self.images[chosen]
        if self.split == "train" and self.augment:
            images = np.stack([self._augment(image, int(n)) for image, n in zip(images, numbers)])
        return images[..., None], self.labels[chosen].astype(int)

    def _order(self, epoch: int) -> Array:
        return np.random.default_rng((self.seed, 1, epoch)).permutation(len(self))

    def _augment(self, image: Array, number: int) -> Array:
        rng = np.random.default_rng((self.seed, 2, number))
        dy, dx = rng.integers(0, 5, 2)
        padded = np.pad(image, 2)[dy : dy + 28, dx : dx + 28]
        return padded[:, ::-1] if rng.random() < 0.5 else padded
