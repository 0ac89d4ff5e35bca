"""DenseNet's growth, against table 1 of its paper, and torchvision's two ways to name its layers."""

import pytest

from minivis.models.densenet import densenet, torch_names


@pytest.mark.parametrize("name, channels", [
    ("DenseNet-121", (256, 512, 1024, 1024)), ("DenseNet-161", (384, 768, 2112, 2208)),
    ("DenseNet-169", (256, 512, 1280, 1664)), ("DenseNet-201", (256, 512, 1792, 1920)),
])  # fmt: skip
def test_blocks_grow_to_the_papers_channels(name, channels):
    net = densenet(name)
    shapes = net.shapes()
    ends = [next(n for n in reversed(net.nodes) if n.startswith(f"dense{block}_") and "/" not in n)
            for block in (1, 2, 3, 4)]  # fmt: skip
    assert [shapes[end] for end in ends] == [(1, side, side, c) for side, c in zip((56, 28, 14, 7), channels)]


def test_a_layer_puts_its_output_behind_all_before_it():
    net = densenet("DenseNet-121")
    assert net.nodes["dense1_1"].inputs == ("pool0", "dense1_1/3x3")
    assert net.nodes["dense1_2"].inputs == ("dense1_1", "dense1_2/3x3")
    assert net.nodes["dense1_2/bn1"].inputs == ("dense1_1",)


@pytest.mark.parametrize("dotted, norm", [(False, "norm1"), (True, "norm.1")])
def test_names_of_torchvision(dotted, norm):
    names = torch_names("DenseNet-121", dotted=dotted)
    assert names["dense4_16/bn1"] == f"features.denseblock4.denselayer16.{norm}"
    assert names["transition3/1x1"] == "features.transition3.conv" and "transition4/1x1" not in names
