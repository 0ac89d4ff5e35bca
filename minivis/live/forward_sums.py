"""The arithmetic behind one activation: one function for each kind of layer, from the layer's definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis import layers as L
from minivis.errors import BadValue
from minivis.live.numbers import GROUPS, TERMS, At, named, rest, source_name
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network


def forward(net: Network, acts: Activations, name: str, at: At) -> dict[str, Any]:
    """What made one number. Of a layer that changes each number by itself, "of" says what made the one before."""
    if name == "input":
        return {"kind": "input", "formula": "a pixel of the picture, normalised by the net's mean and scale",
                "steps": [], "total": float(acts[name][0][at])}
    layer, sources = net.nodes[name]
    found = FORWARD.get(type(layer), plain_forward)(net, acts, layer, sources, name, at)
    found["kind"] = type(layer).__name__
    if layer.elementwise and sources[0] != "input":
        found["of"] = {"unit": named(net, sources[0], at), **forward(net, acts, sources[0], at)}
    return found


def conv_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    x, w = acts[sources[0]], layer.params["w"].astype(np.float64)
    row, column, f = at
    KH, KW, C, F = w.shape
    first, g = f // (F // layer.groups) * C, layer.geometry(x.shape)
    rows, row_in = reads(row, KH, x.shape[1], g, 0)
    columns, column_in = reads(column, KW, x.shape[2], g, 1)
    window = x[0][np.ix_(rows, columns, np.arange(first, first + C))].astype(np.float64)
    window[~(row_in[:, None] & column_in)] = 0                              # padding
    products = window * w[..., f]
    sums = products.sum(axis=(0, 1))
    shown = np.argsort(-abs(sums), kind="stable")[:GROUPS].tolist()
    top, left = (out * step - before for out, step, (before, _) in zip(at, g["stride"], g["padding"]))
    channels = f"{C} channels" if C > 1 else f"channel {first}"
    groups = []
    for c in shown:
        unit = most_of(net, sources[0], abs(products[..., c]), rows, columns, first + c)
        groups.append({"label": f"{sources[0]}:{first + c}", "unit": unit, "x": window[..., c], "w": w[..., c, f],
                       "product": products[..., c], "sum": float(sums[c])})
    return weighted(layer, groups, sums, shown, f, "b + Σ x · w",
                    f"a window of {KH} x {KW} at row {top}, column {left}, in {channels} of {sources[0]}")


def most_of(net: Network, source: str, amounts: Array, rows: Array, columns: Array, channel: int) -> str:
    """The unit string of the input of a window whose amount is the largest."""
    u, v = np.unravel_index(amounts.argmax(), amounts.shape)
    return named(net, source, (int(rows[u]), int(columns[v]), channel))


def fc_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    x, w = acts[sources[0]][0].astype(np.float64), layer.params["w"][:, at[-1]].astype(np.float64)
    products = x * w
    shown = np.argsort(-abs(products), kind="stable")[:TERMS].tolist()
    groups = [{"label": source_name(net, acts, sources[0], (d,)), "x": [[x[d]]], "w": [[w[d]]],
               "product": [[products[d]]], "sum": float(products[d])} for d in shown]
    return weighted(layer, groups, products, shown, at[-1], "b + Σ x · w", f"all {len(x)} numbers of {sources[0]}")


def weighted(layer: Any, groups: Any, sums: Array, shown: Any, f: int, formula: str, reads: str) -> dict[str, Any]:
    bias = float(layer.params["b"][f]) if "b" in layer.params else 0.0
    return {"formula": formula, "reads": reads, "groups": groups, "more": rest(sums, shown), "bias": bias,
            "total": float(sums.sum() + bias)}


def reads(out: int, kernel: int, size: int, geometry: dict[str, Any], axis: int) -> tuple[Array, Array]:
    """Which rows (or columns) of the input an output reads, clipped into it, and which of them are there at all."""
    step, before = geometry["stride"][axis], geometry["padding"][axis][0]
    i = out * step - before + np.arange(kernel) * geometry.get("dilation", (1, 1))[axis]
    return i.clip(0, size - 1), (i >= 0) & (i < size)


def relu_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    x = float(acts[sources[0]][0][at])
    most = layer.max_value
    formula = "max(x, 0)" if most is None else f"min(max(x, 0), {most:g})"
    return steps(formula, [(source_name(net, acts, sources[0], at), x)], acts, name, at)


def pool_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    x = acts[sources[0]]
    g = layer.geometry(x.shape)
    rows, row_in = reads(at[0], layer.size[0], x.shape[1], g, 0)
    columns, column_in = reads(at[1], layer.size[1], x.shape[2], g, 1)
    inside = row_in[:, None] & column_in
    values = x[0][np.ix_(rows, columns, np.array([at[2]]))][..., 0].astype(np.float64)
    is_max = isinstance(layer, L.MaxPool2D)
    window = [[float(v) if there else None for v, there in zip(*line)] for line in zip(values, inside)]
    largest = np.where(inside, values if is_max else abs(values), -np.inf)
    unit = most_of(net, sources[0], largest, rows, columns, at[2])
    group: dict[str, Any] = {"label": f"{sources[0]}:{at[2]}", "unit": unit, "x": window}
    if is_max:
        best = int(np.where(inside, values, -np.inf).argmax())
        group["winner"] = [int(i) for i in divmod(best, layer.size[1])]
    found = steps("max of the window" if is_max else "mean of the window", [], acts, name, at)
    return {**found, "groups": [group]}


def mean_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    channel = acts[sources[0]][0][..., at[-1]].astype(np.float64)
    shown = np.argsort(-abs(channel), axis=None, kind="stable")[:TERMS].tolist()
    places = [tuple(int(i) for i in np.unravel_index(k, channel.shape)) for k in shown]
    largest = [(named(net, sources[0], (*place, at[-1])), float(channel[place])) for place in places]
    more = rest(channel, shown)
    others = [(f"{more['count']} more places", more["sum"])] if more["count"] else []
    sums = [(f"Σ over the map of {sources[0]}:{at[-1]}", float(channel.sum())), ("n", channel.size)]
    return steps("Σ x / n", largest + others + sums, acts, name, at)


def softmax_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    s = acts[sources[0]][0].astype(np.float64)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return steps("e^s / Σ e^s", [
        (f"s = {source_name(net, acts, sources[0], at)}", float(s[at])), ("e^(s - largest)", float(e[at])),
        (f"Σ over the {s.shape[-1]} classes", float(e.sum(axis=-1)[at[:-1]])),
    ], acts, name, at)  # fmt: skip


def norm_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    p = {key: float(value[at[-1]]) for key, value in layer.params.items()}
    rows = [("x = " + source_name(net, acts, sources[0], at), float(acts[sources[0]][0][at])), *p.items(),
            ("eps", layer.eps)]
    return steps("gamma · (x - mean) / √(var + eps) + beta", rows, acts, name, at)


def lrn_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    x = acts[sources[0]][0][at[:-1]].astype(np.float64)
    low, high = max(0, at[-1] - (layer.size - 1) // 2), min(len(x), at[-1] + layer.size // 2 + 1)
    rows = [("x = " + source_name(net, acts, sources[0], at), float(x[at[-1]])),
            (f"Σ x² over channels {low} to {high - 1}", float((x[low:high] ** 2).sum())),
            ("k", layer.k), ("alpha / size", layer.alpha / layer.size), ("beta", layer.beta)]
    return steps("x / (k + alpha / size · Σ x²)^beta", rows, acts, name, at)


def flatten_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    return steps("the same number", [(source_name(net, acts, name, at), float(acts[name][0][at]))], acts, name, at)


def concat_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    source, c = concat_source(acts, sources, at[-1])
    where = (*at[:-1], c)
    return steps("the same number", [(named(net, source, where), float(acts[source][0][where]))], acts, name, at)


def concat_source(acts: Activations, sources: Sequence[str], channel: int) -> tuple[str, int]:
    """Which layer, and which channel of it, is behind a channel of a Concat."""
    for source in sources:
        if channel < acts[source].shape[-1]:
            return source, channel
        channel -= acts[source].shape[-1]
    raise BadValue("a channel beyond all that was joined")


def add_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    return steps("the sum", [(named(net, s, at), float(acts[s][0][at])) for s in sources], acts, name, at)


def plain_forward(
    net: Network, acts: Activations, layer: Any, sources: Sequence[str], name: str, at: At,
) -> dict[str, Any]:  # fmt: skip
    return steps(layer.formula or f"{type(layer).__name__} of {', '.join(sources)}", [], acts, name, at)


def steps(formula: str, rows: Sequence[tuple[str, Any]], acts: Activations, name: str, at: At) -> dict[str, Any]:
    """A few named numbers, and what comes of them."""
    return {"formula": formula, "steps": [[label, value] for label, value in rows], "total": float(acts[name][0][at])}


FORWARD = {
    L.Conv2D: conv_forward, L.FullyConnected: fc_forward, L.ReLU: relu_forward, L.MaxPool2D: pool_forward,
    L.AvgPool2D: pool_forward, L.GlobalAvgPool: mean_forward, L.Softmax: softmax_forward, L.BatchNorm: norm_forward,
    L.LRN: lrn_forward, L.Flatten: flatten_forward, L.Concat: concat_forward, L.Add: add_forward,
}  # fmt: skip
