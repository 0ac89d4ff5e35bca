"""bench_conv: each convolution of a net, each way that fits it, and the one that the rules pick."""


import pytest

from minivis.commands.bench_conv import architecture, bench_conv
from minivis.convolution.choose import NEEDS
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.models.tiny import tiny_branches


def test_every_way_that_fits_is_timed():
    net = tiny_branches()
    rows = list(bench_conv(net, (1, 16, 16, 3), repeats=1))
    assert [(row.name, row.direction) for row in rows] == [
        (name, direction) for name in ("stem", "a", "b_conv", "depthwise") for direction in ("forward", "input")
    ]
    for row in rows:
        assert set(row.milliseconds) == {way for way, (fits, _) in NEEDS.items() if fits(row.case)}
        assert row.picked in row.milliseconds and min(row.milliseconds.values()) > 0
        assert f"*{row.picked} " in str(row)
    depthwise = next(row for row in rows if row.name == "depthwise")
    assert set(depthwise.milliseconds) == {"im2col", "depthwise"}


def test_an_architecture_needs_no_weights():
    """VGG16's thirteen convolutions, in its own order, up to the last of them."""
    net = architecture("vgg16")
    assert next(iter(net.nodes)) == "conv1_1" and list(net.nodes)[-1] == "conv5_3"
    assert len([name for name in net.nodes if name.startswith("conv")]) == 13
    assert net.layers["conv1_1"].params["w"].any()
    assert architecture("EfficientNet-lite0") is not None and architecture("emoji-vgg") is None


def test_a_net_without_convolutions():
    with pytest.raises(BadValue, match="no convolution to time"):
        list(bench_conv(Network(), (1, 8, 8, 3)))
