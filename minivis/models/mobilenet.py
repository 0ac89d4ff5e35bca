"""MobileNetV2 (Sandler et al. 2018, table 2), as torchvision has it: 3.5 million parameters.

A block expands its input by 1x1 filters, filters each channel by itself (depthwise), and projects the result to few
channels without a ReLU; where shapes agree, the input is added. ReLU6 throughout.

    stage                    1    2    3    4    5    6     7
    blocks                   1    2    3    4    3    3     1
    stride of its first      1    2    2    2    1    2     1
    expansion                1    6    6    6    6    6     6
    channels out             16   24   32   64   96   160   320         at width 1; any widths build the same net
"""

from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import Add, Dropout, GlobalAvgPool, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, depthwise, fc

STAGES = (              # blocks, stride, expansion, channels out
    (1, 1, 1, 16), (2, 2, 6, 24), (3, 2, 6, 32), (4, 2, 6, 64), (3, 1, 6, 96), (3, 2, 6, 160), (1, 1, 6, 320),
)  # fmt: skip
LAST = 1280             # channels of the last convolution


def mobilenet_v2(classes: int = 1000) -> Network:
    net = Network(preprocessing=Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    unit(net, "conv1", conv(3, 3, 32, stride=2, padding=1, bias=False))
    channels, downs = 32, []
    for number, (stride, expansion, filters) in enumerate(blocks(), 1):
        block(net, f"block{number}", channels, stride, expansion, filters)
        channels = filters
        if stride == 2:
            downs.append(f"block{number}_expand_relu")
    unit(net, "last", conv(1, channels, LAST, bias=False))
    net.add("pool", GlobalAvgPool()).add("drop", Dropout(0.2)).add("fc", fc(LAST, classes)).add("prob", Softmax())
    net.roles.update(logits="fc", prob="prob", code="pool", content=downs[2], dream=downs[3],
                     style=["conv1_relu", *downs])  # fmt: skip
    return net


def blocks() -> list[Any]:
    """(stride, expansion, channels out) of every block."""
    return [(stride if i == 0 else 1, expansion, filters)
            for count, stride, expansion, filters in STAGES for i in range(count)]  # fmt: skip


def unit(net: Network, name: str, layer: Any) -> None:
    """A convolution, its batch norm, and a ReLU6."""
    net.add(name, layer).add(f"{name}_bn", batch_norm(layer.params["w"].shape[3]))
    net.add(f"{name}_relu", ReLU(max_value=6))


def block(net: Network, name: str, channels: int, stride: int, expansion: Any, filters: int) -> None:
    source, inside = next(reversed(net.nodes)), channels * expansion
    if expansion > 1:
        unit(net, f"{name}_expand", conv(1, channels, inside, bias=False))
    unit(net, f"{name}_depthwise", depthwise(3, inside, stride=stride, padding=1))
    net.add(f"{name}_project", conv(1, inside, filters, bias=False)).add(f"{name}_project_bn", batch_norm(filters))
    if stride == 1 and channels == filters:
        net.add(f"{name}_sum", Add(), f"{name}_project_bn", source)


def torch_names() -> dict[str, str]:
    """Our layer -> torchvision's prefix: each block numbers its modules, of which the first may be missing."""
    names = {"conv1": "features.0.0", "conv1_bn": "features.0.1", "last": "features.18.0", "last_bn": "features.18.1",
             "fc": "classifier.1"}  # fmt: skip
    for number, (_, expansion, _) in enumerate(blocks(), 1):
        theirs, parts = f"features.{number}.conv", ["expand", "depthwise"][expansion == 1 :]
        for i, part in enumerate(parts):
            names |= {f"block{number}_{part}": f"{theirs}.{i}.0", f"block{number}_{part}_bn": f"{theirs}.{i}.1"}
        names |= {f"block{number}_project": f"{theirs}.{len(parts)}"}
        names |= {f"block{number}_project_bn": f"{theirs}.{len(parts) + 1}"}
    return names
