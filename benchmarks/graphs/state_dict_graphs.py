"""Checkpoints as people save them with PyTorch: known bodies under other heads, behind prefixes, in dicts of dicts."""

import argparse
import json
from collections import OrderedDict
from functools import partial

import numpy as np
import torch
from cases import Case
from torch import nn
from torch.nn import functional
from torchvision_nets import models

CASES: dict = {}


def case(function):
    CASES[function.__name__] = function
    return function


def make(folder):
    """Each function of `CASES` returns (net, what is saved, sides of x, settings of mv.load)."""
    for name, build in CASES.items():
        torch.manual_seed(len(name))
        net, saved, side, *more = build()
        settings = dict(more[0]) if more else {}
        channels, last = settings.pop("channels", 3), settings.pop("last", partial(functional.softmax, dim=1))
        path = folder / f"{name}.pth"
        if table := settings.pop("table", None):
            settings["arch"] = str(folder / f"{name}.json")
            (folder / f"{name}.json").write_text(json.dumps(table))
        torch.save(saved, path, _use_new_zipfile_serialization=settings.pop("zipped", True))
        x = np.random.default_rng(0).standard_normal((2, channels, side, side), dtype=np.float32)
        with torch.no_grad():
            y = last(net.eval()(torch.from_numpy(x))).numpy()
        y = y.transpose(0, 2, 3, 1) if y.ndim == 4 else y
        yield Case(name, path, np.ascontiguousarray(x.transpose(0, 2, 3, 1)), y, settings)


