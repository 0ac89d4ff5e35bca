"""Gradients of units at a net's input and at the pixels, of one picture or of many that are averaged."""

from typing import Any

import numpy as np

from minivis.engine.memory import batch_that_fits
from minivis.engine.network import Network
from minivis.engine.roles import ancestors
from minivis.layers import LRN, GlobalMaxPool, MaxPool2D, Multiply, ReLU
from minivis.layers.elementwise import Elementwise
from minivis.layers.rules import rule_named
from minivis.methods.shared.target import aim
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.progress import track
from minivis.types import Array, Progress


def pixel_gradient(net: Network, target: Any, rule: str = "normal") -> Array:
    """The gradient of the target's values with respect to the pixels, (N, H, W, C) in RGB order.

    Under an LRP rule: the part of the value that each pixel has, all colours together, (N, H, W, 1).
    """
    return at_pixels(net, input_gradient(net, target, rule), rule)


def input_gradient(net: Network, target: Any, rule: Any = "normal") -> Array:
    """The gradient (or the relevance) of the target's values at the net's input, (N, H, W, C) in the net's order."""
    seeds = target.seeds()
    if rule_named(rule).relevance:
        seeds = {layer: seed * target.acts[layer] for layer, seed in seeds.items()}
    dacts, _ = net.backward(target.acts, seeds, rule=rule)
    return dacts["input"]


def at_pixels(net: Network, dx: Any, rule: str) -> Array:
    """What a backward pass by a rule brought to the net's input, as something of the pixels, on the CPU."""
    return to_cpu(dx.sum(axis=3, keepdims=True) if rule_named(rule).relevance else net.preprocess_adjoint(dx))


def nothing(target: Any, i: int) -> str:
    """Why no pixel has a part in unit i, to stand below the empty map."""
    layer, value = target.acts.net.nodes[target.units[i].layer].layer, float(target.values[i])
    if isinstance(layer, ReLU) and value <= 0:
        return "nothing arrives: the unit is off"
    if isinstance(layer, ReLU) and layer.max_value is not None and value >= layer.max_value:
        return f"nothing arrives: the unit cannot rise above {layer.max_value:g}"
    return "nothing arrives"


SAME = "no max pool: the same for any picture"         # below such a map


def ignores_picture(net: Network, layer: str, rule: str) -> bool:
    """Whether a backward pass from ``layer`` by a rule is the same for every picture.

    The deconvnet asks no ReLU what was on. It learns of the picture by switches of max pools alone, and by activations
    that are no ReLUs; where a net has neither, it draws the net's weights, often the grid of its strides.
    """
    asked = (MaxPool2D, GlobalMaxPool, Elementwise, Multiply, LRN)
    return rule == "deconv" and not any(isinstance(net.nodes[name].layer, asked) for name in ancestors(net, layer))


def mean_gradient(net: Network, variants: Any, count: int, units: Any, *, progress: Progress = False,
                  title: str = "") -> Array:
    """The mean of `input_gradient` over ``count`` variants of a batch, each (N, H, W, C); several run in one pass.

    variants: k -> the k-th one. units: one for each of the N pictures.
    """
    x = variants(0)
    together = max(1, batch_that_fits(net, x.shape[1:]) // len(x))
    total = get_xp(x).zeros_like(x)
    for start in track(range(0, count, together), progress, title):
        some = [variants(k) for k in range(start, min(start + together, count))]
        target = aim(net, get_xp(x).concatenate(some), units * len(some))
        total += input_gradient(net, target).reshape(len(some), *x.shape).sum(axis=0)
    return total / count


def strongest_channel(gradient: Array) -> Array:
    """(N, H, W, C) -> (N, H, W): the largest absolute value of each pixel's colours (Simonyan et al. 2014)."""
    return np.abs(gradient).max(axis=3)
