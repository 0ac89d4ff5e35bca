"""What takes longer than a picture may: each job is a function that tells its news, and stops when told to.

    job(desk, asked, tell)                          tell(message) -> True: nobody wants it any more

What a job tells replaces what it told before and was not sent yet; tell(message, part) is about only that part.
``asked`` is an `Asked` (asked.py): the picture, a unit, a class. ``desk.kept`` holds what does not depend on the
picture, for all viewers: patches and maximised images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from minivis.engine.memory import batch_that_fits
from minivis.engine.units import Unit, one_hot, parse_unit
from minivis.errors import BadValue
from minivis.figures.colormaps import display_limit
from minivis.figures.text import percent
from minivis.layers import ReLU
from minivis.live.arithmetic import explain
from minivis.live.asked import Asked, Report, Tell, reporter
from minivis.live.climbing import grow_frozen, maximize
from minivis.live.map_bytes import signed_bytes
from minivis.live.messages import envelope
from minivis.live.microscope import where_it_looks
from minivis.live.patches import show_patches, show_patterns
from minivis.methods.attribution.occlusion import occlusion
from minivis.methods.attribution.saliency import KINDS, SIGNED, saliency
from minivis.methods.shared.gradient import at_pixels
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.live.desk import Bench
    from minivis.methods.shared.target import Target


def shower(job: str) -> Callable[[Bench, Asked, Tell], None]:
    """The job of one kind of saliency map: TOOLS has its texts."""
    kind: Any = "gradient" if job == "saliency" else job

    def show(desk: Bench, asked: Asked, tell: Tell) -> None:
        found = saliency(desk.microscope.net, asked.picture, asked.unit, kind=kind, samples=25,
                         progress=watching(reporter(job, tell)))
        note = KINDS[kind].formula.format(name=found.target.name(0), **found.settings)
        signed = kind in SIGNED
        limit = display_limit(found.maps[0]) if signed else display_limit(found.maps[0], 100)
        tell(heat(job, found.maps[0], limit, found.target, asked.number, note=note, signed=signed))

    return show


def watching(report: Report) -> Any:
    """What goes through a job's batches, and tells how many are done."""
    def watched(batches: Any) -> Iterator[Any]:
        for k, batch in enumerate(batches):
            report(k / len(batches))
            yield batch

    return watched


def show_occlusion(desk: Bench, asked: Asked, tell: Tell) -> None:
    net = desk.microscope.net
    batch = batch_that_fits(net, desk.microscope.input(asked.picture)[0].shape[1:], most=8)
    found = occlusion(net, asked.picture, asked.unit, batch=batch,
                      progress=watching(reporter("occlusion", tell)))
    before, lowest = (amount(float(value), found.settings["measure"]) for value in (found.before[0], found.worst[0][0]))
    note = (f"{found.target.name(0)} falls from {before} to {lowest} under the worst of {found.settings['windows']} "
            "squares; red: it depends on this")
    limit = display_limit(found.maps[0], 100)
    tell(heat("occlusion", found.maps[0], limit, found.target, asked.number, note=note, signed=True))


def amount(value: float, measure: str) -> str:
    return percent(value) if measure == "prob" else f"{value:.3g}"


def heat(job: str, values: Array, limit: float, target: Target, number: int, **numbers: Any) -> bytes:
    head = {"type": "heat", "job": job, "number": number, "name": target.name(0), "limit": limit,
            "title": TOOLS[job]["title"], **numbers}
    return envelope(head, {"map": signed_bytes(values, limit)})


def show_arithmetic(desk: Bench, asked: Asked, tell: Tell) -> None:
    net = desk.on_cpu
    if asked.unit is None:
        raise BadValue("explain needs a unit, such as conv3_1:4@3,4")
    shown = parse_unit(net, asked.unit)
    if shown.where is None and len(net.shapes()[shown.layer]) == 4:
        shown = Unit(shown.layer, shown.channel, "max")
    found = explain(net, net.preprocess(net.fit(asked.picture)), shown, asked.target)
    tell({"type": "explained", "number": asked.number, **found})


def show_looks(desk: Bench, asked: Asked, tell: Tell) -> None:
    """Where a unit really looks: the box of the picture that holds most of its gradient (`where_it_looks`).

    Below a ReLU, which is flat where the unit is off: it looks there all the same.
    """
    net = desk.microscope.net
    unit = parse_unit(net, asked.unit or "")
    while isinstance(net.layers.get(unit.layer), ReLU):
        unit = replace(unit, layer=net.nodes[unit.layer].inputs[0])
    acts = net.forward(desk.microscope.input(asked.picture)[0], until=unit.layer, keep={unit.layer})
    dacts, _ = net.backward(acts, one_hot(acts, unit))
    box = where_it_looks(at_pixels(net, dacts["input"], "normal")[0])
    tell({"type": "looks", "number": asked.number, "unit": asked.unit, "box": box})


TOOLS = {                                       # what may be done to the frozen frame, in the order of the buttons
    "saliency": {"title": "Gradient", "key": "s", "says": "Saliency: the pixels that change the score most, by its "
                                                          "gradient."},
    "smoothgrad": {"title": "SmoothGrad", "key": "h", "says": "The gradient, averaged over 25 noisy copies of the "
                                                               "picture: less speckled."},
    "integrated": {"title": "Integrated gradients", "key": "i", "says": "What each pixel adds to the score on the way "
                                                                        "from grey to the picture."},
    "gradcam": {"title": "Grad-CAM", "key": "k", "says": "Which places of the last maps speak for the score: coarse, "
                                                         "but steady."},
    "lrp": {"title": "LRP", "key": "l", "says": "Layer-wise relevance propagation: the score, shared out among the "
                                                "pixels layer by layer."},
    "occlusion": {"title": "Occlusion", "key": "c", "says": "A grey square covers each place in turn: where does the "
                                                            "score fall?"},
    "grow": {"title": "Maximise", "key": "m", "says": "Change the picture until it excites the unit: gradient ascent."},
}  # fmt: skip
# a lane does one job at a time; nobody who asked waits for the last
LANES: dict[str, dict[str, Callable[..., None]]] = {
    "asked": {"explain": show_arithmetic, "looks": show_looks, "saliency": shower("saliency"),
              "gradcam": shower("gradcam")},
    "long": {"occlusion": show_occlusion, "smoothgrad": shower("smoothgrad"), "integrated": shower("integrated"),
             "lrp": shower("lrp"), "grow": grow_frozen},
    "patches": {"patches": show_patches, "patterns": show_patterns},
    "maximize": {"maximize": maximize},
}  # fmt: skip
JOBS = {name: job for jobs in LANES.values() for name, job in jobs.items()}
LANE_OF = {name: lane for lane, jobs in LANES.items() for name in jobs}
WITHOUT_PICTURE = ("patches", "patterns", "maximize")      # about a unit, whatever the viewer shows
ON_FRAME = tuple(TOOLS)                         # a viewer has one at a time, laid over the picture
