"""Inception v3 (Szegedy et al. 2016), as torchvision has it: for pictures of 299 x 299. Many a dream was made with it.

    modules     maps      branches
    5b 5c 5d    35 x 35   1x1; 5x5; two of 3x3; pool
    6a          17 x 17   3x3 and two of 3x3, both by stride 2; max pool
    6b to 6e    17 x 17   1x1; 7x7 as 1x7 and 7x1; 7x7 twice; pool
    7a          8 x 8     3x3 and 7x7 with 3x3, both by stride 2; max pool
    7b 7c       8 x 8     1x1; 3x3 as 1x3 beside 3x1; two of 3x3, the second so; pool

Every convolution is followed by a batch norm and a ReLU. The layers are called as in torchvision: Mixed_5b/branch1x1,
Mixed_5b/branch1x1_relu, and Mixed_5b for the output. The net for training has a second head, AuxLogits.
"""

from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import AvgPool2D, Concat, Conv2D, Dropout, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import batch_norm, blank, fc

EPS = 1e-3
TENSORFLOW = Preprocessing("RGB", mean=(127.5,) * 3, scale=(127.5,) * 3, size=(299, 299))
AUX = r"AuxLogits\."


def inception_v3(classes: int = 1000) -> Network:
    net = Network(preprocessing=TENSORFLOW)
    channels = unit(net, "Conv2d_1a_3x3", 3, 32, stride=2)
    channels = unit(net, "Conv2d_2a_3x3", channels, 32)
    channels = unit(net, "Conv2d_2b_3x3", channels, 64, padding=1)
    net.add("maxpool1", MaxPool2D(3, stride=2))
    channels = unit(net, "Conv2d_3b_1x1", channels, 80, 1)
    channels = unit(net, "Conv2d_4a_3x3", channels, 192)
    net.add("maxpool2", MaxPool2D(3, stride=2))
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        channels = module_35(net, name, channels, pooled)
    channels = reduce_35(net, "Mixed_6a", channels)
    for name, inside in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        channels = module_17(net, name, channels, inside)
    channels = reduce_17(net, "Mixed_7a", channels)
    for name in ("Mixed_7b", "Mixed_7c"):
        channels = module_8(net, name, channels)
    net.add("avgpool", GlobalAvgPool()).add("drop", Dropout(0.5))
    net.add("fc", fc(channels, classes)).add("prob", Softmax())
    net.roles.update(logits="fc", prob="prob", code="avgpool", content="Mixed_5d", dream="Mixed_6c",
                     style=["Conv2d_1a_3x3_relu", "Conv2d_2b_3x3_relu", "Conv2d_4a_3x3_relu", "Mixed_5b", "Mixed_6a"])
    return net


def unit(net: Network, name: str, channels: int, filters: int, kernel: int = 3, *, reads: Any = None,
         **settings: Any) -> Any:
    """A convolution, its batch norm and a ReLU. Return how many channels come out."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    net.add(name, Conv2D(blank(height, width, channels, filters), **settings), *[reads] if reads else [])
    net.add(f"{name}_bn", batch_norm(filters, EPS)).add(f"{name}_relu", ReLU())
    return filters


def chain(net: Network, name: str, source: str, channels: int, *steps: Any) -> tuple[Any, Any]:
    """Units one after the other: (part of the name, filters, kernel), padded to keep the size, or with settings."""
    for part, filters, kernel, *settings in steps:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        same = {"padding": (height // 2, width // 2)}
        channels = unit(net, f"{name}/{part}", channels, filters, kernel, reads=source,
                        **(settings[0] if settings else same))
        source = f"{name}/{part}_relu"
    return source, channels


def pooled(net: Network, name: str, source: str, channels: int, filters: int) -> Any:
    net.add(f"{name}/pool", AvgPool2D(3, stride=1, padding=1), source)
    return chain(net, name, f"{name}/pool", channels, ("branch_pool", filters, 1))


def join(net: Network, name: str, *branches: Any) -> Any:
    net.add(name, Concat(), *(source for source, _ in branches))
    return sum(channels for _, channels in branches)


def module_35(net: Network, name: str, channels: int, filters: int) -> Any:
    source = next(reversed(net.nodes))
    return join(
        net, name, chain(net, name, source, channels, ("branch1x1", 64, 1)),
        chain(net, name, source, channels, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        chain(net, name, source, channels, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3),
              ("branch3x3dbl_3", 96, 3)),
        pooled(net, name, source, channels, filters),
    )  # fmt: skip


def reduce_35(net: Network, name: str, channels: int) -> Any:
    source, halve = next(reversed(net.nodes)), {"stride": 2}
    branches = [
        chain(net, name, source, channels, ("branch3x3", 384, 3, halve)),
        chain(net, name, source, channels, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3),
              ("branch3x3dbl_3", 96, 3, halve)),
    ]  # fmt: skip
    net.add(f"{name}/pool", MaxPool2D(3, stride=2), source)
    return join(net, name, *branches, (f"{name}/pool", channels))


def module_17(net: Network, name: str, channels: int, inside: Any) -> Any:
    source, wide, high = next(reversed(net.nodes)), (1, 7), (7, 1)
    return join(
        net, name, chain(net, name, source, channels, ("branch1x1", 192, 1)),
        chain(net, name, source, channels, ("branch7x7_1", inside, 1), ("branch7x7_2", inside, wide),
              ("branch7x7_3", 192, high)),
        chain(net, name, source, channels, ("branch7x7dbl_1", inside, 1), ("branch7x7dbl_2", inside, high),
              ("branch7x7dbl_3", inside, wide), ("branch7x7dbl_4", inside, high), ("branch7x7dbl_5", 192, wide)),
        pooled(net, name, source, channels, 192),
    )  # fmt: skip


def reduce_17(net: Network, name: str, channels: int) -> Any:
    source, halve = next(reversed(net.nodes)), {"stride": 2}
    branches = [
        chain(net, name, source, channels, ("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, halve)),
        chain(net, name, source, channels, ("branch7x7x3_1", 192, 1), ("branch7x7x3_2", 192, (1, 7)),
              ("branch7x7x3_3", 192, (7, 1)), ("branch7x7x3_4", 192, 3, halve)),
    ]  # fmt: skip
    net.add(f"{name}/pool", MaxPool2D(3, stride=2), source)
    return join(net, name, *branches, (f"{name}/pool", channels))


def module_8(net: Network, name: str, channels: int) -> Any:
    source = next(reversed(net.nodes))
    one = chain(net, name, source, channels, ("branch1x1", 320, 1))
    three, inside = chain(net, name, source, channels, ("branch3x3_1", 384, 1))
    split = [chain(net, name, three, inside, (f"branch3x3_2{part}", 384, kernel))
             for part, kernel in (("a", (1, 3)), ("b", (3, 1)))]  # fmt: skip
    double, inside = chain(net, name, source, channels, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
    split += [chain(net, name, double, inside, (f"branch3x3dbl_3{part}", 384, kernel))
              for part, kernel in (("a", (1, 3)), ("b", (3, 1)))]  # fmt: skip
    return join(net, name, one, *split, pooled(net, name, source, channels, 192))


def torch_names() -> dict[str, str]:
    """Our layer -> torchvision's prefix."""
    convs = [name for name, layer in inception_v3().layers.items() if isinstance(layer, Conv2D)]
    dotted = {name: name.replace("/", ".") for name in convs}
    return {name: f"{theirs}.conv" for name, theirs in dotted.items()} | {
        f"{name}_bn": f"{theirs}.bn" for name, theirs in dotted.items()
    }
