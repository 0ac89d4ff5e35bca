"""GoogLeNet (Szegedy et al. 2015, table 1): nine inception modules, four branches each. The net of DeepDream.

    module      1x1   3x3 (before)   5x5 (before)   pool    channels out: the sum of the four
    3a          64    128 (96)       32 (16)        32      256
    ...

The layers are called what Caffe's deploy file calls them; a ReLU is inception_3a/relu_1x1 and so on. torchvision's net,
converted from TensorFlow's, has batch norm in place of biases and LRN, and 3x3 where it says 5x5 (a known slip).
"""

from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import LRN, AvgPool2D, Concat, Dropout, Flatten, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, fc

CAFFE = Preprocessing("BGR", mean=(104.0, 117.0, 123.0), size=(224, 224))
TORCH_TENSORFLOW = Preprocessing("RGB", mean=(127.5,) * 3, scale=(127.5,) * 3, size=(224, 224))
MODULES = {                     # 1x1, before 3x3, 3x3, before 5x5, 5x5, after the pool
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet(classes: int = 1000) -> Network:
    """Caffe's bvlc_googlenet, as deployed: without the two training heads."""
    net = Network(preprocessing=CAFFE)
    net.add("conv1/7x7_s2", conv(7, 3, 64, stride=2, padding=3)).add("conv1/relu_7x7", ReLU())
    net.add("pool1/3x3_s2", pool()).add("pool1/norm1", LRN(5, 1e-4, 0.75, 1.0))
    net.add("conv2/3x3_reduce", conv(1, 64, 64)).add("conv2/relu_3x3_reduce", ReLU())
    net.add("conv2/3x3", conv(3, 64, 192, padding=1)).add("conv2/relu_3x3", ReLU())
    net.add("conv2/norm2", LRN(5, 1e-4, 0.75, 1.0)).add("pool2/3x3_s2", pool())
    channels = inception(net, "3a", 192)
    channels = inception(net, "3b", channels)
    net.add("pool3/3x3_s2", pool())
    for module in ("4a", "4b", "4c", "4d", "4e"):
        channels = inception(net, module, channels)
    net.add("pool4/3x3_s2", pool())
    for module in ("5a", "5b"):
        channels = inception(net, module, channels)
    net.add("pool5/7x7_s1", AvgPool2D(7, stride=1, ceil=True)).add("pool5/drop_7x7_s1", Dropout(0.4))
    net.add("flatten", Flatten())
    return classifier(net, "pool5/7x7_s1", channels, classes)


def torch_googlenet(classes: int = 1000) -> Network:
    """torchvision's."""
    net = Network(preprocessing=TORCH_TENSORFLOW)
    conv_unit(net, "conv1/7x7_s2", "conv1/relu_7x7", 7, 3, 64, stride=2, padding=3)
    net.add("pool1/3x3_s2", pool())
    conv_unit(net, "conv2/3x3_reduce", "conv2/relu_3x3_reduce", 1, 64, 64)
    conv_unit(net, "conv2/3x3", "conv2/relu_3x3", 3, 64, 192, padding=1)
    net.add("pool2/3x3_s2", pool())
    channels = 192
    for module in MODULES:
        channels = inception(net, module, channels, five=3, normed=True)
        if module == "3b":
            net.add("pool3/3x3_s2", pool())
        elif module == "4e":
            net.add("pool4/2x2_s2", MaxPool2D(2, stride=2, ceil=True))
    net.add("pool5", GlobalAvgPool()).add("pool5/drop", Dropout(0.2))
    return classifier(net, "pool5", channels, classes)


def pool() -> Any:
    return MaxPool2D(3, stride=2, ceil=True)


def inception(net: Network, module: Any, channels: int, *, five: Any = 5, normed: bool = False) -> Any:
    """Four ways through the same input, and their outputs side by side. Return how many channels that makes."""
    one, before3, three, before5, five_filters, behind = MODULES[module]
    name, source = f"inception_{module}", next(reversed(net.nodes))
    unit = conv_unit if normed else plain_unit
    unit(net, f"{name}/1x1", f"{name}/relu_1x1", 1, channels, one, reads=source)
    unit(net, f"{name}/3x3_reduce", f"{name}/relu_3x3_reduce", 1, channels, before3, reads=source)
    unit(net, f"{name}/3x3", f"{name}/relu_3x3", 3, before3, three, padding=1)
    unit(net, f"{name}/5x5_reduce", f"{name}/relu_5x5_reduce", 1, channels, before5, reads=source)
    unit(net, f"{name}/5x5", f"{name}/relu_5x5", five, before5, five_filters, padding=five // 2)
    net.add(f"{name}/pool", MaxPool2D(3, stride=1, padding=1, ceil=True), source)
    unit(net, f"{name}/pool_proj", f"{name}/relu_pool_proj", 1, channels, behind)
    net.add(f"{name}/output", Concat(), *(f"{name}/relu_{branch}" for branch in ("1x1", "3x3", "5x5", "pool_proj")))
    return one + three + five_filters + behind


def plain_unit(net: Network, name: str, relu: Any, kernel: int, channels: int, filters: int, *, reads: Any = None,
               **settings: Any) -> None:
    net.add(name, conv(kernel, channels, filters, **settings), *[reads] if reads else []).add(relu, ReLU())


def conv_unit(net: Network, name: str, relu: Any, kernel: int, channels: int, filters: int, *, reads: Any = None,
              **settings: Any) -> None:
    net.add(name, conv(kernel, channels, filters, bias=False, **settings), *[reads] if reads else [])
    net.add(f"{name}/bn", batch_norm(filters, eps=1e-3)).add(relu, ReLU())


def classifier(net: Network, code: Any, channels: int, classes: int) -> Any:
    net.add("loss3/classifier", fc(channels, classes)).add("prob", Softmax())
    net.roles.update(logits="loss3/classifier", prob="prob", code=code, content="inception_4b/output",
                     dream="inception_4c/output", style=["conv1/relu_7x7", "conv2/relu_3x3", "inception_3b/output",
                                                         "inception_4b/output", "inception_4d/output"])  # fmt: skip
    return net


def torch_names() -> dict[Any, Any]:
    """Our layer -> torchvision's prefix."""
    units = {"conv1/7x7_s2": "conv1", "conv2/3x3_reduce": "conv2", "conv2/3x3": "conv3"}
    branches = {"1x1": "branch1", "3x3_reduce": "branch2.0", "3x3": "branch2.1", "5x5_reduce": "branch3.0",
                "5x5": "branch3.1", "pool_proj": "branch4.1"}  # fmt: skip
    units |= {f"inception_{m}/{ours}": f"inception{m}.{theirs}" for m in MODULES for ours, theirs in branches.items()}
    names = {ours: f"{theirs}.conv" for ours, theirs in units.items()}
    names |= {f"{ours}/bn": f"{theirs}.bn" for ours, theirs in units.items()}
    return {**names, "loss3/classifier": "fc"}