def lively(net):
    """Random numbers in every batch norm, so that none is the identity."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
    return net


def small_resnet(head=None, blocks=(1, 1, 1, 1), block=models.resnet.BasicBlock, **settings):
    net = models.ResNet(block, list(blocks), num_classes=10, **settings)
    if head is not None:
        net.fc = head
    return lively(net)


def small_vgg(head, *, normed=False, channels=3, pool=7):
    plan = [8, "M", 16, "M", 32, 32, "M", 64, 64, "M", 64, 64, "M"]             # VGG11, an eighth as wide
    layers, before = [], channels
    for width in plan:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, width, 3, padding=1), *[nn.BatchNorm2d(width)] * normed, nn.ReLU()]
            before = width
    net = models.VGG(nn.Sequential(*layers))
    net.avgpool, net.classifier = nn.AdaptiveAvgPool2d(pool), head
    return lively(net)


def state(net, prefix=""):
    return OrderedDict((prefix + name, array) for name, array in net.state_dict().items())


def plain(net, side=64, **settings):
    return net, state(net), side, settings


# ---- heads ----

@case
def head_of_two_layers():
    return plain(small_resnet(nn.Sequential(nn.Linear(512, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 7))))


@case
def head_behind_dropout():
    return plain(small_resnet(nn.Sequential(nn.Dropout(0.5), nn.Linear(512, 7))))


@case
def head_with_batch_norm():
    return plain(small_resnet(nn.Sequential(nn.Linear(512, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 7))))


@case
def head_with_batch_norm_behind_relu():
    return plain(small_resnet(nn.Sequential(nn.Linear(512, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Dropout(),
                                            nn.Linear(32, 7))))  # fmt: skip


@case
def head_of_linear_layers_side_by_side():
    return plain(small_resnet(nn.Sequential(nn.Linear(512, 32), nn.Linear(32, 7))))


@case
def head_with_prelu():
    return plain(small_resnet(nn.Sequential(nn.Linear(512, 32), nn.PReLU(), nn.Linear(32, 7))))


@case
def head_without_biases():
    return plain(small_resnet(nn.Linear(512, 7, bias=False)))


@case
def no_head():
    return plain(small_resnet(nn.Identity()), last=lambda y: y)


@case
def one_output():
    return plain(small_resnet(nn.Linear(512, 1)), last=torch.sigmoid)


class FastHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.ap, self.mp = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)

    def forward(self, x):
        return torch.cat([self.mp(x), self.ap(x)], 1)


@case
def fastai():
    body = nn.Sequential(*list(small_resnet().children())[:-2])
    head = nn.Sequential(FastHead(), nn.Flatten(), nn.BatchNorm1d(1024), nn.Dropout(0.25),
                         nn.Linear(1024, 32, bias=False), nn.ReLU(), nn.BatchNorm1d(32), nn.Dropout(),
                         nn.Linear(32, 7, bias=False))  # fmt: skip
    net = lively(nn.Sequential(body, head))
    return net, {"model": state(net), "opt": None}, 64


class Features(nn.Module):
    """What people write around a backbone."""

    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, x):
        return self.head(torch.flatten(self.backbone(x), 1))


@case
def children_of_a_resnet():
    return plain(nn.Sequential(*list(small_resnet().children())[:-1], nn.Flatten()), last=lambda y: y)


@case
def children_as_a_backbone():
    return plain(Features(nn.Sequential(*list(small_resnet().children())[:-1]), nn.Linear(512, 5)))


@case
def backbone_and_head():
    return plain(Features(small_resnet(nn.Identity()), nn.Sequential(nn.Linear(512, 9), nn.ReLU(), nn.Linear(9, 4))))


@case
def net_behind_a_net():
    return plain(nn.Sequential(small_resnet(), nn.ReLU(), nn.Linear(10, 3)))


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = small_resnet(nn.Identity())
        self.fc1, self.bn1, self.fc2 = nn.Linear(512, 16), nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn1(self.fc1(self.encoder(x)))))


@case
def layers_of_ones_own_names():
    return plain(lively(Named()))


# ---- stems, channels, widths ----

@case
def cifar_stem():
    net = small_resnet()
    net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return plain(net, 32)


class CifarBlock(nn.Module):
    expansion = 1

    def __init__(self, before, width, stride, way="shortcut"):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.way = way
        fitted = [nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
        setattr(self, way, nn.Sequential(*fitted if stride > 1 or before != width else []))

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + getattr(self, self.way)(x))


class CifarResNet(nn.Module):
    def __init__(self, blocks, widths, way, last):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0])
        before = widths[0]
        for stage, (count, width) in enumerate(zip(blocks, widths), 1):
            rows = [CifarBlock(before if i == 0 else width, width, 2 if stage > 1 and i == 0 else 1, way)
                    for i in range(count)]  # fmt: skip
            setattr(self, f"layer{stage}", nn.Sequential(*rows))
            before = width
        setattr(self, last, nn.Linear(before, 10))
        self.stages, self.last = len(blocks), last

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return getattr(self, self.last)(x.mean((2, 3)))


@case
def resnet18_for_cifar():
    net = lively(CifarResNet((2, 2, 2, 2), (16, 32, 64, 128), "shortcut", "linear"))
    return net, {"net": state(net, "module."), "acc": 93.1, "epoch": 199}, 32


@case
def resnet20_for_cifar():
    return plain(lively(CifarResNet((3, 3, 3), (16, 32, 64), "downsample", "fc")), 32)


@case
def grey_pictures():
    net = small_resnet()
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return plain(net, channels=1)


@case
def four_channels():
    net = small_resnet()
    net.conv1 = nn.Conv2d(4, 64, 7, 2, 3, bias=False)
    return plain(net, channels=4)


@case
def bottlenecks():
    return plain(small_resnet(blocks=(2, 1, 2, 1), block=models.resnet.Bottleneck))


@case
def narrow_resnext():
    return plain(small_resnet(blocks=(1, 2, 1, 1), block=models.resnet.Bottleneck, groups=8, width_per_group=4))


@case
def vgg_with_a_mean():
    return plain(small_vgg(nn.Linear(64, 10), normed=True, pool=1), 64)


@case
def vgg_with_a_long_head():
    return plain(small_vgg(nn.Sequential(nn.Linear(64 * 49, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 12), nn.ReLU(),
                                         nn.Dropout(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))), 224)  # fmt: skip


@case
def vgg_without_a_head():
    net = small_vgg(nn.Identity()).features
    return net, state(net), 64, {"last": lambda y: y}


@case
def alexnet_with_other_classes():
    return plain(models.AlexNet(num_classes=6), 224)


@case
def squeezenet_with_other_classes():
    return plain(models.SqueezeNet("1_1", num_classes=6), 64)


@case
def squeezenet_with_a_linear_head():
    net = models.SqueezeNet("1_0")
    net.classifier = nn.Sequential(nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 6))
    return plain(net, 64)


@case
def narrow_mobilenet():
    net = models.MobileNetV2(width_mult=0.25)
    net.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 12), nn.ReLU(), nn.Linear(12, 4))
    return plain(lively(net))


@case
def narrow_densenet():
    net = models.DenseNet(8, (6, 12, 24, 16), 16)
    net.classifier = nn.Sequential(nn.Linear(net.classifier.in_features, 12), nn.ReLU(), nn.Linear(12, 4))
    return plain(lively(net))


@case
def googlenet_without_its_aux_heads():
    return plain(lively(models.GoogLeNet(num_classes=5, aux_logits=False, init_weights=False)))


# ---- what stands around a state dict ----

@case
def lightning():
    net = small_resnet(nn.Linear(512, 3))
    saved = {"epoch": 3, "global_step": 10, "pytorch-lightning_version": "2.2", "state_dict": state(net, "model."),
             "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3, 3)}}, "param_groups": [{"lr": 1e-3}]}],
             "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "best_model_path": "a"}},
             "hyper_parameters": argparse.Namespace(lr=1e-3), "lr_schedulers": []}  # fmt: skip
    saved["state_dict"] |= {"criterion.weight": torch.ones(3), "train_acc.total": torch.tensor(4)}
    return net, saved, 64


@case
def perceptual_loss():
    net, judge = small_resnet(), small_vgg(nn.Identity())
    return net, state(net, "net.") | state(judge.features, "perceptual_loss.features."), 64


@case
def two_nets_by_name():
    net, other = small_resnet(), small_resnet()
    return net, {"student": state(other), "teacher": state(net), "epoch": 1}, 64, {"part": "teacher"}


@case
def two_nets_in_one_dict():
    net, other = small_resnet(), small_resnet(nn.Linear(512, 3))
    return net, {"state_dict": state(net, "student.") | state(other, "teacher.")}, 64, {"part": "student"}


@case
def averaged_weights():
    net, other = small_resnet(), small_resnet()
    return net, {"model": state(other), "ema": {"module": state(net)}, "updates": 5}, 64, {"part": "ema"}


@case
def generator_and_discriminator():
    net = small_resnet(nn.Linear(512, 2))
    maker = nn.Sequential(nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.Tanh())
    return net, {"generator": state(maker), "discriminator": state(net)}, 64, {"part": "discriminator"}


@case
def compiled_and_in_parallel():
    net = Features(small_resnet(nn.Identity()), nn.Linear(512, 3))
    saved = {name.replace("backbone.", "backbone._orig_mod.module."): array for name, array in state(net).items()}
    return net, {f"_orig_mod.{name}": array for name, array in saved.items()}, 64


@case
def optimiser_beside_it():
    net = small_resnet()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-5)
    net(torch.randn(2, 3, 64, 64)).square().mean().backward()
    optimiser.step()
    saved = {"net": net.state_dict(), "opt": optimiser.state_dict(), "best": np.float64(0.3)}
    return net, saved | {"confusion": torch.ones(9, 9)}, 64


@case
def whole_module():
    net = small_resnet()
    return net, net, 64


@case
def whole_module_of_ones_own_before_1_6():
    net = lively(Named())
    return net, {"net": net, "epoch": 3}, 64, {"zipped": False}


def rounded(kind):
    net = small_resnet()
    saved = {name: array.to(kind) if array.is_floating_point() else array for name, array in state(net).items()}
    net.load_state_dict({name: array.float() for name, array in saved.items()})
    return net, saved, 64


@case
def half():
    return rounded(torch.float16)


@case
def bfloat16():
    return rounded(torch.bfloat16)


@case
def weight_norm():
    net = small_resnet(nn.Sequential(nn.Linear(512, 12), nn.ReLU(), nn.Linear(12, 4)))
    nn.utils.parametrizations.weight_norm(net.fc[0])
    with torch.no_grad():
        net.fc[0].parametrizations.weight.original0.mul_(1.5)
    return plain(net)


@case
def momentum_contrast():
    net, other = small_resnet(), small_resnet()
    saved = state(net, "module.encoder_q.") | state(other, "module.encoder_k.") | {"module.queue": torch.ones(128, 64)}
    return net, {"state_dict": saved, "arch": "resnet"}, 64, {"part": "module.encoder_q"}


# ---- nets of one's own, with a layer table ----

def row(name, kind, **more):
    return {"name": name, "type": kind, **more}


@case
def own_net_with_a_transposed_convolution():
    net = lively(nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.PReLU(8), nn.ConvTranspose2d(8, 6, 4, 2, 1),
                               nn.BatchNorm2d(6)))  # fmt: skip
    rows = [row("0", "Conv2D", stride=2, padding=1), row("1", "PReLU"),
            row("2", "ConvTranspose2D", stride=2, padding=1), row("3", "BatchNorm")]  # fmt: skip
    return net, state(net), 16, {"last": lambda y: y, "table": {"layers": rows, "input": [16, 16]}}


@case
def own_net_with_layers_behind_its_flatten():
    net = lively(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.BatchNorm1d(4 * 36), nn.ReLU(), nn.Dropout(),
                               nn.Linear(4 * 36, 5)))  # fmt: skip
    rows = [row("0", "Conv2D"), row("1", "Flatten"), row("2", "BatchNorm"), row("3", "ReLU"), row("4", "Dropout"),
            row("5", "FullyConnected")]  # fmt: skip
    return net, state(net, "net.a."), 8, {"last": lambda y: y, "table": {"layers": rows, "input": [8, 8]}}
