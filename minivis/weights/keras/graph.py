"""From a Keras model's description to a `Network`: every call of a layer becomes the layers that mean the same.

What each kind of layer is here stands in layers.py, functions.py, merging.py and operations.py; whose an array is, in
variables.py.
A value's places (weights/layout.py) are kept in Keras' own order of axes: H, W, C unless a layer asks for channels
first, so Flatten, Reshape and Permute are NumPy's calls on them.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minivis.engine.network import Node
from minivis.errors import BadFile, MinivisError
from minivis.images.preprocessing import IDENTITY
from minivis.layers import Flatten, Scale, Unflatten
from minivis.weights import layout
from minivis.weights.builder import Builder
from minivis.weights.containers.hdf5 import read_array
from minivis.weights.keras import functions, layers, merging, operations
from minivis.weights.keras.description import Ref, refs, shape_of
from minivis.weights.layout import Value

KINDS = {**layers.KINDS, **functions.KINDS, **merging.KINDS, **operations.KINDS}
SIDE = 224                                      # tried where a model takes pictures of any size
MOST_CALLS = 10_000                             # models that call models may ask for any number; NASNetLarge has 1000


@dataclass(frozen=True)
class Step:
    """One call of one layer: what it is called in our net, its class, its settings and its arrays, unread."""

    name: str
    kind: str
    settings: dict
    arrays: dict = field(default_factory=dict)
    kwargs: dict = field(default_factory=dict)
    keras: int = 3                              # the version's first number

    def get(self, *names: str, default: Any = None) -> Any:
        """The first of these settings that there is: Keras has renamed some."""
        return next((self.settings[name] for name in names if self.settings.get(name) is not None), default)

    @property
    def channels_first(self) -> bool | None:
        return self.get("data_format", "dim_ordering") in ("channels_first", "th")

    def refuse(self, why: Any) -> BadFile:
        return BadFile(f"the layer {self.name!r} ({self.kind}) {why}")


class Graph(Builder):
    """A description on its way to a `Network`. ``read``: (dataset) -> its array; ``keras``: the version's number."""

    def __init__(self, model: Any, store: Any, read: Any, dtype: Any, *, keras: int = 3,
                 channels_first: bool = False) -> None:
        super().__init__(dtype)
        self.model, self.store, self.read, self.keras = model, store, read, keras
        self.first, self.calls = channels_first, 0

    def translate(self, size: Any) -> Any:
        """The net; its input's size is ``size``, else the model's, else any. ``outputs``: a `Value` for each."""
        (picture,) = self.model.inputs if len(self.model.inputs) == 1 else (None,)
        if picture is None:
            raise BadFile(f"the model has {len(self.model.inputs)} inputs "
                          f"({', '.join(ref.layer for ref in self.model.inputs)}); minivis reads models of one picture")
        settings = next((layer.settings for layer in self.model.layers if layer.name == picture.layer), None)
        if settings is None:
            raise BadFile(f"the model reads {picture.layer!r}, and has no layer of that name")
        self.outputs = self.run(self.model, self.store, [self.begin(shape_of(settings), size)], "")
        self.outputs = [self.finished(value) for value in self.outputs]
        self.take_in()
        if not self.net.nodes:
            raise BadFile("the model has no layer that computes anything")
        if any(isinstance(layer, Flatten | Unflatten) for layer in self.net.layers.values()):
            self.net.preprocessing = replace(self.net.preprocessing, size=self.shapes["input"][1:3])
        return self.net

    def begin(self, shape: Any, size: Any) -> Value:
        """The picture, of the shape that the description gives, as a `Value`."""
        if shape is None or len(shape) != 4:
            raise BadFile(f"its input is {shape}, not (N, height, width, channels)")
        H, W, C = shape[2:] + shape[1:2] if self.first else shape[1:]
        if not C:
            raise BadFile(f"its input is {shape}, which leaves open how many channels its pictures have")
        fixed = (H, W) if H and W else None
        self.net.preprocessing = replace(IDENTITY.of_channels(C), size=size or fixed)
        height, width = size or (H or W or SIDE, W or H or SIDE)
        self.shapes["input"] = (1, height, width, C)
        self.scale, self.shift = np.ones(C), np.zeros(C)
        places = layout.maps(height, width, C)
        return Value("input", places if self.first else places.transpose(1, 2, 0))

    def run(self, model: Any, store: Any, given: Any, prefix: str) -> list[Any]:
        """The `Value`s that a model makes of those ``given``."""
        made = dict(zip(model.inputs, given, strict=True))
        ready = deque((layer, number) for layer in model.layers for number in range(len(layer.calls)))
        waiting: dict[Ref, list] = {}                           # what is not made yet -> the calls that read it
        while ready:
            layer, number = ready.popleft()
            call = layer.calls[number]
            missing = next((ref for ref in refs((call.args, call.kwargs)) if ref not in made), None)
            if missing is not None:
                waiting.setdefault(missing, []).append((layer, number))
                continue
            for i, value in enumerate(self.call(layer, call, made, store, prefix)):
                ref = Ref(layer.name, layer.first + number, i)
                made[ref] = value
                ready.extendleft(reversed(waiting.pop(ref, [])))
        for ref, blocked in waiting.items():
            raise BadFile(f"the layer {blocked[0][0].name!r} reads {ref.layer!r}, which no layer makes; the "
                          "description is damaged")
        if lost := [ref.layer for ref in model.outputs if ref not in made]:
            raise BadFile(f"no layer makes the output of {lost[0]!r}; the description is damaged")
        return [made[ref] for ref in model.outputs]

    def call(self, layer: Any, call: Any, made: Any, store: Any, prefix: str) -> Any:
        """The outputs of one call of one layer."""
        args, kwargs = filled(call.args, made), filled(call.kwargs, made)
        name = f"{prefix}{layer.name}"
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise BadFile(f"the model calls its layers more than {MOST_CALLS} times")
        if layer.model:
            given = [value for value in (args[0] if isinstance(args[0], list) else args) if isinstance(value, Value)]
            if len(given) != len(layer.model.inputs):
                raise BadFile(f"the model {name!r} takes {len(layer.model.inputs)} inputs and gets {len(given)}")
            return self.run(layer.model, store.inside(layer), given, f"{name}/")
        kind = f"operation {layer.settings.get('function', layer.kind)}" if layer.operation else layer.kind
        arrays = {} if layer.operation else store.arrays(layer)
        step = Step(name, kind, layer.settings, arrays, kwargs, self.keras)
        if kind not in KINDS:
            raise step.refuse("is no layer that minivis has" if "operation" not in kind else "is no arithmetic that "
                              "minivis has")
        try:
            made = KINDS[kind](self, step, *args)
            return made if isinstance(made, list) else [made]
        except MinivisError as error:
            if repr(name) in str(error):
                raise
            raise BadFile(f"the layer {name!r} ({layer.kind}): {error}") from None

    def finished(self, value: Any) -> Any:
        """The `Value` of an output, in Keras' order where it is a row."""
        value = self.settled(value)
        if len(self.shapes[value.layer]) == 2:
            flat = Value(value.layer, value.places.reshape(-1))
            return Value(self.row(value.layer, flat), np.arange(flat.places.size))
        return value

    def take_in(self) -> None:
        """Arithmetic that is all that reads the picture becomes part of the preprocessing."""
        nodes = self.net.nodes
        while len(first := [name for name, (_, inputs) in nodes.items() if "input" in inputs]) == 1:
            (name,), layer = first, nodes[first[0]].layer
            if any(value.layer == name for value in self.outputs):
                return
            if isinstance(layer, Scale) and layer.params["w"].all():
                w, b = (layer.params[key].astype(np.float64) for key in ("w", "b"))
                self.scale, self.shift = self.scale * w, self.shift * w + b
            elif operations.is_reversal(layer) and self.net.preprocessing.channels == 3:
                self.flipped = not self.flipped
                self.scale, self.shift = self.scale[::-1], self.shift[::-1]
            else:
                return
            del nodes[name]
            for reader, (kept, inputs) in list(nodes.items()):
                nodes[reader] = Node(kept, tuple("input" if source == name else source for source in inputs))

    # ---- what layers read ----

    def array(self, step: Any, kind: Any, ndim: int) -> Any:
        """One of a layer's arrays, of this many axes."""
        if kind not in step.arrays:
            raise step.refuse(f"lacks its {kind}: the file is damaged or half-written")
        array = self.read(step.arrays[kind])
        if array.ndim != ndim:
            raise step.refuse(f"has a {kind} of shape {array.shape}, where {ndim} axes were expected")
        return array

    def bias(self, step: Any) -> Any:
        return self.array(step, "bias", 1) if "bias" in step.arrays else None

    def maps(self, step: Any, value: Any, *, padded: bool = False) -> Any:
        """The layer whose (N, H, W, C) a value is, or is as channels first; rows become maps again."""
        value = value if padded else self.settled(value)
        if value.places.ndim != 3:
            raise step.refuse(f"reads {[None, *value.places.shape]}, where maps were expected")
        chw = value.places if step.channels_first else value.places.transpose(2, 0, 1)
        if len(self.shapes[value.layer]) == 2:
            C, H, W = chw.shape
            flat = Value(value.layer, chw.transpose(1, 2, 0).reshape(-1))
            return self.insert(f"{value.layer} as maps", Unflatten((H, W, C)), self.row(step.name, flat), once=True)
        return self.maps_of(step.name, Value(value.layer, chw))

    def settled(self, value: Any) -> Any:
        made = super().settled(value)
        if value.pads is None or layout.same(value.places, layout.standard(self.shapes[value.layer])):
            return made
        return made._replace(places=made.places.transpose(1, 2, 0))

    # ---- what is added ----

    def add(self, step: Any, layer: Any, source: Any) -> Value:
        """Append a layer of maps under the step's name."""
        name = self.insert(step.name, layer, source)
        places = layout.standard(self.shapes[name])
        return Value(name, places if step.channels_first else places.transpose(1, 2, 0))

    def keep(self, step: Any, layer: Any, value: Any, name: str | None = None) -> Value:
        """Append a layer that leaves every number where it stands."""
        value = self.settled(value)
        return Value(self.insert(name or step.name, layer, value.layer), value.places)

    def flat(self, step: Any, value: Any) -> Any:
        """The layer that has a value's numbers as a row, in whichever order, and its `Value` with the same places."""
        value = self.settled(value)
        if len(self.shapes[value.layer]) == 2:
            return value
        return value._replace(layer=self.insert(step.name, Flatten(), value.layer))


def filled(given: Any, made: Any) -> Any:
    """Arguments with a `Value` for each reference."""
    if isinstance(given, Ref):
        return made[given]
    if isinstance(given, dict):
        return {key: filled(value, made) for key, value in given.items()}
    return [filled(value, made) for value in given] if isinstance(given, list | tuple) else given


def reader(source: Any, dtype: Any, finite: bool) -> Any:
    """(dataset) -> its array, read once."""
    found: dict[str, Any] = {}

    def read(dataset: Any) -> Any:
        if dataset.name not in found:
            found[dataset.name] = read_array(dataset, dtype, source, finite=finite)
        return found[dataset.name]

    return read
