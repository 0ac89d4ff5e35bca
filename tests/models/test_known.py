"""Every architecture that a file can be recognised as: whole tables, published sizes, other programs' names."""

import pytest

from minivis.models.known import architectures, craft, craft_names, vgg_names

PARAMETERS = {          # as published, running means and variances not counted
    ("AlexNet", "Caffe"): 60_965_224, ("CaffeNet", "Caffe"): 60_965_224, ("GoogLeNet", "Caffe"): 6_998_552,
    ("AlexNet", "torchvision"): 61_100_840, ("GoogLeNet", "torchvision"): 6_624_904,
    ("SqueezeNet 1.0", "torchvision"): 1_248_424, ("SqueezeNet 1.1", "torchvision"): 1_235_496,
    ("ResNet-18", "torchvision"): 11_689_512, ("ResNet-34", "torchvision"): 21_797_672,
    ("ResNet-50", "torchvision"): 25_557_032, ("ResNet-101", "torchvision"): 44_549_160,
    ("ResNet-152", "torchvision"): 60_192_808, ("Wide-ResNet-50-2", "torchvision"): 68_883_240,
    ("Wide-ResNet-101-2", "torchvision"): 126_886_696, ("ResNeXt-50-32x4d", "torchvision"): 25_028_904,
    ("ResNeXt-101-32x8d", "torchvision"): 88_791_336, ("MobileNetV2", "torchvision"): 3_504_872,
    ("DenseNet-121", "torchvision"): 7_978_856, ("DenseNet-161", "torchvision"): 28_681_000,
    ("DenseNet-169", "torchvision"): 14_149_480, ("DenseNet-201", "torchvision"): 20_013_928,
    ("Inception-v3", "torchvision"): 23_834_568, ("VGG11", "torchvision"): 132_863_336,
    ("VGG13", "torchvision"): 133_047_848, ("VGG16", "torchvision"): 138_357_544, ("VGG19", "torchvision"): 143_667_240,
    ("VGG16-BN", "torchvision"): 138_365_992, ("VGG19-BN", "torchvision"): 143_678_248,
    ("EfficientNet-Lite0", "TensorFlow"): 4_652_008, ("EfficientNet-Lite1", "TensorFlow"): 5_416_680,
    ("EfficientNet-Lite2", "TensorFlow"): 6_092_072,
}  # fmt: skip


def test_full_width_nets_have_the_published_number_of_parameters():
    found = {}
    for known in architectures():
        params = [item for layer in known.net.layers.values() for item in layer.params.items()]
        trained = sum(array.size for key, array in params if key not in ("mean", "var"))
        found.setdefault((known.name, known.program.split(",")[0]), trained)
    for key, count in PARAMETERS.items():
        assert found[key] == count, key


TORCH = "RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "bilinear", 224, 256
CAFFE = "BGR", (103.939, 116.779, 123.68), (1, 1, 1), "bilinear", 224, 256
INCEPTION = "RGB", (127.5,) * 3, (127.5,) * 3, "bilinear", 224, 256
LITE = "RGB", (127,) * 3, (128,) * 3, "bicubic", 224, 256
PREPROCESSED = {        # as published; (order, mean, scale, interpolation, side, shorter side before the crop)
    ("AlexNet", "Caffe"): ("BGR", (104.01, 116.67, 122.68), (1, 1, 1), "bilinear", 227, 256),
    ("CaffeNet", "Caffe"): ("BGR", (104.01, 116.67, 122.68), (1, 1, 1), "bilinear", 227, 256),
    ("GoogLeNet", "Caffe"): ("BGR", (104, 117, 123), (1, 1, 1), "bilinear", 224, 256),
    ("SqueezeNet 1.0", "Caffe"): ("BGR", (104, 117, 123), (1, 1, 1), "bilinear", 227, 256),
    ("SqueezeNet 1.1", "Caffe"): ("BGR", (104, 117, 123), (1, 1, 1), "bilinear", 227, 256),
    ("GoogLeNet", "torchvision"): INCEPTION, ("Inception-v3", "torchvision"): (*INCEPTION[:4], 299, 299 / 0.875),
    ("EfficientNet-Lite0", "TensorFlow"): LITE, ("EfficientNet-Lite1", "TensorFlow"): (*LITE[:4], 240, 240 / 0.875),
    ("EfficientNet-Lite2", "TensorFlow"): (*LITE[:4], 260, 260 / 0.875),
}  # fmt: skip


@pytest.mark.parametrize("known", architectures(), ids=lambda known: f"{known.name}, {known.program}")
def test_pictures_are_prepared_as_published(known):
    program = known.program.split(",")[0]
    order, mean, scale, interpolation, side, whole = PREPROCESSED.get(
        (known.name, program), CAFFE if program == "Caffe" else TORCH)
    found = known.net.preprocessing
    assert (found.channel_order, found.how, found.interpolation) == (order, "crop", interpolation)
    assert found.mean == pytest.approx(mean) and found.scale == pytest.approx(scale)
    assert found.size in ((side, side), None) and found.crop_fraction == pytest.approx(side / whole)


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


def test_torchvision_numbers_relus_and_pools_too():
    plain, normed = vgg_names("VGG16"), vgg_names("VGG16", normed=True)
    assert [plain[name] for name in ("conv1_1", "conv1_2", "conv2_1", "conv5_3")] == [
        "features.0", "features.2", "features.5", "features.28"]  # fmt: skip
    assert [normed[name] for name in ("conv1_1", "bn1_1", "conv1_2", "conv2_1", "bn5_3")] == [
        "features.0", "features.1", "features.3", "features.7", "features.41"]  # fmt: skip


def test_craft_ends_with_the_batch_norm_of_conv5_2_and_keeps_its_slices_numbers():
    assert list(craft().nodes)[-2:] == ["conv5_2", "bn5_2"]
    names = craft_names()
    assert names["conv3_2"] == "basenet.slice2.17" and names["bn3_2"] == "basenet.slice2.18"
    assert names["conv3_3"] == "basenet.slice3.20"
    assert names["conv5_2"] == "basenet.slice4.37" and "conv5_3" not in names


@pytest.mark.parametrize("program", ["torchvision", "timm"])
def test_every_vgg_is_known_with_and_without_batch_norms(program):
    names = {known.name for known in architectures() if known.program == program}
    assert {f"VGG{depth}{end}" for depth in (11, 13, 16, 19) for end in ("", "-BN")} <= names
