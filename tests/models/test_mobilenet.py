"""MobileNetV2's blocks, against table 2 of its paper, and torchvision's names."""

from minivis.layers import Add
from minivis.models.mobilenet import blocks, mobilenet_v2, torch_names


def test_sizes_and_channels_are_the_papers():
    net = mobilenet_v2()
    shapes, projects = net.shapes(), [f"block{number}_project" for number in range(1, len(blocks()) + 1)]
    sides, widths = zip(*((shapes[name][1], shapes[name][3]) for name in projects))
    assert widths == (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
    assert sides == (112, 56, 56, 28, 28, 28, 14, 14, 14, 14, 14, 14, 14, 7, 7, 7, 7)


def test_a_block_adds_its_input_only_where_shapes_agree():
    net = mobilenet_v2()
    sums = [name for name, layer in net.layers.items() if isinstance(layer, Add)]
    assert sums == [f"block{number}_sum" for number in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)]
    assert net.nodes["block6_sum"].inputs == ("block6_project_bn", "block5_sum")
    assert net.nodes["block3_sum"].inputs == ("block3_project_bn", "block2_project_bn")


def test_names_of_torchvision_count_the_modules_that_are_there():
    names = torch_names()
    assert names["block1_depthwise"] == "features.1.conv.0.0" and names["block1_project"] == "features.1.conv.1"
    assert names["block2_depthwise"] == "features.2.conv.1.0" and names["block2_project_bn"] == "features.2.conv.3"
    assert "block1_expand" not in names
