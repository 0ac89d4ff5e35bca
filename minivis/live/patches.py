"""The places in the sample pictures that excite a unit most and least, and what the rules draw of the first ones."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from minivis.engine.segments import in_segments
from minivis.engine.units import Unit, one_hot, parse_unit
from minivis.errors import BadValue
from minivis.figures.colormaps import display_limit
from minivis.layers.rules import RuleName
from minivis.live.asked import Asked, Report, Stopped, Tell, reporter
from minivis.live.climbing import source_of_unit
from minivis.live.map_bytes import signed_bytes
from minivis.live.messages import envelope
from minivis.live.microscope import Microscope
from minivis.runtime.backend import get_xp, to_cpu
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.live.desk import Bench

PATCHES, LEAST = 9, 3                           # of a unit: those that excite it most, and those that do so least
PATCH_RULES: tuple[RuleName, ...] = ("deconv", "guided")              # those under which each patch is drawn back
TILE, SMALL = 64, 32                            # pixels of a patch, and of one on the sheet of a layer


class Peaks:
    """The largest values of every channel of every layer among pictures, as many as ``count``, and where they are;
    and the LEAST smallest.

    The pictures are gone through once, for all viewers; who asks meanwhile goes on where the last one stopped. A
    picture's activations are looked at and dropped: what stays is 10 bytes for each peak of a channel.
    """

    def __init__(self, scope: Microscope, pictures: Array, count: int = PATCHES) -> None:
        self.scope, self.pictures, self.count = scope, pictures, count
        self.done = 0
        self.found: dict[str, Any] = {}         # layer -> (values, pictures, rows, columns), each (count, C)
        self.lowest: dict[str, Any] = {}        # the same of the smallest: their values are negated, each (LEAST, C)
        self.lock = threading.Lock()

    def of(self, layer: str, channel: int) -> list[Any]:
        """[(value, picture, row, column), ...] of one channel, the largest first; among the pictures gone through."""
        return [peak for peak in ordered(self.found[layer], channel) if peak[0] > 0]

    def least(self, layer: str, channel: int) -> list[Any]:
        """The same of the smallest values, the smallest first."""
        return [(-value, *where) for value, *where in ordered(self.lowest[layer], channel) if np.isfinite(value)]

    def all(self, report: Report) -> Any:
        """Go through all pictures; ``report(part)``: see asked.py."""
        with self.lock:
            while self.done < len(self.pictures):
                report(self.done / len(self.pictures))
                self.add(self.done)
                self.done += 1
            return self.found

    def add(self, number: int) -> None:
        for acts in in_segments(self.scope.net, self.scope.input(self.pictures[number])[0], grad=None):
            for layer, value in acts.items():
                self.enter(layer, value, number)

    def enter(self, layer: str, value: Array, number: int) -> None:
        """The peaks of one layer, of picture ``number``."""
        maps = value[0].reshape(-1, value.shape[-1])                # (positions, C)
        width, channels = value.shape[2] if value.ndim == 4 else 1, get_xp(maps).arange(maps.shape[1])
        for peaks, count, sign, best in ((self.found, self.count, 1, maps.argmax(axis=0)),
                                         (self.lowest, LEAST, -1, maps.argmin(axis=0))):
            if layer not in peaks:
                shape = (count, maps.shape[1])
                peaks[layer] = (np.full(shape, -np.inf, np.float32), *np.zeros((3, *shape), np.int16))
            row, column = np.divmod(to_cpu(best), width)
            enter(peaks[layer], sign * to_cpu(maps[best, channels]), number, row, column)


def enter(peaks: Any, peak: Array, number: int, row: Array, column: Array) -> None:
    """Put each channel's peak of a picture in the place of the least one, if that is smaller."""
    values = peaks[0]
    least = values.argmin(axis=0)
    channels = np.flatnonzero(peak > values[least, np.arange(len(peak))])
    for part, new in zip(peaks, (peak, np.full(len(peak), number), row, column)):
        part[least[channels], channels] = new[channels]


def ordered(peaks: Any, channel: int) -> list[Any]:
    """[(value, picture, row, column), ...] of one channel, the largest first."""
    values, *where = peaks
    best = np.lexsort((where[0][:, channel], -values[:, channel]))
    return [(float(values[k, channel]), *(int(part[k, channel]) for part in where)) for k in best]


def show_patches(desk: Bench, asked: Asked, tell: Tell) -> None:
    """The nine strongest places of a unit and the three weakest; then what the rules draw of the strongest.

    While the sample pictures are gone through, those among the first 9, 18, 36, ... are shown: with a large net beside
    a camera that streams, all of them take long.
    """
    if asked.unit is None:
        raise BadValue("patches need a unit, such as conv3_1:4")
    unit, report = parse_unit(desk.microscope.net, asked.unit), reporter("patches", tell)
    below = source_of_unit(desk.microscope.net, Unit(unit.layer, unit.channel, None))    # behind a ReLU the least is 0
    peaks, due = desk.peaks, PATCHES

    def show_first(part: float) -> None:
        nonlocal due
        report(part)
        if peaks.done >= due:
            due = 2 * peaks.done
            show(part)

    def show(part: float) -> list[Seen]:
        seen = [Seen(desk, unit.layer, *peak) for peak in peaks.of(unit.layer, unit.channel)]
        least = [Seen(desk, below.layer, *peak) for peak in peaks.least(below.layer, below.channel)]
        if tell(patches_message(desk, unit, seen, below, least, part)):
            raise Stopped
        return seen

    peaks.all(show_first)
    seen = show(1)
    key = ("back", desk.microscope.name, str(unit))
    drawn = desk.kept.get(key)
    if drawn is None:
        drawn = drawn_back(desk, unit, seen, report)
        desk.kept.put(key, drawn)
    tell(envelope({"type": "patches_back", "unit": str(unit), "rules": list(PATCH_RULES)}, {"tiles": drawn}), "back")


