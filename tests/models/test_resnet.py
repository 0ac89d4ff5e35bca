"""ResNet's blocks and names, against table 1 of its paper."""

import re

import pytest

from minivis.models.known import Known
from minivis.models.resnet import DESIGNS, Design, design_of, from_number, resnet, to_number, torch_names


@pytest.mark.parametrize("name, blocks, channels", [
    ("ResNet-18", 8, (64, 128, 256, 512)), ("ResNet-34", 16, (64, 128, 256, 512)),
    ("ResNet-50", 16, (256, 512, 1024, 2048)), ("ResNet-101", 33, (256, 512, 1024, 2048)),
    ("ResNet-152", 50, (256, 512, 1024, 2048)), ("Wide-ResNet-50-2", 16, (256, 512, 1024, 2048)),
    ("ResNeXt-50-32x4d", 16, (256, 512, 1024, 2048)),
])  # fmt: skip
def test_stages_have_the_papers_blocks_sizes_and_channels(name, blocks, channels):
    net = resnet(name)
    shapes = net.shapes()
    ends = [end for end in net.nodes if re.fullmatch(r"res\d([a-f]|b\d+)", end)]
    assert len(ends) == blocks
    for stage, side, width in zip((2, 3, 4, 5), (56, 28, 14, 7), channels):
        assert {shapes[end] for end in ends if end[3] == str(stage)} == {(1, side, side, width)}


def test_a_shortcut_is_a_convolution_only_where_the_shape_changes():
    fitted = {name: [node for node in resnet(name).nodes if node.startswith("res") and node.endswith("_branch1")]
              for name in ("ResNet-18", "ResNet-50")}  # fmt: skip
    assert fitted["ResNet-18"] == ["res3a_branch1", "res4a_branch1", "res5a_branch1"]
    assert fitted["ResNet-50"] == ["res2a_branch1", *fitted["ResNet-18"]]
    net = resnet("ResNet-18")
    assert net.nodes["res2b"].inputs == ("res2a_relu", "bn2b_branch2b")
    assert net.nodes["res3a"].inputs == ("bn3a_branch1", "bn3a_branch2b")
    assert net.nodes["res3a_branch1"].inputs == net.nodes["res3a_branch2a"].inputs == ("res2b_relu",)


def test_the_three_by_three_of_a_bottleneck_takes_the_stride():
    shapes = resnet("ResNet-50").shapes()
    assert [shapes[f"res3a_branch2{part}"] for part in "abc"] == [
        (1, 56, 56, 128), (1, 28, 28, 128), (1, 28, 28, 512)]  # fmt: skip


def test_names_of_torchvision():
    names = torch_names("ResNet-34")
    assert names["res4f_branch2b"] == "layer3.5.conv2" and names["bn5c_branch2a"] == "layer4.2.bn1"
    assert names["bn3a_branch1"] == "layer2.0.downsample.1" and "res2d_branch2a" not in names


def test_deep_stages_count_their_blocks_as_hes_files_do():
    nodes = resnet("ResNet-101").nodes
    assert {"res2c", "res3a", "res3b3", "res4b22", "res5c"} < set(nodes)
    assert not {"res2b1", "res3b", "res3b4", "res4b23"} & set(nodes)
    assert torch_names("ResNet-101")["res4b22_branch2a"] == "layer3.22.conv1"


SMALL = Design((3, 3, 3), bottleneck=False, first=16, filters=(16, 32, 64))


@pytest.mark.parametrize("design", [*DESIGNS.values(), SMALL])
def test_a_design_is_told_by_the_shapes_of_its_kernels(design):
    arrays = Known("", "", lambda: resnet(design), torch_names(design)).arrays
    shapes = {name: shape[::-1] if len(shape) != 4 else (shape[3], shape[2], *shape[:2])
              for name, (_, _, shape) in arrays.items()}  # fmt: skip
    assert design_of(shapes) == design


def test_a_design_has_its_name_at_any_width():
    assert Design((3, 4, 6, 3), inside=2, groups=32, first=16, filters=(16, 32, 64, 128)).name == "ResNeXt-50-32x4d"
    assert SMALL.name == "ResNet of 3 + 3 + 3 blocks"
    assert design_of({"conv1.weight": (64, 3, 7, 7)}) is None
    assert design_of({"conv1.weight": (64, 3, 7, 7), "layer1.0.conv1.weight": (64, 64, 3, 3)}) is None


@pytest.mark.parametrize("name, numbered", [
    ("conv1.weight", "0.weight"), ("bn1.running_var", "1.running_var"), ("layer1.0.bn1.bias", "4.0.bn1.bias"),
    ("layer4.2.downsample.0.weight", "7.2.downsample.0.weight"), ("fc.weight", "fc.weight"),
])  # fmt: skip
def test_children_are_numbered_with_the_relu_and_the_pool(name, numbered):
    assert to_number(name) == numbered and from_number(numbered) == name
