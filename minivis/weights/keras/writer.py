"""The convolutions of a VGG as a file in Keras' layout, without a classifier ("notop").

    /                               attributes: layer_names, keras_version, backend
    /block1_conv1                   attribute: weight_names
    /block1_conv1/block1_conv1/kernel:0, bias:0             (3, 3, in, out) and (out,)

Keras and minivis take such a file for Oxford's: pixels come in as BGR, minus Oxford's mean.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import CAFFE_VGG
from minivis.layers import Conv2D, Dropout, MaxPool2D, ReLU
from minivis.models.vgg import BLOCKS
from minivis.runtime.backend import to_cpu
from minivis.types import Array, PathLike
from minivis.weights import oxford
from minivis.weights.containers.hdf5_write import new_hdf5
from minivis.weights.keras.file_layouts import keras_names

KINDS = {Conv2D: "c", ReLU: "r", MaxPool2D: "p"}


def save(net: Network, path: PathLike, *, dtype: Any = None, force: bool = False) -> None:
    """Write the convolutions that ``net`` begins with to ``path``; an existing file is kept unless ``force``.

    Return which of `BLOCKS` they are. Raise BadValue for a net that does not begin with a VGG, or reads other pixels.
    """
    name, convs = convolutions(net)
    arrays = in_oxfords_order(net, convs)
    names = keras_names(name)
    with new_hdf5(path, force, track_order=True) as (file, sink):
        file.attrs.update(layer_names=as_bytes(listed_layers(name)), keras_version=b"2.0.0", backend=b"tensorflow")
        for layer in listed_layers(name):
            group = file.create_group(layer)
            if layer not in names:
                group.attrs["weight_names"] = np.zeros(0)               # as Keras writes an empty list
                continue
            keys = [f"{layer}/kernel:0", f"{layer}/bias:0"]
            group.attrs["weight_names"] = as_bytes(keys)
            for key, array in zip(keys, arrays[names.index(layer)]):
                group.create_dataset(key, data=np.asarray(to_cpu(array), dtype=dtype))
                sink.check()
    return name


def convolutions(net: Network) -> tuple[Any, list[Any]]:
    """(which of `BLOCKS`, its convolutions): what the net begins with, whatever its layers are called."""
    found, before = [], "input"
    for name, (layer, inputs) in net.nodes.items():
        if inputs != (before,) or not is_vggs(layer):
            break
        before = name
        found += [] if isinstance(layer, Dropout) else [layer]
    kinds = "".join(KINDS[type(layer)] for layer in found)
    for name, counts in BLOCKS.items():
        if kinds == "".join("cr" * count + "p" for count in counts):
            return name, [layer for layer in found if isinstance(layer, Conv2D)]
    raise BadValue(
        "the net does not begin with the convolutions of a VGG (3 x 3, a ReLU after each, a pool after each of five "
        f"blocks: a VGG16 has {' + '.join(map(str, BLOCKS['VGG16']))}), which are all that Keras' notop file holds; "
        "keep it in a file of minivis"
    )


def is_vggs(layer: Any) -> Any:
    """A convolution of 3 x 3 that keeps the size, a plain ReLU, a pool of 2 x 2, or a Dropout."""
    match layer:
        case Conv2D():
            kernel, settings = layer.params["w"].shape[:2], (layer.stride, layer.dilation, layer.groups)
            return kernel == (3, 3) and settings == ((1, 1), (1, 1), 1) and keeps_size(layer)
        case MaxPool2D():
            return layer.output_shape((1, 64, 32, 1)) == (1, 32, 16, 1) and layer.size == (2, 2)
        case ReLU():
            return layer.max_value is None
    return isinstance(layer, Dropout)


def keeps_size(layer: Any) -> bool:
    """Whether what comes out is as large as what comes in."""
    channels = layer.params["w"].shape[2]
    return layer.output_shape((1, 64, 32, channels))[1:3] == (64, 32)


def in_oxfords_order(net: Network, convs: Any) -> Any:
    """[(w, b)] for pixels that come in as Keras' VGG reads them. Raise BadValue for a net that reads others."""
    arrays = [(conv.params["w"], conv.params.get("b", np.zeros(conv.params["w"].shape[3], np.float32)))
              for conv in convs]
    first = oxford.recognise(*map(to_cpu, arrays[0]))
    if first.net:
        return [(oxford.oriented(w, rotated=first.rotated, rgb=first.rgb and i == 0), b)
                for i, (w, b) in enumerate(arrays)]
    pixels = net.preprocessing
    if (pixels.channel_order, pixels.mean, pixels.scale) != (CAFFE_VGG.channel_order, CAFFE_VGG.mean, CAFFE_VGG.scale):
        raise BadValue(
            f"Keras' layout is for nets that read BGR minus {CAFFE_VGG.mean}; this one reads {pixels.channel_order}, "
            f"mean {pixels.mean}, scale {pixels.scale}: keep it in a file of minivis"
        )
    return arrays


def listed_layers(name: str) -> Any:
    """Keras' names of all layers: the input, the convolutions, and a pool after each block."""
    names = ["input_1"]
    for block, count in enumerate(BLOCKS[name], 1):
        names += [*(f"block{block}_conv{i}" for i in range(1, count + 1)), f"block{block}_pool"]
    return names


def as_bytes(names: Iterable[str]) -> Array:
    return np.array([name.encode() for name in names])
