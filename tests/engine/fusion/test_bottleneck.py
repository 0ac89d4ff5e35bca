"""A MobileNet's block as one step: the numbers of its layers, in any shares, and only where it is one."""

import numpy as np
import pytest
from fused_nets import Doubled, Half, Leaky, block, names_run, replaced
from tuned import tune

from minivis.engine.fusion import bottleneck
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import Add, Conv2D, ReLU
from minivis.runtime import matmul
from minivis.runtime.threads import set_threads


@pytest.fixture(params=[(1, 96, 8, 2**20), (3, 5, 2, 400)], ids=["whole", "in many shares"])
def shares(request, monkeypatch):
    """Of channels, where a result has less than 9 lines, or else of lines."""
    cores, channels, lines, wide = request.param
    monkeypatch.setattr(bottleneck, "cores", lambda: cores)
    tune(monkeypatch, share_channels=channels, share_lines=lines, share_numbers=wide, few_lines=9)

BLOCKS = {
    "plain": {}, "5x5": {"kernel": 5}, "halved": {"stride": 2, "adds": False}, "no bias": {"bias": False},
    "first": {"expansion": 1, "channels": 12},
    "thirds": {"kernel": 5, "stride": 3, "adds": False, "expansion": 1, "channels": 9},
    "ReLU": {"top": None, "adds": False},
}  # fmt: skip


@pytest.mark.parametrize("size", [(1, 5, 7), (1, 8, 9), (1, 17, 6), (3, 8, 8), (2, 21, 10)])
@pytest.mark.parametrize("form", BLOCKS)
def test_a_block_equals_its_layers(rng, form, size, shares):
    net, x = block(rng, **BLOCKS[form]), rng.standard_normal((*size, 3))
    plain = net.forward(x, algorithm="im2col")
    last = list(net.nodes)[-2]
    assert [len(step.names) for step in net.plan(keep=[last], grad=None)] == [1, len(net.nodes) - 2, 1]
    for threads in (1, 3):
        set_threads(threads)
        acts = net.forward(x, keep=[last, "first"], grad=None)
        assert set(acts) == {last, "first"} and acts.shapes == plain.shapes
        np.testing.assert_allclose(acts[last], plain[last], rtol=0, atol=1e-12 * np.abs(plain[last]).max())
        np.testing.assert_array_equal(acts["first"], net.forward(x, until="first")["first"])


@pytest.mark.parametrize("size", [(1, 8, 9), (1, 30, 17), (3, 8, 8)])
def test_a_block_has_the_same_bits_for_any_number_of_threads(rng, size, shares):
    net, x = block(rng, np.float32, channels=16), rng.standard_normal((*size, 3)).astype("f4")
    set_threads(1)
    wanted = net.forward(x, keep=["sum"], grad=None)["sum"]
    plain = net.forward(x, algorithm="im2col")["sum"]
    np.testing.assert_allclose(wanted, plain, rtol=0, atol=2e-6 * np.abs(plain).max())
    for threads in (2, 3, 5):
        set_threads(threads)
        np.testing.assert_array_equal(net.forward(x, keep=["sum"], grad=None)["sum"], wanted)


@pytest.mark.parametrize("pieces, cores, own", [(True, 2, 0), (True, 3, 3), (False, 3, 0)],
                         ids=["pieces", "parts of pieces", "whole"])
def test_shares_are_views_of_the_weights_that_the_layers_run_with(rng, monkeypatch, pieces, cores, own):
    """128 channels from 8 x 8 pixels, in two pieces of 64 filters or as they are. Of three shares the first ends at 42,
    within a piece, so that each has an array of its own."""
    monkeypatch.setattr(matmul, "packs_nothing", lambda: pieces)
    monkeypatch.setattr(bottleneck, "cores", lambda: cores)
    tune(monkeypatch, share_channels=1, few_lines=9)
    net, x = block(rng, channels=16, expansion=8), rng.standard_normal((1, 8, 8, 3))
    last = list(net.nodes)[-2]
    fused = net.forward(x, keep=[last], grad=None)[last]
    held = {name: dict(layer.derived) for name, layer in net.layers.items()}
    plain = net.forward(x, keep=[last], grad=None, fuse=False)[last]
    np.testing.assert_allclose(fused, plain, rtol=0, atol=1e-12 * np.abs(plain).max())
    for name, count in (("expand", 1 + own), ("project", 1)):
        assert len(held[name]) == count
        assert {key: id(array) for key, array in net.layers[name].derived.items()} == \
            {key: id(array) for key, array in held[name].items()}


