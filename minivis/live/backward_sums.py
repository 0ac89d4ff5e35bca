"""The arithmetic behind one gradient under each rule: what each layer that reads the unit sends back to it.

Under an LRP rule it is no gradient, but the part of the target's score that the unit has and each reader gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivis import layers as L
from minivis.engine import relevance
from minivis.engine.units import one_hot, parse_unit
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode
from minivis.layers.relu import RELU_RULES
from minivis.layers.rules import RULES, RuleName
from minivis.live.numbers import TERMS, At, named, rest
from minivis.types import Array, Gradients

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

Terms: TypeAlias = list[dict[str, Any]]         # see `sent_back`


def backward(net: Network, acts: Activations, name: str, at: At, target: Any = None) -> dict[str, Any]:
    """Under each rule, the gradient of the target's score that arrives at the unit, reader by reader."""
    if not net.roles.get("logits"):
        return {"why": "this net has no classes, so there is no score with a gradient here"}
    logits = net.roles["logits"]
    if target is None:
        own = name in (logits, net.roles.get("prob"))
        target = f"{logits}:{at[-1] if own else int(acts[logits][0].argmax())}"
    one = one_hot(acts, target)
    (start,) = one
    number = parse_unit(net, target)
    found = {"target": net.class_names[number.channel] if number.channel < len(net.class_names) else str(number),
             "target_unit": f"{number.layer}:{number.channel}"}
    rules = {}
    readers = [reader for reader, node in net.nodes.items() if name in node.inputs and reader in acts.shapes]
    for rule in RULES:
        seeds = {start: one[start] * acts[start]} if RULES[rule].relevance else one
        dacts = swept(net, acts, seeds, rule, [name, *readers])
        if dacts is None:
            continue
        if name not in dacts:
            return {**found, "why": f"{name} is not below {start}, so the score has no gradient there"}
        terms = [term for reader in readers if reader in dacts
                 for term in sent_back(net, acts, dacts, reader, net.nodes[reader], name, at, rule)]
        if name == start:
            terms.append({"label": "the score itself", "d": None if RULES[rule].relevance else 1.0, "w": None,
                          "product": float(seeds[name][0][at])})
        products = np.array([term["product"] for term in terms])
        shown = np.argsort(-abs(products), kind="stable")[:TERMS].tolist()
        rules[rule] = {"title": RULES[rule].title, "terms": [terms[i] for i in shown],
                       "more": rest(products, shown), "total": float(products.sum())}
    return {**found, "rules": rules}


def swept(net: Network, acts: Activations, seeds: Gradients, rule: RuleName, keep: Any) -> Gradients | None:
    """What arrives at the layers of ``keep``, or None if a layer on the way has no LRP rule."""
    try:
        return net.backward(acts, seeds, rule=rule, keep=keep)[0]
    except BadValue:
        if not RULES[rule].relevance:
            raise
        return None


def sent_back(
    net: Network, acts: Activations, dacts: Gradients, reader: str, node: Any, name: str, at: At, rule: RuleName,
) -> Terms:  # fmt: skip
    """The terms, {"label", "d" (gradient there), "w" (its factor), "product"}, of one layer that reads the unit."""
    if RULES[rule].relevance:
        is_first = reader in relevance.first_weighed(net, acts)
        parts = relevance.parts_of(acts, reader, dacts[reader], RULES[rule], is_first)
        sent = sum(float(part[0][at]) for source, part in zip(node.inputs, parts) if source == name)
        return [{"label": f"{reader}, which reads it", "d": None, "w": None, "product": sent}]
    layer, d = node.layer, dacts[reader][0]
    if type(layer) in BACKWARD and node.inputs.count(name) == 1:
        return BACKWARD[type(layer)](net, acts, layer, reader, d, name, at, rule)
    dxs, _ = layer.backward(dacts[reader], acts.caches[reader], BackwardMode(relu_rule=rule))
    sent = sum(float(dx[0][at]) for source, dx in zip(node.inputs, dxs) if source == name)
    return [{"label": f"{reader}, its only reader", "d": None, "w": None, "product": sent}]


def term(label: str, d: Any, w: Any) -> dict[str, Any]:
    return {"label": label, "d": float(d), "w": float(w), "product": float(d) * float(w)}


def conv_back(
    net: Network, acts: Activations, layer: Any, reader: str, d: Array, name: str, at: At, rule: RuleName,
) -> Terms:  # fmt: skip
    w = layer.params["w"]
    KH, KW, C, F = w.shape
    g, per_group = layer.geometry(acts.shapes[name]), F // layer.groups
    first = at[2] // C * per_group
    terms = []
    for row, u in readers_of(at[0], KH, d.shape[0], g, 0):
        for column, v in readers_of(at[1], KW, d.shape[1], g, 1):
            terms += [term(named(net, reader, (row, column, f)), d[row, column, f], w[u, v, at[2] % C, f])
                      for f in range(first, first + per_group)]
    return terms


def readers_of(i: int, kernel: int, outputs: int, geometry: dict[str, Any], axis: int) -> Iterator[tuple[int, int]]:
    """(output, place in its kernel) of each output that reads row (or column) i."""
    step, before, dilation = geometry["stride"][axis], geometry["padding"][axis][0], geometry["dilation"][axis]
    for k in range(kernel):
        out, between = divmod(i + before - k * dilation, step)
        if not between and 0 <= out < outputs:
            yield out, k


def fc_back(
    net: Network, acts: Activations, layer: Any, reader: str, d: Array, name: str, at: At, rule: RuleName,
) -> Terms:  # fmt: skip
    return [term(named(net, reader, (f,)), d[f], w) for f, w in enumerate(layer.params["w"][at[-1]])]


def relu_back(
    net: Network, acts: Activations, layer: Any, reader: str, d: Array, name: str, at: At, rule: Any,
) -> Terms:  # fmt: skip
    x, most = acts[name][0][at], layer.max_value
    opened = RELU_RULES[rule].passes(d[at], x > 0 and (most is None or x < most))
    conditions = [c for c in RELU_RULES[rule].conditions if most is not None or "max" not in c]
    why = " · ".join(f"[{c}]" for c in conditions).replace("dout", "d").replace("max", f"{most or 0:g}")
    return [{**term(named(net, reader, at), d[at], opened), "why": f"{why} = {int(opened)}"}]


def flatten_back(
    net: Network, acts: Activations, layer: Any, reader: str, d: Array, name: str, at: At, rule: RuleName,
) -> Terms:  # fmt: skip
    k = int(np.ravel_multi_index(at, acts[name].shape[1:]))
    return [term(named(net, reader, (k,)), d[k], 1)]


def max_pool_back(
    net: Network, acts: Activations, layer: Any, reader: str, d: Array, name: str, at: At, rule: RuleName,
) -> Terms:  # fmt: skip
    switches, x_shape = acts.caches[reader]
    g = {**layer.geometry(x_shape), "dilation": (1, 1)}
    terms = []
    for row, u in readers_of(at[0], layer.size[0], d.shape[0], g, 0):
        for column, v in readers_of(at[1], layer.size[1], d.shape[1], g, 1):
            won = switches[0, row, column, at[2]] == u * layer.size[1] + v
            terms.append({**term(named(net, reader, (row, column, at[2])), d[row, column, at[2]], won),
                          "why": "it was the maximum" if won else "another was larger"})
    return terms


BACKWARD = {
    L.Conv2D: conv_back, L.FullyConnected: fc_back, L.ReLU: relu_back, L.Flatten: flatten_back,
    L.MaxPool2D: max_pool_back,
}  # fmt: skip
