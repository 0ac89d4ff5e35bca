"""SqueezeNet's fire modules, its two versions and torchvision's numbers."""

import pytest

from minivis.errors import UnknownName
from minivis.models.squeezenet import squeezenet, torch_names


def test_fires_squeeze_and_expand_as_in_the_paper():
    shapes = squeezenet("1.0").shapes()
    assert [shapes[f"fire{n}/squeeze1x1"][-1] for n in range(2, 10)] == [16, 16, 32, 32, 48, 48, 64, 64]
    assert [shapes[f"fire{n}/concat"][-1] for n in range(2, 10)] == [128, 128, 256, 256, 384, 384, 512, 512]
    net = squeezenet("1.0")
    assert net.nodes["fire4/concat"].inputs == ("fire4/relu_expand1x1", "fire4/relu_expand3x3")
    assert net.nodes["fire4/expand3x3"].inputs == ("fire4/relu_squeeze1x1",)


def test_the_two_versions_pool_behind_different_fires():
    sides = {version: [squeezenet(version).shapes()[f"fire{n}/concat"][1] for n in range(2, 10)]
             for version in ("1.0", "1.1")}  # fmt: skip
    assert sides == {"1.0": [54, 54, 54, 27, 27, 27, 27, 13], "1.1": [55, 55, 27, 27, 13, 13, 13, 13]}


def test_only_the_authors_1_0_has_a_border_around_conv10():
    def border(version, caffe):
        shapes = squeezenet(version, 7, caffe=caffe).shapes()
        assert shapes["prob"] == (1, 7)
        return shapes["conv10"][1] - shapes["fire9/concat"][1]

    assert [border("1.0", True), border("1.0", False), border("1.1", True), border("1.1", False)] == [2, 0, 0, 0]


def test_torchvision_counts_pools_among_its_modules():
    first = [torch_names("1.0")[f"fire{n}/squeeze1x1"] for n in range(2, 10)]
    assert first == [f"features.{n}.squeeze" for n in (3, 4, 5, 7, 8, 9, 10, 12)]
    assert torch_names("1.1")["fire9/expand3x3"] == "features.12.expand3x3"
    assert torch_names("1.1")["fire4/expand1x1"] == "features.6.expand1x1"


def test_a_version_that_is_none_is_refused():
    with pytest.raises(UnknownName, match=r"1\.2"):
        squeezenet("1.2")
