"""Forty PyTorch nets: as ONNX by the old exporter and by the new (dynamo), and as state dicts with a layer table."""

import json
import os
import warnings
from collections.abc import Callable

import numpy as np
import torch
from cases import Case
from torch import nn
from torch.nn import functional as F

SIDE = (24, 20)


def block(C, F, act=nn.ReLU, **settings):
    return [nn.Conv2d(C, F, 3, **{"padding": 1} | settings), nn.BatchNorm2d(F), act()]


def small(act=nn.ReLU, between=(), last=(), n=5):
    """Two convolutions and a classifier of a picture of 24 x 20."""
    return nn.Sequential(*block(3, 8, act), nn.MaxPool2d(2), *block(8, 12, act), nn.MaxPool2d(2), nn.Flatten(),
                         *between, nn.Linear(360, n), *last)  # fmt: skip


class Viewed(nn.Module):
    """Written as tutorials write it: functions, and a view by the number of pictures."""

    def __init__(self, view):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.view = nn.Linear(16 * 3 * 2, 20), nn.Linear(20, 4), view

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(F.relu(self.fc1(self.view(x))), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Residual(nn.Module):
    """Two blocks, the second with a stride and a 1x1 convolution beside it; the mean of each map; a classifier."""

    def __init__(self, act=F.relu):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv3, self.bn3 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16)
        self.down, self.norm = nn.Conv2d(8, 16, 1, stride=2, bias=False), nn.BatchNorm2d(16)
        self.fc, self.act = nn.Linear(16, 5), act

    def forward(self, x):
        x = self.act(self.bn1(self.conv1(x)))
        x = self.act(self.bn2(self.conv2(x)) + x)
        x = self.act(self.bn3(self.conv3(x)) + self.norm(self.down(x)))
        return self.fc(x.mean(dim=(2, 3)))


class Inverted(nn.Module):
    """MobileNet: 1x1, depthwise, 1x1 and the sum; ReLU6 or hard swish; with or without squeeze and excitation."""

    def __init__(self, act=nn.ReLU6, gate=False):
        super().__init__()
        self.stem = nn.Sequential(*block(3, 8, act, stride=2, bias=False))
        self.expand = nn.Sequential(nn.Conv2d(8, 24, 1, bias=False), nn.BatchNorm2d(24), act())
        self.depth = nn.Sequential(*block(24, 24, act, groups=24, bias=False))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 6, 1), nn.ReLU(), nn.Conv2d(6, 24, 1),
                                  nn.Hardsigmoid()) if gate else None  # fmt: skip
        self.project = nn.Sequential(nn.Conv2d(24, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 6))

    def forward(self, x):
        x = self.stem(x)
        y = self.depth(self.expand(x))
        y = y if self.gate is None else y * self.gate(y)
        return self.end(self.project(y) + x)


class Dense(nn.Module):
    """DenseNet: norm, ReLU and convolution, each reading all maps so far."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8 + 4 * i) for i in range(3))
        self.convs = nn.ModuleList(nn.Conv2d(8 + 4 * i, 4, 3, padding=1) for i in range(3))
        self.last, self.fc = nn.BatchNorm2d(20), nn.Linear(20, 5)

    def forward(self, x):
        x = self.stem(x)
        for norm, conv in zip(self.norms, self.convs):
            x = torch.cat([x, conv(F.relu(norm(x)))], 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(F.relu(self.last(x)), 1), 1))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(3, 6, 5, padding=2)
        self.d = nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), nn.Conv2d(3, 3, 1))
        self.fc = nn.Conv2d(18, 5, 1)

    def forward(self, x):
        x = F.relu(torch.cat([self.a(x), self.b(x), self.c(x), self.d(x)], dim=1))
        return F.adaptive_avg_pool2d(self.fc(F.max_pool2d(x, 3, 2, ceil_mode=True)), 1).flatten(1)


class Normalized(nn.Module):
    """Takes pixels in 0..1, and subtracts ImageNet's mean itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.net = small()

    def forward(self, x):
        return torch.softmax(self.net((x - self.mean) / self.std), -1)


