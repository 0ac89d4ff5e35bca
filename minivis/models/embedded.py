"""The nets that minivis trains itself: emoji-vgg, emoji-alexnet, and the one for Fashion-MNIST, ready to be trained.

Batch norm helps the training and is folded away after it (engine/surgery.py), so the nets that are kept hold what VGG
and AlexNet hold and nothing else.
"""

from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import LRN, BatchNorm, Conv2D, Dropout, Flatten, FullyConnected, MaxPool2D, ReLU, Softmax

VGG_BLOCKS = ((24,), (48, 48), (96, 96), (160, 160))            # filters of conv1_1; conv2_1, conv2_2; ...
FASHION_BLOCKS = ((32, 32), (64, 64))
EMOJI_PIXELS = Preprocessing("RGB", (128.0,) * 3, (64.0,) * 3, size=(64, 64), crop_fraction=1.0)


def emoji_vgg(classes: int, seed: int = 0) -> Any:
    """VGG's pattern (Simonyan & Zisserman 2015) at 64 x 64: conv1_1 ... pool4, fc6, fc7, fc8, prob."""
    return small_vgg(VGG_BLOCKS, classes, (64, 64), EMOJI_PIXELS, hidden=(512, 256), seed=seed)


def small_vgg(blocks: Any, classes: int, size: Any, preprocessing: Any, *, hidden: Any, dropout: float = 0.3,
              seed: int = 0) -> Any:
    """Blocks of 3 x 3 convolutions, each block closed by a pool; then two hidden FC layers."""
    draw = He(seed)
    net = Network(preprocessing=preprocessing)
    channels = preprocessing.channels
    for i, block in enumerate(blocks, start=1):
        for j, filters in enumerate(block, start=1):
            net.add(f"conv{i}_{j}", Conv2D(draw((3, 3, channels, filters)), padding=1))
            net.add(f"bn{i}_{j}", fresh_batch_norm(filters)).add(f"relu{i}_{j}", ReLU())
            channels = filters
        net.add(f"pool{i}", MaxPool2D(2))
    style = [f"relu{i}_1" for i in range(1, len(blocks) + 1)]
    last = f"relu{len(blocks)}_1"
    return with_head(net, draw, size, classes, hidden, dropout, style=style, content=last, dream=last)


