"""Is every backward of a net the derivative of its forward? Every layer alone, then the net as a whole.

A layer is checked on small inputs by `finite_differences.check_layer`. The whole net is checked along one random
direction of the image, and one of all parameters: two forwards each. The guided and deconv rules are not derivatives,
so they are compared with their formulas in layers/relu.py, read literally; and the LRP rules with the share of each
single contribution (relevance_check.py).

    rows = check_network(mv.load("emoji-vgg"))
    print(report(rows))
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.finite_differences import check_layer, normal, relative_error, smooth_inputs
from minivis.engine.network import Node
from minivis.engine.relevance_check import share_errors
from minivis.errors import BadValue
from minivis.layers import BackwardMode, ForwardMode, MaxPool2D, ReLU, Softmax
from minivis.layers.relu import IMAGING_RULES, ReLURuleName
from minivis.runtime.backend import get_xp
from minivis.types import Array, Gradients

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

TOLERANCE = 1e-5                # relative; measured: 2e-9 or less at a layer, 9e-7 through the 16 of a whole VGG
DIRECTIONS = 3                  # random ones for each input and parameter of a layer


@dataclass(frozen=True)
class Row:
    """One thing checked. ``what``: "dx", "dw", ... or, for the whole net, what was moved or which rule was followed."""

    layer: str
    type: str
    what: str
    error: float

    @property
    def ok(self) -> bool:
        return bool(self.error <= TOLERANCE)                    # False for NaN too


def check_network(net: Network, image: Any = None, *, seed: int = 0) -> list[Row]:
    """Check every layer alone on small inputs, then the whole net on one picture. Return a list of `Row`.

    image: uint8 (H, W, C); by default random pixels. The net may have any size and dtype, and is left as it is.
    """
    rng = np.random.default_rng(seed)
    net, rows = net.astype(np.float64), []
    x = _picture(net, rng) if image is None else net.preprocess(net.fit(image))
    shapes = net.shapes(x.shape)
    like = next((p for layer in net.layers.values() for p in layer.params.values()), x)
    x = get_xp(like).asarray(x, dtype=np.float64)
    x = x + 0.01 * (float(x.std()) or 1.0) * normal(rng, x)    # where a picture is flat, every pool has a tie: a kink
    for name, (layer, sources) in net.nodes.items():
        inputs = smooth_inputs(layer, [shapes[s] for s in sources], rng, like)
        errors = check_layer(layer, inputs, seed=seed, directions=DIRECTIONS)
        if layer.differs_in_training:
            trained = check_layer(layer, inputs, seed=seed, directions=DIRECTIONS, training=True)
            errors |= {f"{what} in training": error for what, error in trained.items()}
        if _is_relu(layer):
            errors |= {rule: _rule_error(layer, inputs[0], rule, rng) for rule in IMAGING_RULES}
        errors |= share_errors(layer, inputs, rng)
        rows += [Row(name, type(layer).__name__, what, error) for what, error in errors.items()]
    return rows + [Row("whole net", "", what, error) for what, error in _whole_net(net, x, rng)]


def report(rows: Any) -> str:
    """A table: one line per layer, its worst relative error, and each thing that was checked."""
    lines: dict[tuple, list[Row]] = {}
    for row in rows:                                            # each check of the whole net has a line of its own
        lines.setdefault((row.layer, row.type, row.what if row.layer == "whole net" else ""), []).append(row)
    width = max(len(row.layer) for row in rows)
    table = []
    for (name, kind, _), some in lines.items():
        checked = ", ".join(row.what if row.ok else f"{row.what} ({row.error:.1e})" for row in some)
        verdict = "ok  " if all(row.ok for row in some) else "FAIL"
        table.append(f"{verdict}  {name:{width}}  {kind:14}  {max(row.error for row in some):.1e}  {checked}")
    failed = sum(not row.ok for row in rows)
    counts = f"{len(rows)} checks, {failed} failed; relative errors up to {TOLERANCE:g} pass"
    return "\n".join([*table, counts])


def _whole_net(net: Network, x: Array, rng: np.random.Generator) -> Iterator[Any]:
    """Yield (what, relative error): slopes along the image and along the parameters, and each rule's whole sweep.

    From the logits, and from three layers at once, wherever they are.
    """
    names = list(net.nodes)
    last = net.nodes[names[-1]]
    logits = net.roles.get("logits") or (last.inputs[0] if isinstance(last.layer, Softmax) else names[-1])
    middle = [str(name) for name in rng.choice(names, min(3, len(names)), replace=False)]
    acts = net.forward(x, grad="params")
    d = normal(rng, x) * float(x.std())
    dp = {
        name: {key: normal(rng, p) * abs(p).mean() for key, p in layer.params.items() if key not in layer.statistics}
        for name, layer in net.layers.items()
        if all(p.size < 2**24 for p in layer.params.values())   # here a VGG's fc6 would cost gigabytes
    }
    along_image = _smooth_step(acts, lambda t: net.forward(x + t * d))
    along_params = _smooth_step(acts, lambda t: _moved(net, dp, t).forward(x))
    for ends in ([logits], middle):
        seeds, named = {name: normal(rng, acts[name]) for name in ends}, ", ".join(ends)
        dacts, dparams = net.backward(acts, seeds, param_grads=True)
        terms = [dparams[name][key] * dp[name][key] for name in dparams if name in dp for key in dp[name]]
        yield f"image -> {named}", _error_of_sum([dacts["input"] * d], _slope(along_image, seeds))
        yield f"parameters -> {named}", _error_of_sum(terms, _slope(along_params, seeds))
        fused = net.forward(x, keep=ends)                       # several layers in one step, as for every picture
        dacts, _ = net.backward(fused, seeds)
        yield f"image -> {named}, fused", _error_of_sum([dacts["input"] * d], _slope(along_image, seeds))
        passes = (fused, net.forward(x, keep=ends, grad=None))
        yield f"{named}, fused", max(relative_error(made[name], acts[name]) for made in passes for name in ends)
    seeds = {logits: normal(rng, acts[logits])}
    for rule in IMAGING_RULES:
        dacts, _ = net.backward(acts, seeds, relu_rule=rule)
        yield f"{rule} from {logits}", relative_error(dacts["input"], _swept(net, acts, seeds, rule))


def _smooth_step(acts: Activations, along: Any) -> tuple[Any, Any, Any]:
    """(along(step), along(-step), step), with a step so small that no ReLU and no pool decides differently at its ends.

    Then no kink lies between. The more units there are, the closer is the nearest kink.
    """
    first = min(1e-6, 0.1 / sum(math.prod(shape) for shape in acts.shapes.values()))
    for step in (first, first / 10):
        after, before = along(step), along(-step)
        if all((a == b).all() for a, b in zip(_decisions(after), _decisions(before), strict=True)):
            break
    return after, before, step


def _slope(along: Any, seeds: Gradients) -> Any:
    """d/dt of the loss sum(acts * seeds), between two passes 2 * step apart, as `_smooth_step` returns them."""
    after, before, step = along
    return float(sum(((after[name] - before[name]) * seed).sum() for name, seed in seeds.items())) / (2 * step)


def _decisions(acts: Activations) -> Iterator[Any]:
    """What the piecewise linear layers of a pass remember: signs of ReLUs, switches of max pools."""
    for name, cache in acts.caches.items():
        if isinstance(acts.net.nodes[name].layer, ReLU | MaxPool2D):
            yield cache[0] if isinstance(cache, tuple) else cache


def _swept(net: Network, acts: Activations, seeds: Gradients, rule: ReLURuleName) -> Any:
    """The gradient at the image under a rule, by a second, plain sweep that takes nothing but formulas from relu.py."""
    dacts = dict(seeds)
    for name in [name for name in reversed(net.nodes) if name in acts.caches]:
        layer, sources = net.nodes[name]
        if name not in dacts:
            continue
        if _is_relu(layer):
            dxs = (_by_definition(layer, acts[sources[0]], dacts[name], rule),)
        else:
            dxs, _ = layer.backward(dacts[name], acts.caches[name], BackwardMode())
        for source, dx in zip(sources, dxs):
            dacts[source] = dacts.get(source, 0) + dx
    return dacts["input"]


def _is_relu(layer: Any) -> Any:
    """Whether it computes what ReLU does: there are no rules for a subclass with a forward of its own."""
    return isinstance(layer, ReLU) and type(layer).forward is ReLU.forward


def _by_definition(relu: Any, x: Array, dout: Array, rule: ReLURuleName) -> Any:
    """dx as the rule's formula says: dout where all of its conditions hold, else 0."""
    values, dx = {"x": x, "dout": dout, "max": relu.upper_limit}, dout
    for condition in IMAGING_RULES[rule].conditions:
        dx = get_xp(x).where(eval(condition, values), dx, 0)
    return dx


