"""One way to name a neuron, the same in every function and command.

    "fc8:goose", "goose"    a class of the logits          "fc8:12"            output 12
    "conv5_3:42"            channel 42, summed over positions
    "conv5_3:42@max"        its strongest position in each image
    "conv5_3:42@3,4"        row 3, column 4

Class names match without case, first exactly, then by alias.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, Union

from minivis.engine.activations import Activations
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.layers import Concat, ReLU
from minivis.runtime.backend import get_xp
from minivis.runtime.settings import ACTIVATIONS, having, takes
from minivis.types import Array, Gradients, Shape


@dataclass(frozen=True)
class Unit:
    """One channel of one layer. ``where`` is None (all positions, summed), "max", or (row, column)."""

    layer: str
    channel: int
    where: str | tuple[int, int] | None = None
    class_name: str | None = None

    def __str__(self) -> str:
        where = ",".join(map(str, self.where)) if isinstance(self.where, tuple) else self.where
        return f"{self.layer}:{self.class_name or self.channel}" + (f"@{where}" if where else "")


UnitLike: TypeAlias = Union[str, int, Unit, Sequence[Union[str, int, Unit]], None]  # noqa: UP007


@takes(shapes=having("a dict of shapes", "keys", "get"))
def parse_unit(net: Network, text: Any, shapes: Any = None) -> Unit:
    """The `Unit` that a text or number names in a net.

    If the net has no size of its own, the number of a channel is checked only where shapes are known, as in `one_hot`.

    Parameters
    ----------
    net : Network
        The net.
    text : str, int or Unit
        Such as "goose", "fc8:12", "conv5_3:42", "conv5_3:42@max" or "conv5_3:42@3,4"; a number is a class. A `Unit` is
        checked and returned.
    shapes : dict, optional
        {layer: shape} of a pass; by default the shapes for an input of the net's own size.

    Returns
    -------
    Unit
        Its layer, channel, position and class name.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> print(mv.parse_unit(net, "goose"), mv.parse_unit(net, "conv2_1:7@max"))
    fc8:goose conv2_1:7@max
    """
    if isinstance(text, Unit):
        return replace(parse_unit(net, str(replace(text, class_name=None)), shapes), class_name=text.class_name)
    text = str(text)
    known = ["input", *net.nodes]
    # names of classes hold colons of their own ("flag: Japan")
    layer = next((text[:i] for i, char in enumerate(text) if char == ":" and text[:i] in known), None)
    if layer is None:
        if text in known:
            raise BadValue(f"{text!r} is a whole layer: name one of its units, for example '{text}:0'")
        if ":" in text and _class_number(net, text, shapes) is None:
            net.check_name(text.rpartition(":")[0])
        return _class_unit(net, net.role("logits"), text, shapes=shapes)
    channel, _, where = text[len(layer) + 1 :].partition("@")
    where = _where(text, where)
    if layer in (net.roles.get("logits"), net.roles.get("prob")) and not re.fullmatch(r"-?\d+", channel):
        return _class_unit(net, layer, channel, where, shapes)
    if _number(channel) is None:
        raise BadValue(f"{text!r}: the colon must be followed by a number, as in '{layer}:0', not {channel!r}")
    count = _channels(net, layer, shapes)
    if count is not None and _number(channel) >= count:
        raise BadValue(f"{text!r}: {layer} has {count} channels, 0 to {count - 1}")
    return Unit(layer, _number(channel), where)


def before_relu(net: Network, unit: Unit) -> Unit | None:
    """The same unit before its ReLU, also through a Concat; None if the unit does not come from a ReLU."""
    layer, channel, shapes = unit.layer, unit.channel, None
    while layer in net.nodes:
        kind, inputs = net.nodes[layer].layer, net.nodes[layer].inputs
        if isinstance(kind, ReLU):
            return Unit(inputs[0], channel, unit.where)
        if not isinstance(kind, Concat):
            break
        shapes = shapes or net.shapes()
        for layer in inputs:
            if channel < shapes[layer][-1]:
                break
            channel -= shapes[layer][-1]
    return None


def _channels(net: Network, layer: Any, shapes: Any) -> Any:
    """The number of channels of a layer; None if it is not known before a pass."""
    if shapes is not None and layer in shapes:
        return shapes[layer][-1]
    try:
        return net.shapes()[layer][-1]
    except BadValue:                                # built by hand, with no size of its own
        if net.input_size is not None:
            raise
        return None


def _class_unit(net: Network, layer: Any, name: str, where: Any = None, shapes: dict[str, Shape] | None = None) -> Unit:
    number = class_number(net, name, shapes)
    count = _channels(net, layer, shapes)
    if count is not None and number >= count:
        raise BadValue(f"{name!r} is the second answer of a net with one output, {layer}: only methods that take a "
                       f"class know it; elsewhere use -1 times '{layer}:0'")
    return Unit(layer, number, where, net.class_names[number] if number < len(net.class_names) else None)


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _where(text: str, where: Any) -> Any:
    if where in ("", "max"):
        return where or None
    match = re.fullmatch(r"([0-9]{1,9}),([0-9]{1,9})", where)
    if not match:
        raise BadValue(f"{text!r}: the @ must be followed by 'max' or 'row,column', not {where!r}")
    return int(match[1]), int(match[2])


def class_number(net: Network, name: str, shapes: dict[str, Shape] | None = None) -> int:
    """The number of a class, given by name, alias or number; the error has the closest names."""
    number = _class_number(net, name, shapes)
    if number is None:
        raise UnknownName.of("class", name, [*net.class_names, *net.class_aliases])
    return number


def _class_number(net: Network, name: str, shapes: dict[str, Shape] | None = None) -> Any:
    wanted = str(name).strip().lower()
    found = [i for i, known in enumerate(net.class_names) if known.lower() == wanted]
    found = found or [i for alias, i in net.class_aliases.items() if alias.lower() == wanted]
    if len(found) > 1:
        numbers = ", ".join(map(str, found))
        raise UnknownName(f"{len(found)} classes are called {name!r}: give the number of one, {numbers}")
    if found:
        return found[0]
    number = _number(wanted)
    if number is not None and net.roles.get("logits"):
        count = _channels(net, net.roles["logits"], shapes)
        if count is not None and number >= max(count, len(net.class_names)):
            raise BadValue(f"class {wanted}: there are {count} classes, 0 to {count - 1}")
        return number
    return None


@takes(acts=ACTIVATIONS)
def one_hot(acts: Activations, unit: UnitLike) -> Gradients:
    """The seeds of a backward pass from one unit: zeros with ones at the unit, for every image of the pass.

    Parameters
    ----------
    acts : Activations
        A forward pass, which kept the unit's layer.
    unit : str, int or Unit
        The unit, as `parse_unit` reads it.

    Returns
    -------
    dict
        {layer: array of the layer's shape}, as `Network.backward` takes it.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> acts = net.forward(net.preprocess(net.fit(goose).image))
    >>> {name: float(seed.sum()) for name, seed in mv.one_hot(acts, "goose").items()}
    {'fc8': 1.0}
    """
    unit = parse_unit(acts.net, unit, acts.shapes)
    value = acts[unit.layer]
    xp = get_xp(value)
    seed = xp.zeros_like(value)
    if unit.where is None:
        seed[..., unit.channel] = 1
        return {unit.layer: seed}
    rows, columns = unit_positions(acts, unit)
    seed[xp.arange(len(value)), rows, columns, unit.channel] = 1
    return {unit.layer: seed}


def unit_positions(acts: Activations, unit: Any) -> tuple[Any, Any]:
    """Row and column, (N,) each, where ``unit`` looks in each image. Raise BadValue outside the map or without one."""
    value = acts[unit.layer]
    if value.ndim != 4:
        raise BadValue(f"{unit}: {unit.layer} has no positions, its shape is {value.shape[1:]}; leave out the @")
    N, H, W, _ = value.shape
    xp = get_xp(value)
    if unit.where == "max":
        return xp.divmod(value[..., unit.channel].reshape(N, -1).argmax(axis=1), W)
    row, column = unit.where
    if row >= H or column >= W:
        raise BadValue(f"{unit}: rows go from 0 to {H - 1} and columns from 0 to {W - 1} here")
    return xp.full(N, row), xp.full(N, column)


@takes(acts=ACTIVATIONS)
def unit_values(acts: Activations, unit: UnitLike) -> Array:
    """The value of a unit in each image: the number whose gradient the seed of `one_hot` starts.

    Parameters
    ----------
    acts : Activations
        A forward pass, which kept the unit's layer.
    unit : str, int or Unit
        The unit, as `parse_unit` reads it; without a position its channel is summed over all positions.

    Returns
    -------
    array (N,)
        One value for each image.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> acts = net.forward(net.preprocess(net.fit(goose).image))
    >>> mv.unit_values(acts, "goose").shape
    (1,)
    """
    unit = parse_unit(acts.net, unit, acts.shapes)
    (seed,) = one_hot(acts, unit).values()
    return (acts[unit.layer] * seed).reshape(len(seed), -1).sum(axis=1)
