"""Small nets whose layers fuse, and layers that look as if they did."""

from dataclasses import replace

import numpy as np

from minivis.engine.network import Network, Node
from minivis.layers import Add, Conv2D, MaxPool2D, ReLU


def chain(rng, dtype=np.float64, *, channels=16, top=None, groups=1):
    """Two convolutions of each kind that fuses: with a pool behind the ReLU, and without."""
    net, c = Network(), 3
    for block in "12":
        for conv in "12":
            g = groups if c % groups == 0 else 1
            w = rng.standard_normal((3, 3, c // g, channels)) / (9 * c // g) ** 0.5
            layer = Conv2D(w.astype(dtype), 0.1 * rng.standard_normal(channels).astype(dtype), padding=1, groups=g)
            net.add(f"conv{block}_{conv}", layer).add(f"relu{block}_{conv}", ReLU(max_value=top))
            c = channels
        net.add(f"pool{block}", MaxPool2D(2))
    return net


def names_run(steps):
    return [step.names for step in steps]


def block(rng, dtype=np.float64, *, kernel=3, stride=1, channels=6, expansion=4, adds=True, bias=True, top=6):
    """A convolution, a MobileNet's block, a ReLU. Half of what the block's ReLUs see is cut off, at 0 or ``top``."""
    wide, net = channels * expansion, Network()

    def conv(name, size, c, f, *reads, groups=1, **settings):
        w, b = rng.standard_normal((size, size, c // groups, f)), 3 * rng.standard_normal(f)
        parts = (w * 3 / (size * size * c // groups) ** 0.5, b if bias else None)
        return net.add(name, Conv2D(*(p if p is None else p.astype(dtype) for p in parts), groups=groups, **settings))

    conv("first", 1, 3, channels)
    if expansion > 1:
        conv("expand", 1, channels, wide).add("expand_relu", ReLU(top))
    conv("depthwise", kernel, wide, wide, groups=wide, stride=stride, padding="same").add("depthwise_relu", ReLU(top))
    conv("project", 1, wide, channels)
    if adds:
        net.add("sum", Add(), "project", "first")
    return net.add("relu", ReLU())


class Leaky(ReLU):
    """Passes a tenth of what is below zero."""

    def forward(self, x, *, mode):
        return np.maximum(x, 0.1 * x), np.where(x > 0, 1, 0.1)

    def backward(self, dout, cache, mode):
        return (dout * cache,), {}


class Doubled(Conv2D):
    def forward(self, x, *, mode):
        out, cache = super().forward(x, mode=mode)
        return 2 * out, cache

    def backward(self, dout, cache, mode):
        return super().backward(2 * dout, cache, mode)


class Smallest(MaxPool2D):
    def forward(self, x, *, mode):
        out, cache = super().forward(-x, mode=mode)
        return -out, cache


class Half(Add):
    def forward(self, a, b, *, mode):
        return (a + b) / 2, None

    def backward(self, dout, cache, mode):
        return (dout / 2, dout / 2), {}


def replaced(net, name, kind):
    """The net with a layer of ``kind``, of the same settings, in the place of ``name``."""
    layer, inputs = net.nodes[name]
    other = kind(**layer.params, **layer.config())
    return replace(net, nodes={**net.nodes, name: Node(other, inputs)})
