"""One small net as its own framework saved it, with an input and an answer; and whether minivis gives that answer."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import minivis as mv
from minivis.errors import MinivisError
from minivis.images.preprocessing import IDENTITY

TOLERANCE = 1e-5                        # of the largest value of the answer


@dataclass
class Case:
    """``x`` (N, H, W, C): what the framework's net read. ``y``: its answer, rows (N, D) or maps (N, H, W, C); of a net
    with several outputs, {name: answer}.

    ``settings`` are further ones of `mv.load`. What the file itself does to a picture first (a mean, a scale) is part
    of the file: x comes before it.
    """

    name: str
    path: Path
    x: np.ndarray
    y: np.ndarray | dict
    settings: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """How minivis did: the error as a share of the largest value, or the sentence with which it refused the file."""

    name: str
    error: float | None = None
    refused: str = ""

    @property
    def right(self):
        return self.error is not None and self.error <= TOLERANCE


def judge(case):
    try:
        net = mv.load(case.path, **{"preprocess": as_it_is(case.x.shape[3])} | case.settings)
        given = net.preprocessing
        x = case.x[..., ::-1] if given.channel_order == "BGR" else case.x       # the file turns the channels round
        x = (x - np.array(given.mean)) / np.array(given.scale)
        acts = net.forward(np.ascontiguousarray(x, net.dtype), grad=None)
    except MinivisError as error:
        return Verdict(case.name, refused=str(error).replace(str(case.path), case.path.name))
    if not isinstance(case.y, dict):
        return Verdict(case.name, difference(acts[list(net.nodes)[-1]], case.y))
    return Verdict(case.name, max(difference(acts[net.about["outputs"][name]], y) for name, y in case.y.items()))


def as_it_is(channels):
    """The preprocessing that hands a picture to the file's own net unchanged."""
    return IDENTITY.of_channels(channels)


def difference(ours, theirs):
    if ours.size != theirs.size or len(ours) != len(theirs):
        return np.inf
    theirs = theirs.reshape(ours.shape)
    return float(abs(ours - theirs).max() / max(abs(theirs).max(), 1e-30))
