"""EfficientNet-Lite's blocks, counted by hand from the table of its paper."""

import pytest

from minivis.errors import UnknownName
from minivis.models.efficientnet import blocks, efficientnet, rounded, torch_names


def test_channels_are_rounded_to_eights_and_not_down_by_more_than_a_tenth():
    assert [rounded(c) for c in (1, 8.5, 9.5, 12, 17.6, 26.4, 44, 123.2)] == [8, 8, 16, 16, 16, 24, 48, 120]


def test_lite0_has_the_sixteen_blocks_of_the_paper():
    found = blocks("EfficientNet-Lite0")
    assert [filters for *_, filters in found] == [16, *2 * [24], *2 * [40], *3 * [80], *3 * [112], *4 * [192], 320]
    assert [kernel for kernel, *_ in found] == [3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    assert [n for n, (_, stride, *_) in enumerate(found) if stride == 2] == [1, 3, 5, 11]
    assert [expansion for _, _, expansion, _ in found] == [1] + 15 * [6]


def test_the_first_and_the_last_stage_never_grow_in_depth():
    filters = [f for *_, f in blocks("EfficientNet-Lite1")]
    assert [filters.count(c) for c in (16, 24, 40, 80, 112, 192, 320)] == [1, 3, 3, 4, 4, 5, 1]
    assert sorted({f for *_, f in blocks("EfficientNet-Lite2")}) == [16, 24, 48, 88, 120, 208, 352]


def test_only_blocks_that_keep_their_shape_add_their_input():
    net = efficientnet(classes=5)
    sums = [int(name[5:-4]) for name in net.nodes if name.endswith("_sum")]
    assert sums == [2, 4, 6, 7, 9, 10, 12, 13, 14]
    assert net.nodes["block2_sum"].inputs == ("block2_project_bn", "block1_project_bn")
    shapes = net.shapes()
    assert shapes["stem"] == (1, 112, 112, 32) and shapes["head"] == (1, 7, 7, 1280) and shapes["prob"] == (1, 5)


def test_names_of_the_pytorch_package():
    names = torch_names("EfficientNet-Lite0")
    assert names["block15_project_bn"] == "_blocks.15._bn2" and names["block3_depthwise"] == "_blocks.3._depthwise_conv"
    assert "block16_expand" not in names


def test_a_wrong_name_is_refused():
    with pytest.raises(UnknownName, match="no EfficientNet named 'EfficientNet-Lite'"):
        efficientnet("EfficientNet-Lite")
