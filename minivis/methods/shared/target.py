"""The unit that a method explains: by default the top class of each picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.network import Activations, Network
from minivis.engine.units import Unit, one_hot, parse_unit
from minivis.errors import BadValue, UnknownName
from minivis.figures.text import chance
from minivis.runtime.backend import get_xp, to_cpu
from minivis.types import Array


@dataclass(frozen=True, eq=False)
class Target:
    """One unit for each picture of a pass, its value and, if it is a class, its probability."""

    acts: Activations
    units: tuple[Unit, ...]
    probs: np.ndarray | None                    # (N,), where the units are classes

    @property
    def values(self) -> Any:
        """(N,), the units' values."""
        layer = self.units[0].layer
        return to_cpu((self.acts[layer] * self.seeds()[layer]).reshape(len(self.units), -1).sum(axis=1))

    def seeds(self) -> dict[Any, Any]:
        """The seeds of a backward pass from these units: zeros (N, ...) with ones at the units."""
        layer = self.units[0].layer
        seed = get_xp(self.acts[layer]).zeros_like(self.acts[layer])
        for unit in set(self.units):
            mine = [i for i, u in enumerate(self.units) if u == unit]
            seed[mine] = one_hot(self.acts, unit)[layer][mine]
        return {layer: seed}

    def name(self, i: int) -> str:
        """The class's name, or the text of another unit."""
        unit, net = self.units[i], self.acts.net
        is_class = net.class_names and unit.layer in (net.roles.get("logits"), net.roles.get("prob"))
        return net.class_names[unit.channel] if is_class else str(unit)

    def title(self, i: int) -> str:
        """The name with its probability, or with its value."""
        return f"{self.name(i)} {chance(self.probs[i])}" if self.probs is not None else (
            f"{self.name(i)} = {self.values[i]:.3g}")

    def describe(self, i: int) -> dict[str, Any]:
        numbers = {"unit": str(self.units[i]), "name": self.name(i), "value": float(self.values[i])}
        return numbers if self.probs is None else {**numbers, "probability": float(self.probs[i])}


def aim(net: Network, x: Array, unit: Any = None, *, grad: Any = "image", also: Any = ()) -> Target:
    """The `Target` in a forward pass of x (N, H, W, C), which runs as far as needed. ``also``: further layers to keep.

    ``net``: as `answering` gives it, so that a class has a probability.
    """
    if unit is None and not net.roles.get("logits"):
        raise UnknownName("this net has no classes: name a unit of one of its layers, such as "
                          f"'{_some_layer(net)}:0@max'")
    named = units_of(net, unit, len(x))
    layer = named[0].layer if named else net.role("logits")
    is_class = layer == net.roles.get("logits") and net.roles.get("prob") is not None
    kept = {layer, net.roles["prob"], *also} if is_class else {layer, *also}
    acts = net.forward(x, until=last_of(net, kept), keep=kept, grad=grad)
    if not named:
        best = to_cpu(acts[layer]).reshape(len(x), -1).argmax(axis=1)
        named = tuple(parse_unit(net, f"{layer}:{k}") for k in best)
    check_finite(acts[layer])
    probs = None
    if is_class:
        every = to_cpu(acts[net.roles["prob"]]).reshape(len(x), -1)
        probs = every[np.arange(len(x)), [unit.channel for unit in named]]
    return Target(acts, named, probs)


def units_of(net: Network, unit: Any, count: int) -> Any:
    """``unit`` (None, a string, a `Unit`, or one of these for each picture) as a tuple of ``count`` units, or ()."""
    if unit is None:
        return ()
    units = tuple(parse_unit(net, u) for u in (unit if isinstance(unit, (list, tuple)) else [unit]))
    units = units * count if len(units) == 1 else units
    if len(units) != count:
        raise BadValue(f"{len(units)} units for {count} pictures: give one, or one for each")
    if len({u.layer for u in units}) > 1:
        raise BadValue(f"the units are in several layers ({', '.join(map(str, units))}): give units of one layer")
    return units


def asked(unit: Any) -> Any:
    """A unit as text for the settings of a Result: None, a string, or a list of strings."""
    return None if unit is None else [str(u) for u in unit] if isinstance(unit, (list, tuple)) else str(unit)


def last_of(net: Network, names: Any) -> Any:
    """The last of these layers in the net's order; a pass up to it reaches them all."""
    order = ["input", *net.nodes]
    return max(names, key=order.index)


def _some_layer(net: Network) -> Any:
    role = net.roles.get("content") or net.roles.get("dream")
    return role or list(net.nodes)[-1]