def _rule_error(layer: Any, x: Array, rule: ReLURuleName, rng: np.random.Generator) -> Any:
    _, cache = layer.forward(x, mode=ForwardMode())
    dout = normal(rng, x)
    (dx,), _ = layer.backward(dout, cache, BackwardMode(relu_rule=rule))
    return relative_error(dx, _by_definition(layer, x, dout, rule))


def _moved(net: Network, directions: Any, t: Any) -> Any:
    """``net`` with the parameters p of ``directions`` moved to p + t * d."""
    nodes = dict(net.nodes)
    for name, some in directions.items():
        layer, inputs = nodes[name]
        params = layer.params | {key: layer.params[key] + t * d for key, d in some.items()}
        nodes[name] = Node(layer.with_params(**params), inputs)
    return replace(net, nodes=nodes)


def _error_of_sum(terms: Any, expected: Any) -> Any:
    return relative_error(np.array([float(sum(term.sum() for term in terms))]), np.array([expected]))


def _picture(net: Network, rng: np.random.Generator) -> Any:
    """Random pixels of the net's own size, or of the smallest common one that it can read."""
    for side in (32, 64, 128, 224):
        height, width = net.input_size or (side, side + 1)
        try:
            net.shapes((1, height, width, net.input_channels))
        except BadValue:
            if side == 224 or net.input_size:
                raise
            continue
        break
    return net.preprocess(rng.integers(0, 256, (height, width, net.input_channels), np.uint8))
