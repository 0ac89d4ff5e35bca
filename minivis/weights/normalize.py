"""Gatys' normalised weights: every filter's mean activation becomes 1, and the function stays the same.

Gatys, Ecker & Bethge 2016, section 2: with m_l the mean of relu_l over pictures and positions, for each filter,

    b_l /= m_l        W_l /= m_l (filters)        W_l *= m_{l-1} (channels that come in)

A ReLU, a maximum and a mean let a positive factor through, so the layer after sees the same as before. Losses of
different layers then are of one size, which is what style transfer wants. The layers after the last convolution take
its factors back, so that the logits do not change. A subclass of one of these layers may do anything to a factor, so
that a net with one is refused.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from minivis.engine.network import Network, Node
from minivis.errors import BadValue
from minivis.layers import AvgPool2D, Conv2D, Dropout, Flatten, FullyConnected, GlobalAvgPool, MaxPool2D, ReLU

PASSING = (MaxPool2D, AvgPool2D, GlobalAvgPool, Flatten, Dropout)       # let a factor through, channel by channel
DEAD = 1e-8                                     # a filter that says nothing on these pictures keeps its weights


def mean_activations(net: Network, images: Any) -> dict[Any, Any]:
    """Layer -> the mean over pictures and positions of the ReLU after each convolution, (F,) in float64."""
    names = dict(pairs(net))
    sums: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for image in images:
        acts = net.forward(net.preprocess(image), keep=list(names.values()), until=list(names.values())[-1], grad=None)
        for conv, relu in names.items():
            a = np.asarray(acts[relu], np.float64).reshape(-1, acts[relu].shape[-1])
            sums[conv] = sums.get(conv, 0) + a.sum(axis=0)
            counts[conv] = counts.get(conv, 0) + len(a)
    if not sums:
        raise BadValue("normalising a net needs at least one picture")
    return {conv: sums[conv] / counts[conv] for conv in sums}


def pairs(net: Network) -> Any:
    """(convolution, the ReLU after it), in order. Raise BadValue for a net that is not a plain sequence of them."""
    found = []
    previous = "input"
    for name, (layer, inputs) in net.nodes.items():
        if inputs != (previous,):
            raise BadValue(f"only a plain sequence of layers can be normalised; {name} reads {', '.join(inputs)}")
        if type(layer) is ReLU:
            if layer.max_value is not None:
                raise BadValue(f"{name} ends at {layer.max_value}: a factor before it would change what the net does")
            if type(net.layers.get(previous)) is Conv2D:
                found.append((previous, name))
        previous = name
    if not found:
        raise BadValue("there is no convolution with a ReLU after it")
    return found


def normalize(net: Network, images: Any) -> Network:
    """A new net whose every filter after a ReLU has the mean activation 1 over ``images`` (uint8)."""
    means = {name: np.where(m > DEAD, m, 1.0) for name, m in mean_activations(net, images).items()}
    nodes, owed = {}, None                      # owed: the factors that the next layer with weights must give back
    for name, (layer, inputs) in net.nodes.items():
        if type(layer) is Conv2D:
            layer, owed = scaled_conv(layer, owed, means.get(name)), means.get(name)
        elif type(layer) is FullyConnected:
            layer, owed = scaled_fc(layer, owed), None
        elif owed is not None and type(layer) not in (ReLU, *PASSING):
            kind = type(layer).__name__
            raise BadValue(f"{name} ({kind}) does not let a factor through: this net cannot be normalised")
        nodes[name] = Node(layer, inputs)
    about = {**net.about, "training": f"{net.about.get('training', 'unknown')}; normalised (Gatys et al. 2016)"}
    return replace(net, nodes=nodes, about=about)


def scaled_conv(layer: Any, before: Any, after: Any) -> Any:
    """A convolution whose input was divided by ``before`` and whose output is to be divided by ``after``."""
    w, b = np.asarray(layer.params["w"], np.float64), np.asarray(layer.params.get("b", 0), np.float64)
    if before is not None:
        if layer.groups > 1:
            per_group = before.reshape(layer.groups, -1)                # (G, C/G)
            w = w * np.repeat(per_group.T, w.shape[3] // layer.groups, axis=1)
        else:
            w = w * before[:, None]
    if after is not None:
        w, b = w / after, b / after
    params = {"w": w.astype(layer.params["w"].dtype)}
    if "b" in layer.params:
        params["b"] = b.astype(layer.params["b"].dtype)
    return layer.with_params(**params)


def scaled_fc(layer: Any, before: Any) -> Any:
    """A fully connected layer whose input, flattened in the order H, W, C, was divided by ``before`` (C,)."""
    if before is None:
        return layer
    w = layer.params["w"]
    factors = np.tile(before, w.shape[0] // len(before))[:, None]
    return layer.with_params(**{**layer.params, "w": (w * factors).astype(w.dtype)})
