"""How the net sees the images that `maximize` makes: how large, and what it says of them."""

from typing import Any

import numpy as np

from minivis.engine.geometry import preprocessing_of
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
    """The shape in which the net sees images of ``shape``: with ``own_size`` those of classes at its own size.

    A smaller image is enlarged until one side fills the net's input, a larger one shrunk until one side fits.
    """
    if not how.own_size or net.input_size is None or not are_classes(net, layers_of(units)):
        return shape
    factors = [own / side for own, side in zip(net.input_size, shape[1:3])]
    factor = min(factors) if min(factors) > 1 else max(factors) if max(factors) < 1 else 1
    return shape[0], *(round(factor * side) for side in shape[1:3]), shape[3]


def resized(shape: Any, shown: Any) -> tuple[Any, ...]:
    return (transforms.resize(*shown[1:3]),) if shown[1:3] != tuple(shape[1:3]) else ()


def transforms_of(net: Network, how: Any, shape: Any, shown: Any) -> tuple[Any, ...]:
    """The random moves of each step, and the resize to the size shown.

    A smaller image is moved after it was enlarged; a larger one before it is shrunk, so that a zoom shows its own
    pixels.
    """
    moves = []
    if how.transform_blur:
        moves.append(transforms.blur(0, how.transform_blur))
    if how.jitter:
        moves.append(transforms.jitter(how.jitter))
    if closest(how) > 1 or how.rotate or how.shift:
        moves.append(transforms.warp((1 - how.scale, closest(how)), how.rotate, how.shift))
    moves = [*moves, *resized(shape, shown)] if shape[1] > shown[1] else [*resized(shape, shown), *moves]
    if how.transform_noise:
        moves.append(transforms.noise(how.transform_noise / np.asarray(preprocessing_of(net).scale)))
    return tuple(moves)


def for_image(how: Any, shape: Any, shown: Any) -> Any:
    """Settings in pixels of the net's input as those in pixels of the image, where this has another size.

    A larger image is moved as far as the net sees it move, and has waves as short as are seen closest, where two pixels
    of the net's input are the shortest. Its steps are shorter: they have one length for all coefficients, and those too
    fine to be seen have no gradient. A smaller image, which is moved after it was enlarged, is seen less close: it is
    coarse already.
    """
    larger = shape[1] / shown[1]
    if larger <= 1:
        return how.but(finest=larger * how.finest, zoom=max(1, larger * how.zoom))
    return how.but(
        finest=max(1, larger / closest(how)) * max(2, how.finest), jitter=round(larger * how.jitter),
        shift=larger * how.shift, transform_blur=larger * how.transform_blur,
        rate=how.rate / larger if how.normalize == "rms" else how.rate)


def closest(how: Any) -> float:
    """The largest factor of the random zooms."""
    return float(max(1 + how.scale, how.zoom))


def are_classes(net: Network, layers: Any) -> bool:
    return net.roles.get("prob") is not None and set(layers) <= {net.roles.get("logits"), net.roles["prob"]}


def look(net: Network, pictures: Any, units: Any, shown: Shape, tile: Any = None) -> tuple[Any, Any]:
    """(values of each unit for its own picture, the net's answers (N, classes) if these are classes, or None), where
    pictures are rounded to 0..255 as in the file and shown as in ``shown``."""
    x, prob = input_of(net, pictures), net.roles.get("prob")
    x = transforms.compose(resized(x.shape, shown), None, x.shape).forward(x)
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
