"""Pictures that grow until they excite a unit: from noise, and from the picture that stands."""

from dataclasses import replace

import numpy as np

from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.layers import MaxPool2D, ReLU
from minivis.live.asked import Stopped
from minivis.live.messages import envelope
from minivis.objectives.activations import neuron
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier
from minivis.optimize.problem import Problem
from minivis.optimize.transforms import jitter
from minivis.optimize.update_rules import Adam
from minivis.optimize.watch import Watch

STEPS = 160                                     # of a maximisation
EVERY = 4                                       # steps between two pictures of it


def maximize(desk, asked, tell):
    """An image that excites a unit, grown from noise: kept for the next viewer who asks for it."""
    unit = replace(named_unit(desk, asked.unit), where=None)
    key = ("maximized", str(unit))
    if desk.kept.get(key) is not None:
        tell(desk.kept.get(key))
        return
    net = desk.microscope.net
    shape = (1, *size_of(net), 3 if net.input_channels == 3 else 1)
    space = fourier(net, shape)
    start = 0.01 * np.random.default_rng(0).standard_normal(space.start(np.full(shape, 128.0)).shape).astype(net.dtype)
    desk.kept.put(key, grow(desk, unit, space, start, Adam(0.05), "maximize", tell))


def grow_frozen(desk, asked, tell):
    """The picture that stands, changed until it excites a unit."""
    unit = named_unit(desk, asked.unit)
    net = desk.microscope.net
    x, fitted, _ = desk.microscope.input(asked.picture)
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
        head = {"type": "grown", "job": job, "unit": str(unit), "name": desk.microscope.unit_name(unit), "step": step,
                "steps": STEPS, "value": value}
        if job == "grow":                               # it stands in place of the input, so the answers are its own
            head["top"] = desk.microscope.top_of(picture)
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
