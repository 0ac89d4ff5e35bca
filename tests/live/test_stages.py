"""The strip of stages: what is folded into one, what it is called, and the small picture of each."""

import numpy as np

from minivis.engine.network import Network
from minivis.layers import Add, Conv2D, Flatten, FullyConnected, ReLU
from minivis.live.stages import LONGEST, SMALL, labels, small_pictures, stages
from minivis.models.known import architectures
from minivis.models.tiny import tiny_vgg


def test_a_convolution_and_its_relu_are_one_stage():
    net = tiny_vgg()
    found = stages(net)
    assert [name for stage in found for name in stage["layers"]] == list(net.nodes)
    first = found[0]
    assert first == {"name": "conv1_1", "label": ("", "conv1_1"), "layers": ["conv1_1", "relu1_1"], "kind": "conv",
                     "shows": "relu1_1", "shape": list(net.shapes()["relu1_1"][1:])}
    assert [stage["name"] for stage in found[-2:]] == ["fc8", "prob"]           # what answers stands by itself


def test_a_layer_that_another_reads_too_ends_its_stage():
    net = Network().add("conv", Conv2D(np.ones((1, 1, 3, 4)), np.zeros(4))).add("relu", ReLU())
    net.add("branch", Conv2D(np.ones((1, 1, 4, 4)), np.zeros(4))).add("sum", Add(), "branch", "relu")
    net.add("after", ReLU()).add("flat", Flatten())
    assert [stage["layers"] for stage in stages(net)] == [["conv", "relu"], ["branch"], ["sum", "after", "flat"]]
    assert stages(net)[-1]["shows"] == "after"


def test_a_stage_is_called_by_its_block_and_its_part():
    names = ["conv1_1", "conv1_2", "fire2/squeeze1x1", "fire2/expand3x3", "pool1/3x3_s2", "block1_depthwise",
             "block1_sum", "layer1.0.conv1", "layer1.0.conv2", "/a_slash_first", "a_name_that_is_long_and_alone"]
    assert labels(names) == [
        ("", "conv1_1"), ("", "conv1_2"), ("fire2", "squeeze1x1"), ("fire2", "expand3x3"), ("pool1", "3x3_s2"),
        ("block1", "depthwise"), ("block1", "sum"), ("layer1.0", "conv1"), ("layer1.0", "conv2"),
        ("", "/a_slash_first"), ("", "a_name_…_alone"),
    ]  # fmt: skip


def test_what_would_be_shortened_to_the_same_letters_stays_whole():
    names = ["a beginning then 1 the end", "the same", "a beginning then 2 the end"]
    assert [part for _, part in labels(names)][::2] == names[::2]


def test_the_labels_of_each_net_we_know_differ_and_are_short():
    for known in {known.name: known for known in architectures()}.values():
        found = [stage["label"] for stage in stages(known.build())]
        assert len(set(found)) == len(found), known.name
        assert max(len(line) for label in found for line in label) <= LONGEST


def test_the_small_picture_is_the_map_with_the_largest_number():
    maps = np.zeros((1, 2, 2, 3))
    maps[0, 1, 0, 2], maps[0, 0, 0, 1] = -4, 3
    found = small_pictures([{"a": maps, "b": np.array([[1.0, 0, 0, 0.5, 2]])}], [{"shows": "a"}, {"shows": "b"}])
    assert found.shape == (2, SMALL, SMALL)
    half = SMALL // 2
    assert found[0, half:, :half].min() == 255 and found[0, :half].max() == found[0, :, half:].max() == 0
    assert found[1, 0, [0, SMALL // 2, SMALL - 1]].tolist() == [127, 0, 0] and found[1, -1, 0] == 0
    net = Network().add("flat", Flatten()).add("fc", FullyConnected(np.ones((3, 1)), np.zeros(1)))
    acts = net.forward(np.zeros((1, 1, 1, 3)))
    assert not small_pictures([acts], [{"shows": "fc"}]).any()
