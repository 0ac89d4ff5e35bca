"""ResNet's blocks and names, against table 1 of its paper."""

import pytest

from minivis.models.resnet import resnet, torch_names


@pytest.mark.parametrize("name, blocks, channels", [
    ("ResNet-18", 8, (64, 128, 256, 512)), ("ResNet-34", 16, (64, 128, 256, 512)),
    ("ResNet-50", 16, (256, 512, 1024, 2048)),
])  # fmt: skip
def test_stages_have_the_papers_blocks_sizes_and_channels(name, blocks, channels):
    net = resnet(name)
    shapes = net.shapes()
    ends = [end for end in net.nodes if end.startswith("res") and end[4:] in ("a", "b", "c", "d", "e", "f")]
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
