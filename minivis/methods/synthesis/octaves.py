"""The sizes of a dream, and the picture that it starts from."""

from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.given import as_picture
from minivis.methods.shared.result import input_of


def octave_sizes(net: Network, shape: Any, octaves: Any, scale: Any) -> Any:
    """[(height, width)] from small to large, without sizes that the net cannot read."""
    net.shapes(shape)                                               # raises BadValue if not even this one fits
    sizes = [tuple(shape[1:3])]
    while len(sizes) < octaves:
        smaller = tuple(max(1, round(side / scale)) for side in sizes[-1])
        try:
            net.shapes((1, *smaller, shape[3]))
        except BadValue:
            break
        sizes.append(smaller)
    return sizes[::-1]


def levels(net: Network, image: Any) -> Any:
    """A picture uint8 (H, W, C) as the net sees it, levels (1, H, W, the net's channels), on its device."""
    image = as_picture(image, net.input_channels)
    if np.ndim(image) != 3:
        raise BadValue(f"a dream starts from one picture, uint8 (H, W, C), not {np.shape(image)}")
    return net.deprocess(input_of(net, image))


def begun(net: Any, begin: Any, base: Any, cover: Any = None) -> Any:
    """The levels that a dream on ``base`` (1, H, W, C) begins with: ``begin`` (H, W, C), where the mask is bright."""
    begin = np.asarray(begin)
    if begin.shape != base.shape[1:]:
        raise BadValue(f"begin must be levels of the picture's size, {base.shape[1:]} for this net, not {begin.shape}")
    begin = net.xp.asarray(begin[None], dtype=base.dtype)
    return begin if cover is None else base + cover * (begin - base)
