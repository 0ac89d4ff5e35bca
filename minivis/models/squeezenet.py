"""SqueezeNet (Iandola et al. 2016): 1.2 million parameters, five megabytes, as good as AlexNet.

A fire module squeezes its input through a few 1x1 filters and expands it by 1x1 and 3x3 filters side by side:

    fire          2    3    4    5    6    7    8    9
    squeeze       16   16   32   32   48   48   64   64
    expand        64   64   128  128  192  192  256  256        of each kind

Version 1.0 pools after conv1, fire4 and fire8; version 1.1 earlier (conv1, fire3, fire5), for 2.4 times less work.
There is no FC layer: conv10 has a map for each class, and its mean is the score.
"""

from typing import Any

from minivis.engine.network import Network
from minivis.errors import UnknownName
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import Concat, Dropout, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import conv

FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
VERSIONS = {"1.0": (7, 96, (4, 8)), "1.1": (3, 64, (3, 5))}     # conv1's kernel and filters; pools after these fires
CAFFE = Preprocessing("BGR", mean=(104.0, 117.0, 123.0), size=(227, 227), crop_fraction=227 / 256)


def squeezenet(version: str = "1.1", classes: int = 1000, *, caffe: bool = False) -> Network:
    """torchvision's; ``caffe``: the authors', with their input, and in 1.0 a border of nothing around conv10."""
    if version not in VERSIONS:
        raise UnknownName.of("SqueezeNet", version, VERSIONS)
    kernel, filters, pooled = VERSIONS[version]
    net = Network(preprocessing=CAFFE if caffe else Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    net.add("conv1", conv(kernel, 3, filters, stride=2)).add("relu_conv1", ReLU())
    net.add("pool1", MaxPool2D(3, stride=2, ceil=True))
    channels = filters
    for number, (squeeze, expand) in FIRES.items():
        fire(net, f"fire{number}", channels, squeeze, expand)
        channels = 2 * expand
        if number in pooled:
            net.add(f"pool{number}", MaxPool2D(3, stride=2, ceil=True))
    net.add("drop9", Dropout(0.5))
    net.add("conv10", conv(1, channels, classes, padding=1 if caffe and version == "1.0" else 0))
    net.add("relu_conv10", ReLU()).add("pool10", GlobalAvgPool()).add("prob", Softmax())
    net.roles.update(logits="pool10", prob="prob", code="fire9/concat", content="fire5/concat", dream="fire6/concat",
                     style=["relu_conv1", "fire2/concat", "fire3/concat", "fire5/concat", "fire7/concat"])  # fmt: skip
    return net


def fire(net: Network, name: str, channels: int, squeeze: Any, expand: Any) -> None:
    net.add(f"{name}/squeeze1x1", conv(1, channels, squeeze)).add(f"{name}/relu_squeeze1x1", ReLU())
    for kernel in (1, 3):
        part = f"expand{kernel}x{kernel}"
        net.add(f"{name}/{part}", conv(kernel, squeeze, expand, padding=kernel // 2), f"{name}/relu_squeeze1x1")
        net.add(f"{name}/relu_{part}", ReLU())
    net.add(f"{name}/concat", Concat(), f"{name}/relu_expand1x1", f"{name}/relu_expand3x3")


def torch_names(version: Any) -> dict[str, str]:
    """Our layer -> torchvision's prefix: it numbers modules, ReLUs and pools in one sequence."""
    names, number = {"conv1": "features.0", "conv10": "classifier.1"}, 3
    for fire_number in FIRES:
        for part in ("squeeze1x1", "expand1x1", "expand3x3"):
            torch_part = part.replace("squeeze1x1", "squeeze")
            names[f"fire{fire_number}/{part}"] = f"features.{number}.{torch_part}"
        number += 2 if fire_number in VERSIONS[version][2] else 1
    return names
