"""Explain this number: the arithmetic that made one activation, and the one that makes its gradient under each rule.

    forward     the unit's own layer: inputs, weights, products, bias, and what came out
    backward    the layers that read the unit: each sends back its gradients times the weights by which it read

    conv3_1:4@5,6 = b + sum of x * w over its window           d conv3_1:4@5,6 = sum over its readers of d reader * w

Everything is summed again here, in float64 and in the open, from the layers' definitions; tests hold it against the
engine. Long sums show their largest terms and one number for the rest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minivis import layers as L
from minivis.engine.plan import leading, reached
from minivis.engine.units import parse_unit
from minivis.live.backward_sums import backward
from minivis.live.forward_sums import forward
from minivis.live.numbers import At, named, place
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

MOST = 3e7                                      # bytes of the outputs above a number that are kept


def explain(net: Network, x: Array, unit: Any, target: Any = None) -> dict[str, Any]:
    """What made ``unit`` of one picture x (1, h, w, C), and its gradient of the score of ``target``, a class.

    target: a unit of the logits, such as fc8:99; by default the first class, and of a class its own score.

    For a net and a picture on the CPU. Return a dict of plain values; static/arithmetic.js lays them out.
    """
    unit = parse_unit(net, unit)
    acts = net.forward(x, keep=outputs_needed(net, x, unit.layer), fuse=False)
    at = place(acts, unit)
    found = {"unit": named(net, unit.layer, at), "layer": unit.layer, "value": float(acts[unit.layer][0][at])}
    return {**found, "forward": forward(net, acts, unit.layer, at), "then": relus(net, acts, unit.layer, at),
            "backward": backward(net, acts, unit.layer, at, target)}


def outputs_needed(net: Network, x: Array, name: str) -> set[str]:
    """The layers whose outputs the arithmetic of a number of layer ``name`` needs: those that it shows, and all between
    them and the classes unless these take more than MOST bytes; LRP then computes them again, in segments."""
    logits, inputs = net.roles.get("logits"), {one: node.inputs for one, node in net.nodes.items()}
    readers = [one for one, sources in inputs.items() if name in sources]
    shown, todo = {"input", name, *readers, *([logits] if logits else [])}, [name]
    for reader in readers:
        shown.update(inputs[reader])
    while todo:                                 # down to what made it: through layers that change each number by itself
        one = todo.pop()
        shown.update(inputs.get(one, ()))
        todo += inputs[one] if one != "input" and net.nodes[one].layer.elementwise else ()
    between = leading({one: inputs[one] for one in reached(net, logits)}, {name})
    between |= {source for one in between for source in inputs[one]}
    shapes = net.shapes(x.shape)
    small = sum(math.prod(shapes[one]) for one in between) * x.itemsize <= MOST
    return shown | between if small else shown


def relus(net: Network, acts: Activations, name: str, at: At) -> list[dict[str, Any]]:
    """What each ReLU that reads the unit makes of it."""
    readers = [reader for reader, (layer, inputs) in net.nodes.items() if name in inputs and isinstance(layer, L.ReLU)]
    return [{"layer": reader, "unit": named(net, reader, at), "value": float(acts[reader][0][at])}
            for reader in readers]
