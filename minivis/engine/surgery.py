"""New nets from a net: only as far as some layers, or with another kind of pooling. The weights are shared."""

from dataclasses import replace

from minivis.engine import plan
from minivis.engine.network import Node
from minivis.errors import UnknownName
from minivis.layers import AvgPool2D, MaxPool2D

POOLING = ("max", "average")


def trunk(net, layers):
    """The net as far as the last of ``layers``: one that ends before its FC layers takes pictures of any size."""
    order = ["input", *net.nodes]
    last = max(net.check_names(layers), key=order.index)
    return replace(net, nodes={name: net.nodes[name] for name in plan.reached(net, last)})


def with_pooling(net, kind):
    """The net with each max pool an average pool of the same windows ("average"), or the net as it is ("max").

    Average pooling sends the gradient to every pixel of a window, which makes style smoother (Gatys et al. 2015).
    """
    if kind not in POOLING:
        raise UnknownName.of("kind of pooling", kind, POOLING)
    return net if kind == "max" else replace(net, nodes={
        name: Node(average_pool(layer) if isinstance(layer, MaxPool2D) else layer, inputs)
        for name, (layer, inputs) in net.nodes.items()
    })


def average_pool(pool):
    """Its twin that takes the mean; where max pooling saw minus infinity beyond the border, nothing counts."""
    twin = AvgPool2D(pool.size, stride=pool.stride, ceil=pool.ceil, count_padding=False)
    twin.padding = pool.padding
    return twin
