"""Inception v3's modules: sizes and channels of its paper, and what each branch reads."""

import pytest

from minivis.layers import Conv2D
from minivis.models.inception import inception_v3, torch_names


@pytest.mark.parametrize("module, side, channels", [
    ("Mixed_5b", 35, 256), ("Mixed_5c", 35, 288), ("Mixed_5d", 35, 288), ("Mixed_6a", 17, 768), ("Mixed_6e", 17, 768),
    ("Mixed_7a", 8, 1280), ("Mixed_7b", 8, 2048), ("Mixed_7c", 8, 2048),
])  # fmt: skip
def test_sizes_and_channels_are_the_papers(module, side, channels):
    assert inception_v3().shapes()[module] == (1, side, side, channels)


def test_kernels_of_seven_are_split_the_way_torchvision_splits_them():
    layers = inception_v3().layers
    first, second = layers["Mixed_6b/branch7x7_2"], layers["Mixed_6b/branch7x7_3"]
    assert first.params["w"].shape == (1, 7, 128, 128) and first.padding == ((0, 0), (3, 3))
    assert second.params["w"].shape == (7, 1, 128, 192) and second.padding == ((3, 3), (0, 0))
    assert layers["Mixed_6b/branch7x7dbl_2"].params["w"].shape == (7, 1, 128, 128)


def test_branches_that_part_late_read_the_same_layer():
    net = inception_v3()
    for name, source in (("branch3x3_2", "branch3x3_1"), ("branch3x3dbl_3", "branch3x3dbl_2")):
        for part in "ab":
            assert net.nodes[f"Mixed_7b/{name}{part}"].inputs == (f"Mixed_7b/{source}_relu",)
    assert [source.rpartition("/")[2] for source in net.nodes["Mixed_7b"].inputs] == [
        "branch1x1_relu", "branch3x3_2a_relu", "branch3x3_2b_relu", "branch3x3dbl_3a_relu", "branch3x3dbl_3b_relu",
        "branch_pool_relu"]  # fmt: skip


def test_every_convolution_has_a_name_in_torchvision():
    names = torch_names()
    assert names["Mixed_5b/branch_pool"] == "Mixed_5b.branch_pool.conv"
    assert names["Conv2d_1a_3x3_bn"] == "Conv2d_1a_3x3.bn"
    assert {name for name, layer in inception_v3().layers.items() if isinstance(layer, Conv2D)} < set(names)
