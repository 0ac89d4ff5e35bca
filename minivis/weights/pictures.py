"""What the pictures of a net have to look like, where its file does not say; and what its user says instead."""

from dataclasses import replace
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing

FLIPPED = {"RGB": "BGR", "BGR": "RGB", "grey": "grey"}


def choose_preprocessing(net: Network, graph: Any, preprocess: Any, usual: Any = None) -> None:
    """As asked for; else as is ``usual`` (a `Preprocessing` of three channels, and whose it is), or pixels in 0..1.

    What the graph itself does to a picture first comes on top, so it is one step from pixels to the first layer.
    """
    size, channels = net.preprocessing.size, net.preprocessing.channels
    inside = (graph.scale != 1).any() or (graph.shift != 0).any() or graph.flipped
    unit = Preprocessing(mean=(0.0,) * channels, scale=(255.0,) * channels)
    if preprocess is not None:
        base, said = preprocess.of_channels(channels), "as asked for"
    elif inside and graph.reads_pixels():
        base, said = replace(unit, scale=(1.0,) * channels), "in the graph, of pixels in 0..255"
    elif inside:
        base, said = unit, "in the graph, of pixels in 0..1: assumed, the file does not say"
    elif usual is not None and channels == 3:
        base, said = usual
    else:
        base, said = unit, "pixels in 0..1: assumed, the file does not say"
    if graph.flipped:
        base = replace(base, channel_order=FLIPPED[base.channel_order], mean=base.mean[::-1], scale=base.scale[::-1])
    if inside:                                          # w * (pixels - mean) / scale + b, as one mean and one scale
        mean, scale = np.array(base.mean), np.array(base.scale)
        base = replace(base, mean=tuple(mean - graph.shift * scale / graph.scale), scale=tuple(scale / graph.scale))
    net.preprocessing = replace(base, size=size)
    net.about["preprocessing"] = f"{said}; --preprocess tells otherwise" if "assumed" in said else said


def as_asked(net: Network, preprocess: Any = None, size: Any = None) -> Network:
    """Return ``net`` with the `Preprocessing` and the size that were asked for."""
    if preprocess is not None:
        net.preprocessing = replace(preprocess.of_channels(net.input_channels), size=net.preprocessing.size)
        net.about["preprocessing"] = "as asked for"
    if size is not None:
        net.preprocessing = replace(net.preprocessing, size=size)
    return net