@pytest.mark.parametrize("groups, filters", [(1, 24), (2, 24), (24, 48)])
def test_what_is_not_depthwise_makes_no_block(rng, groups, filters):
    """ResNet's blocks, ResNeXt's, and two filters for each channel."""
    net = Network().add("expand", Conv2D(rng.standard_normal((1, 1, 3, 24)))).add("relu", ReLU())
    net.add("grouped", Conv2D(rng.standard_normal((3, 3, 24 // groups, filters)), padding=1, groups=groups))
    net.add("relu2", ReLU()).add("project", Conv2D(rng.standard_normal((1, 1, filters, 3))))
    net.add("sum", Add(), "project", "input")
    assert not any("project" in names and "grouped" in names for names in names_run(net.plan(keep=["sum"], grad=None)))
    x = rng.standard_normal((2, 7, 8, 3))
    wanted = net.forward(x, algorithm="im2col")["sum"]
    found = net.forward(x, keep=["sum"], grad=None)["sum"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_a_block_whose_convolutions_go_other_ways(rng, monkeypatch):
    net, x = block(rng), rng.standard_normal((1, 6, 7, 3))
    wanted, passes = net.forward(x, algorithm="im2col")["relu"], []
    monkeypatch.setattr(bottleneck.Bottleneck, "in_shares", lambda *args: passes.append(args))
    for algorithm in ("im2col", {"expand": "blocked"}, {"depthwise": "im2col"}, {"project": "winograd4"}):
        if algorithm == {"project": "winograd4"}:
            with pytest.raises(BadValue, match="winograd4 needs a 3x3 kernel"):
                net.forward(x, keep=["relu"], grad=None, algorithm=algorithm)
            continue
        found = net.forward(x, keep=["relu"], grad=None, algorithm=algorithm)["relu"]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert not passes


@pytest.mark.parametrize("name, kind", [
    ("expand", Doubled), ("expand_relu", Leaky), ("depthwise", Doubled), ("depthwise_relu", Leaky),
    ("project", Doubled), ("sum", Half),
])  # fmt: skip
def test_a_subclass_in_a_block_is_never_replaced_by_its_parent(rng, name, kind):
    parent = block(rng)
    net = replaced(parent, name, kind)
    x = rng.standard_normal((1, 8, 9, 3))
    last = next(reversed(net.nodes))
    whole = net.forward(x, grad=None, algorithm="im2col", fuse=False)[last]
    np.testing.assert_allclose(net.forward(x, keep=[last], grad=None)[last], whole, rtol=0, atol=1e-11)
    assert not np.allclose(whole, parent.forward(x)[last])


def test_the_layers_of_a_block_by_their_letters():
    narrow, wide = Conv2D(np.ones((1, 1, 2, 6))), Conv2D(np.ones((1, 1, 6, 2)))
    depthwise, relu = Conv2D(np.ones((3, 3, 1, 6)), groups=6), ReLU(6)
    others = (Conv2D(np.ones((1, 1, 2, 6)), stride=2), Conv2D(np.ones((3, 3, 2, 6))),
              Conv2D(np.ones((1, 1, 3, 6)), groups=2), Doubled(np.ones((1, 1, 2, 6))))
    assert [bottleneck.kind(layer) for layer in (narrow, depthwise, relu, Add())] == ["1", "d", "r", "a"]
    assert [bottleneck.kind(layer) for layer in others] == ["-"] * 4
    whole = [narrow, relu, depthwise, relu, wide, Add()]
    assert bottleneck.block_length(whole) == 6 and bottleneck.block_length([*whole[:5], relu]) == 5
    assert bottleneck.block_length(whole[2:]) == 4                              # the first block does not expand
    assert bottleneck.block_length(whole[1:]) == 0 and bottleneck.block_length(whole[:4]) == 0


def test_shares_are_of_channels_where_lines_are_few_and_else_of_lines(monkeypatch):
    monkeypatch.setattr(bottleneck, "cores", lambda: 3)
    tune(monkeypatch, share_channels=4, share_lines=2, share_numbers=1000, few_lines=9)
    slices, lines = bottleneck.cuts((1, 8, 8, 30), (1, 8, 8, 30))
    assert lines == 8 and [(s.start, s.stop) for s in slices] == [(0, 10), (10, 20), (20, 30)]
    assert bottleneck.cuts((1, 9, 9, 30), (1, 9, 9, 30)) == ([slice(0, 30)], 3)         # 9 lines for 3 cores
    assert bottleneck.cuts((2, 8, 10, 50), (2, 8, 10, 50)) == ([slice(0, 50)], 2)       # 4000 numbers: 4 bands
