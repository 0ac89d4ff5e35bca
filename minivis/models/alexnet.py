"""AlexNet (Krizhevsky et al. 2012), as Caffe has it and as torchvision has it.

    layer      1                2               3      4      5      6      7      8
    filters    96 (11x11 /4)    256 (5x5)       384    384    256    4096   4096   1000
    groups     1                2               1      2      2

Two GPUs trained the paper's net, and a filter of layers 2, 4 and 5 sees only the channels of its own: the groups. In
"AlexNet" a layer is normalised before it is pooled, as in the paper; in "CaffeNet" after, which is less work.
torchvision's is the one-GPU net of Krizhevsky 2014, without groups or normalisation.
"""

from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import LRN, Dropout, Flatten, MaxPool2D, ReLU, Softmax
from minivis.models.blank import conv, fc

CAFFE = Preprocessing("BGR", mean=(104.01, 116.67, 122.68), size=(227, 227), crop_fraction=227 / 256)


def alexnet(classes: int = 1000, *, pool_first: bool = False) -> Network:
    """Caffe's AlexNet; with ``pool_first``, Caffe's reference net."""
    net = Network(preprocessing=CAFFE)
    net.add("conv1", conv(11, 3, 96, stride=4)).add("relu1", ReLU())
    pool_and_norm(net, "1", pool_first)
    net.add("conv2", conv(5, 96, 256, padding=2, groups=2)).add("relu2", ReLU())
    pool_and_norm(net, "2", pool_first)
    net.add("conv3", conv(3, 256, 384, padding=1)).add("relu3", ReLU())
    net.add("conv4", conv(3, 384, 384, padding=1, groups=2)).add("relu4", ReLU())
    net.add("conv5", conv(3, 384, 256, padding=1, groups=2)).add("relu5", ReLU())
    net.add("pool5", MaxPool2D(3, stride=2, ceil=True)).add("flatten", Flatten())
    return classifier(net, 256 * 6 * 6, classes)


def pool_and_norm(net: Network, number: Any, pool_first: Any) -> None:
    steps = [(f"norm{number}", LRN(5, 1e-4, 0.75, 1.0)), (f"pool{number}", MaxPool2D(3, stride=2, ceil=True))]
    for name, layer in reversed(steps) if pool_first else steps:
        net.add(name, layer)


def caffenet(classes: int = 1000) -> Network:
    return alexnet(classes, pool_first=True)


def torch_alexnet(classes: int = 1000) -> Network:
    """torchvision's."""
    net = Network(preprocessing=Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    net.add("conv1", conv(11, 3, 64, stride=4, padding=2)).add("relu1", ReLU()).add("pool1", MaxPool2D(3, stride=2))
    net.add("conv2", conv(5, 64, 192, padding=2)).add("relu2", ReLU()).add("pool2", MaxPool2D(3, stride=2))
    net.add("conv3", conv(3, 192, 384, padding=1)).add("relu3", ReLU())
    net.add("conv4", conv(3, 384, 256, padding=1)).add("relu4", ReLU())
    net.add("conv5", conv(3, 256, 256, padding=1)).add("relu5", ReLU()).add("pool5", MaxPool2D(3, stride=2))
    net.add("flatten", Flatten())
    return classifier(net, 256 * 6 * 6, classes)


TORCH_NAMES = {"conv1": "features.0", "conv2": "features.3", "conv3": "features.6", "conv4": "features.8",
               "conv5": "features.10", "fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"}  # fmt: skip


def classifier(net: Network, rows: int, classes: int) -> Any:
    """fc6 to prob, and the roles."""
    net.add("fc6", fc(rows, 4096)).add("relu6", ReLU()).add("drop6", Dropout(0.5))
    net.add("fc7", fc(4096, 4096)).add("relu7", ReLU()).add("drop7", Dropout(0.5))
    net.add("fc8", fc(4096, classes)).add("prob", Softmax())
    net.roles.update(logits="fc8", prob="prob", code="fc7", content="relu4", dream="relu4",
                     style=["relu1", "relu2", "relu3", "relu4", "relu5"])  # fmt: skip
    return net
