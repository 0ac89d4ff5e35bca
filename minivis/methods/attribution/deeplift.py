"""DeepLIFT (Shrikumar et al. 2017), the rescale rule: what each pixel adds to the score, compared with another picture.

A layer's outputs differ between the picture x and the baseline x0 by d out. A multiplier m says how much of the score's
difference comes from each unit of such a difference. It goes back through a layer by what the layer did to both:

    weights, sums, means     the chain rule, since they are linear
    one input, one output    m * d out / d in; where the two agree, the derivative
    a max pool               what the new maximum gained goes to its place, what the old one lost to the old place
    a product of a and b     m (b + b0) / 2 for a, and m (a + a0) / 2 for b

In the end the sum over pixels of m (x - x0) is s(x) - s(x0), for any net ("summation to delta"), from two passes.
"""

from typing import Any

from minivis.engine.activations import Activations
from minivis.engine.checks import check_finite
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import GlobalMaxPool, MaxPool2D
from minivis.layers.base import BackwardMode, Layer
from minivis.layers.relevance import summed_to
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import input_of
from minivis.runtime.backend import get_xp, to_cpu
from minivis.types import Array, Gradients

SAME = 1e-6                                     # part of the larger of two numbers by which they may differ, as equals


def deeplift(net: Network, subject: Any, target: Any, *, baseline: str = "grey", seed: Any = 0) -> tuple[Any, Any]:
    """``maps, rises``: what each pixel adds to the unit, (N, H, W), and s(x) - s(x0), (N,).

    ``baseline``: x0, as what covers in `fills.filled`.
    """
    x = subject.input(net)
    xp, layer = get_xp(x), target.units[0].layer
    x0 = xp.broadcast_to(input_of(net, filled(subject.fitted, baseline, x.shape[1:3], seed)), x.shape)
    acts, base = (net.forward(one, until=layer, fuse=False) for one in (x, x0))
    check_finite(acts[layer], base[layer])
    seeds = target.seeds()
    found = multipliers(net, acts, base, seeds)
    rises = ((acts[layer] - base[layer]) * seeds[layer]).reshape(len(x), -1).sum(axis=1)
    return to_cpu((found["input"] * (x - x0)).sum(axis=3)), to_cpu(rises)


def multipliers(net: Network, acts: Activations, base: Any, seeds: Gradients) -> Any:
    """{layer: multipliers} of what ``seeds`` weigh, down to the "input", between two passes that kept every output."""
    found = dict(seeds)
    for name in reversed(acts.caches):
        if name not in found:
            continue
        layer, inputs = net.nodes[name]
        if layer.relevance is None:
            raise BadValue(f"{name} ({type(layer).__name__}) has no rule of DeepLIFT: name a unit below it, or another "
                           "kind of map")
        m, x, x0 = found.pop(name), [acts[source] for source in inputs], [base[source] for source in inputs]
        back = through_layer(layer, x, x0, acts[name], base[name], acts.caches[name], base.caches[name], m)
        for source, part in zip(inputs, back):
            found[source] = found[source] + part if source in found else part
    return found


def through_layer(layer: Layer, x: Any, x0: Any, out: Array, out0: Any, cache: Any, cache0: Any, m: Any) -> Any:
    """The multipliers of each input of a layer, from those of its output."""
    if isinstance(layer, MaxPool2D | GlobalMaxPool):
        return (through_maximum(layer, x[0], x0[0], out, out0, cache, cache0, m),)
    if layer.relevance == "passes":
        return (m * slopes(layer, x[0], x0[0], out, out0, cache),)
    if layer.relevance == "gates":
        return through_product(x, x0, m)
    return layer.backward(m, cache, BackwardMode())[0]


def slopes(layer: Layer, x: Array, x0: Any, out: Array, out0: Any, cache: Any) -> Any:
    """(out - out0) / (x - x0), and the derivative where x and x0 agree."""
    xp = get_xp(x)
    step, same = x - x0, agree(x, x0)
    (derivative,), _ = layer.backward(xp.ones_like(out), cache, BackwardMode())
    return xp.where(same, derivative, (out - out0) / xp.where(same, 1, step)).astype(x.dtype)


def through_maximum(layer: Any, x: Array, x0: Any, out: Array, out0: Any, cache: Any, cache0: Any, m: Any) -> Any:
    xp = get_xp(x)
    most = xp.maximum(out, out0)
    (won,), _ = layer.backward(m * (most - out0), cache, BackwardMode())
    (lost,), _ = layer.backward(m * (out - most), cache0, BackwardMode())
    (same,), _ = layer.backward(m, cache, BackwardMode())
    equal = agree(x, x0)
    return xp.where(equal, same, (won + lost) / xp.where(equal, 1, x - x0)).astype(x.dtype)


def through_product(x: Any, x0: Any, m: Any) -> Any:
    """Of x[0] x[1] ...: the last factor, and all before it as the other."""
    if len(x) == 1:
        return (m,)
    *rest, last = x
    *rest0, last0 = x0
    product, product0 = (multiplied(some) for some in (rest, rest0))
    mine = summed_to(m * (product + product0) / 2, last.shape)
    others = m * (last + last0) / 2
    return (*(summed_to(part, one.shape) for part, one in zip(through_product(rest, rest0, others), rest)), mine)


def multiplied(factors: Any) -> Any:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def agree(x: Array, x0: Any) -> Any:
    """Where two arrays are equal but for rounding."""
    return abs(x - x0) <= SAME * get_xp(x).maximum(abs(x), abs(x0))
