"""A backward pass that sends relevance: the loop of `Network.backward`, in which each layer shares out what it has.

Seeds are relevance, usually the value of one unit, and so is what arrives: its sum over the pixels is the unit's value,
except for what biases and epsilon absorb. The rules and what they do in a layer are in layers/relevance.py. A layer's
shares depend on its inputs, so what the forward pass did not keep is computed again, one layer after another, in
segments from the last one down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minivis.engine.geometry import preprocessing_of
from minivis.engine.plan import kept, leading, reached
from minivis.engine.segments import segments
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode
from minivis.layers.relevance import Box, shared_out
from minivis.layers.relu import ReLURuleName
from minivis.runtime.backend import get_xp
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.types import Gradients

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network


def run_backward(acts: Activations, seeds: Gradients, keep: Any, rule: ReLURuleName) -> Any:
    """The relevance at the layers of ``keep``, and at the seeds, by a `RelevanceRule`."""
    net, first, found = acts.net, first_weighed(acts.net, acts), dict(seeds)
    way = leading({name: net.nodes[name].inputs for name in acts.caches}, keep)
    for part in every_output(acts, seeds, way):
        with ONE_BLAS_THREAD:
            for name in reversed(part.caches):
                if name not in found or name not in way:
                    continue                                            # no seed and nothing above
                R = found[name] if name in keep else found.pop(name)
                for source, share in zip(net.nodes[name].inputs, parts_of(part, name, R, rule, name in first)):
                    found[source] = found[source] + share if source in found else share         # not +=: may be shared
        del part                                # before the one below it is made
    return kept(found, keep)


def parts_of(acts: Activations, name: str, R: Any, rule: Any, is_first: Any) -> Any:
    """What each input of a layer gets of its relevance R. BadValue names a layer that has no rule."""
    layer, inputs = acts.net.nodes[name]
    if layer.relevance is None:
        raise BadValue(f"{name} ({type(layer).__name__}) has no LRP rule, so relevance cannot be sent back through "
                       f"it: name a unit below it, or another rule")
    read = [acts[source] for source in inputs]
    share = rule.first if is_first else rule.maps if read[0].ndim == 4 else rule.rows
    limits = limits_of(acts, inputs[0]) if isinstance(share, Box) and layer.relevance == "weighs" else None
    mode = BackwardMode(algorithm=acts.mode.algorithm).at(name)
    return shared_out(layer, read, acts[name], acts.caches[name], R, share, mode, limits)


def every_output(acts: Activations, seeds: Gradients, way: set[str]) -> Iterator[Activations]:
    """The pass with the outputs of each layer of ``way`` up to the last seed, and of what it reads: as it is if it ran
    layer by layer and kept them, or again in segments, the last one first, so that only the outputs of one segment are
    in memory at a time."""
    if acts.mode.training:
        raise BadValue("relevance goes back through a net as it answers, not through a training pass")
    net, last = acts.net, max(seeds, key=list(acts.shapes).index)
    start, x = acts.began
    names = reached(net, None if last == start else last, start)
    shares = way.intersection(names)
    if not acts.fuse and all(one in acts for name in shares for one in (name, *net.nodes[name].inputs)):
        yield acts
        return
    how: Any = {"fuse": False, "algorithm": acts.mode.algorithm}
    parts = segments(net, names, acts.shapes, start)
    begins = [start, *(part[-1] for part in parts[:-1])]
    asked = [k for k, part in enumerate(parts) if not shares.isdisjoint(part)] or [0]
    begins, parts = begins[asked[0] :], parts[asked[0] :]
    clean: Any = {start: x}
    if begins[-1] != start:
        clean = net.forward(x, start_after=start, until=begins[-1], keep=begins, grad=None, **how)
    for begin, part in zip(reversed(begins), reversed(parts)):
        again = net.forward(clean.pop(begin), start_after=begin, until=part[-1], **how)
        again.setdefault(start, x)
        yield again
        del again


def first_weighed(net: Network, acts: Activations) -> Any:
    """The layers that weigh the picture itself, with no weights in between."""
    if acts.began[0] != "input":
        return set()
    found, untouched = set(), {"input"}
    for name in acts.caches:
        layer, inputs = net.nodes[name]
        if not set(inputs) <= untouched:
            continue
        if layer.relevance == "weighs":
            found.add(name)
        else:
            untouched.add(name)
    return found


def limits_of(acts: Activations, source: str) -> tuple[Any, Any]:
    """The lowest and the highest values that the layer ``source`` can have for a picture, in the shape of its output.

    Pixels go from 0 to 255, or as far as these do.
    """
    net, x = acts.net, acts["input"]
    xp, look = get_xp(x), preprocessing_of(acts.net)
    levels = (xp.full((1, 1, 1, look.channels), level, x.dtype) for level in (0, 255))
    ends = [look.preprocess(level, dtype=x.dtype) for level in levels]
    low = xp.minimum(xp.minimum(*ends), x.min(axis=(1, 2), keepdims=True))
    high = xp.maximum(xp.maximum(*ends), x.max(axis=(1, 2), keepdims=True))
    ends = [xp.broadcast_to(end, x.shape).astype(x.dtype) for end in (low, high)]
    if source != "input":
        ends = [net.forward(end, until=source, keep=[source], grad=None)[source] for end in ends]
    return xp.minimum(*ends), xp.maximum(*ends)
