"""What is worked out of one picture for one viewer: the classes, a layer's activations, the way back from a unit."""

from __future__ import annotations

import io
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.ending import answering
from minivis.engine.geometry import layer_table
from minivis.engine.segments import in_segments
from minivis.engine.units import Unit, one_hot, parse_unit, unit_positions
from minivis.errors import BadValue, UnknownName
from minivis.figures.colormaps import colorize, display_limit
from minivis.images.files import read_image
from minivis.layers.rules import RULES, RuleName, rule_named
from minivis.live.map_bytes import as_maps, quantised, signed_bytes
from minivis.live.messages import envelope
from minivis.live.stages import small_pictures, stages
from minivis.live.switched_off import switched_off
from minivis.methods.shared.gradient import at_pixels
from minivis.methods.shared.result import input_of
from minivis.methods.shared.target import last_of
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

TOP = 5
PARTS = ("gradient", "strip")                   # of an answer, that take longer: may be left out
SHOWS = {"activations": "activations", "back": "back from the unit"}
HELD = 0.9                                      # of a gradient's energy lies in the box where a unit looks
MAX_PIXELS = 4_000_000                          # of a picture that a viewer sends

Off: TypeAlias = tuple[tuple[str, int], ...]    # (layer, channel) of the units that are switched off


@dataclass(frozen=True)
class View:
    """What a viewer looks at: a layer, and a unit or None with the rule for its way back.

    show: of the layer, its "activations", or the signal that comes "back" from the unit. off: units switched off.
    """

    layer: str
    unit: str | None = None
    rule: RuleName = "normal"
    show: str = "activations"
    off: Off = ()


