"""Changing a part of a picture only: what the optimiser makes shows through a mask, and the rest stays."""

from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
from minivis.images.masks import mask_over
from minivis.images.preprocessing import to_uint8
from minivis.methods.shared.result import input_of
from minivis.optimize.parameterize import covered
from minivis.runtime.backend import to_cpu


def behind_mask(space: Any, start: Any, mask: Any, feather: float = 0.0) -> Any:
    """A parameterization whose picture changes only where the mask of ``start``, or of grey, is bright."""
    net, size = space.net, space.shape[1:3]
    if start is None:
        return covered(space, mask_over(mask, size, feather)[None, ..., None], net.deprocess(
            np.zeros((1, *size, space.shape[3]), net.dtype)))
    look = preprocessing_of(net)
    cover = to_uint8(255 * mask_over(mask, start.shape[:2], feather))[..., None]
    fitted, _ = look.fit_image(start, size=size)
    cover, _ = look.fit_image(cover, size=size)
    return covered(space, cover[None] / 255, to_cpu(net.deprocess(input_of(net, fitted))))