def patches_message(
    desk: Bench, unit: Unit, seen: Sequence[Seen], below: Unit, least: Sequence[Seen], part: float,
) -> bytes:  # fmt: skip
    """``least`` are those of the unit ``below``; ``part``: of the sample pictures, among which these are."""
    names = desk.samples.names
    head = {"type": "patches", "unit": str(unit), "layer": unit.layer, "channel": unit.channel, "part": part,
            **listed(seen, names), "least": {"layer": below.layer, **listed(least, names)},
            "pictures": len(names), "field": list(desk.microscope.net.receptive_field(unit.layer).size)}
    return envelope(head, {"tiles": resized([one.cut(one.pixels) for one in seen], TILE),
                           "least_tiles": resized([one.cut(one.pixels) for one in least], TILE)})


def listed(seen: Sequence[Seen], names: Sequence[str]) -> dict[str, Any]:
    return {"values": [one.value for one in seen], "names": [names[one.picture] for one in seen],
            "places": [{"picture": one.picture, "box": one.part()} for one in seen]}


def show_patterns(desk: Bench, asked: Asked, tell: Tell) -> None:
    """The strongest patch of each unit of a layer: of that of the unit which is named."""
    if asked.unit is None:
        raise BadValue("patterns need a unit of their layer, such as conv3_1:4")
    layer = parse_unit(desk.microscope.net, asked.unit).layer
    tell(envelope({"type": "patterns", "layer": layer}, {"sheet": sheet(desk, layer, reporter("patterns", tell))}))


class Seen:
    """One peak, and the part of the picture that it sees."""

    def __init__(self, desk: Bench, layer: str, value: float, picture: int, row: int, column: int) -> None:
        self.value, self.picture, self.row, self.column = value, picture, row, column
        self.x, self.pixels, self.fitted = desk.microscope.input(desk.samples.images[picture])
        field = desk.microscope.net.receptive_field(layer, self.x.shape)
        self.box = field.box(row, column, self.pixels.shape[:2])

    def cut(self, image: Picture) -> Array:
        top, left, bottom, right = self.box
        return image[top:bottom, left:right]

    def part(self) -> list[float]:
        """The box as parts of the whole sample picture: top, left, height, width."""
        top, left, bottom, right = self.box
        height, width = self.pixels.shape[:2]
        return [top / height, left / width, (bottom - top) / height, (right - left) / width]


def drawn_back(desk: Bench, unit: Unit, seen: Sequence[Seen], report: Report) -> Array:
    """(rules, patches, TILE, TILE, 3): the gradient of the unit at each patch under each rule, by its own range."""
    net = desk.microscope.net
    tiles = np.zeros((len(PATCH_RULES), len(seen), TILE, TILE, 3), np.uint8)
    for k, one in enumerate(seen):
        report(k / len(seen))
        where = (one.row, one.column) if len(net.shapes()[unit.layer]) == 4 else None
        acts = net.forward(one.x, until=unit.layer, keep={unit.layer})
        for rule, row in zip(PATCH_RULES, tiles):
            dacts, _ = net.backward(acts, one_hot(acts, Unit(unit.layer, unit.channel, where)), relu_rule=rule)
            patch = one.cut(to_cpu(net.preprocess_adjoint(dacts["input"]))[0])
            patch = signed_bytes(patch, display_limit(patch))
            row[k] = resized([patch if patch.shape[2] == 3 else patch.repeat(3, axis=2)], TILE)[0]
    return tiles


def sheet(desk: Bench, layer: str, report: Report) -> Array:
    """(C, SMALL, SMALL, 3): the strongest patch of every unit of a layer; black where a unit is never on."""
    key = ("sheet", desk.microscope.name, layer)
    found = desk.kept.get(key)
    if found is None:
        units = desk.peaks.all(report)[layer][0].shape[1]
        best = [desk.peaks.of(layer, channel)[:1] for channel in range(units)]
        found = np.zeros((len(best), SMALL, SMALL, 3), np.uint8)
        for k, peaks in enumerate(best):                # of a thousand classes it takes a while
            report(k / len(best))
            for peak in peaks:
                one = Seen(desk, layer, *peak)
                found[k] = resized([one.cut(one.pixels)], SMALL)[0]
        desk.kept.put(key, found)
    return found


def resized(patches: Sequence[Array], side: int) -> Array:
    """(n, side, side, 3): small ones keep their squares, large ones are shrunk."""
    sheet = np.zeros((len(patches), side, side, 3), np.uint8)
    for tile, patch in zip(sheet, patches):
        how = Image.Resampling.BOX if patch.shape[0] > side else Image.Resampling.NEAREST
        tile[...] = np.asarray(Image.fromarray(patch).resize((side, side), how))
    return sheet
