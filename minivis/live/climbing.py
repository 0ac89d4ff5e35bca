"""Pictures that grow until they excite a unit: from noise, and from the picture that stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.units import Unit, parse_unit
from minivis.errors import BadValue
from minivis.layers import MaxPool2D, ReLU
from minivis.live.asked import Asked, Report, Stopped, Tell, reporter
from minivis.live.messages import envelope
from minivis.methods.synthesis.goals import spread
from minivis.objectives.activations import diversity, neuron
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier
from minivis.optimize.problem import Problem
from minivis.optimize.transforms import jitter
from minivis.optimize.update_rules import Adam
from minivis.optimize.watch import Watch
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.engine.network import Network
    from minivis.live.desk import Bench

STEPS = 160                                     # of a maximisation
DIVERSE = 3                                     # images that excite a unit
UNLIKE = 2                                      # times the spread of a unit's values: the weight of being unlike
RATE, NOISE = 0.05, 0.01                        # of Adam; of what it starts from
GROWING = 0.03                                  # Adam's rate where it starts from a picture
EVERY = 4                                       # steps between two pictures of it


def maximize(desk: Bench, asked: Asked, tell: Tell) -> None:
    """Images grown from noise, kept for the next viewer who asks: three that excite a unit, one that does the opposite.

    One after the other, since a pass over one image takes the least memory. The second and the third are kept unlike
    those before them (`diversity`), so that one sees more than one side of what the unit looks for.
    """
    unit = replace(named_unit(desk, asked.unit), where=None)
    key = ("maximized", desk.microscope.name, str(unit))
    if desk.kept.get(key) is not None:
        tell(desk.kept.get(key))
        return
    net = desk.microscope.net
    climbed = source_of_unit(net, unit)
    goal = neuron(climbed.layer, climbed.channel, climbed.where)
    size = (*size_of(net), 3 if net.input_channels == 3 else 1)
    content = net.roles.get("content") or climbed.layer
    weight = UNLIKE * spread(net, climbed, (1, *size))
    space = fourier(net, (1, *size))
    grown, before = np.zeros((0, *size), np.uint8), None
    for number in range(DIVERSE + 1):
        objective = 1 * goal if number == DIVERSE else -1 * goal
        if 0 < number < DIVERSE:
            objective = objective + weight * diversity(content, before)
        noise = np.random.default_rng(number).standard_normal(space.start(np.full((1, *size), 128.0)).shape)

        def show(preview: Any, grown: Array = grown) -> bool:
            pictures = np.concatenate([grown, preview.pixels()])
            return tell(maximized(desk, unit, pictures, len(grown) * STEPS + preview.step))

        def report(part: float, number: int = number) -> None:
            reporter("maximize", tell)((number + part) / (DIVERSE + 1))

        run = climb(net, objective, space, (NOISE * noise).astype(net.dtype), Adam(RATE), show, report)
        grown = np.concatenate([grown, run.pixels.round().astype(np.uint8)])
        before = activations_of(desk, content, grown)
    message = maximized(desk, unit, grown, (DIVERSE + 1) * STEPS, values_of(desk, unit, grown))
    desk.kept.put(key, message)
    tell(message)


def activations_of(desk: Bench, layer: str, pictures: Array) -> Array:
    """A layer's activations of pixels, (n, ...), one picture after the other."""
    net = desk.microscope.net
    return np.concatenate([to_cpu(net.forward(desk.microscope.input(coloured(one))[0], until=layer, keep={layer},
                                              grad=None)[layer]) for one in pictures])


def maximized(desk: Bench, unit: Unit, pictures: Array, part: float, values: Any = None) -> bytes:
    head = {"type": "grown", "job": "maximize", "unit": str(unit), "name": desk.microscope.unit_name(unit),
            "layer": source_of_unit(desk.microscope.net, unit).layer, "part": part / ((DIVERSE + 1) * STEPS),
            "values": values}
    return envelope(head, {"pictures": coloured(pictures)})


def coloured(pictures: Array) -> Picture:
    """Pictures of one channel with three."""
    return pictures if pictures.shape[-1] == 3 else pictures.repeat(3, axis=-1)


def values_of(desk: Bench, unit: Unit, pictures: Array) -> list[float]:
    """What each picture does to the unit: its value, of a map the largest; of the last one the smallest."""
    values = activations_of(desk, source_of_unit(desk.microscope.net, unit).layer, pictures)[..., unit.channel]
    *largest, last = values.reshape(len(values), -1)
    return [*(float(one.max()) for one in largest), float(last.min())]


def grow_frozen(desk: Bench, asked: Asked, tell: Tell) -> None:
    """The picture that stands, changed until it excites a unit; the answers are those of what is shown."""
    unit = named_unit(desk, asked.unit)
    net = desk.microscope.net
    x, fitted, _ = desk.microscope.input(asked.picture)
    space = fourier(net, x.shape)
    climbed = source_of_unit(net, unit)
    goal = -1 * neuron(climbed.layer, climbed.channel, climbed.where)

    def message(step: int, picture: Picture, value: float) -> bytes:
        head = {"type": "grown", "job": "grow", "unit": str(unit), "name": desk.microscope.unit_name(unit),
                "step": step, "steps": STEPS, "value": value, "top": desk.microscope.top_of(picture)}
        return envelope(head, {"picture": picture})

    def show(preview: Any) -> bool:
        return tell(message(preview.step, preview.pixels()[0], -preview.terms[goal.parts[0].name]))

    start = space.start(fitted[..., : x.shape[3]].astype(net.dtype))
    run = climb(net, goal, space, start, Adam(GROWING), show, reporter("grow", tell))
    tell(message(STEPS, run.pixels[0].round().astype(np.uint8), float(-run.terms[goal.parts[0].name])))


def named_unit(desk: Bench, text: str | None) -> Unit:
    if text is None:
        raise BadValue("name the unit to maximise, such as conv3_1:4")
    unit = parse_unit(desk.microscope.net, text)
    return replace(unit, where=None) if unit.where == "max" else unit           # wherever it likes: everywhere


def source_of_unit(net: Network, unit: Unit) -> Unit:
    """What to climb for a unit: what is below ReLUs and pools, which are flat where it is off; before a softmax."""
    layer = unit.layer
    if layer == net.roles.get("prob") and net.roles.get("logits"):
        layer = net.roles["logits"]
    while unit.where is None and layer in net.nodes and isinstance(net.nodes[layer].layer, (ReLU, MaxPool2D)):
        layer = net.nodes[layer].inputs[0]
    return unit if layer == "input" else replace(unit, layer=layer)


def size_of(net: Network) -> tuple[int, int]:
    return net.input_size or (128, 128)


def climb(
    net: Network, goal: Any, space: Any, start: Array, method: Any, show: Callable[[Any], bool], report: Report,
) -> Any:  # fmt: skip
    """Gradient ascent of the pictures of a space, shown on the way; raise Stopped where ``show`` says so.

    ``report(part)`` after each other step, so that who waits for a turn waits for one step.
    """
    def step(preview: Any) -> bool:
        if preview.step % EVERY == 0:
            return show(preview)
        report(preview.step / STEPS)
        return False

    shake = jitter(max(1, min(space.shape[1:3]) // 16))
    run = optimize(Problem(net, goal, space, (shake,)), start, method=method, steps=STEPS,
                   watch=Watch(step, every=1))
    if run.stopped.startswith("stopped"):
        raise Stopped
    return run
