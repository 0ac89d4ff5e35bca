"""Objectives of activations: acts -> (loss, the gradients to start backward from).

    objective = -1 * score("fc8", 99) + 1e-4 * l2() + 1e-3 * tv()           class maximisation, Simonyan et al. 2014

Objectives can be added and scaled (base.py). Everything is minimised, so a quantity that is to grow gets a negative
weight. Objectives of the image itself (`l2`, `tv`, `alpha_norm`, from priors.py) read the layer "input" in *levels*:
the deviation of each colour of each pixel from the net's mean, in units of 0..255, so that a weight means the same for
every net. A function of your own, acts -> (loss, seeds), can be used like an Objective, and may return one loss per
image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.errors import BadValue
from minivis.objectives.base import Objective, objective
from minivis.runtime.backend import get_xp
from minivis.runtime.matmul import product
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations

# ---- one unit ----

def neuron(layer: str, channel: Any, where: Any = None) -> Objective:
    """The value of one unit. ``where``: (row, column), "max" for its strongest position, or None for the sum of all.

    channel: a number, or one for each image of the batch.
    """
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        images, channels = xp.arange(len(a)), xp.broadcast_to(xp.asarray(channel), (len(a),))
        at = (images, ..., channels) if where is None else (images, *positions(a, channels, where), channels)
        seed = xp.zeros_like(a)
        seed[at] = 1
        return row_sums(a[at]), {layer: seed}

    place = "" if where is None else f" @ {where}"
    return objective(f"{layer}:{_short(channel)}{place}", (layer,), evaluate, per_position=where is None)


def positions(a: Array, channels: int, where: Any) -> Any:
    """Row and column, (N,) each, of a position in maps a (N, H, W, C)."""
    xp = get_xp(a)
    if a.ndim != 4:
        raise BadValue(f"a layer of shape {a.shape[1:]} has no positions, so leave out where={where!r}")
    N, H, W, _ = a.shape
    if where == "max":
        return xp.divmod(a[xp.arange(N), :, :, channels].reshape(N, -1).argmax(axis=1), W)
    row, column = where
    if not (0 <= row < H and 0 <= column < W):
        raise BadValue(f"position {row},{column} lies outside maps of {H} rows and {W} columns")
    return xp.full(N, row), xp.full(N, column)


def score(layer: str, unit: Any) -> Objective:
    """Score of one unit (one channel, summed over positions, in a conv layer)."""
    return neuron(layer, unit)


channel = score                                 # the same under the name of a conv layer's unit


def unit_value(unit: Any) -> Objective:
    """The value of a `units.Unit`, or of one for each image: [Unit, ...]."""
    units = unit if isinstance(unit, (list, tuple)) else [unit]
    images: dict[Any, list[int]] = {}                       # (layer, position) -> the images whose units are there
    for i, one in enumerate(units):
        images.setdefault((one.layer, one.where), []).append(i)
    if len(images) == 1:
        ((layer, where),) = images
        return neuron(layer, [u.channel for u in units] if len(units) > 1 else units[0].channel, where)
    each = [(layer, rows, neuron(layer, [units[i].channel for i in rows], where).parts[0].evaluate)
            for (layer, where), rows in images.items()]

    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        values: Any = None
        seeds: dict[Any, Any] = {}
        for layer, rows, evaluate_own in each:
            a = acts[layer]
            own, own_seeds = evaluate_own({layer: a[rows]})
            values = get_xp(a).zeros(len(units), own.dtype) if values is None else values
            values[rows] = own
            seeds.setdefault(layer, get_xp(a).zeros_like(a))[rows] = own_seeds[layer]
        return values, seeds

    layers = tuple(dict.fromkeys(layer for layer, _ in images))
    return objective(", ".join(map(str, units)), layers, evaluate, per_position=all(u.where is None for u in units))


def log_value(unit: Any, scale: Any) -> Objective:
    """The logarithm of a unit's value, log v with v = value / scale; below v = 1 it goes on straight, as v - 1.

    scale: a number, or one for each image.

    Its gradient is the value's, divided by the value: as large in a net whose scores are 40 as in one with 600, so
    that priors beside it weigh the same in both.
    """
    (part,) = unit_value(unit).parts

    def sums(acts: Activations) -> dict[Any, Any]:
        return {"value": part.evaluate(acts)[0]}

    def evaluate(acts: Activations, sums: Any) -> tuple[Any, Any]:
        xp = get_xp(acts[(part.layers or ())[0]])
        size = xp.asarray(scale) if np.ndim(scale) else scale
        v = xp.asarray(sums["value"]) / size
        above = xp.maximum(v, 1)
        slopes = 1 / (above * size)
        seeds = {layer: seed * slopes.astype(seed.dtype).reshape(-1, *[1] * (seed.ndim - 1))
                 for layer, seed in part.evaluate(acts)[1].items()}
        return xp.where(v > 1, xp.log(above), v - 1), seeds

    name = f"log {part.name}"
    if part.per_position:
        return objective(name, part.layers, evaluate, sums=sums)
    return objective(name, part.layers, lambda acts: evaluate(acts, sums(acts)))


def probability(layer: str, unit: Any) -> Objective:
    """The probability of a class, at the softmax (usually "prob"). It is flat near 0, where `log_probability` is
    not."""
    return neuron(layer, unit)


def log_probability(layer: str, unit: Any) -> Objective:
    """log p of a class, from the scores before the softmax; its gradient does not vanish when p is near 0."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        rows, units = xp.arange(len(a)), xp.broadcast_to(xp.asarray(unit), (len(a),))
        shifted = a - a.max(axis=-1, keepdims=True)
        exp = xp.exp(shifted)
        total = exp.sum(axis=-1, keepdims=True)
        seed = -exp / total
        seed[rows, units] += 1
        return row_sums(shifted[rows, units] - xp.log(total[:, 0])), {layer: seed}

    return objective(f"log p({layer}:{_short(unit)})", (layer,), evaluate)


