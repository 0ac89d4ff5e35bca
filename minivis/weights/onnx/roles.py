"""What the pictures of an ONNX net have to look like: its file does not say."""

from dataclasses import replace

import numpy as np

from minivis.images.preprocessing import TORCH, Preprocessing


def choose_preprocessing(net, model, graph, preprocess):
    """As asked for; else torchvision's for three channels out of PyTorch, and pixels in 0..1 for everything else.

    What the graph itself does to a picture first comes on top, so it is one step from pixels to the first layer.
    """
    size, channels = net.preprocessing.size, net.preprocessing.channels
    inside = (graph.scale != 1).any() or (graph.shift != 0).any()
    unit = Preprocessing("grey" if channels == 1 else "RGB", (0.0,) * channels, (255.0,) * channels)
    if preprocess is not None:
        base, said = preprocess, "as asked for"
    elif inside and graph.reads_pixels():
        base, said = replace(unit, scale=(1.0,) * channels), "in the graph, of pixels in 0..255"
    elif inside:
        base, said = unit, "in the graph, of pixels in 0..1: assumed, the file does not say"
    elif "pytorch" in model.producer_name.lower() and channels == 3:
        base, said = TORCH, "torchvision's: assumed, the file does not say"
    else:
        base, said = unit, "pixels in 0..1: assumed, the file does not say"
    if inside:                                          # w * (pixels - mean) / scale + b, as one mean and one scale
        mean, scale = np.array(base.mean), np.array(base.scale)
        base = replace(base, mean=tuple(mean - graph.shift * scale / graph.scale), scale=tuple(scale / graph.scale))
    net.preprocessing = replace(base, size=size)
    net.about["preprocessing"] = f"{said}; --preprocess tells otherwise" if "assumed" in said else said
