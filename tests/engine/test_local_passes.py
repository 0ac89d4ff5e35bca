"""Passes over pictures that differ in a box: the same as whole passes, in any net."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import nets

from minivis.engine.local_passes import LocalPasses
from minivis.errors import BadValue
from minivis.models.tiny import tiny_vgg


def whole_passes(net, x, boxes, covers, layers):
    covered = np.repeat(x, len(boxes), axis=0)
    for i, (top, left, bottom, right) in enumerate(boxes):
        covered[i, top:bottom, left:right] = covers[i % len(covers), top:bottom, left:right]
    acts = net.forward(covered, keep=layers, grad=None)
    return {name: acts[name] for name in layers}


@st.composite
def boxes_in(draw, size):
    sides = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))) for n in size]
    (top, bottom), (left, right) = sides
    return top, left, bottom + 1, right + 1


@settings(max_examples=40)
@given(nets(), st.data())
def test_any_net_any_boxes(made, data):
    net, x = made
    try:
        net.shapes(x.shape)
    except BadValue:                                                    # a window that does not fit
        return
    rng = np.random.default_rng(0)
    boxes = data.draw(st.lists(boxes_in(x.shape[1:3]), min_size=1, max_size=4))
    covers = 10 * rng.standard_normal((data.draw(st.sampled_from([1, len(boxes)])), *x.shape[1:]))
    layers = data.draw(st.lists(st.sampled_from(list(net.nodes)), min_size=1, max_size=3, unique=True))
    found = LocalPasses(net, x[:1], layers).forward(boxes, covers)
    for name, wanted in whole_passes(net, x[:1], boxes, covers, layers).items():
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-10 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("size", [16, 32])
def test_up_to_the_classes(size, rng):
    net = tiny_vgg(dtype=np.float64, size=size)
    x, cover = rng.standard_normal((1, size, size, 3)), rng.standard_normal((1, size, size, 3))
    boxes = [(0, 0, 4, 4), (size - 4, size - 5, size, size), (5, 6, 9, 11), (0, 0, size, size), (3, 0, 4, size)]
    found = LocalPasses(net, x, ["prob", "relu2_1"]).forward(boxes, cover)
    for name, wanted in whole_passes(net, x, boxes, cover, ["prob", "relu2_1"]).items():
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-12)


def test_every_kind_of_layer(branches, rng):
    x, cover = rng.standard_normal((1, 41, 37, 3)), rng.standard_normal((1, 41, 37, 3))
    boxes = [(i, j, i + 5, j + 6) for i in (0, 13, 36) for j in (0, 20, 31)]
    layers = list(branches.nodes)
    found = LocalPasses(branches, x, layers).forward(boxes, cover)
    for name, wanted in whole_passes(branches, x, boxes, cover, layers).items():
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-12)


def test_it_computes_only_what_can_change(rng):
    """A box of 8 x 8: rows 15 to 24 of conv1_1 see it, 14 to 25 of conv1_2, 7 to 12 of pool1, 6 to 13, 3 to 6."""
    net = tiny_vgg(size=64)
    local = LocalPasses(net, rng.standard_normal((1, 64, 64, 3)).astype("f4"), ["pool2"])
    asked = {}
    for name, layer in local.padless.items():
        def watched(x, *, mode, name=name, forward=layer.forward):
            out = forward(x, mode=mode)
            asked[name] = out[0].shape[1:3]
            return out
        layer.forward = watched
    local.forward([(16, 24, 24, 32)], np.zeros((1, 64, 64, 3), "f4"))
    assert asked == {"conv1_1": (10, 10), "conv1_2": (12, 12), "pool1": (6, 6), "conv2_1": (8, 8), "pool2": (4, 4)}


def test_one_picture_at_a_time(vgg):
    with pytest.raises(BadValue, match="one picture at a time, not 2"):
        LocalPasses(vgg, np.zeros((2, 16, 16, 3)), ["prob"])


def test_what_only_a_relu_reads_is_not_kept_of_the_clean_pass(rng):
    net = tiny_vgg()
    passes = LocalPasses(net, rng.standard_normal((1, 16, 16, 3)).astype(np.float32), ["fc8"])
    assert not {"conv1_1", "conv2_1", "fc6"} & passes.clean.keys()
    assert {"input", "relu1_1", "fc8"} <= passes.clean.keys()
