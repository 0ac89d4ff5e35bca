"""Explain this number: the arithmetic that made one activation, and the one that makes its gradient under each rule.

    forward     the unit's own layer: inputs, weights, products, bias, and what came out
    backward    the layers that read the unit: each sends back its gradients times the weights by which it read

    conv3_1:4@5,6 = b + sum of x * w over its window           d conv3_1:4@5,6 = sum over its readers of d reader * w

Everything is summed again here, in float64 and in the open, from the layers' definitions; tests hold it against the
engine. Long sums show their largest terms and one number for the rest.
"""

import numpy as np

from minivis import layers as L
from minivis.engine.units import one_hot, parse_unit, unit_positions
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode
from minivis.layers.relu import RELU_RULES

GROUPS, TERMS = 6, 8                            # of a sum are shown: windows of a convolution, single products


def explain(net, x, unit, target=None):
    """What made ``unit`` of one picture x (1, h, w, C), and its gradient: of ``target``, a class (default: the first).

    For a net and a picture on the CPU. Return a dict of plain values; static/arithmetic.js lays them out.
    """
    unit = parse_unit(net, unit)
    acts = net.forward(x)
    at = place(acts, unit)
    found = {"unit": named(net, unit.layer, at), "layer": unit.layer, "value": float(acts[unit.layer][0][at])}
    return {**found, "forward": forward(net, acts, unit.layer, at), "then": relus(net, acts, unit.layer, at),
            "backward": backward(net, acts, unit.layer, at, target)}


def place(acts, unit):
    """The index of a unit in one picture's output: (row, column, channel) or (channel,)."""
    if acts[unit.layer].ndim != 4:
        return (unit.channel,)
    if unit.where is None:
        raise BadValue(f"{unit}: a number has a place, as {unit}@3,4 or {unit}@max")
    return (*(int(p[0]) for p in unit_positions(acts, unit)), unit.channel)


def named(net, layer, at):
    """The unit string of an index."""
    where = f"@{at[0]},{at[1]}" if len(at) == 3 else ""
    names = net.class_names if layer in (net.roles.get("logits"), net.roles.get("prob")) else ()
    return f"{layer}:{names[at[-1]] if at[-1] < len(names) else at[-1]}{where}"


def source_name(net, acts, layer, at):
    """The unit behind one input; behind a Flatten, what it was before."""
    while layer != "input" and isinstance(net.nodes[layer].layer, L.Flatten):
        layer = net.nodes[layer].inputs[0]
        at = tuple(int(i) for i in np.unravel_index(at[-1], acts[layer].shape[1:]))
    return named(net, layer, at)


def relus(net, acts, name, at):
    """What each ReLU that reads the unit makes of it."""
    return [{"layer": reader, "value": float(acts[reader][0][at])} for reader, node in net.nodes.items()
            if name in node.inputs and isinstance(node.layer, L.ReLU)]


# ---- forward: one function for each kind of layer ----

def forward(net, acts, name, at):
    """What made one number. Of a layer that changes each number by itself, "of" says what made the one before."""
    if name == "input":
        return {"kind": "input", "formula": "a pixel of the picture, with the net's mean and scale taken out",
                "steps": [], "total": float(acts[name][0][at])}
    layer, sources = net.nodes[name]
    found = FORWARD.get(type(layer), plain_forward)(net, acts, layer, sources, name, at)
    found["kind"] = type(layer).__name__
    if isinstance(layer, ONE_BY_ONE) and sources[0] != "input":
        found["of"] = {"unit": named(net, sources[0], at), **forward(net, acts, sources[0], at)}
    return found