class UNet(nn.Module):
    def __init__(self, up="transpose"):
        super().__init__()
        self.down, self.middle = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)
        self.up = nn.ConvTranspose2d(12, 8, 2, stride=2) if up == "transpose" else nn.Upsample(scale_factor=2)
        self.end = nn.Conv2d(16 if up == "transpose" else 20, 2, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.down(x))
        y = self.up(F.relu(self.middle(F.max_pool2d(x, 2))))
        return torch.sigmoid(self.end(torch.cat([y, x], 1)))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*block(3, 8, stride=2))
        self.branch = nn.Sequential(*block(4, 4))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        a, b = self.stem(x).chunk(2, dim=1)
        x = torch.cat([a, self.branch(b)], 1)
        N, C, H, W = x.shape
        x = x.view(N, 2, C // 2, H, W).transpose(1, 2).reshape(N, C, H, W)
        return self.fc(x.mean([2, 3]))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.kind, self.age = nn.Conv2d(3, 8, 3, stride=2), nn.Linear(8, 4), nn.Linear(8, 2)

    def forward(self, x):
        x = F.relu(self.body(x)).amax((2, 3))
        return self.kind(x).softmax(1), self.age(x)


def modules():
    """Name -> a new module, from the same seed."""
    return {
        "sequential": lambda: small(),
        "batch_norm_1d": lambda: small(between=[nn.BatchNorm1d(360), nn.ReLU(), nn.Dropout()]),
        "leaky_and_softmax": lambda: small(lambda: nn.LeakyReLU(0.1), last=[nn.Softmax(1)]),
        "prelu_and_sigmoid": lambda: small(nn.PReLU, last=[nn.Sigmoid()], n=1),
        "silu_and_tanh": lambda: small(nn.SiLU, between=[nn.Tanh()]),
        "view": lambda: Viewed(lambda x: x.view(x.size(0), -1)),
        "view_of_known_width": lambda: Viewed(lambda x: x.view(-1, 16 * 3 * 2)),
        "residual": lambda: Residual(),
        "relu6": lambda: Inverted(),
        "squeeze_and_excite": lambda: Inverted(nn.Hardswish, gate=True),
        "dense": lambda: Dense(),
        "inception": lambda: Inception(),
        "mean_and_std_inside": lambda: Normalized(),
        "unet": lambda: UNet(),
        "unet_nearest": lambda: UNet("nearest"),
        "shuffle": lambda: Shuffle(),
        "two_heads": lambda: TwoHeads(),
        "lrn_and_padding": lambda: nn.Sequential(
            nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.LocalResponseNorm(5, 0.01, k=2),
            nn.ConstantPad2d((0, 1, 0, 1), 0.0), nn.MaxPool2d(3, 2), nn.Flatten(), nn.LazyLinear(4)),
    }  # fmt: skip


def ready(build):
    """A module with batch norms that have seen something, in inference."""
    torch.manual_seed(0)
    module = build()
    module(torch.randn(2, 3, *SIDE))                # makes lazy layers
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            for tensor, low, high in ((part.weight, 0.5, 1.5), (part.bias, -0.5, 0.5), (part.running_mean, -0.5, 0.5),
                                      (part.running_var, 0.5, 2)):  # fmt: skip
                nn.init.uniform_(tensor, low, high)
    return module.eval()


def answered(module, x):
    """(x, y) as a `Case` has them; of several outputs as {name: y}, as the exporters name them by themselves."""
    with torch.no_grad():
        y = module(x)
    x = x.permute(0, 2, 3, 1).numpy()
    if isinstance(y, tuple):
        return x, {name: part.numpy() for name, part in zip(("softmax", "linear_1"), y)}
    return x, np.moveaxis(y.numpy(), 1, -1)


# ---- ONNX, by both exporters ----

OLD = {name: {"opset_version": opset} for name, opset in {
    "sequential": 17, "batch_norm_1d": 11, "leaky_and_softmax": 9, "prelu_and_sigmoid": 13, "silu_and_tanh": 12,
    "view": 9, "view_of_known_width": 17, "residual": 18, "relu6": 11, "squeeze_and_excite": 14,
    "mean_and_std_inside": 17, "unet": 16, "unet_nearest": 11, "lrn_and_padding": 13}.items()}  # fmt: skip
NEW = ("sequential", "batch_norm_1d", "prelu_and_sigmoid", "view", "residual", "relu6", "squeeze_and_excite", "dense",
       "inception", "mean_and_std_inside", "unet_nearest", "shuffle", "lrn_and_padding", "two_heads")  # fmt: skip


def exported(folder, name, module, *, dynamo, **settings):
    path, x = folder / f"{name}_{'new' if dynamo else 'old'}.onnx", torch.randn(2, 3, *SIDE)
    if name in ("view", "unet", "sequential"):      # for any number of pictures
        if dynamo:
            settings["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
        else:
            settings.update(input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
        warnings.simplefilter("ignore")
        from contextlib import redirect_stdout

        with redirect_stdout(nowhere):
            torch.onnx.export(module, (x,), str(path), dynamo=dynamo, **settings)
    return Case(path.stem, path, *answered(module, x))


# ---- state dicts with a layer table ----

TABLES: dict[str, Callable] = {}


def table(make):
    TABLES[make.__name__] = make
    return make


def row(kind, name, weights=None, **settings):
    return {"name": name, "type": kind, **settings} | ({"weights": weights} if weights else {})


def rows_of(module, *, inputs=None):
    """The rows of a Sequential, under the numbers that its layers have there."""
    kinds = {nn.Conv2d: lambda m: ("Conv2D", {"padding": list(m.padding), "stride": list(m.stride), "groups": m.groups,
                                              "dilation": list(m.dilation)}),
             nn.BatchNorm2d: lambda m: ("BatchNorm", {"eps": m.eps}), nn.BatchNorm1d: lambda m: ("BatchNorm", {}),
             nn.ReLU: lambda m: ("ReLU", {}), nn.ReLU6: lambda m: ("ReLU", {"max_value": 6}),
             nn.MaxPool2d: lambda m: ("MaxPool2D", {"size": m.kernel_size, "stride": m.stride}),
             nn.AvgPool2d: lambda m: ("AvgPool2D", {"size": m.kernel_size, "stride": m.stride}),
             nn.AdaptiveAvgPool2d: lambda m: ("GlobalAvgPool", {}), nn.Flatten: lambda m: ("Flatten", {}),
             nn.Dropout: lambda m: ("Dropout", {"rate": m.p}), nn.Linear: lambda m: ("FullyConnected", {}),
             nn.Softmax: lambda m: ("Softmax", {}), nn.Sigmoid: lambda m: ("Sigmoid", {}),
             nn.Tanh: lambda m: ("Tanh", {}), nn.SiLU: lambda m: ("SiLU", {}),
             nn.LeakyReLU: lambda m: ("LeakyReLU", {"slope": m.negative_slope}),
             nn.LocalResponseNorm: lambda m: ("LRN", {"size": m.size, "alpha": m.alpha, "beta": m.beta, "k": m.k})}
    found = []
    for name, part in module.named_children():
        kind, settings = kinds[type(part)](part)
        found.append(row(kind, f"layer{name}", name, **settings))
    return found


@table
def sequential():
    module = small()
    return module, rows_of(module)


@table
def dropout_before_the_classifier():
    module = small(between=[nn.Dropout(), nn.ReLU()])
    return module, rows_of(module)


@table
def batch_norm_of_a_row():
    module = small(between=[nn.BatchNorm1d(360), nn.Dropout()], last=[nn.Softmax(1)])
    return module, rows_of(module)


@table
def leaky():
    module = small(lambda: nn.LeakyReLU(0.2), last=[nn.Sigmoid()], n=1)
    return module, rows_of(module)


@table
def smooth():
    module = small(nn.SiLU, between=[nn.Tanh()])
    return module, rows_of(module)


@table
def strides_groups_dilation():
    module = nn.Sequential(nn.Conv2d(3, 6, (5, 3), stride=(2, 1), padding=(2, 0), groups=3), nn.ReLU6(),
                           nn.Conv2d(6, 8, 3, dilation=2, padding=1), nn.ReLU(), nn.AvgPool2d(2),
                           nn.Conv2d(8, 8, 3, groups=8), nn.Flatten(), nn.LazyLinear(5))  # fmt: skip
    module(torch.randn(1, 3, *SIDE))
    return module, rows_of(module)


@table
def alexnet_like():
    module = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.LocalResponseNorm(5, 0.01, k=2),
                           nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout(), nn.LazyLinear(9), nn.ReLU(), nn.Linear(9, 4))
    module(torch.randn(1, 3, *SIDE))
    rows = rows_of(module)
    return module, rows


@table
def fully_convolutional():
    module = nn.Sequential(*block(3, 8), nn.MaxPool2d(2), nn.Conv2d(8, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return module, rows_of(module)[:-1]


@table
def residual():
    rows = [row("Conv2D", "conv1", padding=1), row("BatchNorm", "bn1"), row("ReLU", "relu1"),
            row("Conv2D", "conv2", padding=1), row("BatchNorm", "bn2"), row("Add", "sum2", inputs=["bn2", "relu1"]),
            row("ReLU", "relu2"), row("Conv2D", "conv3", padding=1, stride=2), row("BatchNorm", "bn3"),
            row("Conv2D", "down", stride=2, inputs=["relu2"]), row("BatchNorm", "norm"),
            row("Add", "sum3", inputs=["bn3", "norm"]), row("ReLU", "relu3"), row("GlobalAvgPool", "pool"),
            row("FullyConnected", "fc")]  # fmt: skip
    return Residual(), rows


@table
def inception():
    rows = [row("Conv2D", "a"), row("Conv2D", "b", padding=1, inputs=["input"]),
            row("Conv2D", "c", padding=2, inputs=["input"]),
            row("AvgPool2D", "pool", size=3, stride=1, padding=1, inputs=["input"]), row("Conv2D", "d", "d.1"),
            row("Concat", "joined", inputs=["a", "b", "c", "d"]), row("ReLU", "relu"),
            row("MaxPool2D", "max", size=3, stride=2, ceil=True), row("Conv2D", "fc"), row("GlobalAvgPool", "mean")]
    return Inception(), rows


@table
def dense():
    rows = [row("Conv2D", "stem", padding=1)]
    for i, source in enumerate(("stem", "cat0", "cat1")):
        rows += [row("BatchNorm", f"norm{i}", f"norms.{i}", inputs=[source]), row("ReLU", f"relu{i}"),
                 row("Conv2D", f"conv{i}", f"convs.{i}", padding=1),
                 row("Concat", f"cat{i}", inputs=[source, f"conv{i}"])]  # fmt: skip
    return Dense(), [*rows, row("BatchNorm", "last"), row("ReLU", "relu"), row("GlobalAvgPool", "pool"),
                     row("FullyConnected", "fc")]  # fmt: skip


@table
def inverted():
    rows = [row("Conv2D", "stem0", "stem.0", padding=1, stride=2), row("BatchNorm", "stem1", "stem.1"),
            row("ReLU", "stem2", max_value=6), row("Conv2D", "expand0", "expand.0"),
            row("BatchNorm", "expand1", "expand.1"), row("ReLU", "expand2", max_value=6),
            row("Conv2D", "depth0", "depth.0", padding=1, groups="depthwise"), row("BatchNorm", "depth1", "depth.1"),
            row("ReLU", "depth2", max_value=6), row("Conv2D", "project0", "project.0"),
            row("BatchNorm", "project1", "project.1"), row("Add", "sum", inputs=["project1", "stem2"]),
            row("GlobalAvgPool", "pool"), row("FullyConnected", "end", "end.3")]  # fmt: skip
    return Inverted(), rows


def described(folder, name, build):
    made = []
    module = ready(lambda: made.append(build()) or made[0][0])
    path, listed, x = folder / f"{name}.pth", folder / f"{name}.json", torch.randn(2, 3, *SIDE)
    torch.save(module.state_dict(), path)
    listed.write_text(json.dumps({"input": SIDE, "layers": made[0][1]}))
    return Case(f"{name}_table", path, *answered(module, x), {"arch": str(listed)})


def make(folder):
    builds = modules()
    for name, settings in OLD.items():
        yield exported(folder, name, ready(builds[name]), dynamo=False, **settings)
    for name in NEW:
        yield exported(folder, name, ready(builds[name]), dynamo=True)
    for name, build in TABLES.items():
        yield described(folder, name, build)
