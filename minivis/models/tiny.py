"""Small nets with random weights, for tests and for reading."""

from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import (
    LRN,
    Add,
    AvgPool2D,
    BatchNorm,
    Concat,
    Conv2D,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    ReLU,
    Softmax,
)  # fmt: skip


class Weights:
    """Draws parameters that keep activations near unit size (He et al. 2015, equation 10)."""

    def __init__(self, seed: int = 0, dtype: Any = np.float32) -> None:
        self.rng, self.dtype = np.random.default_rng(seed), dtype

    def conv(self, kh: Any, kw: Any, c: Any, f: Any, *, groups: int = 1, bias: bool = True, **settings: Any) -> Conv2D:
        w = self._normal((kh, kw, c // groups, f), kh * kw * c // groups)
        return Conv2D(w, self._bias(f) if bias else None, groups=groups, **settings)

    def fc(self, d: Any, f: Any) -> FullyConnected:
        return FullyConnected(self._normal((d, f), d), self._bias(f))

    def batch_norm(self, c: Any, eps: float = 1e-5) -> BatchNorm:
        draw = [self.rng.uniform(0.5, 1.5, c), self._bias(c), self._bias(c), self.rng.uniform(0.5, 1.5, c)]
        gamma, beta, mean, var = (a.astype(self.dtype) for a in draw)
        return BatchNorm(gamma, beta, mean, var, eps)

    def _normal(self, shape: Any, fan_in: Any) -> Any:
        return (self.rng.standard_normal(shape) * (2 / fan_in) ** 0.5).astype(self.dtype)

    def _bias(self, n: Any) -> Any:
        return (0.1 * self.rng.standard_normal(n)).astype(self.dtype)


def tiny_vgg(seed: int = 0, dtype: Any = np.float32, *, channels: int = 3, size: int = 16, classes: int = 5) -> Network:
    """Caffe's names on three convolutions: conv1_1 ... pool2, fc6, relu6, fc7, relu7, fc8, prob."""
    weights = Weights(seed, dtype)
    order = "RGB" if channels == 3 else "grey"
    net = Network(
        preprocessing=Preprocessing(order, (120.0,) * channels, (60.0,) * channels, size=(size, size)),
        class_names=("goose", "cat", "bus", "owl", "tropical fish", "blossom")[:classes],
        class_aliases={"goldfish": 4} if classes > 4 else {},
        roles={
            "logits": "fc8", "prob": "prob", "code": "fc7", "content": "relu2_1", "style": ["relu1_1", "relu2_1"],
            "dream": "relu2_1",
        },
    )  # fmt: skip
    net.add("conv1_1", weights.conv(3, 3, channels, 6, padding=1)).add("relu1_1", ReLU())
    net.add("conv1_2", weights.conv(3, 3, 6, 6, padding=1)).add("relu1_2", ReLU()).add("pool1", MaxPool2D(2))
    net.add("conv2_1", weights.conv(3, 3, 6, 8, padding=1)).add("relu2_1", ReLU()).add("pool2", MaxPool2D(2))
    net.add("flatten", Flatten())
    net.add("fc6", weights.fc(8 * (size // 4) ** 2, 10)).add("relu6", ReLU())
    net.add("fc7", weights.fc(10, 7)).add("relu7", ReLU())
    return net.add("fc8", weights.fc(7, classes)).add("prob", Softmax())


def tiny_branches(seed: int = 0, dtype: Any = np.float32) -> Network:
    """Every kind of layer in one graph: branches that meet in Concat and Add, groups, depthwise, dilation, LRN."""
    weights = Weights(seed, dtype)
    net = Network(preprocessing=Preprocessing("RGB", (120.0,) * 3, (60.0,) * 3))
    net.roles.update(logits="fc", prob="prob", code="gap", content="sum", style=["stem_relu", "sum"], dream="sum")
    net.add("stem", weights.conv(5, 3, 3, 8, stride=(2, 1), padding=((2, 1), (0, 1)), bias=False))
    net.add("stem_bn", weights.batch_norm(8)).add("stem_relu", ReLU(max_value=6)).add("norm", LRN(5, 0.5, 0.75, 1.0))
    net.add("a", weights.conv(3, 3, 8, 6, padding=2, dilation=2, groups=2), "norm")
    net.add("b", MaxPool2D(3, stride=1, padding=1), "norm").add("b_conv", weights.conv(1, 1, 8, 4))
    net.add("concat", Concat(), "a", "b_conv").add("relu", ReLU())
    net.add("depthwise", weights.conv(3, 3, 10, 10, padding="same", groups=10))
    net.add("sum", Add(), "depthwise", "relu").add("pool", MaxPool2D(3, stride=2, ceil=True))
    net.add("mean", AvgPool2D(3, stride=2, padding=1, ceil=True, count_padding=False)).add("gap", GlobalAvgPool())
    return net.add("fc", weights.fc(10, 4)).add("prob", Softmax())
