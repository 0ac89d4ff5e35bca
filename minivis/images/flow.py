"""Where the parts of a picture go from one frame of a film to the next (optical flow), by OpenCV where it is installed.

    motion = motion_between(before, now)            # uint8 (H, W, C)
    moved, cover = motion.move(result)              # of the frame before, as it lies in this one

The flow of each new pixel says where it was. Where the flow there and the flow back do not lead to one place, the pixel
was hidden before or is hidden now, and its cover is 0 (Sundaram, Brox & Keutzer 2010, eq. 5).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import map_coordinates

from minivis.errors import MissingExtra
from minivis.types import Array

TOLERANCE, SHARE = 0.5, 0.01                    # squared pixels, and the share of the squared lengths, that may differ
LUMA = (0.299, 0.587, 0.114)
SMALLEST = 16                                   # pixels of a side, below which there is no flow to be found


@dataclass(frozen=True, eq=False)
class Motion:
    """``flow`` (H, W, 2): from each pixel, rows and columns to where it was. ``cover`` (H, W, 1): 1 where that is
    sure, else 0. Both are None for a picture that is taken to stand still."""

    flow: Any = None
    cover: Any = None

    def move(self, picture: Array) -> tuple[Array, Any]:
        """(a picture (H, W, C) of the frame before, as it lies in this one; the cover)."""
        if self.flow is None:
            return picture, 1.0
        where = np.indices(picture.shape[:2]) + np.moveaxis(self.flow, 2, 0)
        channels = [map_coordinates(picture[..., c], where, order=1, mode="nearest") for c in range(picture.shape[2])]
        return np.stack(channels, axis=2), self.cover


def motion_between(before: Any, now: Any, *, flow: bool = True) -> Motion:
    """The `Motion` from one frame to the next; with ``flow=False`` none."""
    if not flow or before.shape[:2] != now.shape[:2] or min(now.shape[:2]) < SMALLEST:
        return Motion()
    old, new = grey(before), grey(now)
    back, there = flow_of(new, old), flow_of(old, new)
    return_trip, _ = Motion(back, 1.0).move(there)
    length = (back**2).sum(axis=2) + (return_trip**2).sum(axis=2)
    apart = ((back + return_trip) ** 2).sum(axis=2)
    where = np.indices(new.shape) + np.moveaxis(back, 2, 0)
    inside = ((where >= 0) & (where <= np.array(new.shape)[:, None, None] - 1)).all(axis=0)
    sure = (apart <= SHARE * length + TOLERANCE) & inside
    return Motion(back, sure[..., None].astype(np.float32))


def flow_of(first: Any, second: Any) -> Any:
    """(H, W, 2): rows and columns from where a pixel is in the first grey picture to where it is in the second."""
    cv2 = load_opencv()
    found = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)
    return found[..., ::-1].astype(np.float32)  # OpenCV has columns first


def grey(picture: Any) -> Any:
    levels = picture[..., 0] if picture.shape[2] != 3 else picture @ np.array(LUMA, np.float32)
    return np.ascontiguousarray(np.rint(levels).astype(np.uint8))


def load_opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingExtra("optical flow needs OpenCV: run pip install 'minivis[segment]', or leave the flow out "
                           "(--no-flow)") from None
    return cv2


def has_flow() -> bool:
    """Whether OpenCV is installed."""
    try:
        load_opencv()
    except MissingExtra:
        return False
    return True
