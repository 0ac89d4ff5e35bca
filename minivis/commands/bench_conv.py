"""The time of each algorithm for each convolution of a net, which justifies the table of rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.convolution.choose import NEEDS, choose
from minivis.convolution.choose import case as case_of
from minivis.errors import BadValue
from minivis.layers import BackwardMode, Conv2D, ForwardMode

if TYPE_CHECKING:
    from minivis.types import Shape

DIRECTIONS = ("forward", "input")


@dataclass(frozen=True)
class ConvTimes:
    """One layer in one direction: milliseconds by algorithm (the shortest of a few runs), and the algorithm picked."""

    name: str
    direction: str
    case: object
    picked: str
    milliseconds: dict

    @property
    def fastest(self) -> str:
        return min(self.milliseconds, key=self.milliseconds.__getitem__)

    def __str__(self) -> str:
        times = self.milliseconds.items()
        shown = "  ".join(f"{'*' if name == self.picked else ''}{name} {ms:.2f}" for name, ms in times)
        return f"{self.name:<16} {self.direction:<8} {shown}"


def bench_conv(net: Any, input_shape: Shape | None = None, *, repeats: int = 3, seed: int = 0) -> Iterator[ConvTimes]:
    """Yield `ConvTimes` for every convolution and direction (forward, and the data gradient), in the net's order."""
    rng, shapes = np.random.default_rng(seed), net.shapes(input_shape)
    if not any(isinstance(layer, Conv2D) for layer in net.layers.values()):
        raise BadValue("this net has no convolution to time")
    for name, (layer, (source, *_)) in net.nodes.items():
        if not isinstance(layer, Conv2D):
            continue
        x, dout = (rng.standard_normal(shapes[at]).astype(net.dtype) for at in (source, name))
        for direction in DIRECTIONS:
            case, times = case_of(direction, layer, x.shape), {}
            for algorithm in (name for name, (fits, _) in NEEDS.items() if fits(case)):
                run: Callable[[], Any]
                if direction == "forward":
                    run = partial(layer.forward, x, mode=ForwardMode(None, algorithm=algorithm))
                else:
                    run = partial(layer.backward, dout, x.shape, BackwardMode(algorithm=algorithm))
                times[algorithm] = least_milliseconds(run, repeats)
            yield ConvTimes(name, direction, case, choose(case), times)


def least_milliseconds(run: Callable[[], Any], repeats: int) -> float:
    run()                                       # the first run transforms weights and allocates memory
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return 1e3 * min(seconds)


def architecture(name: str) -> Any:
    """A net of this architecture ("vgg16") up to its last convolution, with random weights; None if it is unknown.

    Times do not depend on the weights, so none have to be fetched.
    """
    from minivis.models.known import AS_OURS, architectures

    same = [known for known in architectures() if known.name.lower() == name.lower()]
    if not same:
        return None
    net = next((known for known in same if known.program == AS_OURS), same[0]).net
    last = max(i for i, layer in enumerate(net.layers.values()) if isinstance(layer, Conv2D))
    rng = np.random.default_rng(0)
    draw = lambda p: np.abs(rng.standard_normal(p.shape, "f4")) / p.size  # noqa: E731  (a variance is not negative)
    return replace(net, nodes=dict(list(net.nodes.items())[: last + 1])).map_params(draw)
