"""How the net sees the images that `maximize` makes: how large, and what it says of them."""

from typing import Any

import numpy as np

from minivis.engine.image_gradient import activations
from minivis.engine.network import Network
from minivis.engine.units import unit_values
from minivis.methods.shared.result import input_of
from minivis.methods.synthesis.goals import layers_of
from minivis.objectives.activations import unit_value
from minivis.objectives.words import Sought
from minivis.optimize import transforms
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Shape


def shown_at(net: Network, units: Any, how: Any, shape: Any) -> Any:
    """The shape in which the net sees images of ``shape``: with ``enlarge`` those of classes fill its own size."""
    if not how.enlarge or net.input_size is None or not are_classes(net, layers_of(units)):
        return shape
    factor = min(own / side for own, side in zip(net.input_size, shape[1:3]))
    return (shape[0], *(round(factor * side) for side in shape[1:3]), shape[3]) if factor > 1 else shape


def enlarged(shape: Any, shown: Any) -> tuple[Any, ...]:
    return (transforms.enlarge(*shown[1:3]),) if shown[1:3] != tuple(shape[1:3]) else ()


def are_classes(net: Network, layers: Any) -> bool:
    return net.roles.get("prob") is not None and set(layers) <= {net.roles.get("logits"), net.roles["prob"]}


def look(net: Network, pictures: Any, units: Any, shown: Shape, tile: Any = None) -> tuple[Any, Any]:
    """(values of each unit for its own picture, the net's answers (N, classes) if these are classes, or None), where
    pictures are rounded to 0..255 as in the file and shown as in ``shown``."""
    x, prob = input_of(net, pictures), net.roles.get("prob")
    x = transforms.compose(enlarged(x.shape, shown), None, x.shape).forward(x)
    if isinstance(units[0], Sought) or tile is not None:        # summed over positions, of no class
        value = units[0].objective if isinstance(units[0], Sought) else unit_value(list(units))
        return sum(value.evaluate(part).losses for part in activations(net, x, layers_of(units), tile)), None
    layers = layers_of(units)
    until = str(prob) if are_classes(net, layers) else max(layers, key=list(net.nodes).index)
    acts = net.forward(x, until=until, keep={*layers, until}, grad=None)
    values = np.array([float(to_cpu(unit_values(acts, u))[i]) for i, u in enumerate(units)])
    return values, to_cpu(acts[prob]) if until == prob else None


def of_units(answers: Array, units: Any) -> Array:
    """The probability (N,) of each picture's own class among a net's answers (N, classes)."""
    return answers[np.arange(len(units)), [unit.channel for unit in units]]
