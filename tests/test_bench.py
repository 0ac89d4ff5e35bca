"""bench_conv: each convolution of a net, each way that fits it, and the one that the rules pick."""

from minivis.bench import bench_conv
from minivis.layers.conv_fast import NEEDS
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
