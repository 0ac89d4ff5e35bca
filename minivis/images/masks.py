"""Masks: where a picture may change. White (1) is here, black (0) stays as it is, and grey is between.

    a picture           bright where it may change, as `minivis segment --show mask` writes it: a path, uint8, or 0..1
    a rectangle         (left, top, right, bottom) in pixels of the picture, or "10,20,200,180"; right and bottom beyond
    a segmentation      what mv.segment returns, for its first picture

``feather`` blurs the edge: the standard deviation of a Gaussian, in pixels.
"""

import os
import re
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from minivis.errors import BadValue
from minivis.images.given import as_picture
from minivis.runtime.backend import to_cpu
from minivis.runtime.settings import Kind

ASPECTS = 1.05                                  # a mask may be so much wider or higher than its picture, not more


def mask_over(mask: Any, size: Any, feather: float = 0.0, full_size: Any = None) -> Any:
    """The mask of a picture of ``size`` (H, W): float32 (H, W), 0..1.

    full_size: (H, W) of the picture in whose pixels a rectangle is given, where that was shrunk to ``size``.
    """
    rectangle = rectangle_of(mask)
    if rectangle is not None:
        found = of_rectangle(rectangle, size, full_size or size)
    else:
        found = fitted(grey(mask), size)
    if feather:
        found = gaussian_filter(found, feather, mode="nearest")
    if not found.max() > 0:
        raise BadValue("the mask is black everywhere; it must be bright where the picture may change")
    return found.clip(0, 1).astype(np.float32)


def rectangle_of(mask: Any) -> tuple[Any, ...] | None:
    """(left, top, right, bottom) of four numbers or their text; None for any other mask."""
    if isinstance(mask, str) and is_numbers(mask):
        sides: Any = [part.strip() for part in mask.split(",")]
        whole = all(re.fullmatch(r"[+-]?\d+", side) for side in sides)
    elif isinstance(mask, (list, tuple)) and np.ndim(mask[0] if mask else 0) == 0:
        sides, whole = mask, all(isinstance(side, (int, np.integer)) for side in mask)
    else:
        return None
    if not whole or len(sides) != 4:
        raise BadValue(f"the rectangle {','.join(map(str, sides))} must be left,top,right,bottom: four whole numbers "
                       "of pixels")
    return tuple(int(side) for side in sides)


def is_numbers(text: str) -> bool:
    """Whether a text is numbers with commas between them, and no file."""
    return bool(re.fullmatch(r"[\s\d.,+-]*\d[\s\d.,+-]*", text)) and "," in text and not os.path.exists(text)


def of_rectangle(rectangle: Any, size: Any, full_size: Any) -> Any:
    """1 within a rectangle in pixels of a picture of ``full_size``; pixels that it covers in part are grey."""
    left, top, right, bottom = rectangle
    H, W = full_size
    if not (0 <= left < right <= W and 0 <= top < bottom <= H):
        raise BadValue(f"the rectangle {left},{top},{right},{bottom} must be left,top,right,bottom within the picture, "
                       f"which is {W} pixels wide and {H} high")
    rows, columns = (covered(low * n / full, high * n / full, n) for low, high, n, full in (
        (top, bottom, size[0], H), (left, right, size[1], W)))
    return rows[:, None] * columns


def covered(low: float, high: float, count: int) -> Any:
    """How much of each of ``count`` pixels lies between two places."""
    at = np.arange(count)
    return (np.minimum(high, at + 1) - np.maximum(low, at)).clip(0, 1)


def grey(mask: Any) -> Any:
    """Any other mask as (H, W), 0..1."""
    if hasattr(mask, "masks"):
        mask = mask.masks[0]
    mask = np.asarray(to_cpu(as_picture(mask)))
    if mask.ndim == 3 and mask.shape[2] in (1, 2, 3, 4):
        mask = mask[..., :3].mean(axis=2) if mask.shape[2] > 2 else mask[..., 0]
    if mask.ndim != 2 or mask.dtype.kind not in "buif" or not mask.size or not np.isfinite(mask).all():
        raise BadValue(f"a mask is a picture that is bright where another may change, (H, W) or (H, W, C), not "
                       f"{mask.dtype} {mask.shape}")
    scale = 255 if mask.max() > 1 else 1
    if mask.min() < 0 or mask.max() > 255:
        raise BadValue(f"a mask goes from 0 to 1, or to 255; this one goes from {mask.min():g} to {mask.max():g}")
    return mask / scale if mask.dtype != bool else mask.astype(float)


def fitted(mask: Any, size: Any) -> Any:
    """A mask (H, W) at the size of its picture."""
    if mask.shape == tuple(size):
        return mask
    if not 1 / ASPECTS < mask.shape[0] * size[1] / (mask.shape[1] * size[0]) < ASPECTS:
        raise BadValue(f"the mask is {mask.shape[1]} x {mask.shape[0]} pixels and the picture {size[1]} x {size[0]}: "
                       "they must have the same proportions")
    im = Image.fromarray(mask.astype(np.float32))
    return np.asarray(im.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def read_mask(value: Any) -> Any:
    if rectangle_of(value) is None and not isinstance(value, (str, os.PathLike)) and not hasattr(value, "masks"):
        grey(value)
    return value


MASK = Kind("a mask: a picture, a path, or a rectangle left, top, right, bottom", read_mask)
