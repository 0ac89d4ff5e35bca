"""What takes longer than a picture may: each job is a function that tells its news, and stops when told to.

    job(desk, picture, unit, number, tell)          tell(message) -> True: nobody wants it any more

``desk.kept`` holds what does not depend on the picture, for all viewers: patches and maximised images.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.units import Unit, parse_unit
from minivis.errors import BadValue
from minivis.figures.colormaps import display_limit
from minivis.layers import MaxPool2D, ReLU
from minivis.live.arithmetic import explain
from minivis.live.messages import envelope
from minivis.live.microscope import signed_bytes
from minivis.methods.attribution.occlusion import occlusion
from minivis.methods.attribution.saliency import saliency
from minivis.objectives.activations import neuron
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier
from minivis.optimize.problem import Problem
from minivis.optimize.transforms import jitter
from minivis.optimize.update_rules import Adam
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu

PATCHES = 9                                     # of a unit
STEPS = 160                                     # of a maximisation
EVERY = 4                                       # steps between two pictures of it
KEPT = 400                                      # maximised images that are remembered


class Stopped(Exception):
    """Out of the middle of a method, because nobody waits for it any more."""


def show_saliency(desk, picture, unit, number, tell):
    found = saliency(desk.microscope.net, picture, unit)
    tell(heat("saliency", found.maps[0], found.target, number))


def show_occlusion(desk, picture, unit, number, tell):
    """Tells its progress batch by batch."""
    def watched(batches):
        for k, batch in enumerate(batches):
            if tell({"type": "progress", "job": "occlusion", "part": k / len(batches)}):
                raise Stopped
            yield batch

    found = occlusion(desk.microscope.net, picture, unit, batch=8, progress=watched)
    before, lowest = float(found.before[0]), float(found.worst[0][0])
    tell(heat("occlusion", found.maps[0], found.target, number, before=before, lowest=lowest,
              windows=found.settings["windows"], measure=found.settings["measure"]))


def heat(job, values, target, number, **numbers):
    limit = display_limit(values, 100)
    head = {"type": "heat", "job": job, "number": number, "name": target.name(0), "limit": float(limit), **numbers}
    return envelope(head, {"map": signed_bytes(values, limit)})


def show_arithmetic(desk, picture, unit, number, tell):
    net = desk.on_cpu
    if unit is None:
        raise BadValue("explain needs a unit, such as conv3_1:4@3,4")
    shown = parse_unit(net, unit)
    if shown.where is None and len(net.shapes()[shown.layer]) == 4:
        shown = Unit(shown.layer, shown.channel, "max")
    tell({"type": "explained", "number": number, **explain(net, net.preprocess(net.fit(picture)), shown)})


def show_patches(desk, picture, unit, number, tell):
    """The places in the sample pictures that excite a unit most; and of each unit of its layer the first one."""
    if unit is None:
        raise BadValue("patches need a unit, such as conv3_1:4")
    net, unit = desk.microscope.net, parse_unit(desk.microscope.net, unit)
    peaks = sample_peaks(desk, tell)[unit.layer]
    if ("sheet", unit.layer) not in desk.kept:
        off = [np.zeros((1, 1, 3), np.uint8)]
        firsts = [(cut(desk, unit.layer, peaks, c, 1) or off)[0] for c in range(len(peaks[0]))]
        desk.kept["sheet", unit.layer] = resized(firsts, 32)
    tiles = resized(cut(desk, unit.layer, peaks, unit.channel, PATCHES), 64)
    best = np.argsort(-peaks[0][unit.channel], kind="stable")[: len(tiles)]
    head = {"type": "patches", "unit": str(unit), "layer": unit.layer, "channel": unit.channel,
            "values": peaks[0][unit.channel][best].tolist(), "names": [desk.samples.names[i] for i in best],
            "pictures": len(desk.samples.names), "field": list(net.receptive_field(unit.layer).size)}
    tell(envelope(head, {"tiles": tiles, "sheet": desk.kept["sheet", unit.layer]}))


def sample_peaks(desk, tell):
    """layer -> (C, N) the largest value of each channel in each sample picture, and its row and column."""
    if "peaks" in desk.kept:
        return desk.kept["peaks"]
    scope, net = desk.microscope, desk.microscope.net
    found: dict[str, Any] = {}
    for k, picture in enumerate(desk.samples.images):
        if k % 10 == 0 and tell({"type": "progress", "job": "patches", "part": k / len(desk.samples.images)}):
            raise Stopped
        acts = net.forward(scope.input(picture)[0], grad=None)
        for layer, value in acts.items():
            maps = value[0].reshape(-1, value.shape[-1])                # (positions, C)
            best = to_cpu(maps.argmax(axis=0))
            width = value.shape[2] if value.ndim == 4 else 1
            peak = to_cpu(maps[best, get_xp(maps).arange(maps.shape[1])])
            found.setdefault(layer, []).append((peak, *np.divmod(best, width)))
    desk.kept["peaks"] = {layer: tuple(np.stack(part, axis=1) for part in zip(*rows)) for layer, rows in found.items()}
    return desk.kept["peaks"]


def cut(desk, layer, peaks, channel, count):
    """The patches behind a channel's ``count`` highest peaks: what each place sees of what the net saw."""
    scope = desk.microscope
    value, row, column = (part[channel] for part in peaks)
    patches = []
    for i in np.argsort(-value, kind="stable")[:count]:
        if value[i] > 0:
            x, fitted, _ = scope.input(desk.samples.images[i])
            field = scope.net.receptive_field(layer, x.shape)
            top, left, bottom, right = field.box(int(row[i]), int(column[i]), fitted.shape[:2])
            patches.append(fitted[top:bottom, left:right])
    return patches