def log_sigmoid(layer: str, unit: Any) -> Objective:
    """log p of a class with its own probability, p = sigmoid(score): d log p / d score = 1 - p."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        rows, units = xp.arange(len(a)), xp.broadcast_to(xp.asarray(unit), (len(a),))
        seed = xp.zeros_like(a)
        seed[rows, units] = 0.5 - 0.5 * xp.tanh(0.5 * a[rows, units])
        return row_sums(-xp.logaddexp(0, -a[rows, units])), {layer: seed}

    return objective(f"log p({layer}:{_short(unit)})", (layer,), evaluate)


def interpolation(layer: str, first: Any, last: Any) -> Objective:
    """A transition from one channel to another: image i of N has (1 - t) first + t last, t = i / (N - 1)."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        t = xp.linspace(0, 1, len(a)).astype(a.dtype).reshape(-1, *[1] * (a.ndim - 2))
        seed = xp.zeros_like(a)
        seed[..., first] += 1 - t
        seed[..., last] += t
        return row_sums(a * seed), {layer: seed}

    return objective(f"{layer}:{first}..{last}", (layer,), evaluate, per_position=True)


# ---- a whole layer ----

def direction(layer: str, vector: Any) -> Objective:
    """The projection of the activations on ``vector``, (C,) or of the layer's shape: sum over positions of a .
    vector."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        v, shape = xp.asarray(vector, dtype=a.dtype), acts.shapes[layer]
        if v.ndim > a.ndim or v.shape != shape[a.ndim - v.ndim:]:
            raise BadValue(f"a direction at {layer} must have the shape {shape[-1:]} or {shape[1:]}, not {v.shape}")
        if v.ndim == 3:
            v = acts.cut(layer, v[None])
        seed = xp.ascontiguousarray(xp.broadcast_to(v, a.shape))
        return row_sums(a * seed), {layer: seed}

    return objective(f"{layer} . direction", (layer,), evaluate, per_position=True)


def energy(layer: str) -> Objective:
    """DeepDream's |a|^2 / 2, whose gradient is the activations themselves: more of whatever the layer sees."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        return row_sums(a * a) / 2, {layer: a}

    return objective(f"energy({layer})", (layer,), evaluate, per_position=True)


