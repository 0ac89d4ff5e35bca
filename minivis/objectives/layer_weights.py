"""Layers and their weights, as a user writes them: "relu3_1", ["relu3_1=0.5", "relu4_1"] or {"relu3_1": 0.5}."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.runtime.settings import number

if TYPE_CHECKING:
    from minivis.engine.network import Network

WEIGHT = number(0)


def layer_weights(net: Network, layers: Any, role: str, *, channels: bool = False) -> dict[Any, Any]:
    """{name: weight} of a layer, several, or {name: weight}; None stands for the net's layers of ``role``.

    A name may end in its weight, as relu3_1=0.5 does; without one its weight is 1. With ``channels`` it may also be a
    channel, as conv4_1:12. Names of weight 0 are left out.
    """
    layers = net.role(role) if layers is None else layers
    layers = [layers] if isinstance(layers, str) else layers
    given = layers.items() if isinstance(layers, dict) else [split(net, text) for text in layers]
    weights = {checked(net, text, channels): WEIGHT.check(f"the weight of {text}", weight) for text, weight in given}
    if not weights:
        raise BadValue(f"name at least one {role} layer")
    if not any(weights.values()):
        raise BadValue(f"the weights of the {role} layers are all 0; at least one must be above 0")
    return {name: float(weight) for name, weight in weights.items() if weight}


def split(net: Network, text: str) -> tuple[Any, float]:
    """(name, weight) of a text such as relu3_1=0.5 or relu3_1."""
    name, equals, weight = text.rpartition("=")
    if not equals or text in net.nodes:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise BadValue(f"{text!r}: a weight must follow the =, as in relu3_1=0.5") from None


def checked(net: Network, text: str, channels: int) -> Any:
    """The name, if the net has it; of a channel, with its number in place of a class's name."""
    if not channels or text in net.nodes or ":" not in text:
        return net.check_name(text)
    unit = parse_unit(net, text)
    if unit.where is not None:
        raise BadValue(f"{text}: a position is given, but the whole channel is meant; leave out the @")
    return f"{unit.layer}:{unit.channel}"
