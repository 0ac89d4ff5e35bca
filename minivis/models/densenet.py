"""DenseNet (Huang et al. 2017, table 1), as torchvision has it: each layer reads all that came before it in its block.

    block           1    2    3    4      growth    channels of conv1
    DenseNet-121    6    12   24   16     32        64
    DenseNet-161    6    12   36   24     48        96
    DenseNet-169    6    12   32   32     32        64
    DenseNet-201    6    12   48   32     32        64

A layer is batch norm, ReLU, 1x1, batch norm, ReLU, 3x3, and its few channels (the growth) are put beside its input.
Between blocks a transition halves the channels by 1x1 and the size by a mean.
"""

from typing import Any, NamedTuple

from minivis.engine.network import Network
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import AvgPool2D, Concat, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, fc

BOTTLENECK = 4                                  # channels between the two convolutions of a layer, times the growth


class Design(NamedTuple):
    blocks: tuple
    growth: int = 32
    first: int = 64


DESIGNS = {
    "DenseNet-121": Design((6, 12, 24, 16)),
    "DenseNet-161": Design((6, 12, 36, 24), 48, 96),
    "DenseNet-169": Design((6, 12, 32, 32)),
    "DenseNet-201": Design((6, 12, 48, 32)),
}


def densenet(name: str, classes: int = 1000) -> Network:
    """The net called ``name`` in `DESIGNS`."""
    blocks, growth, channels = DESIGNS[name]
    net = Network(preprocessing=Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    net.add("conv0", conv(7, 3, channels, stride=2, padding=3, bias=False)).add("conv0_bn", batch_norm(channels))
    net.add("conv0_relu", ReLU()).add("pool0", MaxPool2D(3, stride=2, padding=1))
    for number, count in enumerate(blocks, 1):
        for layer in range(1, count + 1):
            channels = dense_layer(net, f"dense{number}_{layer}", channels, growth)
        if number < len(blocks):
            channels = transition(net, f"transition{number}", channels)
    net.add("last_bn", batch_norm(channels)).add("last_relu", ReLU())
    net.add("pool5", GlobalAvgPool()).add("fc", fc(channels, classes)).add("prob", Softmax())
    ends = [f"dense{number}_{count}" for number, count in enumerate(blocks, 1)]
    net.roles.update(logits="fc", prob="prob", code="pool5", content=ends[1], style=["conv0_relu", *ends[:3]],
                     dream=ends[2])  # fmt: skip
    return net


def dense_layer(net: Network, name: str, channels: int, growth: int) -> Any:
    """Return how many channels come out."""
    source, inside = next(reversed(net.nodes)), BOTTLENECK * growth
    net.add(f"{name}/bn1", batch_norm(channels)).add(f"{name}/relu1", ReLU())
    net.add(f"{name}/1x1", conv(1, channels, inside, bias=False))
    net.add(f"{name}/bn2", batch_norm(inside)).add(f"{name}/relu2", ReLU())
    net.add(f"{name}/3x3", conv(3, inside, growth, padding=1, bias=False))
    net.add(name, Concat(), source, f"{name}/3x3")
    return channels + growth


def transition(net: Network, name: str, channels: int) -> Any:
    net.add(f"{name}/bn", batch_norm(channels)).add(f"{name}/relu", ReLU())
    net.add(f"{name}/1x1", conv(1, channels, channels // 2, bias=False)).add(name, AvgPool2D(2))
    return channels // 2


def torch_names(name: str, *, dotted: bool = False) -> dict[str, str]:
    """Our layer -> torchvision's prefix; ``dotted``: as in the files from before 2018 that it offers."""
    names = {"conv0": "features.conv0", "conv0_bn": "features.norm0", "last_bn": "features.norm5", "fc": "classifier"}
    dot = "." if dotted else ""
    for number, count in enumerate(DESIGNS[name].blocks, 1):
        for layer in range(1, count + 1):
            theirs = f"features.denseblock{number}.denselayer{layer}"
            for ours, part in (("bn1", "norm{}1"), ("1x1", "conv{}1"), ("bn2", "norm{}2"), ("3x3", "conv{}2")):
                names[f"dense{number}_{layer}/{ours}"] = f"{theirs}.{part.format(dot)}"
        if number < len(DESIGNS[name].blocks):
            names |= {f"transition{number}/bn": f"features.transition{number}.norm",
                      f"transition{number}/1x1": f"features.transition{number}.conv"}  # fmt: skip
    return names
