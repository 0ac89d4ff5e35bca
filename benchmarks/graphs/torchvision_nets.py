"""torchvision's nets with random weights: minivis' answers against PyTorch's, as a table (needs torch and torchvision).

    python benchmarks/graphs/torchvision_nets.py [NAME ...]

Weights are random, running means and variances too, so that nothing cancels. A state dict is saved to a temporary
file, opened by minivis, and both nets answer the same input of random numbers at the net's own size. The error is the
largest difference of a score, as a part of the largest score.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import minivis as mv

for operator in ("nms", "qnms"):        # compiled operators may be missing: the nets need only their names
    torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import models  # noqa: E402

NETS = (
    "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "alexnet", "squeezenet1_0",
    "squeezenet1_1", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2",
    "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x8d", "googlenet", "mobilenet_v2", "inception_v3",
    "densenet121",
)  # fmt: skip
WITH_AUX = ("googlenet", "inception_v3")


def made(name):
    """The net in use, with random numbers in every parameter and every statistic."""
    torch.manual_seed(0)
    extra = {"aux_logits": True, "init_weights": False, "transform_input": False} if name in WITH_AUX else {}
    net = getattr(models, name)(weights=None, **extra).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
    return net


def compared(name, folder):
    """(architecture as minivis names it, largest error, seconds of each)."""
    theirs, path = made(name), Path(folder) / f"{name}.pth"
    torch.save(theirs.state_dict(), path)
    net = mv.load(path)
    size = net.input_size
    x = np.random.default_rng(0).standard_normal((1, 3, *size), dtype=np.float32)
    with torch.no_grad():
        began = time.perf_counter()
        wanted = theirs(torch.from_numpy(x)).numpy()
        their_time = time.perf_counter() - began
    began = time.perf_counter()
    found = net.forward(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), grad=None)[net.roles["logits"]]
    our_time = time.perf_counter() - began
    path.unlink()
    return net.about["architecture"], abs(found - wanted).max() / abs(wanted).max(), our_time, their_time


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NETS, metavar="NAME")
    names = parser.parse_args(argv).names
    print("| torchvision | minivis | largest error | seconds, PyTorch's |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            architecture, error, ours, theirs = compared(name, folder)
            print(f"| {name} | {architecture} | {error:.1e} | {ours:.2f}, {theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
