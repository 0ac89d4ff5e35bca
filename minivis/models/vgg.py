"""VGG (Simonyan & Zisserman 2014, table 1): 3x3 convolutions in five blocks, a pool after each, then three FC layers.

    block              1     2     3     4     5
    channels          64   128   256   512   512       at full width; any widths build the same net, narrower
"""

from typing import Any

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import CAFFE_VGG, Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, MaxPool2D, ReLU, Softmax

BLOCKS = {                                      # convolutions in each block; the letter is the paper's
    "VGG11": (1, 1, 2, 2, 2),                   # A
    "VGG13": (2, 2, 2, 2, 2),                   # B
    "VGG16": (2, 2, 3, 3, 3),                   # D
    "VGG19": (2, 2, 4, 4, 4),                   # E
}
POOLS = 2 ** len(BLOCKS["VGG16"])               # five pools of 2: one position of pool5 for each 32 pixels
FC_NAMES = ("fc6", "fc7", "fc8")


def conv_names(name: str) -> list[Any]:
    """The convolutions of "VGG16", in order: ["conv1_1", "conv1_2", "conv2_1", ...]."""
    return [f"conv{block}_{i}" for block, count in enumerate(BLOCKS[name], 1) for i in range(1, count + 1)]


def vgg(name: str, convs: Any, dense: Any = (), *, preprocessing: Preprocessing = CAFFE_VGG, **known: Any) -> Network:
    """The net called ``name`` in `BLOCKS`, from (w, b) of each convolution and of the three FC layers, in order.

    Without ``dense`` it ends at pool5 and has no logits, prob or code. ``known``: class_names, class_aliases, about.
    """
    names = conv_names(name)
    if len(convs) != len(names) or len(dense) not in (0, len(FC_NAMES)):
        wanted = f"{len(names)} convolutions and {len(FC_NAMES)} FC layers, or none"
        raise BadValue(f"{name} has {wanted}; got {len(convs)} and {len(dense)}")
    arrays = dict(zip(names, convs))
    net = Network(preprocessing=preprocessing, **known)
    net.roles.update(content="relu4_2", style=[f"relu{block}_1" for block in range(1, 6)], dream="relu5_1")
    for block, count in enumerate(BLOCKS[name], 1):
        for i in range(1, count + 1):
            net.add(f"conv{block}_{i}", Conv2D(*arrays[f"conv{block}_{i}"], padding=1))
            net.add(f"relu{block}_{i}", ReLU())
        net.add(f"pool{block}", MaxPool2D(2))
    if dense:
        net.roles.update(logits="fc8", prob="prob", code="fc7")
        fc6, fc7, fc8 = (FullyConnected(w, b) for w, b in dense)
        net.add("flatten", Flatten())
        net.add("fc6", fc6).add("relu6", ReLU())
        net.add("fc7", fc7).add("relu7", ReLU())
        net.add("fc8", fc8).add("prob", Softmax())
    return net


def input_size(positions: Any) -> Any:
    """(H, W) of the input, from the positions of pool5 that fc6 reads: 25088 rows / 512 channels = 7 x 7, so 224 x 224.

    None if they do not make a square: then only a user knows.
    """
    side = round(positions**0.5)
    return (POOLS * side, POOLS * side) if side * side == positions else None