class Microscope:
    """A net, and what is asked of it picture by picture. Any number of threads may use it at once."""

    def __init__(self, net: Network, name: str = "net") -> None:
        net = answering(net)
        self.net, self.name = net, name
        self.logits, self.prob = net.roles.get("logits"), net.roles.get("prob")
        self.answers = [layer for layer in (self.logits, self.prob) if layer]
        self.stages = stages(net)
        self.workspace = net.workspace()        # of the one thread for pictures
        self.switched: dict[Off, Network] = {(): net}           # units that are off -> the net without them

    def rest(self) -> None:
        """Let go of what only passes need, memory and transformed weights; the next pass makes it again."""
        self.workspace.clear()
        self.forget_derived()

    def forget_derived(self) -> None:
        """Let go of the transformed weights: passes of other kinds have others."""
        for net in self.switched.values():
            for layer in net.layers.values():
                layer.forget()

    # ---- views ----

    def first_view(self) -> View:
        relu = [name for name, layer in self.net.layers.items() if type(layer).__name__ == "ReLU"]
        return View((relu or list(self.net.nodes))[0])

    def changed(
        self, view: View, layer: str | None = None, unit: str | None = None, rule: RuleName | None = None,
        show: str | None = None, off: Sequence[str] | None = None,
    ) -> View:  # fmt: skip
        """The view with some of its parts replaced (unit "": none). Raise UnknownName or BadValue for what is not."""
        if layer is not None:
            view = replace(view, layer=self.net.check_name(layer))
        if rule is not None:
            rule_named(rule)
            view = replace(view, rule=rule)
        if unit is not None:
            view = replace(view, unit=self.checked_unit(unit) if unit else None)
        if show is not None:
            if show not in SHOWS:
                raise UnknownName.of("thing to show of a layer", show, SHOWS)
            view = replace(view, show=show)
        if off is not None:
            units = [parse_unit(self.net, text) for text in off]
            view = replace(view, off=tuple(sorted({(unit.layer, unit.channel) for unit in units})))
        return view

    def checked_unit(self, text: str) -> str:
        """A unit string that names a unit, and a place that its layer has, for pictures of the net's usual size."""
        unit = parse_unit(self.net, text)
        _, *size, _ = self.net.shapes()[unit.layer]
        if unit.where is not None and not size:
            raise BadValue(f"{unit}: {unit.layer} has no positions; leave out the @")
        if isinstance(unit.where, tuple) and any(i >= n for i, n in zip(unit.where, size)):
            raise BadValue(f"{unit}: rows go from 0 to {size[0] - 1} and columns from 0 to {size[1] - 1} here")
        return str(unit)

    # ---- one picture ----

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of what the net usually sees."""
        return (*(self.net.input_size or (224, 224)), self.net.input_channels)

    def decoded(self, file: bytes) -> Picture:
        """uint8 (H, W, 3) of a picture's file."""
        return read_image(io.BytesIO(file), max_pixels=MAX_PIXELS)

    def input(self, picture: Picture) -> tuple[Array, Picture, Any]:
        """(x, fitted pixels, the box of the picture that they show)."""
        fitted = self.net.fit(picture)
        pixels = fitted.image if fitted.image.shape[2] == 3 else fitted.image.repeat(3, axis=2)
        return input_of(self.net, pixels), pixels, fitted.box

    def look(self, picture: Picture, view: View, number: int = 0, parts: Container[str] = PARTS) -> bytes:
        """The message about one picture: an envelope of type "frame". ``parts``: which of PARTS it has."""
        started = time.perf_counter()
        x, _, box = self.input(picture)
        net = self.without(view.off)
        unit = parse_unit(net, view.unit) if view.unit else None
        back = view.show == "back" and unit is not None and view.layer in self.below(unit.layer)
        backwards = unit is not None and (back or "gradient" in parts)
        strip = self.strip(net, x) if "strip" in parts else None
        keep = {view.layer, *self.answers, *([unit.layer] if unit else [])}
        begin = time.perf_counter()
        acts = net.forward(x, until=last_of(net, keep), keep=keep, grad="image" if backwards else None,
                           workspace=self.workspace)
        forward = time.perf_counter() - begin
        head: dict[str, Any] = {
            "type": "frame", "number": number, "layer": view.layer, "shape": list(acts[view.layer].shape[1:]),
            "show": "back" if back else "activations", "top": self.top(acts), "size": list(picture.shape[:2]),
            "box": [box.top, box.left, box.height, box.width], "net": self.name,
        }  # fmt: skip
        arrays: dict[str, Array] = {}
        maps = as_maps(acts[view.layer])
        backward = 0.0
        if unit:
            begin = time.perf_counter()
            head["unit"], arrays, place = self.unit_part(acts, unit)
            if backwards:
                seeds = one_hot(acts, place)
                if RULES[view.rule].relevance:
                    seeds = {layer: seed * acts[layer] for layer, seed in seeds.items()}
                dacts, _ = net.backward(acts, seeds, rule=view.rule, keep=("input", *([view.layer] if back else [])))
                more, arrays["gradient"] = self.gradient_part(dacts["input"], view.rule)
                head["unit"].update(more, rule=view.rule)
                maps = as_maps(dacts[view.layer]) if back else maps
            backward = time.perf_counter() - begin
        arrays["grid"], arrays["limits"], is_signed, shrunk = quantised(maps)
        head["maps"] = {"signed": is_signed, "shrunk": shrunk}
        arrays["low"], arrays["high"] = (most(axis=(0, 1)).astype(np.float32) for most in (maps.min, maps.max))
        if strip is not None:
            arrays["strip"] = strip
            self.workspace.clear()              # now and then, so that what other layers took does not stay
        head["ms"] = {"forward": 1e3 * forward, "backward": 1e3 * backward,
                      "all": 1e3 * (time.perf_counter() - started)}
        return envelope(head, arrays)

    def strip(self, net: Network, x: Array) -> Array:
        """The small picture of each stage, by a pass of its own: to keep all of them in one would take much memory."""
        shown = {stage["shows"] for stage in self.stages}
        return small_pictures(in_segments(net, x, keep=shown, grad=None), self.stages)

    def top(self, acts: Activations) -> list[list[Any]]:
        """The first classes: [[number, name, probability], ...]; empty for a net without."""
        if not self.prob:
            return []
        probs = to_cpu(acts[self.prob]).reshape(-1)
        check_finite(probs)
        best = np.argsort(-probs, kind="stable")[:TOP].tolist()
        return [[k, self.class_name(k), float(probs[k])] for k in best]

    def top_of(self, pixels: Picture) -> list[list[Any]]:
        """The first classes of pixels as they are shown."""
        if not self.prob:
            return []
        return self.top(self.net.forward(self.input(pixels)[0], until=self.prob, keep={self.prob}, grad=None))

    def class_name(self, number: int) -> str:
        return self.net.class_names[number] if number < len(self.net.class_names) else f"class {number}"

    def unit_name(self, unit: Unit) -> str:
        """What a unit is called on the page: the name of its class, where it has one."""
        return self.class_name(unit.channel) if unit.layer in self.answers else str(unit)

    def without(self, off: Off) -> Network:
        """The net with these units switched off."""
        if off not in self.switched:
            while len(self.switched) > 3:               # the net itself, and the last few
                self.switched.pop(list(self.switched)[1])
            self.switched[off] = switched_off(self.net, off)
        return self.switched[off]

    def below(self, layer: str) -> set[str]:
        """The layers that a layer depends on, and itself."""
        found, todo = set(), [layer]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.net.nodes[name].inputs if name in self.net.nodes else ()
        return found

    def unit_part(self, acts: Activations, unit: Unit) -> tuple[dict[str, Any], dict[str, Array], Unit]:
        """Of one unit: the head's part, its map, and the unit at the place from which the way back starts."""
        maps, channel = as_maps(acts[unit.layer]), unit.channel
        if maps.shape[:2] != (1, 1):
            maps, channel = maps[..., channel : channel + 1], 0
        q, limits, is_signed, shrunk = quantised(maps)
        place = None
        if acts[unit.layer].ndim == 4:
            if unit.where is None:
                unit = replace(unit, where="max")
            place = [int(to_cpu(p)[0]) for p in unit_positions(acts, unit)]
        row, column = place or (0, 0)
        value = float(maps[row, column, channel])
        head = {
            "unit": str(unit), "layer": unit.layer, "channel": unit.channel, "position": place, "value": value,
            "signed": is_signed, "limit": float(limits[channel]), "shape": list(maps.shape[:2]), "shrunk": shrunk,
        }  # fmt: skip
        return head, {"map": q[..., channel]}, unit

    def gradient_part(self, dx: Array, rule: RuleName) -> tuple[dict[str, Any], Array]:
        """Of what a rule brought to the input: the head's part, and bytes."""
        gradient = at_pixels(self.net, dx, rule)[0]
        if RULES[rule].relevance:
            gradient = gradient.repeat(self.net.input_channels, axis=2)
        limit = display_limit(gradient)
        return {"gradient_limit": float(limit), "looks": where_it_looks(gradient)}, signed_bytes(gradient, limit)

    # ---- what the page must know first ----

    def describe(self) -> dict[str, Any]:
        """The first message: the net, its layers, and what is drawn how."""
        net = self.net
        h, w, _ = self.shape
        layers = [{"name": row.name, "type": row.type, "shape": list(row.shape), "sees": list(row.field.size),
                   "every": list(row.field.stride), "start": list(row.field.start)} for row in layer_table(net)]
        ramp = np.linspace(0, 1, 256)
        return {
            "type": "hello",
            "net": {"name": self.name, "title": net.about.get("title") or self.name, "input": [h, w],
                    "any_size": net.input_size is None, "classes": [self.class_name(k) for k in range(self.classes())]},
            "layers": layers, "stages": self.stages, "answers": self.answers,
            "view": {"layer": self.first_view().layer}, "shows": SHOWS,
            "rules": {name: rule.title for name, rule in RULES.items()},
            "side": int(np.clip(1.25 * max(h, w) if net.input_size else 224, 128, 448)),
            "colormaps": {name: colorize(ramp, name).ravel().tolist() for name in ("inferno", "diverging")},
        }  # fmt: skip

    def classes(self) -> int:
        return self.net.shapes()[self.logits][-1] if self.logits else 0


def where_it_looks(gradient: Array) -> list[int] | None:
    """The box [top, left, bottom, right] of a gradient (H, W, C) that holds most of it: the effective receptive field.

    A twentieth of its energy lies above the box, below, left and right each. (Luo et al. 2016)
    """
    energy = (gradient.astype(np.float64) ** 2).sum(axis=2)
    if not energy.any():
        return None
    edges = []
    for axis in (1, 0):
        part = np.cumsum(energy.sum(axis=axis)) / energy.sum()
        low, high = np.searchsorted(part, [(1 - HELD) / 2, (1 + HELD) / 2])
        edges.append((int(low), min(len(part), int(high) + 1)))
    (top, bottom), (left, right) = edges
    return [top, left, bottom, right]
