"""Every architecture against the same net in PyTorch: narrow ones, made once by tests/golden/make_torch_nets.py
and make_torchvision_nets.py."""

import functools
from pathlib import Path

import numpy as np
import pytest

import minivis as mv

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = {
    "vgg11.pth": ("VGG11", 64), "vgg13_bn.pth": ("VGG13-BN", 64), "vgg16.pth": ("VGG16", 64),
    "vgg19_bn.pth": ("VGG19-BN", 64), "alexnet.pth": ("AlexNet", 224), "squeezenet1_0.pth": ("SqueezeNet 1.0", 67),
    "squeezenet1_1.pth": ("SqueezeNet 1.1", 67), "resnet18.pth": ("ResNet-18", 65), "resnet34.pth": ("ResNet-34", 65),
    "resnet50.pth": ("ResNet-50", 65), "googlenet.pth": ("GoogLeNet", 70),
    "efficientnet_lite0.pth": ("EfficientNet-Lite0", 70), "efficientnet_lite1.pth": ("EfficientNet-Lite1", 70),
    "inception_v3.pth": ("Inception-v3", 299), "mobilenet_v2.pth": ("MobileNetV2", 65),
    "densenet121.pth": ("DenseNet-121", 65), "resnext.pth": ("ResNet of 1 + 2 + 1 + 1 bottlenecks", 65),
    "AlexNet.caffemodel": ("AlexNet", 227), "CaffeNet.caffemodel": ("CaffeNet", 227),
    "GoogLeNet.caffemodel": ("GoogLeNet", 224),
}  # fmt: skip


def pattern(size, channels=3):
    i = np.arange(size * size * channels, dtype=np.int64)
    return ((i * 7919 + (i // 97) ** 2 * 31) % 256).astype(np.uint8).reshape(size, size, channels)


@functools.cache
def golden():
    with np.load(GOLDEN / "nets.npz") as ours, np.load(GOLDEN / "nets_torchvision.npz") as torchvisions:
        return {**ours, **torchvisions}


@pytest.mark.parametrize("file", FILES)
def test_logits_and_gradient_are_pytorchs(file):
    architecture, size = FILES[file]
    net = mv.load(GOLDEN / f"nets_{file}", dtype=np.float64)
    assert net.about["architecture"].startswith(f"{architecture} (")
    acts = net.forward(pattern(size)[None] / 64.0 - 2)
    logits = acts[net.roles["logits"]]
    seed = np.zeros_like(logits)
    seed[0, logits.argmax()] = 1
    dacts, _ = net.backward(acts, {net.roles["logits"]: seed})
    name = file.split(".")[0]
    np.testing.assert_allclose(logits, golden()[f"{name}/logits"], rtol=1e-6, atol=1e-6)
    expected = golden()[f"{name}/dx"]
    assert abs(expected).max() > 1e-4
    np.testing.assert_allclose(dacts["input"][0, ::8, ::8], expected, rtol=1e-5, atol=1e-6 * abs(expected).max())
