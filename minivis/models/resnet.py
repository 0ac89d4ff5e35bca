"""ResNet (He et al. 2016, table 1), as torchvision has it: blocks whose output is added to their input.

    stage           2     3     4      5        channels out (from ResNet-50 on: four times that)
    filters         64    128   256    512
    ResNet-18       2     2     2      2        blocks of two 3x3 convolutions
    ResNet-34       3     4     6      3
    ResNet-50       3     4     6      3        blocks of 1x1, 3x3, 1x1; the 3x3 takes the stride (He: the first 1x1)
    ResNet-101      3     4     23     3
    ResNet-152      3     8     36     3

Wide ResNet (Zagoruyko & Komodakis 2016) has twice the filters inside each block, ResNeXt (Xie et al. 2017) has them in
32 or 64 groups.

The names are those of He's Caffe files: res3b_branch2a is the first convolution of stage 3's second block, res3b the
sum, res3b_relu what comes out; res3a_branch1 fits the input to a sum of another shape. A batch norm bn... follows each.
In nets with more blocks than six in a stage, all stages of more than three count a, b1, b2, ...
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import Add, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, fc

FILTERS = (64, 128, 256, 512)


@dataclass(frozen=True)
class Design:
    """What tells one ResNet from another.

    ``inside``: filters inside a bottleneck, as a multiple of the stage's; ``groups``: of its 3x3; ``first``: filters of
    conv1; ``filters``: of each stage.
    """

    blocks: tuple
    bottleneck: bool = True
    inside: float = 1
    groups: int = 1
    first: int = 64
    filters: tuple = FILTERS

    @property
    def name(self) -> str:
        """As in `DESIGNS`, at any width; else how many blocks it has."""
        for name, known in DESIGNS.items():
            if replace(self, first=known.first, filters=known.filters) == known:
                return name
        return f"ResNet of {' + '.join(map(str, self.blocks))} {'bottlenecks' if self.bottleneck else 'blocks'}"


DESIGNS = {
    "ResNet-18": Design((2, 2, 2, 2), bottleneck=False),
    "ResNet-34": Design((3, 4, 6, 3), bottleneck=False),
    "ResNet-50": Design((3, 4, 6, 3)),
    "ResNet-101": Design((3, 4, 23, 3)),
    "ResNet-152": Design((3, 8, 36, 3)),
    "Wide-ResNet-50-2": Design((3, 4, 6, 3), inside=2),
    "Wide-ResNet-101-2": Design((3, 4, 23, 3), inside=2),
    "ResNeXt-50-32x4d": Design((3, 4, 6, 3), inside=2, groups=32),
    "ResNeXt-101-32x8d": Design((3, 4, 23, 3), inside=4, groups=32),
    "ResNeXt-101-64x4d": Design((3, 4, 23, 3), inside=4, groups=64),
}


def resnet(design: Any, classes: int = 1000) -> Network:
    """The net of a `Design`, or of its name in `DESIGNS`."""
    design = DESIGNS.get(design, design)
    net = Network(preprocessing=Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    channels = design.first
    normed_conv(net, "conv1", 7, 3, channels, stride=2, padding=3)
    net.add("conv1_relu", ReLU()).add("pool1", MaxPool2D(3, stride=2, padding=1))
    for stage, (names, filters) in enumerate(zip(block_names(design.blocks), design.filters, strict=True), 2):
        for block in names:
            stride = 2 if stage > 2 and block == "a" else 1
            channels = residual_block(net, f"{stage}{block}", channels, filters, stride, design)
    net.add("pool5", GlobalAvgPool()).add("fc1000", fc(channels, classes)).add("prob", Softmax())
    ends = [f"res{stage}{names[-1]}_relu" for stage, names in enumerate(block_names(design.blocks), 2)]
    net.roles.update(logits="fc1000", prob="prob", code="pool5", content=ends[min(1, len(ends) - 1)],
                     style=["conv1_relu", *ends[:3]], dream=ends[min(2, len(ends) - 1)])  # fmt: skip
    return net


def block_names(blocks: Any) -> list[Any]:
    """What the blocks of each stage are called: ("a", "b", "c"), ..."""
    deep = max(blocks) > 6
    return [tuple("a" if i == 0 else f"b{i}" if deep and count > 3 else "abcdef"[i] for i in range(count))
            for count in blocks]  # fmt: skip


def residual_block(net: Network, name: str, channels: int, filters: int, stride: int, design: Any) -> Any:
    """Return how many channels come out."""
    source, out = next(reversed(net.nodes)), 4 * filters if design.bottleneck else filters
    shortcut = source
    if stride > 1 or channels != out:
        shortcut = normed_conv(net, f"res{name}_branch1", 1, channels, out, stride=stride, reads=source)
    branch = f"res{name}_branch2"
    if design.bottleneck:
        inside = round(filters * design.inside)
        normed_conv(net, f"{branch}a", 1, channels, inside, reads=source)
        net.add(f"{branch}a_relu", ReLU())
        normed_conv(net, f"{branch}b", 3, inside, inside, stride=stride, padding=1, groups=design.groups)
        net.add(f"{branch}b_relu", ReLU())
        last = normed_conv(net, f"{branch}c", 1, inside, out)
    else:
        normed_conv(net, f"{branch}a", 3, channels, filters, stride=stride, padding=1, reads=source)
        net.add(f"{branch}a_relu", ReLU())
        last = normed_conv(net, f"{branch}b", 3, filters, filters, padding=1)
    net.add(f"res{name}", Add(), shortcut, last).add(f"res{name}_relu", ReLU())
    return out


def normed_conv(net: Network, name: str, kernel: int, channels: int, filters: int, *, reads: Any = None,
                **settings: Any) -> Any:
    """A convolution without biases and its batch norm, bn2a_branch1 for res2a_branch1. Return the last one's name."""
    norm = f"bn_{name}" if name == "conv1" else name.replace("res", "bn")
    net.add(name, conv(kernel, channels, filters, bias=False, **settings), *[reads] if reads else [])
    net.add(norm, batch_norm(filters))
    return norm