def conv_forward(net, acts, layer, sources, name, at):
    x, w = acts[sources[0]], layer.params["w"].astype(np.float64)
    row, column, f = at
    KH, KW, C, F = w.shape
    first, g = f // (F // layer.groups) * C, layer.geometry(x.shape)
    rows, row_in = reads(row, KH, x.shape[1], g, 0)
    columns, column_in = reads(column, KW, x.shape[2], g, 1)
    window = x[0][np.ix_(rows, columns, range(first, first + C))].astype(np.float64)
    window[~(row_in[:, None] & column_in)] = 0                              # padding
    products = window * w[..., f]
    sums = products.sum(axis=(0, 1))
    shown = np.argsort(-abs(sums), kind="stable")[:GROUPS].tolist()
    top, left = (out * step - before for out, step, (before, _) in zip(at, g["stride"], g["padding"]))
    groups = [{"label": f"{sources[0]}:{first + c}", "x": window[..., c], "w": w[..., c, f],
               "product": products[..., c], "sum": float(sums[c])} for c in shown]
    return weighted(layer, groups, sums, shown, f, "b + Σ x · w",
                    f"a window of {KH} x {KW} at row {top}, column {left}, in {C} channels of {sources[0]}")


def fc_forward(net, acts, layer, sources, name, at):
    x, w = acts[sources[0]][0].astype(np.float64), layer.params["w"][:, at[-1]].astype(np.float64)
    products = x * w
    shown = np.argsort(-abs(products), kind="stable")[:TERMS].tolist()
    groups = [{"label": source_name(net, acts, sources[0], (d,)), "x": [[x[d]]], "w": [[w[d]]],
               "product": [[products[d]]], "sum": float(products[d])} for d in shown]
    return weighted(layer, groups, products, shown, at[-1], "b + Σ x · w", f"all {len(x)} numbers of {sources[0]}")


def weighted(layer, groups, sums, shown, f, formula, reads):
    bias = float(layer.params["b"][f]) if "b" in layer.params else 0.0
    return {"formula": formula, "reads": reads, "groups": groups, "more": rest(sums, shown), "bias": bias,
            "total": float(sums.sum() + bias)}


def rest(values, shown):
    left = np.delete(np.asarray(values, np.float64), shown)
    return {"count": int(left.size), "sum": float(left.sum())}


def reads(out, kernel, size, geometry, axis):
    """Which rows (or columns) of the input an output reads, clipped into it, and which of them are there at all."""
    step, before = geometry["stride"][axis], geometry["padding"][axis][0]
    i = out * step - before + np.arange(kernel) * geometry.get("dilation", (1, 1))[axis]
    return i.clip(0, size - 1), (i >= 0) & (i < size)


def relu_forward(net, acts, layer, sources, name, at):
    x = float(acts[sources[0]][0][at])
    most = layer.max_value
    formula = "max(x, 0)" if most is None else f"min(max(x, 0), {most:g})"
    return steps(formula, [(source_name(net, acts, sources[0], at), x)], acts, name, at)


def pool_forward(net, acts, layer, sources, name, at):
    x = acts[sources[0]]
    g = layer.geometry(x.shape)
    rows, row_in = reads(at[0], layer.size[0], x.shape[1], g, 0)
    columns, column_in = reads(at[1], layer.size[1], x.shape[2], g, 1)
    inside = row_in[:, None] & column_in
    values = x[0][np.ix_(rows, columns, [at[2]])][..., 0].astype(np.float64)
    is_max = isinstance(layer, L.MaxPool2D)
    window = [[float(v) if there else None for v, there in zip(*line)] for line in zip(values, inside)]
    group = {"label": f"{sources[0]}:{at[2]}", "x": window}
    if is_max:
        best = int(np.where(inside, values, -np.inf).argmax())
        group["winner"] = [int(i) for i in divmod(best, layer.size[1])]
    found = steps("max of the window" if is_max else "mean of the window", [], acts, name, at)
    return {**found, "groups": [group]}


def mean_forward(net, acts, layer, sources, name, at):
    channel = acts[sources[0]][0][..., at[-1]].astype(np.float64)
    rows = [(f"Σ over {sources[0]}:{at[-1]}", float(channel.sum())), ("n", channel.size)]
    return steps("Σ x / n", rows, acts, name, at)


