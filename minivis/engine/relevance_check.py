"""Does a layer share its relevance out as the LRP rules say? Check each contribution by itself, at a few outputs.

layers/relevance.py splits weights and inputs by their signs and works with whole layers. Here the contributions
c_i = x_i w_i to one output are written down one by one (w is the layer's gradient there), and shared as the formulas
say.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivis.engine.finite_differences import relative_error
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.layers.relevance import RELEVANCE_RULES, AlphaBeta, Box, Epsilon, Flat, Gamma, shared_out
from minivis.runtime.backend import get_xp
from minivis.types import Array

OUTPUTS = 3                     # at which a layer is checked
LARGEST = 2**24                 # weights; a VGG's fc6 in four copies would take gigabytes


def share_errors(layer: Any, inputs: Sequence[Array], rng: np.random.Generator) -> Any:
    """{rule: relative error} of what each input of a layer gets by each rule; {} for a layer that does not weigh."""
    if layer.relevance not in ("weighs", "adds") or any(p.size >= LARGEST for p in layer.params.values()):
        return {}
    xp = get_xp(inputs[0])
    out, cache = layer.forward(*inputs, mode=ForwardMode())
    R = xp.zeros_like(out)
    for k in rng.integers(out.size, size=OUTPUTS):
        R.reshape(-1)[k] = rng.uniform(0.5, 2)
    errors = {}
    for name, rule in RELEVANCE_RULES.items():
        usual = rule.maps if inputs[0].ndim == 4 else rule.rows
        shares = {usual, rule.first} if layer.relevance == "weighs" else {usual}
        errors[name] = max(share_error(layer, inputs, out, cache, R, share) for share in shares)
    return errors


def share_error(layer: Any, inputs: Sequence[Array], out: Array, cache: Any, R: Any, share: Any) -> Any:
    limits = (inputs[0] - 1, inputs[0] + 0.5)
    got = shared_out(layer, inputs, out, cache, R, share, limits=limits)
    wanted = by_definition(layer, inputs, out, cache, R, share, limits)
    return max(relative_error(a, b) for a, b in zip(got, wanted, strict=True))


def by_definition(layer: Any, inputs: Sequence[Array], out: Array, cache: Any, R: Any, share: Any, limits: Any) -> Any:
    """What each input gets, output by output."""
    xp = get_xp(out)
    found = [xp.zeros_like(x) for x in inputs]
    rows = [out.shape[0], -1]
    size = xp.sqrt((out * out).reshape(rows).mean(axis=1))              # of z, in each picture
    for k in np.flatnonzero(R.reshape(-1)).tolist():
        at = np.unravel_index(k, out.shape)
        one = xp.zeros_like(out)
        one[at] = 1
        weights = layer.backward(one, cache, BackwardMode())[0]
        products = [x * w for x, w in zip(inputs, weights)]
        if not any((c != 0).any() for c in products):
            continue                                                    # it comes from a bias alone, or from nothing
        bias = float(layer.params["b"][at[-1]]) if "b" in layer.params else 0.0
        parts = shares_of(products, weights, bias, share, float(size[at[0]]), limits, reached(layer, one, cache))
        for total, part in zip(found, parts):
            total += part * float(R[at])
    return found


def reached(layer: Any, one: Any, cache: Any) -> Any:
    """1 at each input that an output weighs, also where the weight is 0: for the flat rule."""
    if "w" not in layer.params:
        return None
    twin = layer.with_params(w=get_xp(one).ones_like(layer.params["w"]))
    return twin.backward(one, cache, BackwardMode())[0][0]


def shares_of(products: Any, weights: Any, bias: Any, share: Any, size: Any, limits: Any, seen: Any) -> list[Any]:
    """The part of one output's relevance that each input gets; c in the formulas is ``products``."""
    positive = sum(float(c[c > 0].sum()) for c in products) + max(bias, 0)
    negative = sum(float(c[c < 0].sum()) for c in products) + min(bias, 0)
    z = positive + negative
    if isinstance(share, Flat):
        return [seen / seen.sum()]
    if isinstance(share, Box):
        (low, high), (w,), (c,) = limits, weights, products
        parts = c - low * w.clip(0, None) - high * w.clip(None, 0)
        return [parts / parts.sum()]
    if isinstance(share, Epsilon):
        return [c / (z + share.epsilon * size * (1 if z >= 0 else -1)) for c in products]
    if isinstance(share, Gamma):
        sign, same = (1, positive) if z >= 0 else (-1, negative)
        return [(c + share.gamma * c * (sign * c > 0)) / (z + share.gamma * same) for c in products]
    if isinstance(share, AlphaBeta):
        alpha = 1 if negative == 0 else 0 if positive == 0 else share.alpha
        up, down = (alpha / positive if positive else 0), ((1 - alpha) / negative if negative else 0)
        return [up * c * (c > 0) + down * c * (c < 0) for c in products]
    raise NotImplementedError(type(share).__name__)
