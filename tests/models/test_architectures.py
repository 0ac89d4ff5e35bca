"""Every architecture against the same net in PyTorch: narrow ones, made once by tests/golden/make_torch_nets.py."""

import functools
from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.models.known import architectures

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = {
    "vgg11.pth": ("VGG11", 64), "vgg13_bn.pth": ("VGG13-BN", 64), "vgg16.pth": ("VGG16", 64),
    "vgg19_bn.pth": ("VGG19-BN", 64), "alexnet.pth": ("AlexNet", 224), "squeezenet1_0.pth": ("SqueezeNet 1.0", 67),
    "squeezenet1_1.pth": ("SqueezeNet 1.1", 67), "resnet18.pth": ("ResNet-18", 65), "resnet34.pth": ("ResNet-34", 65),
    "resnet50.pth": ("ResNet-50", 65), "googlenet.pth": ("GoogLeNet", 70),
    "efficientnet_lite0.pth": ("EfficientNet-Lite0", 70), "efficientnet_lite1.pth": ("EfficientNet-Lite1", 70),
    "AlexNet.caffemodel": ("AlexNet", 227), "CaffeNet.caffemodel": ("CaffeNet", 227),
    "GoogLeNet.caffemodel": ("GoogLeNet", 224),
}  # fmt: skip
PARAMETERS = {          # as published, running means and variances not counted
    ("AlexNet", "Caffe"): 60_965_224, ("CaffeNet", "Caffe"): 60_965_224, ("GoogLeNet", "Caffe"): 6_998_552,
    ("AlexNet", "torchvision"): 61_100_840, ("GoogLeNet", "torchvision"): 6_624_904,
    ("SqueezeNet 1.0", "torchvision"): 1_248_424, ("SqueezeNet 1.1", "torchvision"): 1_235_496,
    ("ResNet-18", "torchvision"): 11_689_512, ("ResNet-34", "torchvision"): 21_797_672,
    ("ResNet-50", "torchvision"): 25_557_032, ("VGG11", "torchvision"): 132_863_336,
    ("VGG13", "torchvision"): 133_047_848, ("VGG16", "torchvision"): 138_357_544, ("VGG19", "torchvision"): 143_667_240,
    ("VGG16-BN", "torchvision"): 138_365_992, ("VGG19-BN", "torchvision"): 143_678_248,
    ("EfficientNet-Lite0", "TensorFlow"): 4_652_008, ("EfficientNet-Lite1", "TensorFlow"): 5_416_680,
    ("EfficientNet-Lite2", "TensorFlow"): 6_092_072,
}  # fmt: skip


def pattern(size, channels=3):
    i = np.arange(size * size * channels, dtype=np.int64)
    return ((i * 7919 + (i // 97) ** 2 * 31) % 256).astype(np.uint8).reshape(size, size, channels)


@functools.cache
def golden():
    with np.load(GOLDEN / "nets.npz") as file:
        return dict(file)


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


def test_full_width_nets_have_the_published_number_of_parameters():
    found = {}
    for known in architectures():
        params = [item for layer in known.net.layers.values() for item in layer.params.items()]
        trained = sum(array.size for key, array in params if key not in ("mean", "var"))
        found.setdefault((known.name, known.program.split(",")[0]), trained)
    for key, count in PARAMETERS.items():
        assert found[key] == count, key


@pytest.mark.parametrize("known", architectures(), ids=lambda known: f"{known.name}, {known.program}")
def test_tables_are_whole(known):
    net = known.build()
    shapes = net.shapes((1, 224, 224, 3) if net.input_size is None else None)
    for played in net.roles.values():
        for name in [played] if isinstance(played, str) else played or []:
            assert name in shapes
    if net.roles["logits"]:
        assert shapes[net.roles["logits"]] == (1, 1000)
    assert not known.names or set(known.names) & set(net.nodes), "names of another net"
