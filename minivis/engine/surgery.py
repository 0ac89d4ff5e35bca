"""New nets from a net: up to some layers, with another kind of pooling, or with batch norms folded or put back.

Weights that do not change are shared. A layer of another class, such as a subclass of Conv2D or MaxPool2D, stays as it
is: it may compute something else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from minivis.engine import plan
from minivis.engine.network import Node
from minivis.errors import UnknownName
from minivis.layers import AvgPool2D, BatchNorm, Conv2D, Dropout, FullyConnected, MaxPool2D, fold_batch_norm
from minivis.layers.norm import batch_statistics
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.network import Network

POOLING = ("max", "average")


def trunk(net: Network, layers: Any) -> Any:
    """The net up to the last of ``layers``; a net that ends before its FC layers takes pictures of any size."""
    order = ["input", *net.nodes]
    last = max(net.check_names(layers), key=order.index)
    return replace(net, nodes={name: net.nodes[name] for name in plan.reached(net, last)})


def with_pooling(net: Network, kind: str) -> Any:
    """The net with each max pool an average pool of the same windows ("average"), or the net as it is ("max").

    Average pooling sends the gradient to every pixel of a window, which makes style smoother (Gatys et al. 2015).
    """
    if kind not in POOLING:
        raise UnknownName.of("kind of pooling", kind, POOLING)
    return net if kind == "max" else replace(net, nodes={
        name: Node(average_pool(layer) if type(layer) is MaxPool2D else layer, inputs)
        for name, (layer, inputs) in net.nodes.items()
    })


def average_pool(pool: Any) -> Any:
    """An average pool with the same windows; places beyond the border do not count."""
    twin = AvgPool2D(pool.size, stride=pool.stride, ceil=pool.ceil, count_padding=False)
    twin.padding = pool.padding
    return twin


def with_dropout(net: Network, rate: float) -> Any:
    """The net with this rate in each of its dropouts; all other layers are shared."""
    return replace(net, nodes={
        name: Node(Dropout(rate), inputs) if isinstance(layer, Dropout) else Node(layer, inputs)
        for name, (layer, inputs) in net.nodes.items()
    })


def for_inference(net: Network) -> Any:
    """A net without dropout, with batch norms folded into the convolutions (or FC layers) that only they read.

    The function is the same up to rounding. A batch norm behind anything else stays.
    """
    nodes: dict[str, Node] = {}
    now_called = {"input": "input"}
    readers = Counter(source for _, inputs in net.nodes.values() for source in set(inputs))
    for name, (layer, inputs) in net.nodes.items():
        alone = readers[inputs[0]] == 1         # the batch norm is all that reads it
        inputs = tuple(now_called[source] for source in inputs)
        source: Any = nodes[inputs[0]].layer if inputs[0] in nodes else None
        if type(layer) is Dropout:
            now_called[name] = inputs[0]
        elif type(layer) is BatchNorm and type(source) in (Conv2D, FullyConnected) and alone:
            nodes[inputs[0]] = Node(fold_batch_norm(source, layer), nodes[inputs[0]].inputs)
            now_called[name] = inputs[0]
        else:
            nodes[name] = Node(layer, inputs)
            now_called[name] = name
    roles = {
        role: [now_called[n] for n in played] if isinstance(played, list) else played and now_called[played]
        for role, played in net.roles.items()
    }
    return replace(net, nodes=nodes, roles=roles)


def for_training(net: Network, fresh: Any, x: Array) -> Any:
    """Give ``fresh``, which has batch norms, the function of ``net``, in which they were folded. Return ``fresh``.

    The mean m and variance v of what a layer makes of x (a batch for ``net``) become its batch norm's running ones, and

        gamma = sqrt(v + eps), beta = m + b:        gamma * (w*x - m) / sqrt(v + eps) + beta  =  w*x + b
    """
    acts = net.forward(x, grad=None)
    norms = {inputs[0]: layer for layer, inputs in fresh.nodes.values() if isinstance(layer, BatchNorm)}
    for name, layer in net.layers.items():
        if name in norms:
            norm, b = norms[name], layer.params["b"]
            mean, var = batch_statistics(acts[name] - b)
            norm.set_params(mean=mean, var=var, gamma=(var + norm.eps) ** 0.5, beta=mean + b)
            fresh.layers[name].set_params(w=layer.params["w"])
        elif layer.params:
            fresh.layers[name].set_params(**layer.params)
    return fresh
