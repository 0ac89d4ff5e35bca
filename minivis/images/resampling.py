"""Resize pictures of floats by linear interpolation, without rounding.

    linear(x, (h, w))       the corners keep their places, as in scipy.ndimage.zoom(order=1), which DeepDream uses
    area(x, (h, w))         for smaller sizes: each new pixel is the mean of what it covers
"""

from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadValue
from minivis.images.channels import by_channels
from minivis.images.preprocessing import to_uint8
from minivis.runtime.backend import get_xp
from minivis.types import Array


def linear(x: Array, size: Any) -> Any:
    """x (N, H, W, C) -> (N, h, w, C): pixel i is read at i * (H - 1) / (h - 1)."""
    _check(size)
    for axis, count in zip((1, 2), size):
        if x.shape[axis] != count:
            x = _along(x, axis, np.linspace(0, x.shape[axis] - 1, count))
    return x


def zoomed(x: Array, factor: Any) -> Any:
    """Enlarge the middle of x (N, H, W, C) ``factor`` times; the size stays."""
    for axis in (1, 2):
        places = np.arange(x.shape[axis])
        centre = (x.shape[axis] - 1) / 2
        x = _along(x, axis, centre + (places - centre) / factor)
    return x


def _along(x: Array, axis: Any, places: Any) -> Any:
    """Interpolate x linearly along one axis at ``places``, floats in pixels."""
    xp = get_xp(x)
    low = np.minimum(places.astype(int), max(0, x.shape[axis] - 2))
    part = xp.asarray(places - low, dtype=x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    first = xp.take(x, xp.asarray(low), axis=axis)
    last = xp.take(x, xp.asarray(np.minimum(low + 1, x.shape[axis] - 1)), axis=axis)
    last -= first
    last *= part
    last += first
    return last


def area(x: Array, size: Any) -> Any:
    """x (N, H, W, C) -> (N, h, w, C): each new pixel is the mean of what it covers."""
    _check(size)
    xp = get_xp(x)
    for axis, count in zip((1, 2), size):
        H = x.shape[axis]
        if count != H:
            edges = np.linspace(0, H, count + 1)
            covered = np.minimum(edges[1:, None], np.arange(1, H + 1)) - np.maximum(edges[:-1, None], np.arange(H))
            shares = xp.asarray(np.maximum(covered, 0) * count / H, dtype=x.dtype)          # (count, H), rows sum to 1
            x = xp.moveaxis(xp.tensordot(shares, x, axes=(1, axis)), 0, axis)
    return xp.ascontiguousarray(x)


def same_size(frames: Any) -> list[Any]:
    """Resize frames, uint8 (N, H, W, C) or (H, W, C), to the size of the last one."""
    size = frames[-1].shape[-3:-1]

    def fitted(frame: Any) -> Any:
        levels = linear(frame.reshape(-1, *frame.shape[-3:]).astype(np.float32), size)
        return to_uint8(levels).reshape(*frame.shape[:-3], *size, frame.shape[-1])

    return [frame if frame.shape[-3:-1] == size else fitted(frame) for frame in frames]


def _check(size: Any) -> None:
    if min(size) < 1:
        raise BadValue(f"a picture must have at least 1 x 1 pixels, not {size[1]} x {size[0]}")


def resized(image: Any, side: Any) -> Any:
    """Shrink or enlarge a picture, uint8 (H, W, C), so that its longer side has ``side`` pixels."""
    image = np.asarray(image)
    if image.ndim != 3 or image.dtype != np.uint8:
        raise BadValue(f"a picture must be uint8 (H, W, C), not {image.dtype} {image.shape}")
    H, W = image.shape[:2]
    h, w = (max(1, round(n * side / max(H, W))) for n in (H, W))
    if (h, w) == (H, W):
        return image
    return by_channels(image, lambda picture: picture.resize((w, h), Image.Resampling.LANCZOS))