def resized(patches, side):
    """(n, side, side, 3): small ones keep their squares, large ones are shrunk."""
    sheet = np.zeros((len(patches), side, side, 3), np.uint8)
    for tile, patch in zip(sheet, patches):
        how = Image.Resampling.BOX if patch.shape[0] > side else Image.Resampling.NEAREST
        tile[...] = Image.fromarray(patch).resize((side, side), how)
    return sheet


def maximize(desk, picture, unit, number, tell):
    """An image that excites a unit, grown from noise: kept for the next viewer who asks for it."""
    unit = replace(named_unit(desk, unit), where=None)
    key = ("maximized", str(unit))
    if key in desk.kept:
        tell(desk.kept[key])
        return
    net = desk.microscope.net
    shape = (1, *size_of(net), 3 if net.input_channels == 3 else 1)
    space = fourier(net, shape)
    start = 0.01 * np.random.default_rng(0).standard_normal(space.start(np.full(shape, 128.0)).shape).astype(net.dtype)
    message = grow(desk, unit, space, start, Adam(0.05), "maximize", tell)
    if len([k for k in desk.kept if k[0] == "maximized"]) < KEPT:
        desk.kept[key] = message


def grow_frozen(desk, picture, unit, number, tell):
    """The picture that stands, changed until it excites a unit."""
    unit = named_unit(desk, unit)
    net = desk.microscope.net
    x, fitted, _ = desk.microscope.input(picture)
    space = fourier(net, x.shape)
    start = space.start(fitted[..., : x.shape[3]].astype(net.dtype))
    grow(desk, unit, space, start, Adam(0.03), "grow", tell)


def named_unit(desk, unit):
    if unit is None:
        raise BadValue("name the unit to maximise, such as conv3_1:4")
    unit = parse_unit(desk.microscope.net, unit)
    return replace(unit, where=None) if unit.where == "max" else unit           # wherever it likes: everywhere


def source_of_unit(net, unit):
    """What to climb for a unit: what is below ReLUs and pools, which are flat where it is off; before a softmax."""
    layer = unit.layer
    if layer == net.roles.get("prob") and net.roles.get("logits"):
        layer = net.roles["logits"]
    while unit.where is None and layer in net.nodes and isinstance(net.nodes[layer].layer, (ReLU, MaxPool2D)):
        layer = net.nodes[layer].inputs[0]
    return unit if layer == "input" else replace(unit, layer=layer)


def size_of(net):
    return net.input_size or (128, 128)


def grow(desk, unit, space, start, method, job, tell):
    """Climb, and show it on the way. Return the last message; raise Stopped."""
    net = desk.microscope.net
    climbed = source_of_unit(net, unit)
    goal = -1 * neuron(climbed.layer, climbed.channel, climbed.where)

    def message(step, picture, value):
        head = {"type": "grown", "job": job, "unit": str(unit), "step": step, "steps": STEPS, "value": value}
        return envelope(head, {"picture": picture})

    def show(preview):
        return tell(message(preview.step, preview.pixels()[0], -preview.terms[goal.parts[0].name]))

    shake = jitter(max(1, min(space.shape[1:3]) // 16))
    problem = Problem(net, goal, space, (shake,))
    run = optimize(problem, start, method=method, steps=STEPS, watch=Watch(show, every=EVERY))
    if run.stopped.startswith("stopped"):
        raise Stopped
    last = message(STEPS, run.pixels[0].round().astype(np.uint8), float(-run.terms[goal.parts[0].name]))
    tell(last)
    return last


LANES = {                                       # a lane does one job at a time; nobody who asked waits for the last
    "asked": {"explain": show_arithmetic, "saliency": show_saliency},
    "long": {"occlusion": show_occlusion, "grow": grow_frozen},
    "background": {"patches": show_patches, "maximize": maximize},
}  # fmt: skip
JOBS: dict[str, Callable[..., None]] = {name: job for jobs in LANES.values() for name, job in jobs.items()}
LANE_OF = {name: lane for lane, jobs in LANES.items() for name in jobs}