def code_distance(layer: str, code: Any) -> Objective:
    """|a - code|^2 / |code|^2: inversion (Mahendran & Vedaldi 2015, equation 1). code: (1 or N, the layer's shape)."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        wanted, shape = get_xp(a).asarray(code, dtype=a.dtype), acts.shapes[layer]
        if wanted.ndim != a.ndim or wanted.shape[1:] != shape[1:] or len(wanted) not in (1, len(a)):
            raise BadValue(f"the code at {layer} must have the layer's shape {shape}, not {wanted.shape}")
        size = row_sums(wanted * wanted)
        if not size.all():
            raise BadValue(f"the code at {layer} is zero everywhere, so no relative distance is defined")
        difference = a - acts.cut(layer, wanted)
        per_image = get_xp(a).asarray(2 / size, dtype=a.dtype).reshape(-1, *[1] * (a.ndim - 1))
        return row_sums(difference * difference) / size, {layer: per_image * difference}

    return objective(f"code({layer})", (layer,), evaluate, per_position=True)


def products(a: Array) -> Array:
    """f f^T of the features f at each position, summed over positions: (N, C, C)."""
    features = a.reshape(len(a), -1, a.shape[3])
    return product(features.swapaxes(1, 2), features)


def times(a: Array, matrices: Any) -> Any:
    """Multiply the features at each position of a (N, H, W, C) by the matrix of their image (N, C, C)."""
    return product(a.reshape(len(a), -1, a.shape[3]), matrices).reshape(a.shape)


def diversity(layer: str, beside: Any = None) -> Objective:
    """The similarity of the images of a batch in a layer: the mean cosine between the Gram matrices of two images.

    For a layer without positions, the cosine is that of the activations. It is in [0, 1] after a ReLU, and 0 for a
    single image. beside: the layer's activations of images that stand as they are, (M, ...): each image of the batch is
    compared with them too. (Lucid)
    """
    def sums(acts: Activations) -> dict[Any, Any]:
        a = acts[layer]
        return {"of each": products(a) if a.ndim == 4 else a}

    def evaluate(acts: Activations, sums: Any) -> tuple[Any, dict[Any, Any]]:
        a, xp = acts[layer], get_xp(acts[layer])
        N, maps = len(a), a.ndim == 4
        size = math.prod(acts.shapes[layer][1:]) if maps else 1
        unit, norms = directions(sums["of each"] / size)
        others, fixed = unit.sum(axis=0) - unit, 0 * unit[0]
        count = max(1, N - 1)
        if beside is not None:
            stand = xp.asarray(beside, dtype=a.dtype)
            fixed, count = directions(products(stand) if maps else stand)[0].sum(axis=0), N - 1 + len(stand)
        cosines = (unit * (others + fixed)).sum(axis=1, keepdims=True)      # of each with the sum of the others
        towards = 2 * others + fixed                                        # two images of a batch move both
        dv = (towards - (unit * towards).sum(axis=1, keepdims=True) * unit) / norms / count
        if maps:                                                            # dG is symmetric, as G is
            dv = times(a, dv.reshape(N, a.shape[3], -1) * (2 / size))
        return row_sums(cosines) / count, {layer: dv.reshape(a.shape)}

    return objective(f"alike({layer})", (layer,), evaluate, sums=sums)


def directions(values: Any) -> tuple[Any, Any]:
    """Each image's values (N, ...) as a vector of length 1, (N, D), and the lengths that they had, (N, 1)."""
    v = values.reshape(len(values), -1)
    norms = get_xp(v).sqrt((v * v).sum(axis=1, keepdims=True)) + 1e-12
    return v / norms, norms


def row_sums(values: Any) -> Array:
    """The sum of each image's values, (N,), in float64."""
    return values.reshape(len(values), -1).sum(axis=1, dtype=np.float64)


def _short(channel: Any) -> str:
    return f"{len(channel)} units" if np.ndim(channel) and len(channel) > 1 else str(np.squeeze(channel))
