"""A pass in segments: every layer once, the same numbers, and no two segments in memory at once."""

import math
import tracemalloc

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.engine.segments import in_segments, segments
from minivis.layers import Add, Conv2D, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg


@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
def test_the_same_outputs_as_in_one_pass(make, rng):
    net = make()
    x = net.preprocess(rng.integers(0, 256, (1, 16, 16, 3), np.uint8))
    whole, found, several = net.forward(x, grad=None), {}, 0
    for acts in in_segments(net, x, grad=None):
        assert not found.keys() & acts.keys()
        found.update(acts)
        several += 1
    assert several > 2 and found.keys() == whole.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_a_segment_ends_where_one_output_is_all_that_is_read_above():
    """One path of the sum goes on past `b`, so no segment ends there; `a` is not the end of one: `sum` reads it."""
    net = Network()
    w = np.ones((1, 1, 3, 3))
    net.add("a", Conv2D(w)).add("b", Conv2D(w)).add("c", Conv2D(w)).add("sum", Add(), "c", "a").add("relu", ReLU())
    assert segments(net, list(net.nodes), net.shapes((1, 64, 64, 3)), "input") == [["a"], ["b", "c", "sum"], ["relu"]]
    net.add("late", Add(), "relu", "input")                 # the picture itself is read until the end
    assert segments(net, list(net.nodes), net.shapes((1, 64, 64, 3)), "input") == [list(net.nodes)]


def test_one_segment_is_in_memory_at_a_time(rng):
    net = Network()
    for k in range(24):
        net.add(f"relu{k}", ReLU())
    x = rng.standard_normal((1, 64, 64, 3)).astype(np.float32)
    everything = sum(4 * math.prod(shape) for shape in net.shapes((1, 64, 64, 3)).values())
    tracemalloc.start()
    for acts in in_segments(net, x, grad=None):
        del acts
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < everything / 3