def softmax_forward(net, acts, layer, sources, name, at):
    s = acts[sources[0]][0].astype(np.float64)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return steps("e^s / Σ e^s", [
        (f"s = {source_name(net, acts, sources[0], at)}", float(s[at])), ("e^(s - largest)", float(e[at])),
        (f"Σ over the {s.shape[-1]} classes", float(e.sum(axis=-1)[at[:-1]])),
    ], acts, name, at)  # fmt: skip


def norm_forward(net, acts, layer, sources, name, at):
    p = {key: float(value[at[-1]]) for key, value in layer.params.items()}
    rows = [("x = " + source_name(net, acts, sources[0], at), float(acts[sources[0]][0][at])), *p.items(),
            ("eps", layer.eps)]
    return steps("gamma · (x - mean) / √(var + eps) + beta", rows, acts, name, at)


def lrn_forward(net, acts, layer, sources, name, at):
    x = acts[sources[0]][0][at[:-1]].astype(np.float64)
    low, high = max(0, at[-1] - (layer.size - 1) // 2), min(len(x), at[-1] + layer.size // 2 + 1)
    rows = [("x = " + source_name(net, acts, sources[0], at), float(x[at[-1]])),
            (f"Σ x² over channels {low} to {high - 1}", float((x[low:high] ** 2).sum())),
            ("k", layer.k), ("alpha / size", layer.alpha / layer.size), ("beta", layer.beta)]
    return steps("x / (k + alpha / size · Σ x²)^beta", rows, acts, name, at)


def flatten_forward(net, acts, layer, sources, name, at):
    return steps("the same number", [(source_name(net, acts, name, at), float(acts[name][0][at]))], acts, name, at)


def concat_forward(net, acts, layer, sources, name, at):
    source, c = concat_source(acts, sources, at[-1])
    where = (*at[:-1], c)
    return steps("the same number", [(named(net, source, where), float(acts[source][0][where]))], acts, name, at)


def concat_source(acts, sources, channel):
    """Which layer, and which channel of it, is behind a channel of a Concat."""
    for source in sources:
        if channel < acts[source].shape[-1]:
            return source, channel
        channel -= acts[source].shape[-1]
    raise BadValue("a channel beyond all that was joined")


def add_forward(net, acts, layer, sources, name, at):
    return steps("the sum", [(named(net, s, at), float(acts[s][0][at])) for s in sources], acts, name, at)


def plain_forward(net, acts, layer, sources, name, at):
    return steps(f"{type(layer).__name__} of {', '.join(sources)}", [], acts, name, at)


def steps(formula, rows, acts, name, at):
    """A few named numbers, and what comes of them."""
    return {"formula": formula, "steps": [[label, value] for label, value in rows], "total": float(acts[name][0][at])}


FORWARD = {
    L.Conv2D: conv_forward, L.FullyConnected: fc_forward, L.ReLU: relu_forward, L.MaxPool2D: pool_forward,
    L.AvgPool2D: pool_forward, L.GlobalAvgPool: mean_forward, L.Softmax: softmax_forward, L.BatchNorm: norm_forward,
    L.LRN: lrn_forward, L.Flatten: flatten_forward, L.Concat: concat_forward, L.Add: add_forward,
}  # fmt: skip


ONE_BY_ONE = (L.ReLU, L.BatchNorm, L.Dropout)


# ---- backward: what the readers of the unit send to it ----

def backward(net, acts, name, at, target=None):
    """Under each rule, the gradient of the target's score that arrives at the unit, reader by reader."""
    if not net.roles.get("logits"):
        return {"why": "this net has no classes, so there is no score whose gradient could arrive here"}
    logits = net.roles["logits"]
    if target is None:
        target = f"{logits}:{int(acts[logits][0].argmax())}"
    seeds = one_hot(acts, target)
    (start,) = seeds
    number = parse_unit(net, target)
    found = {"target": net.class_names[number.channel] if number.channel < len(net.class_names) else str(number)}
    rules = {}
    for rule in RELU_RULES:
        dacts, _ = net.backward(acts, seeds, relu_rule=rule, keep="all")
        if name not in dacts:
            return {**found, "why": f"{name} lies beside the way or above {start}: no gradient of the score passes it"}
        terms = [term for reader, node in net.nodes.items() if name in node.inputs and reader in dacts
                 for term in sent_back(net, acts, dacts, reader, node, name, at, rule)]
        if name == start:
            terms.append({"label": "the score itself", "d": 1.0, "w": None, "product": float(seeds[name][0][at])})
        products = np.array([term["product"] for term in terms])
        shown = np.argsort(-abs(products), kind="stable")[:TERMS].tolist()
        rules[rule] = {"terms": [terms[i] for i in shown], "more": rest(products, shown),
                       "total": float(products.sum())}
    return {**found, "rules": rules}


def sent_back(net, acts, dacts, reader, node, name, at, rule):
    """The terms, {"label", "d" (gradient there), "w" (its factor), "product"}, of one layer that reads the unit."""
    layer, d = node.layer, dacts[reader][0]
    if type(layer) in BACKWARD and node.inputs.count(name) == 1:
        return BACKWARD[type(layer)](net, acts, layer, reader, d, name, at, rule)
    dxs, _ = layer.backward(dacts[reader], acts.caches[reader], BackwardMode(relu_rule=rule))
    sent = sum(float(dx[0][at]) for source, dx in zip(node.inputs, dxs) if source == name)
    return [{"label": f"{reader}, all that reads it", "d": None, "w": None, "product": sent}]


def term(label, d, w):
    return {"label": label, "d": float(d), "w": float(w), "product": float(d) * float(w)}


def conv_back(net, acts, layer, reader, d, name, at, rule):
    w = layer.params["w"]
    KH, KW, C, F = w.shape
    g, per_group = layer.geometry(acts[name].shape), F // layer.groups
    first = at[2] // C * per_group
    terms = []
    for row, u in readers_of(at[0], KH, d.shape[0], g, 0):
        for column, v in readers_of(at[1], KW, d.shape[1], g, 1):
            terms += [term(named(net, reader, (row, column, f)), d[row, column, f], w[u, v, at[2] % C, f])
                      for f in range(first, first + per_group)]
    return terms


def readers_of(i, kernel, outputs, geometry, axis):
    """(output, place in its kernel) of each output that reads row (or column) i."""
    step, before, dilation = geometry["stride"][axis], geometry["padding"][axis][0], geometry["dilation"][axis]
    for k in range(kernel):
        out, between = divmod(i + before - k * dilation, step)
        if not between and 0 <= out < outputs:
            yield out, k


def fc_back(net, acts, layer, reader, d, name, at, rule):
    return [term(named(net, reader, (f,)), d[f], w) for f, w in enumerate(layer.params["w"][at[-1]])]


def relu_back(net, acts, layer, reader, d, name, at, rule):
    x, most = acts[name][0][at], layer.max_value
    passing = x > 0 and (most is None or x < most)
    opened = {"normal": passing, "deconv": d[at] > 0, "guided": passing and d[at] > 0}[rule]
    between = "0 < x" if most is None else f"0 < x < {most:g}"
    why = {"normal": f"[{between}]", "deconv": "[d > 0]", "guided": f"[{between}] · [d > 0]"}[rule]
    return [{**term(named(net, reader, at), d[at], opened), "why": f"{why} = {int(opened)}"}]


def flatten_back(net, acts, layer, reader, d, name, at, rule):
    k = int(np.ravel_multi_index(at, acts[name].shape[1:]))
    return [term(named(net, reader, (k,)), d[k], 1)]


def max_pool_back(net, acts, layer, reader, d, name, at, rule):
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