def emoji_alexnet(classes: int, seed: int = 0) -> Any:
    """AlexNet's pattern (Krizhevsky et al. 2012) at 64 x 64: a 7 x 7 first layer, LRN, groups, overlapping pools.

    As in CaffeNet LRN comes after the pool, where there is a quarter to normalise. conv1 starts near zero, as AlexNet's
    did: what its filters show at the end was learned, with no noise from the start beneath it.
    """
    draw = He(seed)
    net = Network(preprocessing=EMOJI_PIXELS)
    w = draw((7, 7, 3, 48))
    net.add("conv1", Conv2D(w * np.float32(0.01 / w.std()), np.zeros(48, "f4"), stride=2, padding=3))
    net.add("relu1", ReLU()).add("pool1", MaxPool2D(3, stride=2, ceil=True)).add("norm1", LRN(5, 0.1, 0.75, 1.0))
    for name, c, f, groups in (("2", 48, 96, 2), ("3", 96, 192, 1), ("4", 192, 192, 2), ("5", 192, 160, 2)):
        net.add(f"conv{name}", Conv2D(draw((3, 3, c // groups, f)), padding=1, groups=groups))
        net.add(f"bn{name}", fresh_batch_norm(f)).add(f"relu{name}", ReLU())
        if name == "2":
            net.add("pool2", MaxPool2D(3, stride=2, ceil=True)).add("norm2", LRN(5, 0.1, 0.75, 1.0))
    net.add("pool5", MaxPool2D(3, stride=2, ceil=True))
    style = ["relu1", "relu2", "relu3", "relu4"]
    return with_head(net, draw, (64, 64), classes, (512, 256), 0.3, style=style, content="relu4", dream="relu4")


def emoji_linear(classes: int, seed: int = 0) -> Any:
    """No hidden layer: each class has one weight for each of the 64 x 64 x 3 numbers, a template."""
    net = Network(preprocessing=EMOJI_PIXELS)
    w = np.zeros((64 * 64 * 3, classes), np.float32)
    net.add("flatten", Flatten()).add("fc1", FullyConnected(w, np.zeros(classes, np.float32))).add("prob", Softmax())
    net.roles.update(logits="fc1", prob="prob")
    return net


def fashion_vgg(classes: int = 10, seed: int = 0) -> Any:
    """Two blocks for 28 x 28 grey pictures."""
    # mean and standard deviation of the training pictures
    preprocessing = Preprocessing("grey", (72.94,), (90.02,), size=(28, 28), crop_fraction=1.0)
    return small_vgg(FASHION_BLOCKS, classes, (28, 28), preprocessing, hidden=(256, 128), seed=seed)


def digits_net(classes: int = 10, seed: int = 0) -> Any:
    """Two convolutions and two FC layers for 8 x 8 grey pictures, without batch norm.

    conv1 starts near zero: what its filters show at the end was learned.
    """
    draw, zeros = He(seed), lambda count: np.zeros(count, np.float32)
    net = Network(preprocessing=Preprocessing("grey", (78.0,), (96.0,), size=(8, 8), crop_fraction=1.0))
    w = draw((5, 5, 1, 16))
    net.add("conv1", Conv2D(w * np.float32(0.02 / w.std()), zeros(16), padding=2)).add("relu1", ReLU())
    net.add("conv2", Conv2D(draw((3, 3, 16, 32)), zeros(32), padding=1)).add("relu2", ReLU()).add("pool2", MaxPool2D(2))
    net.add("flatten", Flatten()).add("fc3", FullyConnected(draw((4 * 4 * 32, 64)), zeros(64))).add("relu3", ReLU())
    net.add("fc4", FullyConnected(draw((64, classes), gain=1.0), zeros(classes))).add("prob", Softmax())
    net.roles.update(logits="fc4", prob="prob", code="fc3", content="relu2", style=["relu1", "relu2"], dream="relu2")
    return net


def vowels_net(classes: int = 5, seed: int = 0) -> Any:
    """Two convolutions and two FC layers for spectrograms, 29 moments x 128 frequencies."""
    draw, zeros = He(seed), lambda count: np.zeros(count, np.float32)
    net = Network(preprocessing=Preprocessing("grey", (90.0,), (60.0,), size=(29, 128), crop_fraction=1.0))
    net.add("conv1", Conv2D(draw((5, 5, 1, 8)), zeros(8), stride=2, padding=2)).add("relu1", ReLU())
    net.add("pool1", MaxPool2D(2, ceil=True))
    net.add("conv2", Conv2D(draw((3, 3, 8, 16)), zeros(16), padding=1)).add("relu2", ReLU()).add("pool2", MaxPool2D(2))
    net.add("flatten", Flatten()).add("fc3", FullyConnected(draw((4 * 16 * 16, 32)), zeros(32))).add("relu3", ReLU())
    net.add("fc4", FullyConnected(draw((32, classes), gain=1.0), zeros(classes))).add("prob", Softmax())
    net.roles.update(logits="fc4", prob="prob", code="fc3", content="relu2", style=["relu1", "relu2"], dream="relu2")
    return net


def with_head(net: Network, draw: Any, size: Any, classes: int, hidden: Any, dropout: Any, **roles: Any) -> Any:
    """Flatten, fc6, fc7, fc8, prob, and the roles."""
    net.add("flatten", Flatten())
    width = net.shapes((1, *size, net.input_channels))["flatten"][1]
    for name, units in zip("67", hidden):
        net.add(f"fc{name}", FullyConnected(draw((width, units)))).add(f"bn{name}", fresh_batch_norm(units))
        net.add(f"relu{name}", ReLU()).add(f"drop{name}", Dropout(dropout))
        width = units
    net.add("fc8", FullyConnected(draw((width, classes), gain=1.0), np.zeros(classes, "f4"))).add("prob", Softmax())
    net.roles.update(logits="fc8", prob="prob", code="fc7", **roles)
    return net


class He:
    """Draws weights whose outputs keep the size of the inputs through ReLUs (He et al. 2015, equation 10)."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def __call__(self, shape: Any, gain: float = 2.0) -> Any:
        fan_in = np.prod(shape[:-1])
        return (self.rng.standard_normal(shape) * np.sqrt(gain / fan_in)).astype(np.float32)


def fresh_batch_norm(channels: int) -> Any:
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    return BatchNorm(one, zero, zero.copy(), one.copy())
