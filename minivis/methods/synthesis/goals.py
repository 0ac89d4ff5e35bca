"""What `maximize` minimises: minus the score of its units or of an objective in words, and the priors; and what a dream
of such an objective amplifies."""

import math
from typing import Any

import numpy as np

from minivis.engine.ending import Ending
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import to_uint8
from minivis.methods.shared.result import input_of
from minivis.objectives.activations import diversity, log_probability, log_sigmoid, log_value, probability, unit_value
from minivis.objectives.priors import l2, tv
from minivis.objectives.words import Sought, parse_terms
from minivis.runtime.backend import to_cpu

NOISE = 32.0                            # levels, where a layer's values are compared
ANY_SIZE = 128                          # pixels, for a net that takes any size, as in Lucid


def goal_of(net: Network, units: Any, how: Any, shape: Any) -> Any:
    """The objective: -score, the priors, and what keeps images apart. ``shape`` (N, H, W, C): as the net sees them."""
    goal = -1 * wanted(net, units, how, shape)
    goal = goal + how.l2 * l2() + how.tv * tv(how.tv_beta)
    if how.contrast:
        goal = goal + 1 / (how.contrast * math.prod(shape[1:])) * tv(how.tv_beta)
    if how.diversity:
        layer = net.roles.get("content") or layers_of(units)[0]
        goal = goal + how.diversity * diversity(layer)
    return goal


def layers_of(units: Any) -> Any:
    """The layers of what is maximised; a user's own objective may not say which it reads."""
    first = units[0]
    layers = first.layers if isinstance(first, Sought) else tuple(dict.fromkeys(u.layer for u in units))
    if layers is None:
        raise BadValue("an objective that does not say which layers it reads needs a net with a content layer: set its "
                       "attribute `layers`")
    return layers


def wanted(net: Network, units: Any, how: Any, shape: Any) -> Any:
    """What is to grow: each image's unit or, for a `Sought`, the weighted sum of its terms."""
    if not isinstance(units[0], Sought):
        return score_of(net, units, how, shape)
    if not units[0].terms:
        return units[0].objective
    total = None
    for term in units[0].terms:
        if term.unit is None:
            raise BadValue(f"{term.layer} is a whole layer, and an image that excites all of it has no bound: name "
                           f"one of its units, for example '{term.layer}:0'")
        one = term.weight * score_of(net, [term.unit] * len(units), how, shape)
        total = one if total is None else total + one
    return total


def score_of(net: Network, units: Any, how: Any, shape: Any) -> Any:
    """The score of each image's unit, or its logarithm or probability."""
    if how.goal == "score":
        return unit_value(list(units))
    if how.goal == "log-score":
        spreads = {u.layer: spread(net, u, shape) for u in {u.layer: u for u in units}.values()}
        own = np.array([spreads[u.layer] for u in units])
        return log_value(list(units), own if len(spreads) > 1 else own[0])
    logits, prob = net.role("logits"), net.role("prob")
    for unit in units:
        if unit.layer not in (logits, prob):
            raise BadValue(f"{unit} is not a class, so it has no probability; use goal='score', which takes any unit")
    channels = [u.channel for u in units]
    log = log_sigmoid if Ending.of(net).independent else log_probability
    return probability(prob, channels) if how.goal == "probability" else log(logits, channels)


def spread(net: Network, unit: Any, shape: Any) -> float:
    """How far the values of a layer's channels lie apart (standard deviation), where the image is grey and noise."""
    sides = net.input_size or tuple(min(side, ANY_SIZE) for side in shape[1:3])
    noise = 127.5 + NOISE * np.random.default_rng(0).standard_normal((1, *sides, shape[3]))
    acts = net.forward(input_of(net, to_uint8(noise)), until=unit.layer, keep=(unit.layer,), grad=None)
    values = to_cpu(acts[unit.layer]).reshape(-1, acts[unit.layer].shape[-1]).mean(axis=0)
    positions = math.prod(net.shapes((1, *shape[1:]))[unit.layer][1:-1]) if unit.where is None else 1
    return float(values.std() * positions) or 1.0


def terms_of(net: Network, objective: Any, layers: Any) -> dict[Any, Any]:
    """What a dream amplifies by an objective in words: {layer or unit: weight}."""
    if layers is not None:
        raise BadValue("layers and an objective are two goals: write both as one objective, such as 'relu4_1 + "
                       "0.5*relu3_1:12'")
    return {term.name: term.weight for term in parse_terms(net, objective)}
