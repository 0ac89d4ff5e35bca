"""What takes longer than a picture may: each job is a function that tells its news, and stops when told to.

    job(desk, asked, tell)                          tell(message) -> True: nobody wants it any more

What a job tells takes the place of what it told before and was not sent yet; tell(message, part) is about a part alone.
``asked`` is an `Asked` (asked.py): the picture, a unit, a class. ``desk.kept`` holds what does not depend on the
picture, for all viewers: patches and maximised images.
"""

from collections.abc import Callable

from minivis.engine.units import Unit, parse_unit
from minivis.errors import BadValue
from minivis.figures.colormaps import display_limit
from minivis.live.arithmetic import explain
from minivis.live.asked import reporter
from minivis.live.climbing import grow_frozen, maximize
from minivis.live.messages import envelope
from minivis.live.microscope import signed_bytes
from minivis.live.patches import show_patches
from minivis.methods.attribution.occlusion import occlusion
from minivis.methods.attribution.saliency import saliency


def show_saliency(desk, asked, tell):
    found = saliency(desk.microscope.net, asked.picture, asked.unit)
    tell(heat("saliency", found.maps[0], found.target, asked.number))


def show_occlusion(desk, asked, tell):
    """Tells its progress batch by batch."""
    report = reporter("occlusion", tell)

    def watched(batches):
        for k, batch in enumerate(batches):
            report(k / len(batches))
            yield batch

    found = occlusion(desk.microscope.net, asked.picture, asked.unit, batch=8, progress=watched)
    before, lowest = float(found.before[0]), float(found.worst[0][0])
    tell(heat("occlusion", found.maps[0], found.target, asked.number, before=before, lowest=lowest,
              windows=found.settings["windows"], measure=found.settings["measure"]))


def heat(job, values, target, number, **numbers):
    limit = display_limit(values, 100)
    head = {"type": "heat", "job": job, "number": number, "name": target.name(0), "limit": float(limit), **numbers}
    return envelope(head, {"map": signed_bytes(values, limit)})


def show_arithmetic(desk, asked, tell):
    net = desk.on_cpu
    if asked.unit is None:
        raise BadValue("explain needs a unit, such as conv3_1:4@3,4")
    shown = parse_unit(net, asked.unit)
    if shown.where is None and len(net.shapes()[shown.layer]) == 4:
        shown = Unit(shown.layer, shown.channel, "max")
    found = explain(net, net.preprocess(net.fit(asked.picture)), shown, asked.target)
    tell({"type": "explained", "number": asked.number, **found})


LANES = {                                       # a lane does one job at a time; nobody who asked waits for the last
    "asked": {"explain": show_arithmetic, "saliency": show_saliency},
    "long": {"occlusion": show_occlusion, "grow": grow_frozen},
    "patches": {"patches": show_patches},
    "maximize": {"maximize": maximize},
}  # fmt: skip
JOBS: dict[str, Callable[..., None]] = {name: job for jobs in LANES.values() for name, job in jobs.items()}
LANE_OF = {name: lane for lane, jobs in LANES.items() for name in jobs}
WITHOUT_PICTURE = ("patches", "maximize")      # about a unit, whatever the viewer shows
ON_FRAME = ("saliency", "occlusion", "grow")    # tools: a viewer has one at a time, laid over the picture
