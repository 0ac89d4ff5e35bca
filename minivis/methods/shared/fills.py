"""Contents for the covered parts of a picture."""

from typing import Any

import numpy as np
from PIL import ImageFilter

from minivis.errors import BadValue, UnknownName
from minivis.images.channels import by_channels
from minivis.images.preprocessing import to_uint8

FILLS = ("grey", "mean", "blur", "noise")


def filled(seen: Any, fill: Any, window: Any, seed: Any) -> Any:
    """Whole pictures from which covers are cut, uint8 like ``seen`` (N, H, W, C).

    "grey": mid grey; "mean": the picture's mean colour; "blur": the picture without its details (a Gaussian of a
    quarter of the window); "noise": random pixels; or a colour, numbers in 0..255.
    """
    if not isinstance(fill, str):
        color = np.asarray(fill)
        if color.shape not in ((), (1,), (seen.shape[3],)) or not (color >= 0).all() or not (color <= 255).all():
            raise BadValue(f"the colour of a cover must be {seen.shape[3]} numbers in 0..255, not {fill!r}")
        return np.broadcast_to(to_uint8(color), seen.shape)
    if fill == "grey":
        return np.full_like(seen, 128)
    if fill == "mean":
        return np.broadcast_to(to_uint8(seen.mean(axis=(1, 2), keepdims=True)), seen.shape)
    if fill == "blur":
        return np.stack([_blurred(picture, max(window) / 4) for picture in seen])
    if fill == "noise":
        return np.random.default_rng(seed).integers(0, 256, seen.shape, dtype=np.uint8)
    raise UnknownName.of("fill", fill, FILLS)


def _blurred(picture: Any, sigma: Any) -> Any:
    return by_channels(picture, lambda channel: channel.filter(ImageFilter.GaussianBlur(sigma)))
