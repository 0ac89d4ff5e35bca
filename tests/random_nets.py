"""Nets of random layers, for hypothesis."""

import numpy as np
from hypothesis import strategies as st

from minivis.engine.network import Network
from minivis.layers import Add, AvgPool2D, Concat, MaxPool2D, ReLU
from minivis.models.tiny import Weights


@st.composite
def nets(draw):
    """A chain of windows of all kinds, with a branch in it, and pictures for it."""
    weights, net, C = Weights(draw(st.integers(0, 9)), np.float64), Network(), 3
    two = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731
    for i in range(draw(st.integers(1, 4))):
        kind, kernel, stride = draw(st.sampled_from(["conv", "max", "avg", "block"])), draw(two(1, 4)), draw(two(1, 3))
        pads = draw(st.one_of(st.just("same"), st.tuples(two(0, 3), two(0, 3))))
        if kind == "conv":
            C, before = draw(st.integers(1, 4)), C
            dilation = draw(two(1, 2))
            net.add(f"conv{i}", weights.conv(*kernel, before, C, stride=stride, padding=pads, dilation=dilation))
            net.add(f"relu{i}", ReLU())
        elif kind == "block":
            source = next(reversed(net.nodes), "input")
            net.add(f"wide{i}", weights.conv(3, 3, C, C, padding=1), source)
            net.add(f"deep{i}", weights.conv(3, 3, C, C, padding=2, dilation=2), f"wide{i}")
            net.add(f"sum{i}", Add(), f"deep{i}", source).add(f"both{i}", Concat(), f"sum{i}", f"wide{i}")
            C *= 2
        else:
            if pads != "same":
                pads = tuple(tuple(min(p, k - 1) for p in ps) for ps, k in zip(pads, kernel))
            ceil = draw(st.booleans())
            pool = MaxPool2D if kind == "max" else AvgPool2D
            more = {} if kind == "max" else {"count_padding": draw(st.booleans())}
            net.add(f"pool{i}", pool(kernel, stride=stride, padding=pads, ceil=ceil, **more))
    size = draw(two(30, 60))
    return net, np.random.default_rng(draw(st.integers(0, 99))).standard_normal((draw(st.integers(1, 2)), *size, 3))
