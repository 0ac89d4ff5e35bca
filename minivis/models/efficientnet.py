"""EfficientNet-Lite (Tan & Le 2019; Liu 2020): ImageNet in 4.7 million parameters, for telephones.

A block expands its input by 1x1 filters, filters each channel by itself (depthwise), and projects the result to few
channels without a ReLU; where shapes agree, the input is added. ReLU6 and no squeeze-and-excite: that is "Lite".

    stage                    1    2    3    4    5     6     7
    blocks                   1    2    2    3    3     4     1        Lite1: 1.1 times, Lite2: 1.2 times, rounded up,
    kernel                   3    3    5    3    5     5     3               but the first and the last stage never
    stride of its first      1    2    2    2    1     2     1
    expansion                1    6    6    6    6     6     6
    channels out             16   24   40   80   112   192   320      Lite2: 1.1 times, to a multiple of 8
"""

import math
from dataclasses import replace
from typing import Any

from minivis.engine.network import Network
from minivis.errors import UnknownName
from minivis.images.preprocessing import EFFICIENTNET_LITE
from minivis.layers import Add, GlobalAvgPool, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, depthwise, fc

STAGES = (              # blocks, kernel, stride, expansion, channels out
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
SIZES = {               # width, depth, input
    "EfficientNet-Lite0": (1.0, 1.0, 224), "EfficientNet-Lite1": (1.0, 1.1, 240), "EfficientNet-Lite2": (1.1, 1.2, 260),
}  # fmt: skip
EPS = 1e-3


def efficientnet(name: str = "EfficientNet-Lite0", classes: int = 1000) -> Network:
    """The net called ``name`` in `SIZES`, with TensorFlow's padding throughout."""
    if name not in SIZES:
        raise UnknownName.of("EfficientNet", name, SIZES)
    size = SIZES[name][2]
    net = Network(preprocessing=replace(EFFICIENTNET_LITE, size=(size, size)))
    net.add("stem", conv(3, 3, 32, stride=2, padding="same", bias=False)).add("stem_bn", batch_norm(32, EPS))
    net.add("stem_relu", ReLU(max_value=6))
    channels, ends = 32, []
    for number, (kernel, stride, expansion, filters) in enumerate(blocks(name)):
        ends.append(block(net, f"block{number}", channels, kernel, stride, expansion, filters))
        channels = filters
    net.add("head", conv(1, channels, 1280, bias=False)).add("head_bn", batch_norm(1280, EPS))
    net.add("head_relu", ReLU(max_value=6)).add("pool", GlobalAvgPool())
    net.add("fc", fc(1280, classes)).add("prob", Softmax())
    downs = [f"block{n}_expand_relu" for n, (_, stride, *_) in enumerate(blocks(name)) if stride == 2]
    net.roles.update(logits="fc", prob="prob", code="pool", content=downs[2], dream=downs[3])
    net.roles["style"] = ["stem_relu", *downs]
    return net


def blocks(name: str) -> Any:
    """(kernel, stride, expansion, channels out) of every block."""
    width, depth, _ = SIZES[name]
    found = []
    for stage, (count, kernel, stride, expansion, filters) in enumerate(STAGES):
        if stage not in (0, len(STAGES) - 1):
            count = math.ceil(count * depth)
        filters = rounded(filters * width)
        found += [(kernel, stride if i == 0 else 1, expansion, filters) for i in range(count)]
    return found


def rounded(channels: Any, step: Any = 8) -> int:
    """To a multiple of ``step``, but not down by more than a tenth."""
    near = max(step, int(channels + step / 2) // step * step)
    return near + step if near < 0.9 * channels else near


def block(net: Network, name: str, channels: int, kernel: int, stride: int, expansion: Any, filters: int) -> Any:
    """Return the name of the layer that comes out."""
    source, inside = next(reversed(net.nodes)), channels * expansion
    if expansion > 1:
        net.add(f"{name}_expand", conv(1, channels, inside, bias=False))
        net.add(f"{name}_expand_bn", batch_norm(inside, EPS)).add(f"{name}_expand_relu", ReLU(max_value=6))
    net.add(f"{name}_depthwise", depthwise(kernel, inside, stride=stride, padding="same"))
    net.add(f"{name}_depthwise_bn", batch_norm(inside, EPS)).add(f"{name}_depthwise_relu", ReLU(max_value=6))
    net.add(f"{name}_project", conv(1, inside, filters, bias=False)).add(f"{name}_project_bn", batch_norm(filters, EPS))
    if stride == 1 and channels == filters:
        net.add(f"{name}_sum", Add(), f"{name}_project_bn", source)
    return next(reversed(net.nodes))


def torch_names(name: str) -> dict[str, str]:
    """Our layer -> the prefix in the files of the package efficientnet-lite-pytorch."""
    names = {"stem": "_conv_stem", "stem_bn": "_bn0", "head": "_conv_head", "head_bn": "_bn1", "fc": "_fc"}
    for number in range(len(blocks(name))):
        for part, norm in (("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")):
            names[f"block{number}_{part}"] = f"_blocks.{number}._{part}_conv"
            names[f"block{number}_{part}_bn"] = f"_blocks.{number}.{norm}"
    return names
