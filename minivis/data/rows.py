"""Data sets as rows of numbers (n, d) with labels, for linear classifiers: three of pictures, one of measurements."""

from typing import Any

import numpy as np

from minivis.errors import UnknownName
from minivis.types import PathLike

EMOJI_PICTURES = 3000


def digits() -> dict[str, Any]:
    """scikit-learn's handwritten digits, 8 x 8."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return {"x": data.data * (255 / 16), "labels": data.target, "names": tuple(map(str, range(10))), "bounds": (0, 255),
            "shape": (8, 8, 1)}


def wine() -> dict[str, Any]:
    """scikit-learn's wines: 13 chemical measurements of each of 178, in units of their standard deviation."""
    from sklearn.datasets import load_wine

    data = load_wine()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return {"x": x, "labels": data.target, "names": ("cultivar 1", "cultivar 2", "cultivar 3")}


def fashion(folder: PathLike | None = None) -> dict[str, Any]:
    """Fashion-MNIST's test pictures, 28 x 28."""
    from minivis.data.fashion import CLASSES, DEBIAN, FashionMNIST

    data = FashionMNIST(folder or DEBIAN, split="test")
    return {"x": data.images.reshape(len(data.images), -1), "labels": data.labels, "names": CLASSES, "bounds": (0, 255),
            "shape": (28, 28, 1)}


def emoji(seed: int = 0) -> dict[str, Any]:
    """The emoji that the embedded nets were trained on, over photographs, 64 x 64."""
    from minivis.data.emoji.compose import EmojiPictures
    from minivis.data.emoji.sprites import load

    sprites = load()
    images, labels, _ = EmojiPictures(sprites, 64, "train").batch(range(EMOJI_PICTURES), seed)
    return {"x": images.reshape(len(images), -1), "labels": labels, "names": tuple(sprites.class_names),
            "bounds": (0, 255), "shape": (64, 64, 3)}


SETS = {"digits": digits, "wine": wine, "fashion": fashion, "emoji": emoji}


def rows(name: str, **settings: Any) -> dict[str, Any]:
    """The arguments of `linear_fool` as a dict: x, labels, names, and for pictures bounds and shape."""
    if name not in SETS:
        raise UnknownName.of("data set", name, SETS)
    found = SETS[name](**settings)
    return {**found, "x": np.asarray(found["x"]), "labels": np.asarray(found["labels"])}
