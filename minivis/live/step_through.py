"""Step through a net: how one number came about, layer by layer from the pixels, and back under each rule.

Each layer's own backward says what it multiplied each input by: for a gradient of 1 at the number and 0 elsewhere, dx
is the weight of each input, and x * dx its contribution. In a layer that is linear once it has decided what is the
maximum or above 0, contributions and bias add up to the number. The steps follow the largest one down to a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.units import parse_unit
from minivis.layers import BatchNorm, Scale
from minivis.layers.base import BackwardMode
from minivis.layers.rules import RULES
from minivis.live.backward_sums import backward, swept
from minivis.live.numbers import At, named, place
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

SHIFTED = (BatchNorm, Scale)                    # what they add is not just a parameter "b"
ROUNDING = 1e-3                                 # of the sizes that are added
LARGEST = 5                                     # contributions of a step that are shown


@dataclass(frozen=True)
class Term:
    """One contribution to a number: ``product`` = x * weight."""

    unit: str
    x: float
    weight: float
    product: float


@dataclass(frozen=True)
class Step:
    """How one number of a layer is made of the numbers that it reads."""

    unit: str
    kind: str
    formula: str
    value: float
    terms: tuple                                # the largest, then smaller ones
    count: int                                  # of all contributions that are not 0
    others: float                               # the sum of those that are not shown
    bias: float | None                          # None if there is none
    is_sum: bool                                # whether contributions and bias add up to the value


@dataclass(frozen=True)
class Back:
    """The gradient of the number at one that it came from, and the strongest one in that layer, under each rule.

    Under an LRP rule, the part of the number instead of a gradient.
    """

    unit: str
    value: float
    gradients: dict                             # rule -> gradient
    strongest: dict                             # rule -> (unit, gradient)


@dataclass(frozen=True)
class SteppedThrough:
    """``steps`` from the pixels up to the number, ``back`` from the number down, ``score``: see backward_sums.py."""

    unit: str
    value: float
    pixel: tuple | None                         # (row, column) of the net's input to which the steps lead, or None
    steps: tuple
    back: tuple
    score: dict


def step_through(net: Network, x: Array, unit: Any, target: Any = None, *, largest: int = LARGEST) -> SteppedThrough:
    """How ``unit`` of one picture x (1, H, W, C) came about: a `SteppedThrough`.

    target: the class of the score (default: the first one; of a class its own). For a net and a picture on the CPU.
    Every layer runs by itself, by its definition.
    """
    unit = parse_unit(net, unit)
    acts = net.forward(x, algorithm="im2col", fuse=False)
    at = place(acts, unit)
    steps, path, name, where = [], [(unit.layer, at)], unit.layer, at
    while name != "input":
        step, following = one_step(net, acts, name, where, largest)
        steps.append(step)
        if following is None:
            break
        name, where = following
        path.append(following)
    return SteppedThrough(
        named(net, unit.layer, at), float(acts[unit.layer][0][at]), where[:2] if name == "input" else None,
        tuple(reversed(steps)), tuple(ways_back(net, acts, path)), backward(net, acts, unit.layer, at, target))


def one_step(
    net: Network, acts: Activations, name: str, at: At, largest: int = LARGEST,
) -> tuple[Step, tuple[str, At] | None]:  # fmt: skip
    """(the `Step` of one number, the (layer, index) of its largest contribution or None)."""
    layer, sources = net.nodes[name]
    dxs, _ = layer.backward(one_at(acts, name, at), acts.caches[name], BackwardMode(algorithm="im2col"))
    read = [(source, acts[source][0].astype(np.float64), dx[0].astype(np.float64)) for source, dx in zip(sources, dxs)]
    x, weights = (np.concatenate([parts[k].ravel() for parts in read]) for k in (1, 2))
    products = x * weights
    order = np.lexsort((-abs(weights), -abs(products)))[:largest]
    shown = tuple(Term(named(net, *locate(read, k)), float(x[k]), float(weights[k]), float(products[k]))
                  for k in order.tolist() if products[k])
    value, total = float(acts[name][0][at]), float(products.sum())
    bias = float(layer.params["b"][at[-1]]) if "b" in layer.params else None
    if isinstance(layer, SHIFTED):
        bias = value - total
    apart = abs(value - total - (bias or 0))
    step = Step(named(net, name, at), type(layer).__name__, formula_of(layer), value, shown,
                int(np.count_nonzero(products)), total - sum(term.product for term in shown), bias,
                bool(apart <= ROUNDING * (abs(value) + abs(products).sum())))
    if weights[order[0]]:
        return step, locate(read, int(order[0]))
    return step, (sources[0], at) if layer.elementwise else None            # a ReLU that lets nothing through


def one_at(acts: Activations, name: str, at: At) -> Array:
    """1 at one number of a layer, 0 at all others."""
    seed = np.zeros_like(acts[name])
    seed[0][at] = 1
    return seed


def locate(read: Any, k: int) -> tuple[str, At]:
    """(layer, index) of the k-th number of all that a layer reads."""
    for source, a, _ in read:
        if k < a.size:
            return source, tuple(int(i) for i in np.unravel_index(k, a.shape))
        k -= a.size
    raise IndexError(k)


def formula_of(layer: Any) -> str:
    """What the layer does, in a few symbols."""
    kind = type(layer).__name__
    if kind == "ReLU" and layer.max_value is not None:
        return f"min(max(x, 0), {layer.max_value:g})"
    return FORMULAS.get(kind) or layer.formula or kind


FORMULAS = {
    "Conv2D": "b + Σ x · w", "FullyConnected": "b + Σ x · w", "ReLU": "max(x, 0)", "Add": "the sum",
    "MaxPool2D": "the largest x of the window", "AvgPool2D": "the mean of the window",
    "GlobalAvgPool": "the mean of the map", "Flatten": "the same number", "Concat": "the same number",
    "Softmax": "e^x / Σ e^x", "LogSoftmax": "x - log Σ e^x",
    "BatchNorm": "gamma · (x - mean) / √(var + eps) + beta", "LRN": "x / (k + alpha / size · Σ x²)^beta",
}  # fmt: skip


def ways_back(net: Network, acts: Activations, path: Any) -> Iterator[Back]:
    """A `Back` for each number of the path, from the unit down, once for each layer."""
    layer, at = path[0]
    one, keep = one_at(acts, layer, at), [name for name, _ in path]
    sweeps = {name: swept(net, acts, {layer: one * acts[layer] if rule.relevance else one}, name, keep)
              for name, rule in RULES.items()}
    found = {name: dacts for name, dacts in sweeps.items() if dacts is not None}
    for name, index in path:
        gradients = {rule: float(dacts[name][0][index]) for rule, dacts in found.items()}
        strongest = {}
        for rule, dacts in found.items():
            most = tuple(int(i) for i in np.unravel_index(abs(dacts[name][0]).argmax(), dacts[name][0].shape))
            strongest[rule] = (named(net, name, most), float(dacts[name][0][most]))
        yield Back(named(net, name, index), float(acts[name][0][index]), gradients, strongest)
