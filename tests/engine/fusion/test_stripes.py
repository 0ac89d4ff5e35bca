"""Two convolutions in stripes: the numbers of the whole, and no whole between them."""

import tracemalloc

import numpy as np
import pytest
from fused_nets import chain
from tuned import tune

from minivis.engine.fusion.stripes import Lines, stripes
from minivis.engine.network import Network
from minivis.layers import Conv2D, MaxPool2D, ReLU
from minivis.runtime.threads import set_threads

FIRST = {
    "3x3": ((3, 3, 3, 16), {"padding": 1}), "stem": ((7, 7, 3, 16), {"stride": 2, "padding": ((2, 3), (3, 1))}),
    "dilated": ((5, 3, 3, 24), {"dilation": 2}), "1x1": ((1, 1, 3, 16), {"stride": 2}), "5x5": ((5, 5, 3, 5), {}),
}  # fmt: skip

SECOND = {
    "3x3": ((3, 3), {"padding": ((1, 0), (2, 1))}), "5x5": ((5, 5), {"padding": "same"}), "1x1": ((1, 1), {}),
    "strided": ((3, 5), {"stride": (2, 3), "padding": 1}), "dilated": ((3, 3), {"dilation": 3, "padding": 3}),
    "depthwise": ((3, 3), {"groups": True, "padding": 1}),
}  # fmt: skip


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("second", SECOND)
def test_stripes_of_any_two_convolutions(rng, in_stripes, first, second):
    (shape, how), (kernel, more), net = FIRST[first], SECOND[second], Network()
    F = shape[3]
    w = rng.standard_normal((*kernel, 1 if "groups" in more else F, F)) / F
    net.add("a", Conv2D(rng.standard_normal(shape), rng.standard_normal(F), **how)).add("relu a", ReLU())
    net.add("b", Conv2D(w, rng.standard_normal(F), **{**more, **({"groups": F} if "groups" in more else {})}))
    net.add("relu b", ReLU()).add("pool", MaxPool2D(2))
    x = rng.standard_normal((2, 71, 40, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=["pool"])
    assert [len(step.names) for step in net.plan(keep=["pool"])] == [5]
    np.testing.assert_allclose(acts["pool"], plain["pool"], rtol=0, atol=1e-11)
    seeds = {"pool": rng.standard_normal(plain["pool"].shape)}
    wanted = net.backward(plain, seeds)[0]["input"]
    found = net.backward(acts, seeds)[0]["input"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("grad", ["image", "params"])
def test_stripes_after_a_forward_that_kept_inputs(rng, in_stripes, grad):
    net, x = chain(rng), rng.standard_normal((1, 20, 16, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=["pool2"], grad=grad)
    seeds = {"pool2": rng.standard_normal(plain["pool2"].shape)}
    wanted = net.backward(plain, seeds)[0]["input"]
    np.testing.assert_allclose(net.backward(acts, seeds)[0]["input"], wanted, rtol=0, atol=1e-12)
    assert net.backward(acts, seeds, keep=()) == ({}, {})


def test_stripes_hold_no_whole_between(rng, in_stripes):
    """The memory of a pass, arrays and signs, is less than what lies between the two convolutions."""
    net = Network().add("a", Conv2D(rng.standard_normal((3, 3, 3, 32)), padding=1)).add("relu a", ReLU())
    net.add("b", Conv2D(rng.standard_normal((3, 3, 32, 3)), padding=1)).add("relu b", ReLU())
    x = rng.standard_normal((1, 256, 64, 3))
    set_threads(1)
    run = lambda: net.backward(net.forward(x, keep=["relu b"]), {"relu b": x})  # noqa: E731
    run()                                                               # takes scratch memory, and keeps it
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * 32 / 3 * x.nbytes


def test_the_lines_that_are_read_by_hand():
    """3 x 3 at stride 2, padding 1, on 9 lines: line k of the output reads lines 2k - 1 to 2k + 1."""
    lines = Lines(Conv2D(np.ones((3, 3, 1, 1)), stride=2, padding=1), (1, 9, 9, 1))
    assert lines.read_by(0, 1) == (0, 2) and lines.read_by(1, 3) == (1, 6) and lines.read_by(4, 5) == (7, 9)
    assert lines.pad_before(0, 0) == (1, 1) and lines.pad_before(1, 1) == (0, 1) and lines.pad_before(0, 1) == (-1, 1)


def test_stripes_are_multiples_of_eight_lines_and_cover_all(monkeypatch):
    tune(monkeypatch, stripe=21 * 40)
    assert stripes((1, 37, 5, 8), 37) == [(0, 16), (16, 32), (32, 37)]              # 21 lines of 40 numbers: 16
    assert stripes((2, 37, 5, 8), 9) == [(0, 8), (8, 9)]                            # of two pictures 10: 8
    tune(monkeypatch, stripe=1)
    assert stripes((1, 37, 5, 8), 16) == [(0, 8), (8, 16)]                          # never less than 8