BLOCK_KERNEL = re.compile(r"layer(\d+)\.(\d+)\.conv[123]\.weight")


def design_of(shapes: Any) -> Design | None:
    """The `Design` whose kernels these are (name -> shape, its axes out, in, KH, KW); None if they are another's."""
    counts: dict[int, set] = {}
    for name in shapes:
        if place := BLOCK_KERNEL.fullmatch(name):
            counts.setdefault(int(place[1]), set()).add(int(place[2]))
    blocks = tuple(len(counts[stage]) for stage in sorted(counts))
    kernels = [[shapes.get(f"layer{stage}.0.conv{i}.weight", ()) for i in (1, 2, 3)] for stage in sorted(counts)]
    stem = shapes.get("conv1.weight", ())
    if not blocks or len(stem) != 4 or any(len(shape) != 4 or 0 in shape for one in kernels for shape in one[:2]):
        return None
    if all(third == () for _, _, third in kernels):
        return Design(blocks, False, first=stem[0], filters=tuple(second[0] for _, second, _ in kernels))
    if any(len(third) != 4 or not third[0] // 4 for _, _, third in kernels):
        return None
    filters = tuple(third[0] // 4 for _, _, third in kernels)
    first, second, _ = kernels[0]
    return Design(blocks, True, first[0] / filters[0], max(1, first[0] // second[1]), stem[0], filters)


def torch_names(design: Any, shortcut: str = "downsample") -> dict[str, str]:
    """Our layer -> torchvision's prefix; ``shortcut``: what it calls the way around a block."""
    design = DESIGNS.get(design, design)
    names = {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}
    for stage, blocks in enumerate(block_names(design.blocks), 2):
        for i, block in enumerate(blocks):
            theirs = f"layer{stage - 1}.{i}"
            names |= {f"res{stage}{block}_branch1": f"{theirs}.{shortcut}.0"}
            names |= {f"bn{stage}{block}_branch1": f"{theirs}.{shortcut}.1"}
            for number, part in enumerate("abc", 1):
                names |= {f"res{stage}{block}_branch2{part}": f"{theirs}.conv{number}"}
                names |= {f"bn{stage}{block}_branch2{part}": f"{theirs}.bn{number}"}
    return names


CHILDREN = {"0": "conv1", "1": "bn1"}           # the numbers of a ResNet's children; 2 and 3 hold no weights
FIRST_STAGE = 4                                 # of layer1


def from_number(name: str) -> str:
    """0.weight -> conv1.weight, 5.0.conv1.weight -> layer2.0.conv1.weight."""
    first, _, rest = name.partition(".")
    if first.isdigit() and int(first) >= FIRST_STAGE:
        return f"layer{int(first) - FIRST_STAGE + 1}.{rest}"
    return f"{CHILDREN.get(first, first)}.{rest}"


def to_number(name: str) -> Any:
    """conv1.weight -> 0.weight, layer2.0.conv1.weight -> 5.0.conv1.weight."""
    first, _, rest = name.partition(".")
    if first.startswith("layer"):
        return f"{int(first[5:]) + FIRST_STAGE - 1}.{rest}"
    number = next((number for number, child in CHILDREN.items() if child == first), first)
    return f"{number}.{rest}" if rest else number
