"""What the layers of an ONNX net are for, and what its pictures have to look like: the file says neither."""

from dataclasses import replace

import numpy as np

from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import LogSoftmax, ReLU, Sigmoid, Softmax


def name_roles(net, last):
    """Roles by what the layers are: the softmax at the end, the last FC layer, and the ReLUs before each pool.

    ``last``: the layer that makes the answer.
    """
    shapes, nodes = net.shapes(), list(net.nodes)
    if isinstance(net.layers[last], Softmax):
        net.roles.update(prob=last, logits=net.nodes[last].inputs[0])
    elif isinstance(net.layers[last], LogSoftmax | Sigmoid) and len(shapes[last]) == 2:
        net.roles["logits"] = net.nodes[last].inputs[0]             # scores, before anything squashes them
    elif len(shapes[last]) == 2:
        net.roles["logits"] = last
    flat = [n for n in nodes if len(shapes[n]) == 2 and isinstance(net.layers[n], ReLU)]
    if net.roles["logits"]:
        net.roles["code"] = flat[-1] if flat else net.nodes[net.roles["logits"]].inputs[0]
    maps = [n for n in nodes if isinstance(net.layers[n], ReLU) and len(shapes[n]) == 4]
    first = {shapes[n][1:3]: n for n in reversed(maps)}                 # of each size the first
    style = [n for n in maps if n in first.values()][:5]
    if style:
        net.roles.update(style=style, content=style[min(3, len(style) - 1)], dream=style[min(3, len(style) - 1)])


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
