"""A net as data: named layers in topological order, and properties of the whole net. No pass runs here."""

from collections import namedtuple
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers.base import Layer
from minivis.runtime.backend import get_xp, to_cpu, to_gpu
from minivis.types import Device

ROLES = ("logits", "prob", "code", "content", "style", "dream")     # what a layer is for, whatever it is called

Node = namedtuple("Node", "layer inputs")

G = TypeVar("G", bound="Graph")


@dataclass
class Graph:
    """Layers in topological order, and properties of the whole net. ``add`` appends a layer.

    ``roles`` maps "logits", "prob", "code", "content", "style", "dream" to the layers that have them (style: a list);
    a net without one has None there. ``about`` is free text and numbers: origin, licence, training record.
    """

    nodes: dict = field(default_factory=dict)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    class_names: tuple = ()
    class_aliases: dict = field(default_factory=dict)           # alias -> class number
    roles: dict = field(default_factory=lambda: dict.fromkeys(ROLES))
    about: dict = field(default_factory=dict)
    plans: dict = field(default_factory=dict, init=False, repr=False, compare=False)        # see plan.py

    def add(self: G, name: str, layer: Layer, *inputs: str) -> G:
        """Append a layer that reads ``inputs`` (by default the layer before it). Return the net."""
        if not isinstance(name, str) or not name:
            raise BadValue(f"a layer's name must be a string of at least one character, not {name!r}")
        if name == "input" or name in self.nodes:
            raise BadValue(f"a layer {name!r} exists already")
        inputs = inputs or (next(reversed(self.nodes), "input"),)
        for source in inputs:
            self.check_name(source)
        if layer.inputs is not None and len(inputs) != layer.inputs:
            raise BadValue(f"{name}: {type(layer).__name__} reads {layer.inputs} layer, not {', '.join(inputs)}")
        if layer.inputs is None and len(inputs) < 2:
            raise BadValue(f"{name}: {type(layer).__name__} reads two or more layers, so name them all, not only "
                           f"{inputs[0]}")
        self.nodes[name] = Node(layer, inputs)
        return self

    # ---- questions about the net ----

    @property
    def layers(self) -> dict[str, Layer]:
        """Name -> layer, in order."""
        return {name: node.layer for name, node in self.nodes.items()}

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the parameters, which an input must have; float32 for a net without any."""
        return next((p.dtype for layer in self.layers.values() for p in layer.params.values()), np.dtype("float32"))

    @property
    def xp(self) -> Any:
        """NumPy or CuPy: where the parameters are, and where an input must be (``net.xp.asarray(x)``)."""
        return next((get_xp(p) for layer in self.layers.values() for p in layer.params.values()), np)

    @property
    def parameter_count(self) -> int:
        return sum(p.size for layer in self.layers.values() for p in layer.params.values())

    def role(self, role: str) -> Any:
        """The layer with this ``role``. If there is none, UnknownName says what to do."""
        if role not in ROLES:
            raise UnknownName.of("role", role, ROLES)
        if not self.roles.get(role):
            raise UnknownName(f"this net has no layer for the role {role!r}; choose one from: {self.listed()}")
        return self.roles[role]

    # ---- copies ----

    def astype(self, dtype: Any) -> Any:
        """A new net with its parameters in another float dtype."""
        return self.map_params(lambda p: p.astype(dtype))

    def to(self, device: Device) -> Any:
        """A new net on "cpu" or "gpu"."""
        moves = {"cpu": to_cpu, "gpu": to_gpu}
        if device not in moves:
            raise UnknownName.of("device", device, moves)
        return self.map_params(moves[device])

    def map_params(self, change: Any) -> Any:
        """A new net in which each parameter p is replaced by change(p)."""
        nodes = {
            name: Node(layer.with_params(**{k: change(p) for k, p in layer.params.items()}), inputs)
            for name, (layer, inputs) in self.nodes.items()
        }
        return replace(self, nodes=nodes)

    # ---- names ----

    def listed(self) -> str:
        return ", ".join(["input", *self.nodes])

    def check_name(self, name: str) -> str:
        """Return ``name``; raise UnknownName, with the closest name, when there is no such layer."""
        if name != "input" and name not in self.nodes:
            raise UnknownName.of("layer", name, ["input", *self.nodes], listed=60)
        return name

    def check_names(self, names: Any) -> set[Any]:
        """A name or several as a set; raise UnknownName for a wrong one."""
        return {self.check_name(name) for name in ([names] if isinstance(names, str) else names)}
