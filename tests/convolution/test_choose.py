"""The rules that pick an algorithm, and what is known of a convolution when they do."""

from dataclasses import replace

import numpy as np
import pytest
from tuned import tune

from minivis.convolution import choose
from minivis.errors import BadValue, UnknownName
from minivis.layers import Conv2D, ForwardMode


@pytest.mark.parametrize(
    "algorithm, layer, needs",
    [
        ("winograd4", {"stride": 2}, "3x3 kernel at stride 1 without dilation; this convolution is 3x3 at stride"),
        ("winograd2", {"dilation": 2}, "3x3 kernel at stride 1 without dilation"),
        ("depthwise", {}, "one channel and one filter in each of its groups"),
        ("shifted", {"stride": 2}, "stride 1"),
        ("pointwise", {}, "1x1 kernel without padding"),
    ],
)
def test_a_way_that_does_not_fit_says_what_it_needs(algorithm, layer, needs):
    with pytest.raises(BadValue, match=f"{algorithm} needs .*{needs}"):
        conv = Conv2D(np.ones((3, 3, 4, 4)), padding=2, **layer)
        conv.forward(np.ones((1, 9, 9, 4)), mode=ForwardMode(algorithm=algorithm))


def case(direction="forward", kernel=(3, 3), stride=(1, 1), channels=64, filters=64, made=(56, 56), groups=1):
    return choose.Case(direction, kernel, stride, (1, 1), groups, channels, filters, 1, made, kernel != (1, 1))


@pytest.mark.parametrize(
    "known, algorithm",
    [
        ({}, "winograd4"),
        ({"direction": "input"}, "winograd4"),
        ({"direction": "params"}, "winograd4"),
        ({"direction": "params", "kernel": (5, 5)}, "shifted"),
        ({"made": (2, 2), "channels": 512, "filters": 512}, "shifted"),
        ({"channels": 3}, "blocked"),
        ({"direction": "input", "filters": 3}, "blocked"),
        ({"kernel": (7, 7), "stride": (2, 2), "channels": 3, "made": (112, 112)}, "blocked"),
        ({"kernel": (5, 5)}, "shifted"),
        ({"kernel": (1, 1)}, "pointwise"),
        ({"kernel": (1, 1), "stride": (2, 2)}, "pointwise"),
        ({"kernel": (1, 1), "stride": (2, 2), "direction": "input"}, "blocked"),
        ({"channels": 1, "filters": 1, "groups": 96}, "depthwise"),
        ({"made": (4, 4), "channels": 8, "filters": 8}, "im2col"),
    ],
)
def test_the_rules_pick(known, algorithm):
    assert choose.choose(case(**known)) == algorithm


@pytest.mark.parametrize("packs_nothing, made, images, channels, algorithm", [
    (False, (16, 16), 1, 96, "winograd2"), (False, (13, 14), 1, 512, "winograd2"), (False, (7, 7), 4, 96, "winograd2"),
    (False, (17, 16), 1, 96, "winograd4"), (False, (7, 7), 5, 96, "winograd4"), (False, (16, 16), 1, 95, "winograd4"),
    (True, (7, 8), 1, 512, "winograd2"), (True, (4, 4), 4, 96, "winograd2"), (True, (7, 8), 1, 95, "winograd4"),
    (True, (7, 9), 1, 512, "winograd4"), (True, (4, 4), 5, 512, "winograd4"),
])  # fmt: skip
def test_few_tiles_are_small_ones(monkeypatch, packs_nothing, made, images, channels, algorithm):
    """From 96 channels on: up to 16 tiles of 4 x 4 in all pictures where products pack, elsewhere up to 4."""
    monkeypatch.setattr(choose, "packs_nothing", lambda: packs_nothing)
    assert choose.choose(replace(case(made=made, channels=channels), images=images, filters=512)) == algorithm


def test_what_was_picked_for_other_kernels_does_not_stay(monkeypatch):
    few = replace(case(made=(8, 8), channels=512), filters=512)                # four tiles
    tune(monkeypatch, few_tiles=3)
    for packs_nothing, algorithm in ((True, "winograd4"), (False, "winograd2"), (True, "winograd4")):
        monkeypatch.setattr(choose, "packs_nothing", lambda: packs_nothing)  # noqa: B023
        assert choose.choose(few) == algorithm


@pytest.mark.parametrize("number, at, below", [
    ("tiny", {"made": (16, 16), "channels": 16, "filters": 16}, "im2col"),              # 589,824 multiplications
    ("winograd_channels", {"channels": 70}, "shifted"), ("winograd_side", {"made": (9, 64)}, "shifted"),
    ("shifted_channels", {"kernel": (5, 5)}, "blocked"),
])  # fmt: skip
def test_each_limit_is_the_first_number_that_counts(monkeypatch, number, at, below):
    """The rules at the limit itself, and one above it."""
    limit = {"tiny": 16 * 16 * 9 * 16 * 16, "winograd_side": 64}.get(number, 64)
    tune(monkeypatch, **{number: limit})
    assert choose.choose(case(**at)) != below
    tune(monkeypatch, **{number: limit + 1})
    assert choose.choose(case(**at)) == below


def test_what_is_known_of_a_convolution():
    """5 x 7 at stride (2, 1), three groups of 4 channels and 5 filters, 2 pictures of 20 lines and 30 columns."""
    layer = Conv2D(np.ones((5, 7, 4, 15)), stride=(2, 1), padding=((1, 2), (0, 3)), dilation=(1, 2), groups=3)
    directions = "forward", "input", "params"
    forward, back, params = (choose.case(direction, layer, (2, 20, 30, 12)) for direction in directions)
    assert (forward.kernel, forward.stride, forward.dilation, forward.groups) == ((5, 7), (2, 1), (1, 2), 3)
    assert (forward.channels, forward.filters, forward.images, forward.made) == (4, 5, 2, (10, 21))
    assert (back.channels, back.filters, back.images, back.made) == (5, 4, 2, (20, 30))
    assert (params.channels, params.filters, params.made, params.direction) == (4, 5, (10, 21), "params")
    assert forward.work == 2 * 10 * 21 * 35 * 4 * 5 * 3 and back.work == 2 * 20 * 30 * 35 * 4 * 5 * 3
    assert forward.padded and forward.least == back.least == 4 and not forward.at_stride_1
    assert not choose.case("forward", Conv2D(np.ones((1, 1, 4, 4))), (1, 5, 5, 4)).padded
    assert str(forward) == "5x7 at stride (2, 1), dilation (1, 2), 4 channels to 5 in each of 3 groups"


@pytest.mark.parametrize("known, suits", [
    ({}, True), ({"stride": (1, 2)}, False), ({"kernel": (3, 1)}, False), ({"kernel": (1, 3)}, False),
    ({"channels": 1, "filters": 1, "groups": 9}, False), ({"groups": 2}, True),
])  # fmt: skip
def test_what_suits_winograd(known, suits):
    assert case(**known).suits_winograd == suits


def test_names_of_algorithms():
    for name in ("auto", *choose.NEEDS):
        choose.check_algorithm(name)
    with pytest.raises(UnknownName, match="no algorithm named 'winograd'; did you mean 'winograd"):
        choose.check_algorithm("winograd")
