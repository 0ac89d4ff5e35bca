"""Make nets_*.pth, nets_*.caffemodel and nets.npz: narrow nets of every architecture, run by PyTorch. Once, by hand:

    pip install torch && python tests/golden/make_torch_nets.py

The nets are written down here a second time, in PyTorch and with the names that torchvision and Caffe use, so that
the tables in minivis/models are checked against something else than themselves. nets.npz has, for each, the logits and
every eighth row and column of the gradient of the strongest at the input. Weights are float16, to keep the files small.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from foreign_files import write_caffemodel  # noqa: E402

CLASSES = 7


def pattern(size, channels=3):
    """A picture that needs no file: (size, size, 3) uint8."""
    i = np.arange(size * size * channels, dtype=np.int64)
    return ((i * 7919 + (i // 97) ** 2 * 31) % 256).astype(np.uint8).reshape(size, size, channels)


class VGG(nn.Module):
    def __init__(self, counts, normed=False, widths=(4, 4, 6, 6, 6)):
        super().__init__()
        layers, channels = [], 3
        for count, width in zip(counts, widths):
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1)]
                layers += [nn.BatchNorm2d(width)] * normed + [nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(channels * 4, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8), nn.ReLU(),
                                        nn.Dropout(), nn.Linear(8, CLASSES))  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(4, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2))  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(216, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8),
                                        nn.ReLU(), nn.Linear(8, CLASSES))  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze, self.expand1x1 = nn.Conv2d(channels, squeeze, 1), nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, version):
        super().__init__()
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        if version == "1.0":
            layers = [nn.Conv2d(3, 6, 7, stride=2), nn.ReLU(), pool, Fire(6, 2, 4), Fire(8, 2, 4), Fire(8, 2, 4), pool,
                      Fire(8, 2, 4), Fire(8, 3, 4), Fire(8, 3, 4), Fire(8, 4, 4), pool, Fire(8, 4, 4)]  # fmt: skip
        else:
            layers = [nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), pool, Fire(4, 2, 4), Fire(8, 2, 4), pool, Fire(8, 2, 4),
                      Fire(8, 2, 4), pool, Fire(8, 3, 4), Fire(8, 3, 4), Fire(8, 4, 4), Fire(8, 4, 4)]  # fmt: skip
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(8, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


class Basic(nn.Module):
    grow = 1

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters)
        self.downsample = shortcut(channels, filters, stride)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    grow = 4

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv3, self.bn3 = nn.Conv2d(filters, 4 * filters, 1, bias=False), nn.BatchNorm2d(4 * filters)
        self.downsample = shortcut(channels, 4 * filters, stride)

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(out)) + (x if self.downsample is None else self.downsample(x)))


def shortcut(channels, out, stride):
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet(nn.Module):
    def __init__(self, block, counts):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 2, 7, 2, 3, bias=False), nn.BatchNorm2d(2)
        channels = 2
        for number, (count, filters) in enumerate(zip(counts, (2, 3, 4, 5)), 1):
            blocks = []
            for i in range(count):
                blocks.append(block(channels, filters, 2 if number > 1 and i == 0 else 1))
                channels = filters * block.grow
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class BasicConv2d(nn.Module):
    def __init__(self, *args, **settings):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(*args, bias=False, **settings), nn.BatchNorm2d(args[1], eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, channels, one, before3, three, before5, five, behind):
        super().__init__()
        self.branch1 = BasicConv2d(channels, one, 1)
        self.branch2 = nn.Sequential(BasicConv2d(channels, before3, 1), BasicConv2d(before3, three, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(channels, before5, 1), BasicConv2d(before5, five, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv2d(channels, behind, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = BasicConv2d(3, 4, 7, stride=2, padding=3), BasicConv2d(4, 4, 1)
        self.conv3, channels = BasicConv2d(4, 5, 3, padding=1), 5
        for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
            setattr(self, f"inception{name}", Inception(channels, 2, 2, 3, 1, 2, 1))
            channels = 8
        self.aux1 = nn.Linear(2, 2)                         # as in the real file: not part of the net for use
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.conv3(self.conv2(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)))
        x = self.inception3b(self.inception3a(F.max_pool2d(x, 3, 2, ceil_mode=True)))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for name in "abcde":
            x = getattr(self, f"inception4{name}")(x)
        x = self.inception5b(self.inception5a(F.max_pool2d(x, 2, 2, ceil_mode=True)))
        return self.fc(x.mean((2, 3)))


def same(x, conv):
    """TensorFlow's padding, then the convolution."""
    pads = []
    for n in (x.shape[3], x.shape[2]):
        total = max((-(-n // conv.stride[0]) - 1) * conv.stride[0] + conv.kernel_size[0] - n, 0)
        pads += [total // 2, total - total // 2]
    return conv(F.pad(x, pads))


class MBConv(nn.Module):
    def __init__(self, channels, kernel, stride, expand, out):
        super().__init__()
        inside, self.skip = channels * expand, stride == 1 and channels == out
        if expand > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(channels, inside, 1, bias=False), nn.BatchNorm2d(inside, 1e-3)
        self._depthwise_conv = nn.Conv2d(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1 = nn.BatchNorm2d(inside, 1e-3)
        self._project_conv, self._bn2 = nn.Conv2d(inside, out, 1, bias=False), nn.BatchNorm2d(out, 1e-3)

    def forward(self, x):
        inside = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_bn0") else x
        inside = F.relu6(self._bn1(same(inside, self._depthwise_conv)))
        out = self._bn2(self._project_conv(inside))
        return out + x if self.skip else out


class EfficientNet(nn.Module):
    def __init__(self, counts, widths=(3, 2, 2, 3, 3, 4, 4, 5, 8), classes=CLASSES):
        super().__init__()
        stages = [(3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6)]
        channels = widths[0]
        self._conv_stem, self._bn0 = nn.Conv2d(3, channels, 3, 2, bias=False), nn.BatchNorm2d(channels, 1e-3)
        blocks = []
        for count, (kernel, stride, expand), out in zip(counts, stages, widths[1:]):
            for i in range(count):
                blocks.append(MBConv(channels, kernel, stride if i == 0 else 1, expand, out))
                channels = out
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = nn.Conv2d(channels, widths[-1], 1, bias=False), nn.BatchNorm2d(widths[-1], 1e-3)
        self._fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self._blocks(F.relu6(self._bn0(same(x, self._conv_stem))))
        return self._fc(F.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


NETS = {            # name: (net, size of the input)
    "vgg11": (lambda: VGG((1, 1, 2, 2, 2)), 64),
    "vgg13_bn": (lambda: VGG((2, 2, 2, 2, 2), True), 64),
    "vgg16": (lambda: VGG((2, 2, 3, 3, 3)), 64),
    "vgg19_bn": (lambda: VGG((2, 2, 4, 4, 4), True), 64),
    "alexnet": (AlexNet, 224),
    "squeezenet1_0": (lambda: SqueezeNet("1.0"), 67),
    "squeezenet1_1": (lambda: SqueezeNet("1.1"), 67),
    "resnet18": (lambda: ResNet(Basic, (2, 2, 2, 2)), 65),
    "resnet34": (lambda: ResNet(Basic, (3, 4, 6, 3)), 65),
    "resnet50": (lambda: ResNet(Bottleneck, (3, 4, 6, 3)), 65),
    "googlenet": (GoogLeNet, 70),
    "efficientnet_lite0": (lambda: EfficientNet((1, 2, 2, 3, 3, 4, 1)), 70),
    "efficientnet_lite1": (lambda: EfficientNet((1, 3, 3, 4, 4, 5, 1)), 70),
}


def randomize(net):
    """Weights that keep activations alive through many layers, in float16's numbers."""
    for key, value in net.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() > 1:
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
        elif value.dtype == torch.float32:
            value.normal_(1 if key.endswith("weight") else 0.1, 0.1)
        if value.dtype == torch.float32:
            value.copy_(value.half().float())


def run(net, size):
    """Logits, and every eighth row and column of the gradient of the strongest, in float64."""
    x = torch.tensor(pattern(size).transpose(2, 0, 1)[None] / 64.0 - 2, dtype=torch.float64, requires_grad=True)
    logits = net(x)
    (dx,) = torch.autograd.grad(logits[0].max(), x)
    return logits.detach().numpy(), dx[0, :, ::8, ::8].permute(1, 2, 0).numpy()


# ---- Caffe's, as functions: LRN, groups, ceil pools ----

class CaffeLayers(dict):
    """name -> (type, [w, b]) in the order of use, drawn at first use."""

    def conv(self, name, x, filters, kernel, *, stride=1, pad=0, groups=1):
        w, b = self.draw(name, "Convolution", (filters, x.shape[1] // groups, kernel, kernel))
        return F.conv2d(x, w, b, stride, pad, groups=groups)

    def fc(self, name, x, units):
        w, b = self.draw(name, "InnerProduct", (units, x[0].numel()))
        return F.linear(x.flatten(1), w, b)

    def draw(self, name, kind, shape):
        if name not in self:
            w = torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5
            self[name] = kind, [t.half().double() for t in (w, 0.1 * torch.randn(shape[0]))]
        return self[name][1]

    def mark(self, name, kind, x):
        self.setdefault(name, (kind, []))
        return x

    def norm(self, name, x):
        return self.mark(name, "LRN", F.local_response_norm(x, 5, 1e-4, 0.75, 1.0))

    def pool(self, name, x, stride=2, pad=0):
        return self.mark(name, "Pooling", F.max_pool2d(x, 3, stride, pad, ceil_mode=True))


def caffe_alexnet(net, x, pool_first):
    def both(number, x):
        if pool_first:
            return net.norm(f"norm{number}", net.pool(f"pool{number}", x))
        return net.pool(f"pool{number}", net.norm(f"norm{number}", x))

    x = both(1, F.relu(net.conv("conv1", x, 6, 11, stride=4)))
    x = both(2, F.relu(net.conv("conv2", x, 8, 5, pad=2, groups=2)))
    x = F.relu(net.conv("conv3", x, 8, 3, pad=1))
    x = F.relu(net.conv("conv4", x, 8, 3, pad=1, groups=2))
    x = net.pool("pool5", F.relu(net.conv("conv5", x, 6, 3, pad=1, groups=2)))
    return net.fc("fc8", F.relu(net.fc("fc7", F.relu(net.fc("fc6", x, 8)), 8)), CLASSES)


def caffe_googlenet(net, x):
    def module(name, x):
        name = f"inception_{name}"
        one = F.relu(net.conv(f"{name}/1x1", x, 2, 1))
        three = F.relu(net.conv(f"{name}/3x3_reduce", x, 2, 1))
        three = F.relu(net.conv(f"{name}/3x3", three, 3, 3, pad=1))
        five = F.relu(net.conv(f"{name}/5x5_reduce", x, 1, 1))
        five = F.relu(net.conv(f"{name}/5x5", five, 2, 5, pad=2))
        behind = F.relu(net.conv(f"{name}/pool_proj", net.pool(f"{name}/pool", x, 1, 1), 1, 1))
        return torch.cat([one, three, five, behind], 1)

    x = net.pool("pool1/3x3_s2", F.relu(net.conv("conv1/7x7_s2", x, 4, 7, stride=2, pad=3)))
    x = F.relu(net.conv("conv2/3x3_reduce", net.norm("pool1/norm1", x), 4, 1))
    x = net.norm("conv2/norm2", F.relu(net.conv("conv2/3x3", x, 6, 3, pad=1)))
    x = module("3b", module("3a", net.pool("pool2/3x3_s2", x)))
    x = net.pool("pool3/3x3_s2", x)
    for name in ("4a", "4b", "4c", "4d", "4e"):
        x = module(name, x)
        if name == "4a":
            net.fc("loss1/fc", x, 2)                        # a head for training, which deploy nets lack
    x = module("5b", module("5a", net.pool("pool4/3x3_s2", x)))
    return net.fc("loss3/classifier", F.avg_pool2d(x, 7, 1), CLASSES)


def main():
    results = {}
    for number, (name, (make, size)) in enumerate(NETS.items()):
        torch.manual_seed(number)
        net = make().eval()
        with torch.no_grad():
            randomize(net)
        results[f"{name}/logits"], results[f"{name}/dx"] = run(net.double(), size)
        state = OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in net.state_dict().items())
        torch.save(state, HERE / f"nets_{name}.pth", _use_new_zipfile_serialization=False)
    for name, function, size, v1 in (
        ("AlexNet", lambda n, x: caffe_alexnet(n, x, False), 227, True),
        ("CaffeNet", lambda n, x: caffe_alexnet(n, x, True), 227, True),
        ("GoogLeNet", caffe_googlenet, 224, False),
    ):
        torch.manual_seed(9)
        net = CaffeLayers()
        results[f"{name}/logits"], results[f"{name}/dx"] = run(lambda x, f=function, n=net: f(n, x), size)
        layers = [(layer, kind, [a.numpy().astype("f4") for a in arrays]) for layer, (kind, arrays) in net.items()]
        write_caffemodel(HERE / f"nets_{name}.caffemodel", layers, v1=v1, name=name)
    np.savez_compressed(HERE / "nets.npz", **{k: v.astype("f4") for k, v in results.items()})


if __name__ == "__main__":
    main()
