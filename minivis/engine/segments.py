"""A pass in segments, one after the other, so that only one segment's outputs are in memory at a time.

A segment ends where one output is all that the layers above it read: after any layer of a chain, after the sum of a
residual block. So the next one needs only that output to go on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minivis.engine import geometry
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

PART = 1 / 8                                    # of all outputs' numbers, from which on a segment is large enough


def segments(net: Network, names: Sequence[str], shapes: Mapping[str, Shape], start_after: str) -> list[list[str]]:
    """The layers ``names`` of a pass, in order: [those of the first segment, those of the next, ...].

    shapes: name -> shape of the output, for all of them.
    """
    sizes = {name: math.prod(shapes[name]) for name in names}
    enough = PART * sum(sizes.values())
    last_read = {source: k for k, name in enumerate(names) for source in net.nodes[name].inputs}
    found: list[list[str]] = [[]]
    needed_until, size = last_read.get(start_after, 0), 0
    for k, name in enumerate(names):
        found[-1].append(name)
        size += sizes[name]
        if k >= needed_until and size >= enough and name != names[-1]:
            found.append([])
            size = 0
        needed_until = max(needed_until, last_read.get(name, 0))
    return found


def in_segments(net: Network, x: Array, *, keep: Iterable[str] | None = None, **how: Any) -> Iterator[Activations]:
    """The `Activations` of each segment of a pass over pictures x; ``keep`` and ``how``: see `Network.forward`."""
    start, wanted = "input", None if keep is None else set(keep)
    for names in segments(net, list(net.nodes), geometry.shapes(net, x.shape), start):
        some = None if wanted is None else {*wanted.intersection(names), names[-1]}
        acts = net.forward(x, start_after=start, until=names[-1], keep=some, **how)
        if start != "input":
            acts.pop(start, None)               # it was among the outputs of the segment before
        start, x = names[-1], acts[names[-1]]
        yield acts
        del acts                                # before the next one begins
