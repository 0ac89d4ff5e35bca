"""ResNet (He et al. 2016, table 1), as torchvision has it: blocks whose output is added to their input.

    stage           2     3      4      5         channels out (ResNet-50: four times that)
    filters         64    128    256    512
    ResNet-18       2     2      2      2         blocks of two 3x3 convolutions
    ResNet-34       3     4      6      3
    ResNet-50       3     4      6      3         blocks of 1x1, 3x3, 1x1; the 3x3 takes the stride (He: the first 1x1)

The names are those of He's Caffe files: res3b_branch2a is the first convolution of stage 3's second block, res3b the
sum, res3b_relu what comes out; res3a_branch1 fits the input to a sum of another shape. A batch norm bn... follows each.
"""

from minivis.engine.network import Network
from minivis.images.preprocessing import TORCH, Preprocessing
from minivis.layers import Add, GlobalAvgPool, MaxPool2D, ReLU, Softmax
from minivis.models.blank import batch_norm, conv, fc

BLOCKS = {"ResNet-18": (2, 2, 2, 2), "ResNet-34": (3, 4, 6, 3), "ResNet-50": (3, 4, 6, 3)}
FILTERS = (64, 128, 256, 512)


def resnet(name, classes=1000):
    """The net called ``name`` in `BLOCKS`."""
    bottleneck = name == "ResNet-50"
    net = Network(preprocessing=Preprocessing("RGB", TORCH.mean, TORCH.scale, size=(224, 224)))
    normed_conv(net, "conv1", 7, 3, 64, stride=2, padding=3)
    net.add("conv1_relu", ReLU()).add("pool1", MaxPool2D(3, stride=2, padding=1))
    channels = 64
    for stage, (count, filters) in enumerate(zip(BLOCKS[name], FILTERS), 2):
        for block in "abcdef"[:count]:
            stride = 2 if stage > 2 and block == "a" else 1
            channels = residual_block(net, f"{stage}{block}", channels, filters, stride, bottleneck)
    net.add("pool5", GlobalAvgPool()).add("fc1000", fc(channels, classes)).add("prob", Softmax())
    ends = [f"res{stage}{'abcdef'[count - 1]}_relu" for stage, count in enumerate(BLOCKS[name], 2)]
    net.roles.update(logits="fc1000", prob="prob", code="pool5", content=ends[1], style=["conv1_relu", *ends[:3]],
                     dream=ends[2])  # fmt: skip
    return net


def residual_block(net, name, channels, filters, stride, bottleneck):
    """Return how many channels come out."""
    source, out = next(reversed(net.nodes)), 4 * filters if bottleneck else filters
    shortcut = source
    if stride > 1 or channels != out:
        shortcut = normed_conv(net, f"res{name}_branch1", 1, channels, out, stride=stride, reads=source)
    branch = f"res{name}_branch2"
    if bottleneck:
        normed_conv(net, f"{branch}a", 1, channels, filters, reads=source)
        net.add(f"{branch}a_relu", ReLU())
        normed_conv(net, f"{branch}b", 3, filters, filters, stride=stride, padding=1)
        net.add(f"{branch}b_relu", ReLU())
        last = normed_conv(net, f"{branch}c", 1, filters, out)
    else:
        normed_conv(net, f"{branch}a", 3, channels, filters, stride=stride, padding=1, reads=source)
        net.add(f"{branch}a_relu", ReLU())
        last = normed_conv(net, f"{branch}b", 3, filters, filters, padding=1)
    net.add(f"res{name}", Add(), shortcut, last).add(f"res{name}_relu", ReLU())
    return out


def normed_conv(net, name, kernel, channels, filters, *, reads=None, **settings):
    """A convolution without biases and its batch norm, bn2a_branch1 for res2a_branch1. Return the last one's name."""
    norm = f"bn_{name}" if name == "conv1" else name.replace("res", "bn")
    net.add(name, conv(kernel, channels, filters, bias=False, **settings), *[reads] if reads else [])
    net.add(norm, batch_norm(filters))
    return norm


def torch_names(name):
    """Our layer -> torchvision's prefix."""
    names = {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}
    for stage, count in enumerate(BLOCKS[name], 2):
        for i, block in enumerate("abcdef"[:count]):
            theirs = f"layer{stage - 1}.{i}"
            names |= {f"res{stage}{block}_branch1": f"{theirs}.downsample.0"}
            names |= {f"bn{stage}{block}_branch1": f"{theirs}.downsample.1"}
            for number, part in enumerate("abc", 1):
                names |= {f"res{stage}{block}_branch2{part}": f"{theirs}.conv{number}"}
                names |= {f"bn{stage}{block}_branch2{part}": f"{theirs}.bn{number}"}
    return names
